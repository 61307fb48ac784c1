"""Explorers without a browser: every number over the whole grid, every word, every rendering."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import html
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, ndtr, roots_hermitenorm, roots_legendre
from scipy.stats import norm

import raflib as rf
from raflib import explore
from raflib.channel import quadrature
from raflib.explore import catalog, live, static, still, table
from raflib.explore.catalog import CATALOG, digits, get
from raflib.explore.catalog.shared import HEBB, both_errors
from raflib.explore.spec import Control, Curve, Dot, Explorer, Output, Panel, Rule, log_grid
from raflib.explore.words import UNSOLVED, format_number
from raflib.gaussian import density

EVERY = pytest.mark.parametrize("explorer", CATALOG.values(), ids=CATALOG)
#: Those that show the error of a trained learner; what others show is compared with other routes in tests of their own.
SHOW_ERROR = {
    name: e
    for name, e in CATALOG.items()
    if any(output.name == "gen" for output in e.outputs) and name != "digits"  # measured, not solved
}
WITH_ERROR = pytest.mark.parametrize("explorer", SHOW_ERROR.values(), ids=SHOW_ERROR)


def states(explorer: Explorer) -> Iterator[dict[str, int]]:
    """Every position of the sliders; what is not a slider stays at its default."""
    ranges = [range(len(c.values)) if not c.hidden else [c.index(c.default)] for c in explorer.controls]
    for indices in itertools.product(*ranges):
        yield dict(zip([c.name for c in explorer.controls], indices, strict=True))


def sample(explorer: Explorer, count: int) -> list[dict[str, int]]:
    """Positions spread over the whole grid, the same in every run."""
    rng = np.random.default_rng(2603_25579)
    return [{c.name: int(rng.integers(len(c.values))) for c in explorer.controls} for _ in range(count)]


def values(explorer: Explorer, state: dict[str, int]) -> dict[str, float | str]:
    return {name: explorer.control(name).values[index] for name, index in state.items()}


def learns_on(at: dict[str, float | str]) -> rf.Kernel | rf.RandomFeatures:
    """What the learner of an explorer sees of its inputs, at these values of the controls."""
    if "eta" in at:
        return rf.Kernel.rbf(at["eta"])
    gamma = np.radians(at.get("gamma", 0.0))
    if "kappa" in at:
        return rf.RandomFeatures(np.cos(gamma), np.sin(gamma), at["kappa"])
    return rf.Kernel.from_angle(gamma)


# ------------------------------------------------------------------ a small explorer to break
def double(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    return {"out": np.where(a == 2.0, np.nan, a * b / 10)}


def toy(**changes: object) -> Explorer:
    made = Explorer(
        name="toy",
        title="Toy",
        question="What?",
        answer="That.",
        alt="A line.",
        controls=(Control("a", "first", (0.0, 1.0, 2.0, 3.0), 1.0), Control("b", "second", (1.0, 2.0), 1.0)),
        outputs=(Output("out", 0.0, 1.0, decimals=3),),
        panels=(
            Panel(
                "a",
                "out",
                (0.0, 3.0),
                (0.0, 1.0),
                (Curve("a", "out", over="a", colour="rule"), Dot("a", "out", colour="rule", label="{out:.2f}")),
                (0.0, 3.0),
                (0.0, 1.0),
            ),
        ),
        compute=double,
        readings=("At a = {a}, out is {out:.2f}.",),
    )
    return dataclasses.replace(made, **changes)


# ------------------------------------------------------------------ the numbers
@EVERY
def test_every_point_of_the_grid_is_solved(explorer: Explorer) -> None:
    results = explorer.compute(**table.open_grid(explorer))
    for output in explorer.outputs:
        array = np.asarray(results[output.name])
        assert np.isfinite(array).all(), output.name
        assert (array >= output.low).all(), output.name
        assert (array <= output.high + 1e-12).all(), output.name


@EVERY
def test_the_page_keeps_the_declared_decimals(explorer: Explorer) -> None:
    results = explorer.compute(**table.open_grid(explorer))
    solved = table.solve(explorer)
    for output in explorer.outputs:
        kept = np.abs(solved.values[output.name] - np.asarray(results[output.name]))
        assert kept.max() <= 0.5000001 * 10.0**-output.decimals, output.name


@WITH_ERROR
def test_a_batch_gives_the_numbers_of_single_points(explorer: Explorer) -> None:
    solved = table.solve(explorer)
    for state in sample(explorer, 25):
        at = values(explorer, state)
        features = learns_on(at)
        task = rf.RulesAndFacts(at["alpha"], at["eps"])
        fixed = "hinge" if explorer.name == "phases" else "square"  # where the reader has no choice
        if explorer.name == "landscape":  # of the Bayes-optimal learner alone
            best = rf.generalization_error(rf.solve(task, rf.BayesOptimal()))
            assert solved.at("gen", state) == pytest.approx(best, abs=0.6e-5), at
            continue
        gen, mem = both_errors(task, at.get("loss", fixed), features, at.get("lam", HEBB))
        assert solved.at("gen", state) == pytest.approx(gen, abs=0.6e-5), at
        if "mem" in {output.name for output in explorer.outputs}:
            assert solved.at("mem", state) == pytest.approx(mem, abs=0.6e-5), at


@EVERY
def test_every_position_is_read_aloud(explorer: Explorer) -> None:
    solved = table.solve(explorer)
    seen = set()
    for state in states(explorer):
        said = table.reading(solved, state)
        assert said != UNSOLVED, state
        assert not re.search(r"[{}]|nan|inf\b|None", said), said
        assert said.endswith("."), said
        seen.add(int(solved.case.flat[_flat(explorer, solved, state)]))
    assert seen == set(range(len(explorer.readings))), "a reading is never said"


def _flat(explorer: Explorer, solved: table.Table, state: dict[str, int]) -> int:
    steps = table.strides(solved.case.shape)
    return sum(step * state[c.name] for step, c in zip(steps, explorer.controls, strict=True))


@EVERY
def test_every_slider_moves_what_is_seen(explorer: Explorer) -> None:
    solved = table.solve(explorer)
    start = explorer.state()
    for control in explorer.sliders:
        looks = set()
        for index in range(len(control.values)):
            seen = table.view(solved, {**start, control.name: index})
            looks.add(repr(seen))
        assert len(looks) == len(control.values), f"two positions of {control.name} look the same"


@EVERY
def test_words_of_a_dot_stay_in_the_panel(explorer: Explorer) -> None:
    solved = table.solve(explorer)
    for state in sample(explorer, 200):
        for panel, drawn in zip(explorer.panels, table.view(solved, state).panels, strict=True):
            for mark, points in zip(panel.marks, drawn, strict=True):
                if isinstance(mark, Dot):
                    x, y = panel.across(points.x[0]), panel.up(points.y[0])
                    assert 0 <= x <= 1, state
                    assert 0 <= y <= 1, state
                    assert points.dx == (1 if x <= 0.15 else points.dx), "words leave on the left"
                    assert points.dy == (1 if y <= 0.1 else points.dy), "words leave at the bottom"


@EVERY
def test_a_reader_can_move_three_things_and_is_asked_something(explorer: Explorer) -> None:
    assert len(explorer.sliders) >= 3
    assert explorer.question.endswith("?")
    assert explorer.answer.endswith(".")
    assert len(explorer.alt) > 80
    assert all(c.label for c in explorer.sliders)


@EVERY
def test_the_page_stays_light(explorer: Explorer) -> None:
    packed = gzip.compress(static.html(table.solve(explorer)).encode())
    assert len(packed) < 400_000


# ------------------------------------------------------------------ the best ridge
@pytest.mark.parametrize("dash", ["solid", "dashed", "dotted"])
def test_broken_lines_look_broken_on_the_page(dash: str) -> None:
    # Ends that stick out of a dash by half the line's width on either side must leave a gap of a pixel and a half.
    panel = toy().panels[0]
    curve = Curve("a", "out", over="a", colour="rule", dash=dash)
    solved = table.solve(toy(panels=(dataclasses.replace(panel, marks=(curve,)),)))
    line = static.bokeh_figure(solved, 0, solved.explorer.state()).renderers[0].glyph
    ends = 0.0 if line.line_cap == "butt" else line.line_width
    assert [gap - ends > 1.5 for gap in line.line_dash[1::2]] == ([] if dash == "solid" else [True])


def test_best_ridge_of_the_square_loss_is_the_closed_form() -> None:
    solved = table.solve(get("hero"))
    for eps, gamma, alpha in itertools.product((0.05, 0.2, 0.8), (0.0, 20.0, 40.0, 60.0), (0.5, 3.0, 30.0)):
        state = solved.explorer.state(eps=eps, gamma=gamma, alpha=alpha)
        exact = rf.optimal_ridge(eps, rf.Kernel.from_angle(np.radians(gamma)))
        found = solved.at("lam_best", state)
        if exact > 1e-2:
            assert found == pytest.approx(exact, rel=2e-3), (eps, gamma, alpha)
        elif exact < 0:
            assert found == pytest.approx(1e-4), (eps, gamma, alpha)


@pytest.mark.parametrize("name", ["hero", "tradeoff"])
def test_no_ridge_of_the_grid_beats_the_best_one(name: str) -> None:
    results = get(name).compute(**table.open_grid(get(name)))
    lowest = np.asarray(results["gen"]).min(axis=-1, keepdims=True)
    assert (results["gen_best"] <= lowest + 1.0001e-8).all()
    assert (results["gen_best"] >= lowest - 2e-3).all(), "far below the grid: not on the same curve"


# ------------------------------------------------------------------ the answers
def claimed(name: str, *claims: str) -> None:
    answer = get(name).answer
    for claim in claims:
        assert claim in answer, f"{claim!r} is not in the answer: {answer}"


def test_hero_answer() -> None:
    solved = table.solve(get("hero"))

    def best(gamma: float) -> tuple[str, str, str]:
        state = solved.explorer.state(gamma=gamma)  # alpha 3, eps 0.2, square loss
        gen, mem = solved.at("gen_best", state), solved.at("mem_best", state)
        return format_number(solved.at("lam_best", state), ".2g"), format_number(gen, ".1%"), format_number(mem, ".1%")

    assert [best(g)[1] for g in (0, 10, 20, 30, 40, 50)] == ["21.1%"] * 6
    claimed("hero", f"from {best(0)[0]} at", f"to {best(50)[0]} at", "stays 21.1%")
    claimed("hero", f"from {best(0)[2]} to {best(40)[2]} at 40°", "to none at 50°")
    assert best(50)[2] == "0.0%"
    claimed("hero", f"{best(60)[1]} at 60°, {best(80)[1]} at 80°")
    assert best(60)[0] == best(80)[0] == "0.0001"
    assert "α = 3 and ε = 0.2" in get("hero").answer
    assert 0.29 < solved.at("mem_best", solved.explorer.state()) < 0.31, "the question says three of ten"


def test_phases_answer() -> None:
    solved = table.solve(get("phases"))

    def at(alpha: float) -> tuple[str, str]:
        state = solved.explorer.state(alpha=alpha)  # eps 0.3, lam -> 0+
        return format_number(solved.at("gen", state), ".1%"), format_number(solved.at("mem", state), ".1%")

    claimed("phases", f"from {at(2.4)[0]} to {at(2.6)[0]}", f"down to {at(2.8)[0]}", f"none to {at(2.8)[1]}")
    assert at(2.4)[1] == at(2.6)[1] == "0.0%"
    claimed("phases", "boundary at " + format_number(solved.at("boundary", solved.explorer.state()), ".3g"))


def test_overlaps_answer() -> None:
    solved = table.solve(get("overlaps"))

    def at(name: str, lam: float, form: str) -> str:
        return format_number(solved.at(name, solved.explorer.state(lam=lam)), form)  # alpha 2, eps 0.3

    claimed("overlaps", f"from {at('gen', 1, '.1%')} to {at('gen', 100, '.1%')}")
    claimed("overlaps", f"√q falls from {at('length', 1, '.2g')} to {at('length', 100, '.2g')}")
    claimed("overlaps", f"m from {at('m', 1, '.2g')} to {at('m', 100, '.2g')}")
    claimed("overlaps", f"goes from {at('cosine', 1, '.2f')} to {at('cosine', 100, '.2f')}")


def test_hebb_answer() -> None:
    solved = table.solve(get("hebb"))

    def at(name: str, **values: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(**values)), ".1%")  # alpha 1, eps 0

    before, half = at("hebb_gen"), at("hebb_gen", eps=0.5)
    claimed("hebb", f"from {before} to {half}", f"at α = 2 it is {at('hebb_gen', eps=0.5, alpha=2.0)}")
    claimed("hebb", f"back at {at('hebb_gen', eps=0.5, alpha=4.0)}")
    assert at("hebb_gen", eps=0.5, alpha=4.0) == before
    claimed("hebb", f"from {at('hebb_mem')} to {at('hebb_mem', eps=0.5, alpha=4.0)}")


def test_nothing_beats_the_best_and_a_strong_ridge_is_hebb() -> None:
    results = get("hebb").compute(**table.open_grid(get("hebb")))
    assert (results["best"] <= np.minimum(results["gen"], results["hebb_gen"]) + 1e-9).all()
    weak, strong = (np.abs(results["gen"] - results["hebb_gen"])[..., i].max() for i in (0, -1))
    assert strong < 0.1 * weak


def test_moments_answer() -> None:
    solved = table.solve(get("moments"))

    def at(name: str, form: str, **values: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(**values)), form)  # alpha 1, lam 1

    cold, third = at("power", ".1f", beta=3.0), at("power", ".1f", n=3.0)
    assert cold == third
    assert 10.0 ** solved.at("power", solved.explorer.state()) == pytest.approx(5.0, abs=0.5)
    claimed("moments", f"to the power {cold}, at d = 30 in 10 to the power {at('power', '.1f', beta=3.0, d=30.0)}")
    claimed("moments", f"it is {at('share', '.3f', beta=3.0)} at β = 3 and {at('share', '.3f', n=3.0)} at n = 3")


def test_moments_exponent_is_that_of_the_exact_mean() -> None:
    """At n = 1 the length of one weight vector, chi-squared, is all that E[Z] depends on: one integral at any d."""
    solved = table.solve(get("moments"))
    d = 20_000
    for alpha, lam, beta in ((1.0, 1.0, 1.0), (0.25, 0.3, 3.0), (1.0, 3.0, 3.0), (0.5, 0.1, 0.3)):

        def exponent(t: float, alpha: float = alpha, lam: float = lam, beta: float = beta) -> float:
            b = 1.0 + t / lam
            return 0.5 * (np.log(t) - t + 1.0) - 0.5 * alpha * (np.log(b) + beta / b)  # t = beta lam |w|^2 / d

        t = np.geomspace(1e-3, 1e2, 400_001)
        value = np.array(exponent(t))
        exact = value.max() + np.log(np.trapezoid(np.exp(d * (value - value.max())) / t, t)) / d
        exact += 0.5 * np.log(d / (4.0 * np.pi)) / d  # of the density of chi-squared over d
        state = solved.explorer.state(alpha=alpha, lam=lam, beta=beta, n=1.0)
        assert solved.at("mean", state) == pytest.approx(exact, abs=2e-4)


def test_moments_become_typical_as_replicas_go_away() -> None:
    solved = table.solve(get("moments"))
    for alpha, beta in ((1.0, 0.1), (0.25, 3.0), (1.0, 3.0)):
        state = solved.explorer.state(alpha=alpha, beta=beta, n=0.01)
        assert solved.at("share", state) == pytest.approx(1.0, abs=3e-3)
        assert solved.at("power", state) == pytest.approx(0.0, abs=2e-3)


def test_freeze_answer() -> None:
    solved = table.solve(get("freeze"))

    def at(name: str, **values: float) -> float:
        return solved.at(name, solved.explorer.state(**values))  # N 64, beta 3, n 1

    question = get("freeze").question
    assert f"{at('share'):.3f} times the typical exponent" in question
    assert f"in 10 to the power {at('power'):.1f} makes it" in question
    assert f"the excess of {at('share') - 1:.3f}" in question
    left, power = at("share", n=0.5) - 1, at("power", n=0.5)
    claimed("freeze", f"Hardly anything: {left:.3f}, and one draw in 10 to the power {power:.1f}")
    critical = 2 * np.sqrt(np.log(2))
    places = f"near n = {critical / 3:.2f} at β = 3 and near n = {critical / 2:.2f} at β = 2"
    claimed("freeze", places, f"β_c = {critical:.2f}")
    small, larger, large = (at("share", N=N, n=0.5) - 1 for N in (8.0, 16.0, 256.0))
    claimed("freeze", f"excess of {small:.3f} with N = 8, of {larger:.3f} with N = 16 and of {large:.3f} with N = 256")
    for text in get("freeze").readings:
        assert f"nβ is {{}} {critical:.2f}.".format("below" if "one, as" in text else "above") in text


def test_freeze_is_what_drawn_energies_give() -> None:
    """Typical value, mean of Z^n and the draws that make it, from 20,000 draws of the 256 energies of N = 8."""
    solved = table.solve(get("freeze"))
    energies = 2.0 * np.random.default_rng(11).standard_normal((20_000, 256))
    for beta in (0.4, 1.5, 3.0):
        terms = np.exp(beta * energies)
        logs = np.log(terms.sum(axis=1))
        # Where rare draws make the mean, draws weighted with Z: one energy is shifted by beta times its variance.
        tilted = np.log(terms.sum(axis=1) + terms[:, 0] * np.expm1(4.0 * beta**2))
        for n in (0.25, 0.5, 0.75, 1.0):
            rare = n * beta > 1.5
            sampled, power, log_mean = (tilted, n - 1.0, 8.0 * (np.log(2) + beta**2 / 4)) if rare else (logs, n, 0.0)
            weight = np.exp(power * sampled)
            state = solved.explorer.state(N=8.0, beta=beta, n=n)
            typical = 8.0 * solved.at("typical", state)
            assert abs(logs.mean() - typical) < 4 * logs.std() / np.sqrt(logs.size) + 4e-4
            inside = (weight * sampled).mean() / weight.mean()
            error = (weight * (sampled - inside)).std() / weight.mean() / np.sqrt(logs.size)
            assert abs(inside - typical * solved.at("inside", state)) < 4 * error + 2e-3
            exponent = log_mean + np.log(weight.mean())
            error = weight.std() / weight.mean() / np.sqrt(logs.size)
            assert abs(exponent - n * typical * solved.at("share", state)) < 4 * error + 2e-3
            entropy = (n * inside - exponent) / np.log(10.0)
            assert abs(entropy - solved.at("power", state)) < 0.01 + 0.05 * entropy


def test_freeze_of_a_large_system() -> None:
    """Above the corner one state makes the mean; the typical value is that of the sum over a Poisson process."""
    solved = table.solve(get("freeze"))
    critical, N = 2 * np.sqrt(np.log(2)), 256.0
    for beta in (2.5, 2.8, 3.0):
        x = critical / beta
        state = solved.explorer.state(N=N, beta=beta, n=1.0)
        edge = N * critical / 2 - np.log(4 * np.pi * N * np.log(2)) / (2 * critical)
        sum_of_powers = gammaln(1 - x) / x + np.euler_gamma * (1 / x - 1)
        typical = solved.at("typical", state)
        assert N * typical == pytest.approx(beta * edge + sum_of_powers, abs=0.12)
        for n in (0.75, 0.9, 1.0):
            state = solved.explorer.state(N=N, beta=beta, n=n)
            assert typical * solved.at("share", state) == pytest.approx(np.log(2) / n + n * beta**2 / 4, abs=5e-4)
            assert typical * solved.at("inside", state) == pytest.approx(n * beta**2 / 2, rel=1e-3)
            assert solved.at("limit", state) == pytest.approx(n * beta / critical, abs=1e-4)
        below = solved.explorer.state(N=N, beta=beta, n=0.25)
        assert solved.at("share", below) == pytest.approx(1.0, abs=2e-3)
        assert solved.at("limit", below) == 1.0


def test_common_answer() -> None:
    solved = table.solve(get("common"))

    def at(name: str, form: str, **values: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(**values)), form)  # n 10, rho 0.5

    assert at("odds", ".3g") == "11"
    assert at("odds", ".4g", rho=0.0) == "1024"
    claimed("common", f"Once in {at('odds', '.3g', rho=0.25)} trials")
    shown = [at("mean", ".2f", rho=rho) for rho in (0.9, 0.5, 0.2, 0.1)]
    claimed("common", "{} at ρ = 0.9, {} at 0.5, {} at 0.2 and {} at 0.1".format(*shown))
    means = [solved.at("mean", solved.explorer.state(rho=rho)) for rho in solved.explorer.control("rho").values]
    assert max(means) == solved.at("mean", solved.explorer.state(rho=0.2))
    assert means[0] == 0


def test_common_part_has_the_closed_forms() -> None:
    """1/(n + 1) at correlation one half, arcsines for two and three numbers, and the mean of h if one is positive."""
    solved = table.solve(get("common"))

    def at(name: str, n: float, rho: float, c: float = 0.0) -> float:
        return solved.at(name, solved.explorer.state(n=n, rho=rho, c=c))

    assert at("odds", 3.0, 0.0, -1.0) == pytest.approx(norm.sf(-1.0) ** -3, abs=0.006)
    assert at("mean", 1.0, 0.3, -1.0) == pytest.approx(np.sqrt(0.3) * norm.pdf(1.0) / norm.sf(-1.0), abs=6e-4)
    for n in (1.0, 7.0, 20.0):
        assert at("odds", n, 0.5) == pytest.approx(n + 1, abs=0.006)
    for rho in (0.05, 0.3, 0.95):
        assert at("odds", 2.0, rho) == pytest.approx(1 / (0.25 + np.arcsin(rho) / (2 * np.pi)), abs=0.006)
        assert at("odds", 3.0, rho) == pytest.approx(1 / (0.125 + 3 * np.arcsin(rho) / (4 * np.pi)), abs=0.006)
        assert at("mean", 1.0, rho) == pytest.approx(np.sqrt(2 * rho / np.pi), abs=6e-4)


def test_kink_answer() -> None:
    solved = table.solve(get("kink"))

    def at(name: str, **values: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(**values)), ".1f")  # n 32, a 0.3, delta 0

    assert at("gh")[0] == "2", "the question says two correct digits"
    claimed("kink", f"128 nodes give {at('gh', n=128.0)} digits")
    claimed("kink", f"24 nodes give {at('cut', n=24.0)} digits and 32 give {at('cut')}")
    round_32, round_128 = at("gh", delta=0.2), at("gh", delta=0.2, n=128.0)
    claimed("kink", f"δ = 0.2 it has {round_32} digits with 32 nodes and {round_128} with 128")
    claimed("kink", f"at δ = 1 it has {float(at('gh', delta=1.0, n=24.0)):g} with 24")
    claimed("kink", f"δ = 0.05 leaves {at('cut', delta=0.05)} digits of {at('cut')}")
    sharp = [solved.at("gh", solved.explorer.state(n=n)) for n in solved.explorer.control("n").values]
    assert max(sharp) < 6, "six digits are more than the slider has"
    worst = np.abs(solved.values["scaled"][..., 0]).max()
    claimed("kink", f"{format_number(worst, '.1f')} divided by the number of nodes")
    assert 1e5 < worst / 1e-6 < 5e5, "some hundred thousand"


def test_kink_digits_are_those_of_other_rules_and_of_an_adaptive_mean() -> None:
    """SciPy's nodes and weights, and its adaptive quadrature for what they should give."""
    solved = table.solve(get("kink"))
    for n, a, delta in ((6.0, 0.0, 0.0), (32.0, 0.3, 0.0), (48.0, 1.2, 0.2), (128.0, 2.4, 0.05), (16.0, 3.0, 1.0)):

        def ramp(x: float, a: float = a, delta: float = delta) -> float:
            if delta == 0.0:
                return max(a - x, 0.0)
            return (a - x) * ndtr((a - x) / delta) + delta * norm.pdf((a - x) / delta)

        def mass(x: float, f: Callable[[float], float] = ramp) -> float:
            return f(x) * norm.pdf(x)

        exact = sum(quad(mass, *ends, epsabs=1e-14, epsrel=1e-13)[0] for ends in ((-12.0, a), (a, 12.0)))
        nodes, weights = roots_hermitenorm(int(n))
        hermite = sum(w * ramp(x) for x, w in zip(nodes, weights, strict=True)) / np.sqrt(2 * np.pi) - exact
        nodes, weights = roots_legendre(int(n) // 2)
        halves = [(low + (high - low) * (nodes + 1) / 2, weights * (high - low) / 2) for low, high in ((-9, a), (a, 9))]
        cut = sum(w * mass(x) for xs, ws in halves for x, w in zip(xs, ws, strict=True)) - exact
        state = solved.explorer.state(n=n, a=a, delta=delta)
        for name, error in (("gh", hermite), ("cut", cut)):
            assert solved.at(name, state) == pytest.approx(np.clip(-np.log10(abs(error)), 0, 12), abs=6e-3), state
        assert solved.at("scaled", state) == pytest.approx(n * hermite, abs=6e-5)


def test_kink_error_obeys_the_law_of_equal_steps() -> None:
    """Nodes are pi / sqrt(n) apart: at a kink n times the error is pi^2 phi / 24, and a rounding damps it."""
    solved = table.solve(get("kink"))
    sharp = solved.at("scaled", solved.explorer.state(n=128.0, a=0.0))
    assert sharp == pytest.approx(np.pi**2 * norm.pdf(0) / 24, rel=5e-3)
    for delta, n in ((0.2, 48.0), (0.3, 24.0), (0.3, 32.0)):
        rounded = 10.0 ** -solved.at("gh", solved.explorer.state(n=n, a=0.0, delta=delta))
        width = delta**2 / (1 + delta**2)  # of the rounding under the normal density
        assert rounded == pytest.approx(norm.pdf(0) / 2 * np.exp(-2 * width * n) / n, rel=0.1)


def test_wedge_answer() -> None:
    solved = table.solve(get("wedge"))

    def at(name: str, alpha: float, form: str) -> str:
        return format_number(solved.at(name, solved.explorer.state(alpha=alpha)), form)  # eps 0, d 100

    claimed("wedge", f"from {at('gen', 1, '.1%')} to {at('gen', 100, '.1%')}")
    claimed("wedge", f"from {at('spread', 1, '.2%')} to {at('spread', 100, '.2%')}")
    claimed("wedge", f"is {at('relative', 1, '.1%')} before and {at('relative', 100, '.1%')} after")
    claimed("wedge", f"1/√(2d) = {format_number(200**-0.5, '.1%')}")


def test_wedge_spread_is_that_of_the_exact_law() -> None:
    """Across the teacher Hebb's student is Gaussian; along it, a sum of labels times fields."""
    explorer, rng = get("wedge"), np.random.default_rng(0)
    solved = table.solve(explorer)
    d, draws = 1000, 20_000
    for alpha, eps in ((0.3, 0.0), (1.0, 0.5), (3.0, 0.2), (3.0, 0.9)):
        n = round(alpha * d)
        facts = rng.binomial(n, eps, draws)
        rule = np.array([np.abs(rng.standard_normal(n - k)).sum() for k in facts])
        m = (rule + np.sqrt(facts) * rng.standard_normal(draws)) / d
        s = alpha / d * rng.chisquare(d - 1, draws)
        error = np.arctan2(np.sqrt(s), m) / np.pi
        state = explorer.state(alpha=alpha, eps=eps, d=float(d))
        assert solved.at("spread", state) == pytest.approx(error.std(), rel=0.025)
        assert solved.at("gen", state) == pytest.approx(error.mean(), abs=2e-3)


def test_wedge_opens_by_the_angle() -> None:
    solved = table.solve(get("wedge"))
    state = solved.explorer.state(alpha=3.0, eps=0.3)
    x, y = (solved.along(name, state, "t") for name in ("x_wedge", "y_wedge"))
    rim = np.hypot(x, y) > 0.99
    right = rim & (x > 0)
    angle = np.degrees(np.arctan2(-y[right], x[right]))
    assert angle.min() == pytest.approx(0.0, abs=0.2)
    assert angle.max() == pytest.approx(solved.at("degrees", state), abs=0.2)
    assert x[right] == pytest.approx(-x[rim & (x < 0)], abs=2e-3)
    # The student's own boundary is perpendicular to it.
    tip = np.array([solved.at("x_student", state), solved.at("y_student", state)])
    end = np.argmax(angle)
    assert tip @ [x[right][end], y[right][end]] == pytest.approx(0.0, abs=2e-3)


def test_vote_answer() -> None:
    solved = table.solve(get("vote"))

    def at(name: str, alpha: float = 1.0) -> str:
        return format_number(solved.at(name, solved.explorer.state(alpha=alpha)), ".1%")  # eps 0.3, lam 3

    claimed("vote", f"{at('gen')} against {at('gibbs')}", f"can do is {at('bayes')}")
    claimed("vote", f"with {at('gen', 12.0)} against {at('gibbs', 12.0)}")
    claimed("vote", f"student has {at('gibbs', 14.0)} and ridge regression {at('gen', 14.0)}")
    ahead = [
        solved.at("gen", s) < solved.at("gibbs", s) for s in (solved.explorer.state(alpha=a) for a in (12.0, 14.0))
    ]
    assert ahead == [True, False]
    assert "λ = 3" in get("vote").question


def test_vote_is_between_one_and_two_and_ends_at_the_root() -> None:
    results = get("vote").compute(**table.open_grid(get("vote")))
    assert (results["bayes"] <= np.minimum(results["gen"], results["gibbs"]) + 1e-9).all()
    assert results["ratio"][-1].max() == pytest.approx(2**0.5, abs=1e-3)


def test_slope_answer() -> None:
    solved = table.solve(get("slope"))

    def at(name: str, **values: float) -> str:
        return format_number(solved.at(f"{name}_slope", solved.explorer.state(**values)), ".3f")  # lam 1

    few = {"eps": 0.0001}
    shown = [at("svm", alpha=alpha, **few) for alpha in (1e4, 1e6, 1e8)]
    claimed("slope", "is {} at α = 10⁴, {} at 10⁶ and {} at 10⁸".format(*shown))
    strong, weak = (at("svm", alpha=1e8, lam=lam, **few) for lam in (100.0, 0.01))
    assert strong == shown[1]
    claimed("slope", f"at α = 10⁸ is {strong}, what", f"with λ = 0.01 it is {weak}")
    claimed("slope", f"enough for {at('svm', alpha=1e4, eps=0.01)} at α = 10⁴")
    assert {at("bayes", alpha=alpha, **few) for alpha in (1e4, 1e6, 1e8)} == {"−1.000"}
    claimed("slope", "at −1.000 all the time")
    assert at("svm", alpha=1e8, eps=0.0) == "−0.667", "the question says −2/3"


def test_slopes_have_the_laws_of_large_loads() -> None:
    """Ridge and Bayes by their closed forms; the support vector machine with facts by the share of margins below 1."""
    solved = table.solve(get("slope"))
    for eps, lam in itertools.product((0.0, 0.01, 0.3), (0.01, 1.0, 100.0)):
        state = solved.explorer.state(alpha=1e8, eps=eps, lam=lam)
        for name, learner in (("ridge", rf.Learner(rf.Square(), rf.Linear(), 1.0)), ("bayes", rf.BayesOptimal())):
            law = rf.asymptotics(learner, eps)
            expected = np.log10(law.prefactor) + law.exponent * 8
            assert solved.at(f"{name}_power", state) == pytest.approx(expected, abs=1e-4)
            assert solved.at(f"{name}_slope", state) == pytest.approx(law.exponent, abs=1e-4)
        if eps:
            edge = np.sqrt(2 * np.log((2 - eps) / (2 - 2 * eps)))
            share = (2 - eps) * norm.cdf(edge) - (1 - eps)
            expected = np.log10(np.sqrt(share / 2 / np.pi) / (1 - eps)) - 4  # pi c = sqrt(2 pi) (1 - eps)
            assert solved.at("svm_power", state) == pytest.approx(expected, abs=1e-3)


def test_price_answer() -> None:
    solved = table.solve(get("price"))
    ridges = solved.explorer.control("lam").values

    def best(share: float) -> tuple[float, str, float]:
        at = [solved.explorer.state(share=share, lam=lam) for lam in ridges]  # alpha 1e6, eps 0.3
        errors = [solved.at("svm", state) for state in at]
        lowest = int(np.argmin(errors))
        return ridges[lowest], format_number(solved.at("svm_mem", at[lowest]), ".1%"), errors[lowest]

    for share in (0.5, 0.05):
        assert best(share)[0] == share
        assert best(share)[1] == "13.0%"
    claimed("price", "from 0.5 to 0.05", "move: 13.0% both times")
    stored = solved.explorer.state(lam=0.001)
    paid, least = solved.at("svm", stored), best(0.5)[2]
    assert solved.at("svm_mem", stored) == solved.at("ridge_mem", stored) == 0
    claimed("price", f"{format_number(paid, '.3f')} instead of {format_number(least, '.3f')}")
    claimed("price", f"lost {format_number(1 - (least / paid) ** 2, '.0%')} of its samples")
    level = {format_number(solved.at("ridge", solved.explorer.state(lam=lam)), ".3f") for lam in ridges}
    assert level == {"0.473"}
    claimed("price", "0.473 at every λ up to 1000")


def test_price_of_a_batch_is_that_of_single_points() -> None:
    solved = table.solve(get("price"))
    for state in sample(solved.explorer, 25):
        at = values(solved.explorer, state)
        kernel = rf.Kernel(np.sqrt(1 - at["share"]), np.sqrt(at["share"]))
        for name, loss in (("ridge", "square"), ("svm", "hinge")):
            gen, mem = both_errors(rf.RulesAndFacts(at["alpha"], at["eps"]), loss, kernel, at["lam"])
            assert solved.at(name, state) == pytest.approx(np.sqrt(at["alpha"]) * gen, abs=0.6e-4), at
            assert solved.at(f"{name}_mem", state) == pytest.approx(mem, abs=0.6e-5), at


def test_goals_answer() -> None:
    solved = table.solve(get("goals"))

    def at(name: str, spec: str, **values: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(**values)), spec)

    stored = {"lam": 1e-4}  # at 60 degrees, eps 0.3
    for alpha in solved.explorer.control("alpha").values:
        assert at("ridge_mem", ".1%", alpha=alpha, **stored) == "0.0%"
    times = [at("ridge_times", ".3g", alpha=alpha, **stored) for alpha in (10.0, 1e3, 1e4)]
    assert times[0] == "1.3", "the question says it"
    claimed("goals", f"{times[0]}0 times that of Bayes at α = 10, {times[1]} times at α = 1000 and {times[2]} times")
    forgotten = {"alpha": 1e3, "lam": 100.0}
    assert at("ridge_times", ".1f", **forgotten) == "12.0"
    claimed("goals", f"with {at('ridge_mem', '.1%', **forgotten)} of the facts wrong, it is still 12.0 times")


