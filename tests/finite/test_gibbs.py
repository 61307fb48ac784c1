"""Gardner's volume sampled: uniform where it can be checked directly, theory's overlaps where it is large."""

from __future__ import annotations

import numpy as np
import pytest

import raflib as rf
from raflib.finite.billiard import Table, billiard
from raflib.finite.chains import autocorrelation_time, effective_sample_size, split_r_hat
from raflib.finite.gibbs import gibbs


def draw(data: rf.Sample, rng: int, **settings):
    return gibbs(data, rng, progress=False, **settings)


def small_sample(seed: int, n: int, d: int, margin: float) -> rf.Sample:
    """Return a sample that some student stores with the margin."""
    rng = np.random.default_rng(seed)
    while True:
        X, y = rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n)
        if rf.finite.is_separable(X, y, 1.2 * margin + 0.1):
            return rf.Sample(X, y, np.ones(n, dtype=bool), rng.standard_normal(d))


@pytest.mark.parametrize(("n", "d", "margin"), [(2, 2, 0.0), (4, 3, 0.0), (3, 3, 0.6), (6, 4, 0.3)])
def test_uniform_on_the_set_by_rejection(n: int, d: int, margin: float) -> None:
    data = small_sample(n * d, n, d, margin)
    rng = np.random.default_rng(0)
    points = rng.standard_normal((2_000_000, d))
    points *= np.sqrt(d) / np.linalg.norm(points, axis=1)[:, None]
    kept = points[(data.y * (points @ data.X.T) / np.sqrt(d) >= margin).all(axis=1)]
    assert len(kept) > 4000
    run = draw(data, 1, margin=margin, samples=4000, chains=2)
    ours = run.students
    np.testing.assert_allclose((ours**2).sum(axis=-1), d, rtol=1e-12)
    # First and second moments, and the distance to the nearest wall, each with its own error.
    for of in (lambda w: w, lambda w: w**2, lambda w: (data.y * (w @ data.X.T)).min(axis=-1)[..., None]):
        theirs, mine = of(kept), of(ours)
        for i in range(theirs.shape[-1]):
            effective = effective_sample_size(mine[..., i])
            error = np.hypot(theirs[:, i].std() / np.sqrt(len(kept)), mine[..., i].std() / np.sqrt(effective))
            assert abs(theirs[:, i].mean() - mine[..., i].mean()) < 4.5 * error
    overlap = np.linalg.norm(kept.mean(axis=0)) ** 2 / d
    assert run.q.mean == pytest.approx(overlap, abs=5 * run.q.stderr + 0.01)


@pytest.mark.parametrize(("alpha", "eps", "margin"), [(1.0, 1.0, 0.0), (1.0, 0.3, 0.0), (0.5, 1.0, 0.5)])
def test_overlaps_of_gardners_volume(alpha: float, eps: float, margin: float) -> None:
    theory = rf.gardner_volume(alpha, eps, margin)
    runs = [
        draw(rf.RulesAndFacts(alpha, eps).sample(100, seed), seed, margin=margin, samples=60, chains=2, burn_in=20,
             largest_r_hat=np.inf)
        for seed in range(8)
    ]  # fmt: skip
    for name, value in (("q", theory.q), ("m", theory.m)):
        got = np.array([getattr(run, name).mean for run in runs])
        # The mean over samples has an error of their spread, and is shifted by O(1 / d).
        assert abs(got.mean() - value) < 4 * got.std(ddof=1) / np.sqrt(8) + 1 / 100, (name, got.mean(), value)
    assert np.mean([run.q.stderr for run in runs]) < 0.03


def test_a_rule_alone_is_the_posterior_of_bayes() -> None:
    # Nishimori: the teacher is one student among others. The mean student is the posterior mean of message passing.
    data = rf.RulesAndFacts(2.0, 0.0).sample(100, 3)
    run = draw(data, 0, samples=300, chains=4)
    mean = run.students.mean(axis=(0, 1))
    passed = rf.finite.gamp(data, rf.BayesOptimal(), 0.0, progress=False).student
    assert mean @ passed / np.linalg.norm(mean) / np.linalg.norm(passed) > 0.995
    assert mean @ mean / 100 == pytest.approx(passed @ passed / 100, abs=0.04)


def test_every_student_stores_the_sample() -> None:
    data = rf.RulesAndFacts(0.6, 0.5).sample(50, 0)
    for margin in (0.0, 0.4):
        run = draw(data, 0, margin=margin, samples=50, chains=3, largest_r_hat=np.inf)
        assert run.students.shape == (3, 50, 50)
        least = (data.y * (run.students @ data.X.T)).min() / np.sqrt(50)
        assert margin - 1e-8 < least < margin + 0.05  # no farther from the walls than it must
        assert run.largest_margin == rf.finite.separate(data.X, data.y).reached > margin
        assert run.given_up == 0.0
        assert run.walls > 5


def test_the_flow_runs_backwards() -> None:
    # To the end of a path and back: what the uniform measure rests on.
    data = rf.RulesAndFacts(1.0, 0.5).sample(30, 1)
    table = Table(data.y[:, None] * data.X, 0.0)
    start = rf.finite.separate(data.X, data.y).student
    direction = np.random.default_rng(0).standard_normal(30)
    direction -= (direction @ start) * start
    direction /= np.linalg.norm(direction)
    angle, short = 1.0, 1e-6
    there, walls = table.travel(start, direction, angle)
    before, _ = table.travel(start, direction, angle - short)
    assert walls > 3
    back = before - (before @ there) * there
    home, again = table.travel(there, back / np.linalg.norm(back), angle)
    assert again == walls
    np.testing.assert_allclose(home, start, atol=1e-6)


