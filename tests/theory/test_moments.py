"""Every expectation of the channel by two routes, in the tails, and in pieces."""

from __future__ import annotations

import tracemalloc

import mpmath as mp
import numpy as np
import pytest
from references import expectations

import raflib as rf
from raflib import channel as channels
from raflib.channel import channel, conjugates, mean_loss, mean_moreau, mean_pull, quadrature
from raflib.overlaps import Overlaps

LOSSES = [rf.Square(), rf.Hinge(), rf.SquaredHinge(), rf.Logistic(), rf.MinNorm(), rf.MaxMargin()]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def ordinary(n: int, seed: int) -> tuple[np.ndarray, Overlaps]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, n), Overlaps(*np.exp(rng.normal(0, 0.7, (3, n))))


@each_loss
def test_all_seven_moments_by_quadrature(loss: rf.losses.Loss) -> None:
    eps, overlaps = ordinary(60, seed=8)
    force = loss.linear_force(overlaps.V)
    if force is None:
        moments, _ = channels._smooth(eps, loss, overlaps)
    else:
        moments, _, trusted = channels._closed_form(eps, force, overlaps)
        assert trusted.all()
    by_nodes = quadrature(eps, loss, overlaps)
    for name, value, other in zip(moments._fields, moments, by_nodes, strict=True):
        scale = np.abs(other) + 1e-3 * np.abs(moments.square)  # the signed ones can vanish
        np.testing.assert_allclose(value / scale, other / scale, atol=1e-10, err_msg=name)


@each_loss
def test_second_derivatives_of_the_force_by_differences(loss: rf.losses.Loss) -> None:
    """E_t[g''], E[g g''], E[g'''] and E[u g''] are slopes of E_t[g'], E[g^2], E[g'] and so on, by the heat equation."""
    eps, at = ordinary(25, seed=9)
    one, h = np.ones(25), 1e-4
    found = channel(one, eps, loss, at).slopes
    for j, name in enumerate(("V", "s", "m")):
        x = getattr(at, name)
        far, near = (
            [np.array(conjugates(one, eps, loss, at._replace(**{name: x * (1 + sign * k * h)}))) for sign in (1, -1)]
            for k in (2, 1)
        )
        # A difference over five points: its error is of order h^4.
        slope = (8 * (near[0] - near[1]) - (far[0] - far[1])) / (12 * h * x)
        size = np.abs(np.array(conjugates(one, eps, loss, at))) / x
        np.testing.assert_allclose(found[:, j] / size, slope / size, atol=2e-9)


@pytest.mark.parametrize("name", ["hinge", "maxmargin", "squaredhinge"])
@pytest.mark.parametrize(
    ("eps", "m", "s", "V"),
    [
        (0.3, 0.04, 0.005, 0.4),
        (1.0, 0.0, 0.02, 0.3),
        (0.0, 0.1, 0.002, 0.2),
        (0.6, 0.05, 0.01, 1e-3),
        (0.2, 3.0, 0.5, 1e-4),
    ],
)
def test_margins_that_hardly_reach_the_kinks(name: str, eps: float, m: float, s: float, V: float) -> None:
    """Relative accuracy where the mass beyond the kinks is small, or the piece between them narrow."""
    boundary, square, stiffness = expectations(name, eps, m, s, V)
    losses = {"hinge": rf.Hinge(), "maxmargin": rf.MaxMargin(), "squaredhinge": rf.SquaredHinge()}
    at = Overlaps(*(np.array([x]) for x in (m, s, V)))
    hats = conjugates(np.ones(1), np.array([eps]), losses[name], at)
    assert hats.V_hat[0] == pytest.approx(float(stiffness), rel=1e-10)
    assert hats.q_hat[0] == pytest.approx(float(square), rel=1e-10)
    assert hats.m_hat[0] == pytest.approx(float((1 - eps) * np.sqrt(2 / np.pi) * boundary), rel=1e-10, abs=1e-300)


def wide(n: int, seed: int) -> tuple[np.ndarray, Overlaps]:
    """Fields, widths and alignments over many decades; no facts, few facts and facts alone among them."""
    rng = np.random.default_rng(seed)
    eps = np.concatenate(
        [np.zeros(n // 6), 10 ** rng.uniform(-9, -1, n // 6), np.ones(n // 6), rng.uniform(0, 1, n - 3 * (n // 6))]
    )
    m, s, V = 10 ** rng.uniform([[-3.0], [-5.0], [-5.0]], [[2.5], [3.0], [4.0]], (3, n))
    return eps, Overlaps(np.where(eps == 1.0, 0.0, m), s, V)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if not isinstance(loss, rf.Logistic)], ids=repr)