def test_goals_of_a_batch_are_those_of_single_points() -> None:
    solved = table.solve(get("goals"))
    for state in sample(solved.explorer, 25):
        at = values(solved.explorer, state)
        task = rf.RulesAndFacts(at["alpha"], at["eps"])
        least = rf.generalization_error(rf.solve(task, rf.BayesOptimal()))
        kernel = rf.Kernel.from_angle(np.radians(at["gamma"]))
        for name, loss in (("ridge", "square"), ("svm", "hinge")):
            gen, mem = both_errors(task, loss, kernel, at["lam"])
            assert solved.at(f"{name}_times", state) == pytest.approx(gen / least, abs=0.6e-3), at
            assert solved.at(f"{name}_mem", state) == pytest.approx(mem, abs=0.6e-5), at


def test_budget_answer() -> None:
    solved = table.solve(get("budget"))

    def at(name: str, **values: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(**values)), ".2f")

    claimed("budget", f"a difference of {at('needed')} would be seen", f"there is {at('gap')} to see")
    many, far = {"seeds": 32.0}, {"reach": 32.0}
    claimed("budget", f"Four times as many networks see {at('needed', **many)}, which is still not enough")
    claimed("budget", f"the farther load sees {at('needed', **far)} and leaves {at('gap', **far)} to see")
    claimed("budget", f"kernel shows {at('slow')} and Bayes {at('fast')}")
    for change, told in (({}, False), (many, False), (far, True)):
        state = solved.explorer.state(**change)
        assert (solved.at("gap", state) > solved.at("needed", state)) == told


