"""Losses one by one: values by hand, shapes, kinks, and how many steps the logistic prox takes."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

import raflib as rf
from raflib import losses

ALL = [rf.Square(), rf.Hinge(), rf.SquaredHinge(), rf.Logistic(), rf.MinNorm(), rf.MaxMargin()]
each_loss = pytest.mark.parametrize("loss", ALL, ids=repr)
INF = np.inf


@pytest.mark.parametrize(
    ("loss", "values"),
    [
        (rf.Square(), [8.0, 0.5, 0.005, 0.0, 0.125]),
        (rf.Hinge(), [4.0, 1.0, 0.1, 0.0, 0.0]),
        (rf.SquaredHinge(), [8.0, 0.5, 0.005, 0.0, 0.0]),
        (
            rf.Logistic(),
            [np.log1p(np.exp(3)), np.log(2), np.log1p(np.exp(-0.9)), np.log1p(np.exp(-1)), np.log1p(np.exp(-1.5))],
        ),
        (rf.MinNorm(), [INF, INF, INF, 0.0, INF]),
        (rf.MaxMargin(), [INF, INF, INF, 0.0, 0.0]),
    ],
    ids=repr,
)
def test_values(loss: losses.Loss, values: list[float]) -> None:
    np.testing.assert_allclose(loss.value(np.array([-3.0, 0.0, 0.9, 1.0, 1.5])), values, rtol=1e-14)


def test_slope_at_zero_and_limit_of_no_ridge() -> None:
    assert [loss.slope_at_zero for loss in ALL] == [-1, -1, -1, -0.5, -INF, -INF]
    assert [loss.constraint for loss in ALL] == [
        rf.MinNorm(), rf.MaxMargin(), rf.MaxMargin(), rf.MaxMargin(), None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "u", "V", "prox"),
    [
        (rf.Square(), -1.0, 3.0, 0.5),
        (rf.Hinge(), -1.0, 0.5, -0.5),
        (rf.Hinge(), 0.6, 0.5, 1.0),
        (rf.Hinge(), 1.1, 0.5, 1.1),
        (rf.SquaredHinge(), -1.0, 3.0, 0.5),
        (rf.SquaredHinge(), 1.1, 3.0, 1.1),
        (rf.MinNorm(), 7.0, 0.5, 1.0),
        (rf.MaxMargin(), 0.2, 0.5, 1.0),
        (rf.MaxMargin(), 1.1, 0.5, 1.1),
    ],
    ids=repr,
)
def test_prox_force_and_stiffness_by_hand(loss: losses.Loss, u: float, V: float, prox: float) -> None:
    at, width = np.array(u), np.array(V)
    assert float(loss.prox(at, width)) == pytest.approx(prox, rel=1e-15)
    assert float(loss.force(at, width)) == pytest.approx((prox - u) / V, abs=1e-15)
    step = 1e-3  # these maps are linear between their kinks
    slope = (loss.prox(at + step, width) - loss.prox(at - step, width)) / (2 * step)
    assert float(loss.dprox(at, width)) == pytest.approx(float(slope), abs=1e-12)
    assert float(loss.stiffness(at, width)) == pytest.approx((1 - float(slope)) / V, abs=1e-11)


@each_loss
def test_fields_and_widths_broadcast(loss: losses.Loss) -> None:
    u, V = np.array([-2.0, 0.4, 1.0, 3.0])[:, None], np.array([0.1, 1.0, 30.0])
    for of in (loss.prox, loss.dprox, loss.force, loss.stiffness):
        table = of(u, V)
        assert table.shape == (4, 3), of
        for i, j in np.ndindex(4, 3):
            assert table[i, j] == pytest.approx(float(of(u[i, 0], V[j])), rel=1e-12), of
        # One field for many widths, one width for many fields.
        assert of(np.array(0.5), V).shape == (3,)
        assert of(u[:, 0], np.array(0.5)).shape == (4,)


@each_loss
def test_kinks_are_where_the_prox_bends(loss: losses.Loss) -> None:
    V, step = np.array([0.3, 1.0, 4.0]), 1e-7
    expected = {
        "Hinge": [1 - V, np.ones(3)],
        "SquaredHinge": [np.ones(3)],
        "MaxMargin": [np.ones(3)],
        "Square": [],
        "MinNorm": [],
    }
    name, kinks = type(loss).__name__, loss.kinks(V)
    if name == "Logistic":  # smooth; panels end where p passes its levels
        np.testing.assert_allclose(
            [loss.prox(u, V) for u in kinks], [[p] * 3 for p in loss.levels], rtol=1e-9, atol=1e-9
        )
        assert min(loss.levels) < np.log(1e-16)
        assert max(loss.levels) > -np.log(1e-16)
        assert np.diff(loss.levels).max() == 3.0
        return
    for kink, where in zip(kinks, expected[name], strict=True):
        np.testing.assert_array_equal(kink, where)
        assert (np.abs(loss.dprox(kink + step, V) - loss.dprox(kink - step, V)) > 0.1).all()
    line = loss.linear_force(V)
    assert line is not None
    assert len(line.slopes) == len(line.intercepts) == len(kinks) + 1
    for i, (knot, kink) in enumerate(zip(line.knots, kinks, strict=True)):  # the pieces meet
        np.testing.assert_array_equal(knot, kink)
        left, right = (line.intercepts[j] + line.slopes[j] * knot for j in (i, i + 1))
        np.testing.assert_allclose(left, right, atol=1e-14)
        np.testing.assert_allclose(left, loss.force(knot, V), atol=1e-14)
    for piece in (*line.slopes, *line.intercepts, *line.knots):
        assert np.shape(piece) == (3,)


def test_logistic_at_large_margins() -> None:
    # Derivatives of log(1 + exp(-x)) with 30 digits, to where they are near the end of floating point.
    x = np.array([-700.0, -40.0, -2.0, 0.0, 0.3, 36.0, 600.0])
    first, second, third = rf.Logistic().derivatives(x)
    with mp.workdps(30):
        below, above = ([1 / (1 + mp.exp(sign * mp.mpf(v))) for v in x] for sign in (1, -1))
        bend = [p * q for p, q in zip(below, above, strict=True)]
        twist = [w * (p - q) for w, p, q in zip(bend, below, above, strict=True)]
    for found, exact in ((first, [-p for p in below]), (second, bend), (third, twist)):
        np.testing.assert_allclose(found, [float(v) for v in exact], rtol=1e-13, atol=1e-320)


def test_the_logistic_prox_starts_near_its_root(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each step evaluates sigma once. From u, or from the middle of its bracket, it would take tens of them.
    steps = 0
    exact = losses.expit

    def counted(x: np.ndarray) -> np.ndarray:
        nonlocal steps
        steps += 1
        return exact(x)

    monkeypatch.setattr(losses, "expit", counted)
    rng = np.random.default_rng(6)
    loss, most = rf.Logistic(), 0
    for scale in (1e-6, 1e-2, 1.0, 5.0, 30.0, 1e3, 1e8):
        for V in (1e-8, 1e-3, 0.3, 3.0, 100.0, 1e5, 1e8):
            steps = 0
            loss.prox(scale * rng.normal(size=50), np.full(50, V))
            most = max(most, steps)
    assert most <= 8


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_the_logistic_prox_finds_its_root_from_inside_its_bracket(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # From far away Newton's steps overshoot by orders of magnitude: a bracket holds them.
    u, V = (x.ravel() for x in np.meshgrid(np.linspace(-300.0, 100.0, 41), np.geomspace(1e-3, 1e4, 15)))
    monkeypatch.setattr(losses, "_prox_start", lambda u, V: u + share * V)
    p = rf.Logistic().prox(u, V)
    with mp.workdps(30):
        for at, field, width in zip(p, u, V, strict=True):
            excess = mp.mpf(at) - mp.mpf(field) - mp.mpf(width) / (1 + mp.exp(mp.mpf(at)))
            assert abs(excess) <= 4e-15 * (abs(at) + abs(field) + width / (1 + np.exp(at)))