def test_the_closed_form_is_right_where_it_is_trusted_and_trusted_where_nothing_cancels(loss: rf.losses.Loss) -> None:
    eps, at = wide(4000, seed=3)
    force = loss.linear_force(at.V)
    assert force is not None
    moments, _, trusted = channels._closed_form(eps, force, at)
    by_nodes = quadrature(eps, loss, at)
    for name in ("boundary", "square", "stiffness"):
        value, other = getattr(moments, name)[trusted], getattr(by_nodes, name)[trusted]
        np.testing.assert_allclose(value, other, rtol=1e-11, atol=1e-14, err_msg=name)
    # Kinks within six widths of the field, pieces not narrow, a student far from perfect: fast there.
    width = np.sqrt(at.q)
    plain = ((1 - at.V) / width < 6) & (at.m < 4 * np.sqrt(at.s)) & (0.2 * width < at.V)
    assert plain.sum() > 500
    assert trusted[plain].all()


def test_the_load_is_a_factor() -> None:
    eps, at = ordinary(5, seed=10)
    load = np.array([0.1, 1.0, 3.0, 7.0, 1e3])
    for loss in LOSSES:
        one, many = channel(np.ones(5), eps, loss, at), channel(load, eps, loss, at)
        for single, times in zip(one.conjugates, many.conjugates, strict=True):
            np.testing.assert_allclose(times, load * single, rtol=1e-14)
        np.testing.assert_allclose(many.slopes, load * one.slopes, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("loss", [rf.Hinge(), rf.Logistic()], ids=repr)
def test_a_batch_in_pieces_is_the_batch(loss: rf.losses.Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    eps, at = ordinary(50, seed=11)
    whole = channel(np.ones(50), eps, loss, at)
    means = [mean(loss, at, eps) for mean in (mean_loss, mean_moreau, mean_pull)]
    monkeypatch.setattr(channels, "CHUNK", 7)
    monkeypatch.setattr(channels, "_SMOOTH_CHUNK", 9)
    parts = channel(np.ones(50), eps, loss, at)
    for one, other in zip(whole.conjugates, parts.conjugates, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    np.testing.assert_allclose(whole.slopes, parts.slopes, rtol=1e-9, atol=1e-12)
    for value, mean in zip(means, (mean_loss, mean_moreau, mean_pull), strict=True):
        np.testing.assert_allclose(mean(loss, at, eps), value, rtol=1e-12)


def test_pieces_are_few_and_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    eps, at = ordinary(4096, seed=12)
    pieces, nodes = [], channels._smooth_nodes

    def counted(loss, width, *more):
        pieces.append(width.size)
        return nodes(loss, width, *more)

    monkeypatch.setattr(channels, "_smooth_nodes", counted)
    tracemalloc.start()
    conjugates(np.ones(4096), eps, rf.Logistic(), at)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert np.mean(pieces) > 200  # small ones would spend their time on calls


@pytest.mark.parametrize("name", ["hinge", "logistic", "squaredhinge"])
def test_means_over_margins_with_mpmath(name: str) -> None:
    """Loss, envelope and pull of a sample, by adaptive quadrature straight from the definitions."""
    eps, m, s, V = 0.3, 0.9, 1.7, 2.5
    loss = {"hinge": rf.Hinge(), "logistic": rf.Logistic(), "squaredhinge": rf.SquaredHinge()}[name]
    with mp.workdps(20):
        root_q, k = mp.sqrt(mp.mpf(m) ** 2 + s), mp.mpf(m) / mp.sqrt(mp.mpf(s))

        def prox(u: mp.mpf) -> mp.mpf:
            if name == "logistic":
                return mp.findroot(lambda p: p - u - V / (1 + mp.exp(p)), u + V / 2)
            if name == "squaredhinge":
                return (u + V) / (1 + V) if u < 1 else u
            return u + V if u < 1 - V else max(u, mp.mpf(1))

        def value(x: mp.mpf) -> mp.mpf:
            if name == "logistic":
                return mp.log(1 + mp.exp(-x))
            short = max(mp.mpf(0), 1 - x)
            return short**2 / 2 if name == "squaredhinge" else short

        def mean(function) -> float:
            ends = [-12, -5, (1 - V) / root_q, 0, 1 / root_q, 5, 12]
            return float(
                mp.quad(
                    lambda x: (
                        mp.npdf(x)
                        * (eps + 2 * (1 - mp.mpf(eps)) * mp.ncdf(k * x))
                        * function(root_q * x, prox(root_q * x))
                    ),
                    ends,
                )
            )

        expected = (
            mean(lambda u, p: value(p)),
            mean(lambda u, p: value(p) + (p - u) ** 2 / (2 * mp.mpf(V))),
            mean(lambda u, p: (p - u) / mp.mpf(V) * p),
        )
    at = Overlaps(*(np.array([x]) for x in (m, s, V)))
    for of, number in zip((mean_loss, mean_moreau, mean_pull), expected, strict=True):
        assert of(loss, at, np.array([eps]))[0] == pytest.approx(number, rel=1e-11)