def test_budget_is_what_fits_to_scattered_errors_show() -> None:
    """Slopes and their scatter, by polynomial fits to drawn errors."""
    solved = table.solve(get("budget"))
    rng = np.random.default_rng(0)
    for state in sample(solved.explorer, 6):
        at = values(solved.explorer, state)
        loads = at["first"] * at["reach"] ** np.linspace(0, 1, 5)
        kernel = rf.Learner(rf.MinNorm(), rf.Kernel.from_angle(np.radians(60.0)), 1.0)
        for name, learner in (("slow", kernel), ("fast", rf.BayesOptimal())):
            errors = np.array(
                [rf.generalization_error(rf.solve(rf.RulesAndFacts(a, at["eps"]), learner)) for a in loads]
            )
            noise = at["spread"] / np.sqrt(at["seeds"]) * rng.standard_normal((5, 4000))
            fits = np.polyfit(np.log(loads), np.log(errors)[:, None] + noise, 1)[0]
            assert solved.at(name, state) == pytest.approx(np.polyfit(np.log(loads), np.log(errors), 1)[0], abs=1e-4)
            assert solved.at("blur", state) == pytest.approx(fits.std(), rel=0.05, abs=1e-4)


def test_landscape_answer() -> None:
    solved = table.solve(get("landscape"))

    def told(alpha: float) -> float:
        return solved.at("told", solved.explorer.state(alpha=alpha))  # eps 0

    def words(alpha: float) -> str:
        return format_number(told(alpha), ".2f")

    claimed("landscape", f"two samples tell {words(2.0)} bits", f"α = 2.5 to tell {words(2.5)}")
    claimed("landscape", f"Eight samples tell {words(8.0)} bits")
    assert words(1.0) in get("landscape").question
    assert told(2.5) > 2 * told(1.0) == pytest.approx(1.72, abs=5e-3)
    assert 3.7 < told(8.0) / told(1.0) < 4
    far = [rf.free_energy(rf.solve(rf.RulesAndFacts(a, 0.0), rf.BayesOptimal())) / np.log(2) for a in (16.0, 32.0)]
    assert far[1] - far[0] == pytest.approx(1.0, abs=0.02), "one bit for each doubling"


