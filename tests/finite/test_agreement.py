"""Scores of theory against trained learners: what they are, which points they cover, what chance makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import raflib as rf
from raflib.finite import Scores, agreement, suite
from raflib.finite.agreement import _score

TASK = rf.RulesAndFacts(1.5, 0.3)
RIDGE = rf.Learner(rf.Square(), rf.Linear(), np.array([0.2, 1.0]))
QUIET = {"n_jobs": 1, "progress": False}


@pytest.fixture(scope="module")
def ridge() -> rf.finite.Agreement:
    return agreement(TASK, RIDGE, 60, 30, **QUIET)


@pytest.fixture(scope="module")
def scores(ridge: rf.finite.Agreement) -> Scores:
    interpolator = rf.Learner(rf.MinNorm(), rf.Linear(), 1.0)
    return Scores([ridge, agreement(rf.RulesAndFacts(0.4, 0.3), interpolator, 60, range(30, 45), **QUIET)])


# ------------------------------------------------------------------ z
def test_z_is_the_distance_in_standard_errors(ridge: rf.finite.Agreement) -> None:
    run, sol = rf.simulate(TASK, RIDGE, 60, 30, **QUIET), rf.solve(TASK, RIDGE)
    for key, value in (("q", sol.q), ("m", sol.m), ("memorization_error", rf.memorization_error(sol))):
        for i in range(2):
            values = getattr(run, key).values[:, i]
            np.testing.assert_allclose(ridge.z[key][i], stats.ttest_1samp(values, value[i]).statistic, rtol=1e-10)


def test_what_agrees_to_rounding_has_no_z(scores: Scores) -> None:
    z = scores.agreements[1].z
    assert all(np.isnan(z[key]) for key in ("memorization_error", "training_error", "training_loss"))
    assert np.isfinite(z["q"])
    assert scores.exact == 3
    assert scores.z.size == 2 * 6 + 3


def test_rounding_is_not_scored() -> None:
    # An optimiser that meets a constraint up to 1e-12, each time a little differently.
    values = 1e-12 * np.arange(1.0, 6.0)
    met = rf.finite.Estimate(values.mean(), values.std(ddof=1) / np.sqrt(5), values)
    assert np.isnan(_score(met, 0.0, None))
    assert _score(met._replace(mean=met.mean + 1e-8), 0.0, None) > 4


def test_without_facts_there_is_no_memorization_to_score() -> None:
    held = agreement(rf.RulesAndFacts(1.5, 0.0), RIDGE, 40, 5, **QUIET)
    assert np.isnan(held.z["memorization_error"]).all()
    assert Scores([held]).exact == 0
    assert str(Scores([held])).splitlines()[2].split()[2] == "–"


def test_labels_never_wrong_are_scored_by_the_theory_of_their_count() -> None:
    # At small lam a kernel machine gets no label wrong in any seed, and the theory expects less than one.
    task, learner = rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Hinge(), rf.Kernel(0.6, 0.8), 0.7)
    held = agreement(task, learner, 60, 10, **QUIET)
    p = held.theory["training_error"]
    assert held.measured["training_error"].stderr == 0.0 < p
    np.testing.assert_allclose(held.z["training_error"], -p / np.sqrt(p * (1 - p) / (10 * 60)), rtol=1e-12)


def test_the_posterior_mean_is_held_against_the_bayes_solution() -> None:
    held = agreement(rf.RulesAndFacts(3.0, 0.2), rf.BayesOptimal(), 200, 20, **QUIET)
    assert held.theory["q"] == rf.solve(rf.RulesAndFacts(3.0, 0.2), rf.BayesOptimal()).q
    assert "training_loss" not in held.z
    assert all(abs(z) < 4 for z in held.z.values())


def test_a_posterior_that_knows_nothing_guesses() -> None:
    held = agreement(rf.RulesAndFacts(2.0, 1.0), rf.BayesOptimal(), 50, 4, **QUIET)
    for key in ("generalization_error", "memorization_error", "training_error"):
        np.testing.assert_array_equal(held.measured[key].values, 0.5)
        assert held.theory[key] == 0.5
    assert np.isnan(list(held.z.values())).all()  # exact, and nothing to score


def test_another_theory_beside_the_same_runs(ridge: rf.finite.Agreement) -> None:
    assert ridge.against(TASK, RIDGE).z["q"] == pytest.approx(ridge.z["q"])
    wrong = ridge.against(rf.RulesAndFacts(1.5, 0.6), RIDGE)
    assert wrong.measured is ridge.measured
    assert np.all(wrong.z["generalization_error"] < -4)
    with pytest.raises(ValueError, match=r"the theory has shape \(\), what was measured \(2,\)"):
        ridge.against(TASK, rf.Learner(rf.Square(), rf.Linear(), 1.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": 1}, "seeds = 1 is a single seed, which has no standard error; use at least two"),
        ({"d": 0}, r"d = 0 is not an integer in the allowed range \[1, inf\)"),
        ({"learner": rf.BayesOptimal(), "inputs": "binary"}, "inputs = 'binary', actual = None: the Bayes-optimal"),
        ({"learner": rf.BayesOptimal(), "task": rf.RulesAndFacts(np.ones(2), 0.3)}, "takes one task; call agreement"),
    ],
)
def test_bad_input(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        agreement(**{"task": TASK, "learner": RIDGE, "d": 20, "seeds": 3} | QUIET | arguments)


# ------------------------------------------------------------------ the points of the appendix
def test_the_suite_covers_every_loss_on_every_kind_of_features() -> None:
    cases = suite()
    assert sum(np.size(getattr(case.learner, "lam", 0.0)) for case in cases) >= 30
    assert all(400 <= case.d <= 1500 for case in cases)
    seeds = [seed for case in cases for seed in case.seeds]
    assert sorted(seeds) == list(range(20 * len(cases)))  # all of them, each once
    trained = [case for case in cases if isinstance(case.learner, rf.Learner)]
    losses = ("Square", "Hinge", "SquaredHinge", "Logistic", "MinNorm", "MaxMargin")
    covered = {(type(case.learner.loss).__name__, type(case.learner.features).__name__) for case in trained}
    assert covered == {(loss, features) for loss in losses for features in ("Linear", "Kernel", "RandomFeatures")}
    assert {case.inputs for case in cases} == {"gaussian", "sphere", "binary"}
    actual = {type(case.actual).__name__ for case in cases}
    assert actual == {"ActivationFeatures", "DotProductKernel", "RBFKernel", "NoneType"}
    assert any(isinstance(case.learner, rf.BayesOptimal) for case in cases)
    with pytest.raises(ValueError, match=r"seeds = 1 is not an integer in the allowed range \[2, 1000000\]"):
        suite(seeds=1)


def test_a_case_trains_what_it_says() -> None:
    case = suite(seeds=2)[25]
    held = case.run(**QUIET)
    assert (held.task, held.learner, held.d, held.seeds) == (case.task, case.learner, case.d, case.seeds)
    assert (held.inputs, held.actual, held.name) == ("sphere", case.actual, "ridge, RBF kernel")


# ------------------------------------------------------------------ all of them together
def test_flipped_signs_keep_the_law_of_exact_theories() -> None:
    # Numbers of a known mean in place of measured ones: flipping does not see a shift, and keeps correlations.
    rng = np.random.default_rng(0)
    common = rng.standard_normal((20, 1))
    values = common + 0.3 * rng.standard_normal((20, 2)) + 50.0  # far from the theory
    held = agreement(TASK, RIDGE, 20, 20, **QUIET)
    found = rf.finite.Estimate(values.mean(0), values.std(0, ddof=1) / np.sqrt(20), values)
    seeds = tuple(range(20))
    faked = Scores([rf.finite.Agreement("", held.theory, {"q": found}, {"q": held.z["q"]}, TASK, RIDGE, 20, seeds)])
    chance = faked.chance(draws=20_000, rng=1)
    assert chance.shape == (20_000, 2)
    np.testing.assert_allclose(chance.mean(axis=0), 0.0, atol=0.05)
    np.testing.assert_allclose(np.mean(np.abs(chance) > 2), 2 * stats.t.sf(2, df=19), rtol=0.15)
    np.testing.assert_allclose(np.corrcoef(chance[:, 0], chance[:, 1])[0, 1], 1 / (1 + 0.3**2), atol=0.08)
    np.testing.assert_array_equal(chance, faked.chance(draws=20_000, rng=np.random.default_rng(1)))
    with pytest.raises(ValueError, match=r"draws = 0 is not an integer"):
        faked.chance(draws=0)


def test_the_table_shows_every_score(scores: Scores) -> None:
    assert (scores.points, Scores([]).points) == (3, 0)
    text, html = str(scores), scores._repr_html_()
    assert "Square, Linear: α = 1.5, ε = 0.3, d = 60, 30 seeds from 0" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("     0.2")]
    z = [float(cell.replace("−", "-")) for cell in rows[0][1:]]
    keys = ("generalization_error", "memorization_error", "training_error", "training_loss", "m", "q")
    np.testing.assert_allclose(z, [scores.agreements[0].z[key][0] for key in keys], atol=0.0501)
    assert html.count("<tbody>") == 2
    assert html.count('<th scope="row"') == 3
    assert html.count(">=</td>") == 3
    assert html.count("<b>") == 2 + np.sum(np.abs(np.round(scores.z, 1)) > 2)  # two names