def test_the_same_students_whatever_the_workers() -> None:
    data = rf.RulesAndFacts(0.8, 1.0).sample(40, 0)
    settings = {"samples": 40, "chains": 3, "largest_r_hat": np.inf}
    one, two = draw(data, 7, **settings), draw(data, 7, n_jobs=2, **settings)
    np.testing.assert_array_equal(one.students, two.students)
    assert one.q == two.q
    other = draw(data, 8, **settings)
    assert np.abs(other.students - one.students).max() > 0.1
    by_generator = draw(data, np.random.default_rng(7), **settings)
    np.testing.assert_array_equal(one.students, by_generator.students)


def test_thinning_and_burn_in_count_steps() -> None:
    data = rf.RulesAndFacts(0.8, 1.0).sample(20, 0)
    table, start = Table(data.y[:, None] * data.X, 0.0), rf.finite.separate(data.X, data.y).student
    every = billiard(table, start, np.random.default_rng(0), kept=30, thin=1, burn_in=0, travel=0.5)
    some = billiard(table, start, np.random.default_rng(0), kept=5, thin=4, burn_in=10, travel=0.5)
    np.testing.assert_array_equal(some.students, every.students[13::4])


def test_too_many_walls_leave_the_walk_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raflib.finite.billiard._MOST_WALLS", 0.1)
    data = rf.RulesAndFacts(1.0, 1.0).sample(30, 0)
    run = draw(data, 0, samples=100, chains=2, largest_r_hat=np.inf)
    assert 0.1 < run.given_up < 1.0
    stays = (np.diff(run.students, axis=1) == 0).all(axis=-1)
    assert stays.mean() == pytest.approx(run.given_up, abs=0.15)


def test_what_cannot_be_stored_is_an_error() -> None:
    with pytest.raises(rf.SimulationError, match=r"no student stores this sample \(n = 120, d = 30\).*lower the load"):
        draw(rf.RulesAndFacts(4.0, 1.0).sample(30, 0), 0)
    data = rf.RulesAndFacts(0.5, 1.0).sample(30, 0)
    with pytest.raises(rf.SimulationError, match=r"with margin 3: the largest possible is at most"):
        draw(data, 0, margin=3.0)


def test_chains_that_disagree_are_an_error() -> None:
    data = rf.RulesAndFacts(1.0, 1.0).sample(60, 0)
    with pytest.raises(rf.SimulationError, match=r"disagree.*r_hat = .* above largest_r_hat = 1\.1; raise samples"):
        draw(data, 0, samples=20, burn_in=0, travel=0.02)


def test_bad_input_is_named() -> None:
    data = rf.RulesAndFacts(0.5, 1.0).sample(20, 0)
    for settings, message in (
        ({"margin": -0.1}, r"margin = -0\.1 is outside"),
        ({"samples": 4}, r"samples = 4 is not an integer in the allowed range \[8, inf\)"),
        ({"chains": 1}, r"chains = 1 is not an integer in the allowed range \[2, inf\)"),
        ({"burn_in": -1}, r"burn_in = -1 is not"),
        ({"thin": 0}, r"thin = 0 is not"),
        ({"travel": 0.0}, r"travel = 0 is outside the allowed range \(0, inf\)"),
        ({"largest_r_hat": 1.0}, r"largest_r_hat = 1\.0 is outside"),
        ({"n_jobs": 0}, r"n_jobs = 0 is not"),
    ):
        with pytest.raises(ValueError, match=message):
            draw(data, 0, **settings)
    with pytest.raises(ValueError, match=r"data\.X has d = 1"):
        draw(rf.RulesAndFacts(1.0, 1.0).sample(1, 0), 0)


# ---------------------------------------------------------------- diagnostics


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, -0.5])
def test_autocorrelation_time_of_a_series_with_known_memory(memory: float) -> None:
    rng = np.random.default_rng(3)
    noise, series = rng.standard_normal(200_000), np.zeros(200_000)
    for t in range(1, noise.size):
        series[t] = memory * series[t - 1] + noise[t]
    expected = (1 + memory) / (1 - memory)
    assert autocorrelation_time(series) == pytest.approx(expected, rel=0.1)
    assert effective_sample_size(series.reshape(4, -1)) == pytest.approx(200_000 / expected, rel=0.15)
    assert split_r_hat(series.reshape(4, -1)) < 1.01


def test_a_constant_series_tells_one_value() -> None:
    assert autocorrelation_time(np.full(50, 0.3)) == 50
    assert split_r_hat(np.ones((2, 10))) == 1.0
    assert split_r_hat(np.repeat([[0.0], [1.0]], 10, axis=1)) == np.inf
    with pytest.raises(ValueError, match=r"series of shape \(3,\) is not a vector of at least 4"):
        autocorrelation_time(np.ones(3))


def test_r_hat_sees_a_chain_that_drifts() -> None:
    rng = np.random.default_rng(0)
    chains = rng.standard_normal((4, 400))
    drifting = chains + np.linspace(0, 3, 400)
    assert split_r_hat(chains) < 1.02 < 1.2 < split_r_hat(drifting)