def test_landscape_is_lowest_where_the_equation_is_met() -> None:
    solved = table.solve(get("landscape"))
    overlaps = np.array(solved.explorer.control("trial").values)
    for alpha, eps in itertools.product((1.0, 4.0, 8.0), (0.0, 0.3)):
        state = solved.explorer.state(alpha=alpha, eps=eps)
        potential, asked = (solved.along(name, state, "trial") for name in ("potential", "asked"))
        assert abs(overlaps[np.argmin(potential)] - solved.at("best", state)) < 0.02
        assert ((asked > overlaps) == (overlaps < solved.at("best", state))).all()
        assert potential.min() >= solved.at("lowest", state) - 1e-4


def test_coins_answer() -> None:
    solved = table.solve(get("coins"))

    def at(name: str, alpha: float, form: str) -> str:
        return format_number(solved.at(name, solved.explorer.state(alpha=alpha)), form)  # eps 1, lam 0.003

    lengths = [at("length", alpha, ".2f") for alpha in (0.8, 1.0, 1.2)]
    claimed("coins", f"grows from {lengths[0]} to {lengths[1]}, and at α = 1.2 it is back at {lengths[2]}")
    claimed("coins", "lost is {}, {} and {} at".format(*(at("mem", alpha, ".1%") for alpha in (0.8, 1.0, 1.2))))
    claimed("coins", f"passes it with {at('mem_svm', 1.7, '.1%')} of its coins")
    # The peaks stand where the text says, and the share of lost coins only rises.
    along = {name: solved.along(name, solved.explorer.state(), "alpha") for name in ("length", "length_svm", "mem")}
    loads = solved.explorer.control("alpha").values
    assert [loads[np.argmax(along[name])] for name in ("length", "length_svm")] == [1.0, 1.7]
    assert (np.diff(along["mem"]) >= 0).all()


def test_copies_answer() -> None:
    solved = table.solve(get("copies"))

    def at(name: str, shape: str, form: str = ".1%") -> str:
        return format_number(solved.at(name, solved.explorer.state(shape=shape)), form)

    claimed("copies", f"{at('recall', 'ρ²')} get another label with ρ², {at('recall', 'ρ⁴')} with ρ⁴")
    claimed("copies", f"{at('recall', 'Gaussian')} with the Gaussian", f"{at('recall', 'needle')} with the needle")
    claimed("copies", f"stays {at('gen', 'needle')} and that on the facts themselves {at('mem', 'needle')}")
    claimed("copies", f"by {at('pull', 'needle', '.2f')}, where it pulled by {at('pull', 'ρ²', '.2f')} with")
    assert at("pull", "needle") == at("straight", "ρ²")


def test_copies_needle_at_the_fact_itself_is_no_needle() -> None:
    results = get("copies").compute(**table.open_grid(get("copies")))
    whole = np.broadcast_to(results["mem"], results["recall"].shape)[..., -1]
    assert np.abs(results["recall"][..., -1] - whole).max() < 1e-9
    assert np.abs(results["recall"][..., 0] - 0.5).max() < 1e-9


def test_reach_answer() -> None:
    solved = table.solve(get("reach"))

    def at(name: str, eta: float, form: str = ".2f") -> str:
        return format_number(solved.at(name, solved.explorer.state(eta=eta)), form)

    assert at("eta_best", 0.84) == "0.84"
    claimed("reach", f"the radius goes from {at('radius', 0.84)} to {at('radius', 8.4)}")
    claimed("reach", f"{at('gen', 0.84, '.1%')} of new inputs are wrong", f"and {at('gen', 8.4, '.1%')} at the second")
    assert at("gen", 8.4, ".1%") == at("gen", 20.0, ".1%")
    hebb = rf.solve(rf.RulesAndFacts(3.0, 0.2), rf.Learner(rf.Square(), rf.Linear(), 1e9))
    assert format_number(rf.generalization_error(hebb), ".1%") == at("gen", 8.4, ".1%")
    kept = [format_number(rf.rbf_overlap(eta, 0.5), form) for eta, form in ((0.84, ".0%"), (8.4, ".2%"))]
    claimed("reach", f"keeps {kept[0]} of the nonlinear part in the first case and {kept[1]} in the second")


def test_stored_answer() -> None:
    solved = table.solve(get("stored"))

    def at(name: str, eps: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(eps=eps)), ".1%")  # alpha 4, square, lam 1

    claimed("stored", f"falls from {at('train', 0.3)} to {at('train', 0.1)}")
    claimed("stored", f"rises from {at('mem', 0.3)} to {at('mem', 0.1)}")
    claimed("stored", f"{at('rules', 0.3)} are wrong before and {at('rules', 0.1)} after")


def test_stored_laws_of_margins_meet_the_errors_at_zero() -> None:
    results = get("stored").compute(**table.open_grid(get("stored")))
    zero = get("stored").control("margin").index(0.0)
    for law, error in (("below_fact", "mem"), ("below_rule", "rules")):
        assert np.abs(results[law][..., zero] - results[error][..., 0]).max() < 1e-9
        assert (np.diff(results[law], axis=-1) >= -1e-12).all()


def test_tradeoff_answer() -> None:
    solved = table.solve(get("tradeoff"))

    def best(alpha: float, loss: str) -> tuple[str, str, str]:
        state = solved.explorer.state(alpha=alpha, loss=loss)  # eps 0.3
        gen, mem = solved.at("gen_best", state), solved.at("mem_best", state)
        return format_number(solved.at("lam_best", state), ".2g"), format_number(gen, ".1%"), format_number(mem, ".1%")

    alphas = solved.explorer.control("alpha").values
    assert {best(a, "square")[0] for a in alphas} == {"2.2"}
    two, four = best(2.0, "square"), best(4.0, "square")
    claimed("tradeoff", "it is 2.2 for every α", f"from {two[1]} to {four[1]}", f"from {two[2]} to {four[2]}")
    claimed("tradeoff", f"from {best(2.0, 'hinge')[0]} to {best(4.0, 'hinge')[0]}.")


def test_envelope_answer() -> None:
    solved = table.solve(get("envelope"))

    def best(**at: float) -> tuple[str, str]:
        state = solved.explorer.state(**at)
        return format_number(solved.at("best", state), ".0f") + "°", format_number(solved.at("most", state), ".2f")

    few, many, firm = best(eps=0.3), best(eps=0.05), best(eps=0.05, margin=0.5)
    claimed("envelope", f"best angle is {few[0]}, and {few[1]} samples")
    at_20 = format_number(solved.at("load", solved.explorer.state()), ".2f")  # eps 0.3, no margin, 20 degrees
    claimed("envelope", f"at 20° it is {at_20}.")
    claimed("envelope", f"closer to the teacher: {many[0]}, with {many[1]} samples")
    claimed("envelope", f"best angle is {firm[0]}, and {firm[1]} samples")


def test_envelope_touches_the_capacity_of_the_library() -> None:
    """The load of an angle by quadrature over the component along the teacher; its maximum by a search."""
    solved = table.solve(get("envelope"))

    def load(eps: float, margin: float, angle: float) -> float:
        m, root = np.cos(np.radians(angle)), np.sin(np.radians(angle))

        def lack(zeta: float) -> float:  # E over xi of (h - root xi)_+^2
            h = margin - m * zeta
            square = (h * h + root * root) * ndtr(h / root) + h * root * density(h / root)
            return density(zeta) * (eps + 2 * (1 - eps) * (zeta > 0)) * square

        return root**2 / sum(quad(lack, *half, epsabs=1e-12, limit=200)[0] for half in ((-12, 0), (0, 12)))

    for state in sample(solved.explorer, 8):
        at = values(solved.explorer, state)
        eps, margin = at["eps"], at["margin"]
        assert solved.at("load", state) == pytest.approx(load(eps, margin, at["angle"]), abs=6e-5), at
        top = minimize_scalar(lambda a, e=eps, k=margin: -load(e, k, a), bounds=(1, 90), options={"xatol": 1e-4})
        assert solved.at("most", state) == pytest.approx(-top.fun, abs=1e-4), at
        assert solved.at("best", state) == pytest.approx(top.x, abs=0.02), at
    line, boundary = solved.values["line"], solved.values["boundary"]
    gap = boundary - line
    assert gap.min() > -1.1e-3
    angles = np.array(solved.explorer.control("angle").values)
    touching = gap[0, 0, angles == 60.0].ravel()  # the curve of 60 degrees and the boundary without a margin
    assert touching.min() < 2e-3
    assert 0.25 < np.array(solved.explorer.control("eps_line").values)[touching.argmin()] < 0.35


def test_movers_answer() -> None:
    solved = table.solve(get("movers"))

    def at(name: str, form: str, **where: float | str) -> str:
        return format_number(solved.at(name, solved.explorer.state(**where)), form)  # alpha 2, eps 0.3, hinge, lam 100

    stored, rare = {"lam": 1e-4}, {"lam": 1e-4, "eps": 0.05, "alpha": 4.0}
    assert at("share", ".0%") == "30%", "the question says so"
    assert at("mem", ".1%", **stored) == at("mem", ".1%", **rare) == "0.0%"
    claimed("movers", f"make {at('share', '.0%', **stored)} of the noise")
    claimed("movers", f"from {at('noise', '.0%')} to {at('noise', '.0%', **stored)} of the squared length")
    claimed("movers", f"the facts make {at('share', '.0%', **rare)}, seven times")
    assert 6.5 < solved.at("share", solved.explorer.state(**rare)) / 0.05 < 7.5
    claimed("movers", f"that is {at('by_facts', '.0%', **rare)}, hardly more than the {at('least', '.0%', **rare)}")
    claimed("movers", f"get {at('least_gen', '.1%', **rare)} of new inputs wrong, not {at('gen', '.1%', **rare)}")


def test_movers_make_all_the_noise() -> None:
    """Displacements by quadrature of the prox: those of facts as shown, and with the rule samples all of s / q."""
    solved = table.solve(get("movers"))
    for state in sample(solved.explorer, 12):
        at = values(solved.explorer, state)
        alpha, eps, loss = at["alpha"], at["eps"], rf.Square() if at["loss"] == "square" else rf.Hinge()
        sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, rf.Linear(), at["lam"]))

        def squared(k: float, loss: rf.Square | rf.Hinge = loss, sol: rf.Solution = sol) -> float:
            def integrand(t: float) -> float:
                u = np.float64(np.sqrt(sol.q) * t)
                return density(np.float64(t)) * 2 * ndtr(k * t) * (float(loss.prox(u, np.float64(sol.V))) - u) ** 2

            kinks = ((1 - sol.V) / np.sqrt(sol.q), 1 / np.sqrt(sol.q))
            ends = np.sort(np.clip([-12.0, *kinks, 0.0, 12.0], -12, 12))
            return sum(quad(integrand, a, b, limit=200)[0] for a, b in itertools.pairwise(ends))

        facts, rules = alpha * eps * squared(0.0), alpha * (1 - eps) * squared(sol.m / np.sqrt(sol.s))
        assert solved.at("by_facts", state) == pytest.approx(facts / sol.q, abs=1e-4), at
        assert facts + rules == pytest.approx(sol.s, rel=1e-5), at
        assert solved.at("noise", state) == pytest.approx(sol.s / sol.q, abs=1e-4), at
    least, made = solved.values["least"], solved.values["by_facts"]
    assert (least <= made + 1e-4).all(), "less was moved than must be"


def test_losses_answer() -> None:
    solved = table.solve(get("losses"))

    def best(loss: str, eps: float) -> str:
        return format_number(solved.at("gen_best", solved.explorer.state(loss=loss, eps=eps)), ".1%")  # alpha 10

    claimed("losses", f"the logistic loss wins: {best('logistic', 0.0)}, as good")
    claimed("losses", f"the hinge with {best('hinge', 0.0)} and the square with {best('square', 0.0)}")
    claimed("losses", f"the hinge has {best('hinge', 0.3)}, the logistic loss {best('logistic', 0.3)}")
    claimed("losses", f"square {best('square', 0.3)}")
    floor = [format_number(solved.at("bayes", solved.explorer.state(eps=eps)), ".1%") for eps in (0.0, 0.3)]
    assert floor[0] == best("logistic", 0.0), "as good as any learner, to the digits shown"
    claimed("losses", f"the best possible learner has {floor[1]}")


def test_no_loss_beats_the_best_possible_learner() -> None:
    results = get("losses").compute(**table.open_grid(get("losses")))
    assert (results["gen"] >= results["bayes"] - 1e-9).all()
    assert (results["gen_best"] >= results["bayes"] - 1e-9).all()


def test_prox_answer() -> None:
    solved = table.solve(get("prox"))

    def at(loss: str, V: float) -> str:
        return format_number(solved.at("prox", solved.explorer.state(loss=loss, V=V)), ".2f")  # u = -2

    claimed("prox", f"At V = 1.5 both leave the sample wrong, at {at('square', 1.5)} and {at('hinge', 1.5)}")
    claimed("prox", f"at V = 2.5 both have it right, at {at('square', 2.5)} and {at('hinge', 2.5)}")
    claimed("prox", f"at V = 3 the margin is {at('logistic', 3.0)}, at V = 5 it is {at('logistic', 5.0)}")


def test_prox_is_the_lowest_point_of_the_cost() -> None:
    explorer, losses = get("prox"), {"square": rf.Square(), "hinge": rf.Hinge(), "logistic": rf.Logistic()}
    solved, x = table.solve(explorer), np.linspace(-4.0, 6.0, 200_001)
    for state in sample(explorer, 25):
        at = values(explorer, state)
        cost = losses[at["loss"]].value(x) + (x - at["u"]) ** 2 / (2.0 * at["V"])
        assert solved.at("prox", state) == pytest.approx(x[np.argmin(cost)], abs=2e-4), at
        assert solved.at("moreau", state) == pytest.approx(cost.min(), abs=1e-4), at


def test_neurons_answer() -> None:
    solved = table.solve(get("neurons"))

    def at(name: str, kappa: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(kappa=kappa)), ".1%")  # alpha 2, eps 0.2, lam 0.001

    claimed(
        "neurons", f"from {at('gen', 0.8)} at κ = 0.8 to {at('gen', 2.0)} at κ = 2", f"from {at('mem', 0.8)} to none"
    )
    assert at("mem", 2.0) == at("mem", 10.0) == "0.0%"
    claimed("neurons", f"no fact is wrong and {at('gen', 10.0)} of", f"κ = 100 it is {at('gen', 100.0)}")
    claimed("neurons", f"the kernel that the features tend to has {at('wide_gen', 0.8)}")


def test_bump_answer() -> None:
    solved = table.solve(get("bump"))
    explorer = solved.explorer

    def at(name: str, eta: float) -> str:
        return format_number(solved.at(name, explorer.state(eta=eta)), ".1%")  # alpha 2, eps 0.2, lam 0.001

    claimed("bump", f"from {at('gen', 0.01)} at η = 0.01 to {at('gen', 0.8)} at η = 0.8")
    claimed("bump", f"from {at('mem', 0.01)} to none", f"to {at('gen', 5.0)} at η = 5")
    assert at("mem", 0.8) == "0.0%"
    widths = explorer.control("eta").values
    for eps, best in ((0.2, 0.8), (0.5, 1.5)):
        for alpha in explorer.control("alpha").values:
            gen = [solved.at("gen", explorer.state(alpha=alpha, eps=eps, eta=eta)) for eta in widths]
            assert widths[int(np.argmin(gen))] == best
    claimed("bump", "best η is 0.8 for every α", "ε = 0.5, it is 1.5")


def test_bump_shares_are_those_of_the_kernel() -> None:
    solved = table.solve(get("bump"))
    for eta in (0.02, 0.5, 3.0):
        parts = [solved.at(name, solved.explorer.state(eta=eta)) for name in ("constant", "linear", "private")]
        assert sum(parts) == pytest.approx(1.0, abs=2e-4)
        slope = (np.exp(-2 * eta * (1 - 1e-6)) - np.exp(-2 * eta * (1 + 1e-6))) / 2e-6
        assert parts[1] == pytest.approx(slope, abs=1e-4)


def test_frontier_answer() -> None:
    solved = table.solve(get("frontier"))

    def at(name: str, kappa: float, lam: float) -> str:
        state = solved.explorer.state(kappa=kappa, lam=lam)  # alpha 2, eps 0.3, gamma 45 degrees, square loss
        return format_number(solved.at(name, state), ".1%")

    few, many = (f"{at('gen', k, 9.5)} of new inputs and {at('mem', k, 9.5)}" for k in (1.0, 100.0))
    claimed("frontier", f"{few} of the facts at κ = 1", f"to {many.replace(' of new inputs', '')} at κ = 100")
    claimed("frontier", f"only {at('mem', 100.0, 0.97)} of the facts", f"is {at('gen', 100.0, 0.97)}, less than before")
    kernel = at("kernel_gen", 1.0, 0.66), at("kernel_mem", 1.0, 0.66)
    claimed("frontier", f"kernel has {kernel[0]} with {kernel[1]} of its facts wrong")
    assert at("linear_gen", 1.0, 2.1) == kernel[0]
    claimed("frontier", f"{at('linear_gen', 1.0, 2.1)} is the best", f"has {at('linear_mem', 1.0, 2.1)} of its facts")
    lam = solved.explorer.control("lam").values
    for name, kappa, best in (("gen", 1.0, 9.5), ("linear_gen", 1.0, 2.1), ("kernel_gen", 1.0, 0.66)):
        found = [solved.at(name, solved.explorer.state(kappa=kappa, lam=value)) for value in lam]
        assert lam[int(np.argmin(found))] == best
    assert 1 / solved.at("mem", solved.explorer.state(kappa=100.0, lam=0.97)) == pytest.approx(260, abs=5)


def test_crowd_answer() -> None:
    solved = table.solve(get("crowd"))

    def at(name: str, kappa: float, form: str = ".1%", lam: float = 0.0) -> str:
        return format_number(solved.at(name, solved.explorer.state(kappa=kappa, lam=lam)), form)

    widths = [k for k in solved.explorer.control("kappa").values if float(k) > 2]
    assert {at("m", k, ".3f") for k in widths} == {"0.327"}
    claimed("crowd", f"m = {at('m', 2.5, '.3f')} at κ = 2.5", f"from {at('gen', 2.5)} to {at('gen', 100.0)}")
    claimed("crowd", f"from {at('private', 2.5)} of the field's variance to {at('private', 100.0)}")
    assert f"gets {at('gen', 2.5)} of new inputs wrong" in get("crowd").question
    with_ridge = [solved.at("m", solved.explorer.state(kappa=k, lam=1.0)) for k in (2.5, 10.0, 100.0)]
    assert 0 < with_ridge[2] - with_ridge[1] < with_ridge[1] - with_ridge[0]


def test_crowd_noise_is_the_norm_of_the_weights() -> None:
    solved = table.solve(get("crowd"))
    for eps, gamma, lam, kappa in ((0.3, 45.0, 0.1, 0.85), (0.05, 20.0, 1.0, 5.0), (0.5, 70.0, 0.0, 3.0)):
        angle = np.radians(gamma)
        learner = rf.Learner(rf.Square(), rf.RandomFeatures(np.cos(angle), np.sin(angle), kappa), lam)
        sol = rf.solve(rf.RulesAndFacts(2.0, eps), learner)
        private = np.sin(angle) ** 2 * rf.weight_norm(sol).total / kappa / sol.q
        state = solved.explorer.state(eps=eps, gamma=gamma, lam=lam, kappa=kappa)
        assert solved.at("private", state) == pytest.approx(private, abs=1e-4)


def test_onset_answer() -> None:
    solved = table.solve(get("onset"))

    def at(name: str, kappa: float = 0.5, eps: float = 0.5, form: str = ".1%") -> str:
        return format_number(solved.at(name, solved.explorer.state(kappa=kappa, eps=eps)), form)

    claimed("onset", f"from {at('hinge_at', form='.2f')} to {at('hinge_at', eps=0.05, form='.2f')}")
    assert at("square_at", form=".0f") == at("square_at", eps=0.05, form=".0f") == "2"
    low, top, after = (at("hinge_gen", k) for k in (0.7, 1.05, 1.35))
    claimed("onset", f"at ε = 0.5 it is {low} at κ = 0.7, {top} at κ = 1.05 and {after} at κ = 1.35")
    assert solved.at("square_gen", solved.explorer.state(kappa=2.1)) > 0.47
    for eps in (0.05, 0.5):  # weights at the threshold: half of the facts, and the rule samples that would be wrong
        width = solved.at("hinge_at", solved.explorer.state(eps=eps))
        learner = rf.Learner(
            rf.MaxMargin(), rf.RandomFeatures(np.cos(np.radians(35)), np.sin(np.radians(35)), 1.001 * width), 1
        )
        gen = rf.generalization_error(rf.solve(rf.RulesAndFacts(2.0, eps), learner))
        assert width / 2.0 == pytest.approx(eps / 2 + (1 - eps) * gen, abs=2e-3)


def test_compass_answer() -> None:
    solved = table.solve(get("compass"))

    def at(name: str, gamma: float, lam: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(gamma=gamma, lam=lam)), ".1%")  # alpha 3, eps 0.2

    claimed("compass", f"λ = 0.75 for the kernel of 30° it is {at('gen', 30.0, 0.75)}")
    claimed("compass", f"λ = 0.24 for the one of 45° it is {at('gen', 45.0, 0.24)} again")
    claimed("compass", f"the first gets {at('mem', 30.0, 0.75)} of its facts wrong and the second none")
    assert at("mem", 45.0, 0.24) == at("mem", 60.0, 1e-4) == "0.0%"
    claimed("compass", f"Without one it has {at('gen', 60.0, 1e-4)}")
    for gamma, lam in ((30.0, 0.75), (45.0, 0.24)):
        state = solved.explorer.state(gamma=gamma, lam=lam)
        assert solved.at("turned", state) == pytest.approx(solved.at("wanted", state), abs=1.5)


def test_compass_points_to_the_labels_at_the_best_ridge() -> None:
    results = get("compass").compute(**table.open_grid(get("compass")))
    task, gamma, lam = rf.RulesAndFacts(3.0, 0.2), np.radians(30.0), np.geomspace(0.3, 3.0, 4001)
    gen = rf.generalization_error(rf.solve(task, rf.Learner(rf.Square(), rf.Kernel.from_angle(gamma), lam)))
    best = lam[np.argmin(gen)]
    turned = np.degrees(np.arctan2(np.sqrt(np.sin(gamma) ** 2 + best), np.cos(gamma)))
    assert turned == pytest.approx(float(results["wanted"].flat[2]), abs=0.1)  # of eps = 0.2


def test_corner_answer() -> None:
    solved = table.solve(get("corner"))

    def at(name: str, gamma: float, loss: str = "square") -> str:
        return format_number(solved.at(name, solved.explorer.state(gamma=gamma, loss=loss)), ".1%")  # alpha 3, eps 0.2

    angles = solved.explorer.control("gamma").values
    assert {at("gen_best", g) for g in angles if g <= 50.0} == {"21.1%"}
    assert {at("mem_best", g) for g in angles if g >= 45.0} == {"0.0%"}
    claimed(
        "corner", "stays at 21.1% up to 50°", f"from {at('mem_best', 15.0)} at 15° to {at('mem_best', 30.0)} at 30°"
    )
    claimed("corner", f"{at('mem_best', 40.0)} at 40° and none from 45° on", f"{at('gen_best', 60.0)} at 60°.")
    for gamma in (55.0, 80.0):
        assert solved.at("lam_best", solved.explorer.state(gamma=gamma)) == 0.0
    hinge = [solved.at("gen_best", solved.explorer.state(gamma=g, loss="hinge")) for g in angles]
    assert angles[int(np.argmin(hinge))] == 40.0
    claimed("corner", f"near 40°, {at('gen_best', 40.0, 'hinge')}, but {at('mem_best', 40.0, 'hinge')} of its facts")
    claimed("corner", f"At 60° only {at('mem_best', 60.0, 'hinge')} are", f"back at {at('gen_best', 60.0, 'hinge')}")
    least = min(solved.at("gen_all", solved.explorer.state(gamma=g, loss="hinge")) for g in angles)
    assert format_number(least, ".1%") == at("gen_best", 60.0, "hinge")


def test_corner_is_at_the_best_ridge() -> None:
    solved = table.solve(get("corner"))
    lam = np.append(0.0, np.geomspace(1e-4, 10.0, 161))
    for state in sample(solved.explorer, 12):
        at = values(solved.explorer, state)
        kernel = rf.Kernel.from_angle(np.radians(at["gamma"]))
        gen, mem = both_errors(rf.RulesAndFacts(at["alpha"], at["eps"]), str(at["loss"]), kernel, lam)
        assert gen.min() - 1e-4 < solved.at("gen_best", state) < gen.min() + 1.1e-5, at
        assert solved.at("gen_all", state) == pytest.approx(gen[0], abs=0.6e-5), at
        near = np.interp(solved.at("lam_best", state), lam, mem)
        assert solved.at("mem_best", state) == pytest.approx(near, abs=2e-3), at


def test_cover_answer() -> None:
    solved = table.solve(get("cover"))

    def at(d: float, alpha: float = 1.9) -> str:
        return format_number(solved.at("chance", solved.explorer.state(d=d, alpha=alpha)), ".1%")

    claimed("cover", f"from {at(10.0)} at d = 10 to {at(20.0)} at 20, only {at(100.0)} at 100 and {at(500.0)} at 500")
    claimed("cover", f"reaches {at(1000.0)} at 1000 and {at(2000.0)} at 2000")
    claimed("cover", f"from {at(10.0, 2.1)} at d = 10 to {at(1000.0, 2.1)} at d = 1000")
    assert {at(d, 2.0) for d in solved.explorer.control("d").values} == {"50.0%"}
    assert "a chance of 59%" in get("cover").question


def test_volume_answer() -> None:
    solved = table.solve(get("volume"))

    def at(name: str, used: float, form: str, eps: float = 1.0) -> str:
        return format_number(solved.at(name, solved.explorer.state(used=used, eps=eps)), form)  # no margin

    half, nine, most, last = (at("between", used, ".1f") for used in (0.5, 0.9, 0.99, 0.995))
    claimed("volume", f"Still {most}°", f"{nine}° at 90%, {most}° at 99%, {last}° at 99.5%")
    claimed("volume", f"one part in 10^{at('decades', 0.5, '.0f')} at half", f"10^{at('decades', 0.99, '.0f')} at 99%")
    apart, away = (at(name, 0.5, ".1f", eps=0.2) for name in ("between", "teacher"))
    claimed("volume", f"they are {apart}° apart and {away}° from the teacher")
    assert half == "54.2"
    assert "54° apart" in get("volume").question


def test_contacts_answer() -> None:
    solved = table.solve(get("contacts"))

    def at(margin: float) -> str:
        return format_number(solved.at("tight", solved.explorer.state(margin=margin)), ".2f")

    claimed("contacts", f"{at(1.0)} for each weight at κ = 1", f"{at(-0.5)} at −0.5 and {at(-1.0)} at −1")
    assert at(0.0) == "1.00"


def test_contacts_stand_on_the_capacity_of_the_library() -> None:
    explorer = get("contacts")
    solved = table.solve(explorer)
    for margin in (0.0, 0.5, 1.3):
        load = solved.at("load", explorer.state(margin=margin))
        assert load == pytest.approx(rf.capacity(1.0, margin), abs=1e-4)
    at_zero = [solved.at("tight", explorer.state(margin=0.0, plus=p)) for p in explorer.control("plus").values]
    assert at_zero == pytest.approx([1.0] * len(at_zero), abs=1e-4), "one for each weight, however unequal the coins"


def test_saddle_answer() -> None:
    solved = table.solve(get("saddle"))

    def at(along: str, loss: str = "hinge", features: str = "linear") -> str:
        state = solved.explorer.state(along=along, loss=loss, features=features, factor=1.25)
        return format_number(abs(solved.at("change", state)), ".2f") + "%"

    def change(along: str, loss: str = "hinge") -> float:
        return solved.at("change", solved.explorer.state(along=along, loss=loss, factor=1.25))

    claimed("saddle", f"f rises by {at('V')}", f"it falls by {at('m̂')} and {at('V̂')}")
    claimed("saddle", f"Along q it falls by {at('q')} and along m by {at('m')}")
    assert change("V") > 0.0
    assert max(change(x) for x in ("m", "q", "m̂", "V̂")) < 0.0
    assert change("m", "logistic") > 0.01, "with the logistic loss a valley"
    assert change("m", "square") == change("q", "square") == 0.0
    for state in states(solved.explorer):
        at_state = values(solved.explorer, state)
        if at_state["along"] == "q̂":
            assert solved.at("change", state) == 0.0, at_state
        before, after = abs(at_state["factor"] - 1.0), abs(solved.at("after", state) - 1.0)
        assert after <= 0.97 * before, "each variable comes back"


def test_saddle_is_level_and_unchanged_at_the_solution() -> None:
    explorer = get("saddle")
    solved = table.solve(explorer)
    for state in states(explorer):
        if values(explorer, state)["factor"] == 1.0:
            assert solved.at("change", state) == 0.0
            assert solved.at("after", state) == 1.0


def test_ends_answer() -> None:
    solved = table.solve(get("ends"))

    def mem(lam: float, eps: float) -> float:
        return solved.at("mem", solved.explorer.state(lam=lam, eps=eps))  # hinge, alpha 4, gamma 0

    def at(lam: float, eps: float) -> str:
        return format_number(mem(lam, eps), ".1%")

    claimed("ends", f"in {at(1.0, 0.0)} of all cases among samples of the rule and in {at(1.0, 1.0)} among facts")
    claimed("ends", f"{at(0.01, 0.0)} against {at(0.01, 1.0)}", f"{at(0.01, 0.35)} around ε = 0.35")
    shares = solved.explorer.control("eps").values
    assert shares[int(np.argmax([mem(0.01, eps) for eps in shares]))] == 0.35, "the worst place"


def test_digits_answer_and_its_numbers_are_those_of_the_study() -> None:
    solved = table.solve(get("digits"))

    def at(name: str, **values: float | str) -> str:
        return format_number(solved.at(name, solved.explorer.state(**values)), ".1%")  # eps 0.4, lam 0.0001

    def gen(eta: float, facts: str = "on fives") -> str:
        return at("gen", eta=eta, facts=facts)

    claimed("digits", f"from {gen(0.1)} at η = 0.1 to {gen(2.0)} at 2 and {gen(16.0)} at 16")
    own = "on threes and eights"
    claimed("digits", f"from {gen(0.1, own)} to {gen(2.0, own)} at η = 2 and {gen(4.0, own)} at 4")
    claimed("digits", f"to {gen(16.0, own)} at 16")
    widths = solved.explorer.control("eta").values
    assert {at("mem", eta=eta, facts=facts) for eta in widths for facts in ("on fives", own)} == {"0.0%"}

    # The learner itself, from distances and a linear system: no intercept, and facts that are images of the rule.
    for facts, eps, eta, lam in (("on fives", 0.4, 1.0, 0.1), (own, 0.6, 4.0, 1.0), (own, 0.2, 0.05, 0.01)):
        wrong_new, wrong_fact = [], []
        for seed in range(digits.SEEDS):
            data = digits.images(facts).sample(digits.RULE, digits.FACT, digits.N, eps, rng=seed)
            kernel = [
                np.exp(-eta * ((Z[:, None] - data.X) ** 2).sum(axis=2) / 64) - np.exp(-2 * eta)
                for Z in (data.X, data.X_new)
            ]
            weights = np.linalg.solve(kernel[0] + lam * np.eye(digits.N), data.y)
            wrong_new.append(np.mean(data.y_new * (kernel[1] @ weights) <= 0))
            wrong_fact.append(np.mean((data.y * (kernel[0] @ weights) <= 0)[data.is_fact]))
        state = solved.explorer.state(facts=facts, eps=eps, eta=eta, lam=lam)
        assert solved.at("gen", state) == pytest.approx(np.mean(wrong_new), abs=0.6e-4)
        assert solved.at("mem", state) == pytest.approx(np.mean(wrong_fact), abs=0.6e-4)
    threes = digits.images(own)
    assert threes.counts[threes.classes.index(5)] == round(0.4 * 357)
    assert sum(threes.counts) == 357


def test_bandwidth_answer() -> None:
    solved = table.solve(get("bandwidth"))

    def best(loss: str, lam: float) -> tuple[str, str, str]:
        state = solved.explorer.state(loss=loss, lam=lam)  # alpha 4, eps 0.4
        names = (("eta_best", ".2g"), ("gen_best", ".1%"), ("mem_best", ".0%"))
        return tuple(format_number(solved.at(name, state), form) for name, form in names)

    assert best("square", 0.0) == best("hinge", 0.0)
    eta, gen, mem = best("square", 0.0)
    claimed("bandwidth", f"the same, η = {eta}", f"the same error, {gen}")
    assert mem == "0%"
    state = solved.explorer.state(lam=0.1)
    widths = np.array(solved.explorer.control("eta").values)
    gens, mems = (solved.along(name, state, "eta") for name in ("gen", "mem"))
    inner = np.flatnonzero((gens[1:-1] < gens[:-2]) & (gens[1:-1] < gens[2:])) + 1
    assert len(inner) == 2
    claimed("bandwidth", f"near η = {widths[inner[0]]:g} and {widths[inner[1]]:g}")
    valleys = [format_number(gens[i], ".1%") for i in inner]
    claimed("bandwidth", f"both at {valleys[0]}", f"in the first one {format_number(mems[inner[0]], '.0%')}")
    assert valleys[0] == valleys[1]
    assert gens[inner[0]] == pytest.approx(gens[inner[1]], abs=1e-4)
    assert mems[inner[1]] < 5e-4
    hinge = best("hinge", 0.1)
    claimed("bandwidth", f"η = {hinge[0]}, with {hinge[1]} and {hinge[2]} of the facts")
    one = rf.solve(rf.RulesAndFacts(4.0, 0.4), rf.Learner(rf.Hinge(), rf.Kernel.rbf(1.2), 0.0))
    assert one.V * one.V_hat / 4.0 > 0.99, "nearly every sample is a support vector"


def test_steps_answer() -> None:
    solved = table.solve(get("steps"))

    def at(name: str, form: str, **where: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(**where)), form)  # square, eps 0.3, lam 0.01, step 1

    assert f"{at('wrong', '.1%')} of new inputs wrong" in get("steps").question
    claimed("steps", f"climbs to {at('end', '.1%')}")
    claimed("steps", f"from {at('wrong', '.1%', alpha=2.0)} to {at('end', '.1%', alpha=2.0)}")
    leaves = [at("factor", ".2f", alpha=a) for a in (0.5, 1.0, 2.0)]
    claimed("steps", f"leaves {leaves[2]} of", f"at α = 1 it leaves {leaves[1]}", f"as quick as two, {leaves[0]}")
    claimed("steps", f"only from {at('wrong', '.1%', lam=3.0)} to {at('end', '.1%', lam=3.0)}")


def test_steps_are_those_of_single_learners_and_their_speed_is_a_replicon() -> None:
    solved = table.solve(get("steps"))
    for state in sample(solved.explorer, 12):
        at = values(solved.explorer, state)
        task = rf.RulesAndFacts(at["alpha"], at["eps"])
        loss = {"square": rf.Square(), "hinge": rf.Hinge()}[at["loss"]]
        learner = rf.Learner(loss, rf.Linear(), at["lam"])
        step = int(at["step"])
        for name, who in (("wrong", learner), ("bayes", rf.BayesOptimal())):
            path = rf.finite.state_evolution(task, who, steps=step)
            assert solved.at(name, state) == pytest.approx(path.generalization_error[-1], abs=0.6e-5), (name, at)
        # The replicon by quadrature: alpha E[(1 - prox')^2] over the margins of new samples.
        sol = rf.solve(task, learner)
        here = rf.Overlaps(*(np.array([v]) for v in (sol.m, sol.s, sol.V)))
        spread = quadrature(np.array([task.eps]), loss, here).stiffness_square[0]
        assert solved.at("factor", state) == pytest.approx(np.sqrt(task.alpha * spread) * sol.V, abs=1e-4), at


def test_tilt_answer() -> None:
    solved = table.solve(get("tilt"))

    def at(name: str, **where: float) -> str:
        return format_number(solved.at(name, solved.explorer.state(**where)), ".2f")  # lam 0.5, alpha 2, mean 2

    claimed("tilt", f"More than half, {at('best')}", f"0.55 a step gains {at('digits', damping=0.55)} digits")
    claimed("tilt", f"it gains {at('digits', mean=0.0)}", f"best share is {at('best', mean=4.0)}")
    claimed("tilt", f"gains {at('digits', mean=4.0, damping=0.85)} digits")
    assert solved.at("digits", solved.explorer.state()) < 0, "it diverges without damping"


def test_tilt_is_the_spectral_radius_of_the_iteration() -> None:
    # Student and forces along the singular direction that a mean makes, with the response at its end.
    solved = table.solve(get("tilt"))
    for state in sample(solved.explorer, 40):
        at = values(solved.explorer, state)
        alpha, lam, damping = at["alpha"], at["lam"], at["damping"]
        V = rf.solve(rf.RulesAndFacts(alpha, 0.3), rf.Learner(rf.Square(), rf.Linear(), lam)).V
        spike = alpha * at["mean"] ** 2
        edge = (1 - np.sqrt(alpha)) ** 2, (1 + np.sqrt(alpha)) ** 2
        found = list(np.linspace(*edge, 201))
        if spike > np.sqrt(alpha):  # below, the mean makes no singular value of its own
            found.append((1 + spike) * (alpha + spike) / spike)
        sizes = []
        for x in found:
            a, root = V / (1 + V), np.sqrt(x)
            step = np.array([[a * (alpha - x), V * root * a], [-root / (1 + V), a]])
            sizes.append(np.abs(np.linalg.eigvals(damping * np.eye(2) + (1 - damping) * step)).max())
        assert solved.at("factor", state) == pytest.approx(max(sizes), rel=1e-3, abs=1e-4), at


# ------------------------------------------------------------------ failures are seen
def test_a_compute_that_raises_is_not_swallowed() -> None:
    def broken(**_grids: np.ndarray) -> dict[str, np.ndarray]:
        raise ZeroDivisionError("on purpose")

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        explore.show(toy(compute=broken))._repr_mimebundle_()


def test_an_unsolved_point_is_a_gap_and_is_said() -> None:
    solved = table.solve(toy())
    state = solved.explorer.state(a=2.0)
    seen = table.view(solved, state)
    assert seen.reading == UNSOLVED
    curve, dot = seen.panels[0]
    assert np.isnan(curve.y).tolist() == [False, False, True, False]
    assert np.isnan(dot.y[0])
    assert dot.text == ""
    assert UNSOLVED in live.frame(solved, state)
    assert still.png(solved, state).startswith(b"\x89PNG")
    assert static.columns(toy().panels[0].marks[0], curve)["y"][2] is None
    assert table.reading(solved, solved.explorer.state()) == "At a = 1, out is 0.10."


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({}, "compute returned no 'out'"),
        ({"out": np.zeros((3, 2))}, r"shape \(3, 2\), which does not broadcast"),
        ({"out": np.full((4, 2), 1.2)}, r"must lie in \[0.0, 1.0\], got .*1.2"),
        ({"out": np.full((4, 2), -0.1)}, r"must lie in \[0.0, 1.0\]"),
        ({"out": np.zeros((4, 2)), "case": np.array(1)}, "case must be one of 0..0"),
    ],
)
def test_a_wrong_result_names_what_is_wrong(results: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        table.tabulate(toy(), results)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Not A Name"}, "lower-case identifier"),
        ({"readings": ("At {nowhere}.",)}, "'nowhere' is neither control nor output"),
        ({"outputs": (Output("a"), Output("out"))}, "'a' is declared twice"),
        ({"controls": toy().controls[:1]}, "b"),
    ],
)
def test_a_wrong_declaration_names_what_is_wrong(changes: dict[str, object], message: str) -> None:
    if message == "b":  # a curve may not run over, nor be pinned to, a control that is not there
        panel = dataclasses.replace(toy().panels[0], marks=(Curve("a", "out", over="b", colour="rule"),))
        changes = {**changes, "panels": (panel,)}
        message = "has no control 'b'; it has a"
    with pytest.raises(ValueError, match=message):
        toy(**changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": (1.0,)}, "at least two values"),
        ({"values": (1.0, 2.0), "name": "q"}, "the name of the page's search field"),
        ({"values": (1.0, 1.0)}, "values repeat"),
        ({"values": (1.0, 2.0), "default": 3.0}, "default 3.0 is not one of"),
        ({"values": (1.0, 2.0), "labels": ("one",)}, "1 labels for 2 values"),
    ],
)
def test_a_wrong_control_names_what_is_wrong(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Control(**{"name": "x", "label": "x", "default": 1.0, **arguments})


def test_unknown_names_and_values_are_refused() -> None:
    # One file for each explorer, of its name, and one for what they share.
    files = {path.stem for path in Path(catalog.__file__).parent.glob("*.py")} - {"__init__", "shared"}
    with pytest.raises(ValueError, match=f"there is no explorer 'nope'; there are {', '.join(sorted(files))}$"):
        explore.show("nope")
    with pytest.raises(ValueError, match="has no control 'beta'"):
        get("hero").state(beta=1.0)
    with pytest.raises(ValueError, match=r"alpha must be one of .*, got 3.1"):
        get("hero").state(alpha=3.1)
    with pytest.raises(ValueError, match="low < high"):
        log_grid(1.0, 0.1)
    with pytest.raises(ValueError, match="keep fewer decimals"):
        _ = Output("x", 0.0, 1.0, decimals=12).dtype


# ------------------------------------------------------------------ numbers in words
@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_decimals_are_within_half_a_step(value: float, digits: int) -> None:
    written = format_number(value, f".{digits}f").replace("−", "-")
    # Exactly: float(written) would round once more.
    assert abs(Decimal(written) - Decimal(value)) <= Decimal(5).scaleb(-digits - 1)
    assert len(written.partition(".")[2]) == digits
    assert not re.fullmatch(r"-0\.?0*", written)


@given(st.floats(1e-12, 1e12) | st.floats(-1e12, -1e-12), st.integers(1, 8))
def test_significant_digits_are_within_half_a_step(value: float, digits: int) -> None:
    written = format_number(value, f".{digits}g")
    mantissa, _, power = written.replace("−", "-").partition("×10")
    superscripts = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    number = float(mantissa) * 10.0 ** int(power.translate(superscripts) or 0)
    assert number == pytest.approx(value, rel=0.5001 * 10.0 ** (1 - digits))
    shown = mantissa.lstrip("-0.").replace(".", "") if not power else mantissa.replace(".", "").lstrip("-")
    assert len(shown.rstrip("0") or "0") <= digits


@pytest.mark.parametrize(
    ("value", "spec", "written"),
    [
        (0.125, ".2f", "0.13"),
        (-0.125, ".2f", "−0.13"),
        (0.125, ".2g", "0.13"),
        (0.0078125, ".3g", "0.00781"),
        (2.5, ".1g", "3"),
        (2.5, ".0f", "3"),
        (-0.0004, ".2f", "0.00"),
        (0.9995, ".3g", "1"),  # the binary number lies above the tie
        (9.995, ".3g", "9.99"),  # and here below it
        (1234.5, ".2g", "1200"),
        (123456.0, ".2g", "1.2×10⁵"),
        (0.0001, ".2g", "0.0001"),
        (0.00001, ".2g", "1×10⁻⁵"),
        (0.0, ".2g", "0"),
        (0.3, ".0%", "30%"),
    ],
)
def test_numbers_are_written_like_this(value: float, spec: str, written: str) -> None:
    assert format_number(value, spec) == written


@pytest.mark.parametrize(("value", "spec"), [(1.0, "d"), (1.0, "{:.2f}"), (float("nan"), ".2f"), (float("inf"), ".2g")])
def test_what_cannot_be_written_is_refused(value: float, spec: str) -> None:
    with pytest.raises(ValueError, match=r"format must look like|not a finite number"):
        format_number(value, spec)


# ------------------------------------------------------------------ the three renderings
@EVERY
def test_live_sliders_move_the_picture_and_the_reading(explorer: Explorer) -> None:
    solved = table.solve(explorer)
    _, controls, picture = live.widget(solved).children
    *movers, reset = controls.children
    at_start = picture.value
    assert at_start == live.frame(solved, explorer.state())
    for control, mover in zip(explorer.sliders, movers, strict=True):
        assert control.label in mover.description
        for index in {0, len(control.values) // 2, len(control.values) - 1} - {control.index(control.default)}:
            before = picture.value
            mover.index = index
            assert picture.value != before, (control.name, index)
            state = {**explorer.state(), control.name: index}
            assert html.escape(table.reading(solved, state)) in picture.value
        mover.index = control.index(control.default)
    movers[0].index = 0
    reset.click()
    assert picture.value == at_start


@EVERY
def test_still_picture_is_opaque_and_the_same_each_time(explorer: Explorer) -> None:
    from io import BytesIO

    from PIL import Image

    solved = table.solve(explorer)
    pixels = np.asarray(Image.open(BytesIO(still.png(solved, explorer.state()))).convert("RGBA"))
    assert (pixels[..., 3] == 255).all()
    assert (pixels[:3, :3, :3] == 255).all()
    assert pixels.std() > 10, "nothing is drawn"
    assert still.svg(solved, explorer.state()) == still.svg(solved, explorer.state())


@EVERY
def test_the_element_says_everything_without_scripts(explorer: Explorer) -> None:
    solved = table.solve(explorer)
    element = static.html(solved)
    assert element.startswith(f'<raf-explorer name="{explorer.name}">')
    assert f'alt="{html.escape(explorer.alt)}"' in element
    plain = html.unescape(re.sub(r"<[^>]+>", "", element.replace("\u00a0", " ")))
    assert explorer.question in plain
    assert table.reading(solved, explorer.state()) in plain
    payload = re.search(r'<script type="application/json">(.*?)</script>', element, re.DOTALL)
    assert payload is not None
    data = json.loads(payload[1])
    name = explorer.outputs[0].name
    array = data["arrays"][name]
    codes = np.frombuffer(base64.b64decode(array["data"]), dtype=array["type"])
    assert np.array_equal(array["low"] + codes / array["scale"], solved.values[name].ravel())


def test_words_cannot_break_out_of_the_element() -> None:
    nasty = toy(
        title="a < b & </script><!--",
        question='"quotes"?',
        alt='say "x" & y',
        readings=("</script><!-- {out:.2f}",),
    )
    element = static.html(table.solve(nasty))
    assert element.count("</script>") == 1
    assert "<!--" not in element
    assert "a &lt; b &amp;" in element
    assert 'alt="say &quot;x&quot; &amp; y"' in element


def test_a_page_gets_html_and_a_notebook_gets_a_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = explore.show(toy())
    monkeypatch.delenv("RAFLIB_EXPLORE", raising=False)
    bundle, metadata = shown._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == "Toy. At a = 1, out is 0.10."
    assert metadata["image/png"]["alt"] == "A line."

    monkeypatch.setenv("RAFLIB_EXPLORE", "page")
    bundle, _ = shown._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png", "text/html"}
    assert bundle["text/html"].startswith("<raf-explorer")


def test_without_ipywidgets_there_is_the_still_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAFLIB_EXPLORE", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    bundle, _ = explore.show(toy())._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}


def test_explore_itself_is_light_to_import() -> None:
    code = (
        "import sys, raflib, raflib.explore; "
        "print([m for m in ('matplotlib', 'ipywidgets', 'bokeh') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rule_without_a_place_is_not_drawn() -> None:
    panel = dataclasses.replace(toy().panels[0], marks=(Rule("out", label="here"),))
    solved = table.solve(toy(panels=(panel,)))
    (rule,) = table.view(solved, solved.explorer.state(a=2.0)).panels[0]
    assert np.isnan(rule.x).all()
    (rule,) = table.view(solved, solved.explorer.state(a=3.0)).panels[0]
    assert rule.x.tolist() == [0.3, 0.3]
