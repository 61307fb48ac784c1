"""Message passing: its end is the minimiser, its way is state evolution, and what goes wrong is said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

import raflib as rf
from raflib.finite.gamp import gamp

TASK = rf.RulesAndFacts(2.0, 0.3)


def run(data: rf.Sample, learner, eps: float | None = 0.3, **settings):
    return gamp(data, learner, eps, progress=False, **settings)


def inputs_and_private(data: rf.Sample, features) -> np.ndarray:
    """Return the explicit features of the Gaussian equivalent."""
    mu1, mu_star = features.strengths
    n, d = data.X.shape
    return np.hstack([mu1 * data.X / np.sqrt(d), mu_star * np.eye(n)])


# ---------------------------------------------------------------- the end is the minimiser


@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.8, 0.6)], ids=["linear", "kernel"])
def test_ridge_in_closed_form(features) -> None:
    data, lam, d = TASK.sample(d=120, rng=3), 0.2, 120
    found = run(data, rf.Learner(rf.Square(), features, lam), tol=1e-12)
    phi = inputs_and_private(data, features)
    weights = np.linalg.solve(phi.T @ phi + lam * np.eye(phi.shape[1]), phi.T @ data.y)
    np.testing.assert_allclose(found.fields, phi @ weights, atol=1e-9)
    np.testing.assert_allclose(found.student, features.strengths[0] * weights[:d], atol=1e-9)


@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.8, 0.6)], ids=["linear", "kernel"])
@pytest.mark.parametrize("loss", [rf.Logistic(), rf.SquaredHinge()], ids=repr)
def test_smooth_losses_against_a_general_optimiser(loss, features) -> None:
    data, lam = TASK.sample(d=60, rng=1), 0.3
    found = run(data, rf.Learner(loss, features, lam), tol=1e-11)
    phi = data.y[:, None] * inputs_and_private(data, features)

    def objective(a: np.ndarray) -> tuple[float, np.ndarray]:
        x = phi @ a
        slope = -1 / (1 + np.exp(x)) if isinstance(loss, rf.Logistic) else -np.maximum(0, 1 - x)
        return float(loss.value(x).sum() + lam / 2 * a @ a), phi.T @ slope + lam * a

    best = minimize(objective, np.zeros(phi.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-10})
    np.testing.assert_allclose(data.y * found.fields, phi @ best.x, atol=1e-6)


def test_logistic_regression_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    data, lam, d = TASK.sample(d=150, rng=5), 0.1, 150
    found = run(data, rf.Learner(rf.Logistic(), rf.Linear(), lam), tol=1e-11)
    theirs = LogisticRegression(C=1 / lam, fit_intercept=False, tol=1e-12, solver="newton-cholesky")
    theirs.fit(data.X / np.sqrt(d), data.y)
    np.testing.assert_allclose(found.student, theirs.coef_[0], atol=1e-6)


@pytest.mark.parametrize("features", [rf.Linear(), rf.Kernel(0.8, 0.6)], ids=["linear", "kernel"])
def test_the_support_vector_machine_by_its_dual(features) -> None:
    # A feasible point of the dual with the value of the primal proves both; the forces of the samples are that point.
    data, lam = TASK.sample(d=100, rng=2), 0.3
    found = run(data, rf.Learner(rf.Hinge(), features, lam), tol=1e-12)
    rows = data.y[:, None] * inputs_and_private(data, features)
    x = data.y * found.fields
    # Below the margin the force is one, above it zero; at the margin least squares finds it from the student.
    force = np.where(x < 1 - 1e-7, 1.0, 0.0)
    at = np.abs(x - 1) <= 1e-7
    mu1, mu_star = features.strengths
    d = data.X.shape[1]
    if mu_star:
        # A sample's own weight is mu_star times its force over lam, and the rest of its field is the student's.
        own = x - data.y * (data.X @ found.student) / np.sqrt(d)
        force = lam * own / mu_star**2
    else:
        pull = lam * found.student / mu1 - rows[~at, :d].T @ force[~at]
        force[at] = np.linalg.lstsq(rows[at, :d].T, pull, rcond=None)[0]
    assert force.min() > -1e-8
    assert force.max() < 1 + 1e-8
    assert 0.1 < at.mean() < 0.9
    weights = rows.T @ force / lam
    primal = np.maximum(0, 1 - rows @ weights).sum() + lam / 2 * weights @ weights
    dual = force.sum() - lam / 2 * weights @ weights
    assert primal == pytest.approx(dual, rel=1e-8)
    np.testing.assert_allclose(rows @ weights, x, atol=1e-6)


def test_the_support_vector_machine_of_scikit_learn() -> None:
    from sklearn.svm import LinearSVC

    data, lam, d = TASK.sample(d=80, rng=4), 0.5, 80
    found = run(data, rf.Learner(rf.Hinge(), rf.Linear(), lam), tol=1e-11)
    theirs = LinearSVC(loss="hinge", C=1 / lam, fit_intercept=False, tol=1e-11, max_iter=2_000_000, random_state=0)
    theirs.fit(data.X / np.sqrt(d), data.y)
    np.testing.assert_allclose(found.student, theirs.coef_[0], atol=1e-6)


def test_hard_constraints() -> None:
    data = rf.RulesAndFacts(0.6, 0.5).sample(d=150, rng=0)
    phi = data.X / np.sqrt(150)
    shortest = run(data, rf.Learner(rf.MinNorm(), rf.Linear(), 1.0), 0.5, tol=1e-12)
    np.testing.assert_allclose(shortest.student, np.linalg.pinv(phi) @ data.y, atol=1e-8)
    # The largest margin, from non-negative least squares.
    deepest = rf.finite.separate(data.X, data.y)
    for learner in (rf.Learner(rf.MaxMargin(), rf.Linear(), 1.0), rf.Learner(rf.Hinge(), rf.Linear(), 0.0)):
        found = run(data, learner, 0.5, tol=1e-11)
        np.testing.assert_allclose(found.student * deepest.reached / np.sqrt(150), deepest.student, atol=1e-7)


# ---------------------------------------------------------------- the way is state evolution


@pytest.fixture(scope="module")
def large() -> rf.Sample:
    return TASK.sample(d=2000, rng=7)


@pytest.mark.parametrize(
    "learner",
    [
        rf.Learner(rf.Square(), rf.Linear(), 0.3),
        rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.05),
        rf.Learner(rf.Logistic(), rf.Linear(), 0.3),
        rf.BayesOptimal(),
    ],
    ids=["ridge, linear", "hinge, kernel", "logistic, linear", "Bayes"],
)
def test_every_step_follows_state_evolution(large: rf.Sample, learner) -> None:
    found = run(large, learner, tol=1e-6)
    ours, theory = found.trajectory, found.theory
    assert len(ours) == len(theory) == found.steps + 1 > 8
    unit = np.sqrt(theory.q.max() / 2000)
    assert np.abs(ours.m - theory.m).max() < 4 * unit
    assert np.abs(ours.q - theory.q).max() < 8 * np.sqrt(theory.q.max()) * unit
    np.testing.assert_allclose(ours.V, theory.V, rtol=4 / np.sqrt(2000))
    for error in ("generalization_error", "memorization_error", "training_error"):
        assert np.abs(getattr(ours, error) - getattr(theory, error)).max() < 4 * 0.5 / np.sqrt(0.3 * 4000), error
    # The bounds tell one step from the next: theory that lags by a step does not pass.
    assert np.abs(ours.m[1:] - theory.m[:-1]).max() > 4 * unit


def test_an_informed_start_has_its_overlaps_and_follows_too(large: rf.Sample) -> None:
    start = (0.6, 0.3, 0.9)
    found = run(large, rf.Learner(rf.Hinge(), rf.Linear(), 1.0), start=start, rng=0, tol=1e-5)
    ours, theory = found.trajectory, found.theory
    assert (ours.m[0], ours.s[0], ours.V[0]) == pytest.approx(start, rel=1e-12)
    assert np.abs(ours.m - theory.m).max() < 4 / np.sqrt(2000)
    assert np.abs(ours.q - theory.q).max() < 8 / np.sqrt(2000)


def test_the_distance_to_state_evolution_falls_as_the_root_of_d() -> None:
    learner = rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), 0.1)

    def gap(d: int) -> float:
        runs = [run(TASK.sample(d, rng), learner, tol=1e-6) for rng in range(12)]
        return float(np.sqrt(np.mean([np.mean((x.trajectory.q - x.theory.q) ** 2) for x in runs])))

    assert 2.5 < gap(50) / gap(800) < 6.4  # four, if as 1 / sqrt(d)


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_bayes_ends_where_the_solver_says(eps: float) -> None:
    task = rf.RulesAndFacts(2.0, eps)
    sol = rf.solve(task, rf.BayesOptimal())
    runs = [run(task.sample(400, rng), rf.BayesOptimal(), eps) for rng in range(6)]
    for name, value in (("m", sol.m), ("q", sol.q), ("V", sol.V)):
        got = np.array([getattr(x.trajectory, name)[-1] for x in runs])
        assert abs(got.mean() - value) < 4 * got.std(ddof=1) / np.sqrt(6) + 1 / 400, name
    # No learner generalizes better: not even ridge with the best lam of all, by as much as theory says.
    best = rf.Learner(rf.Square(), rf.Linear(), rf.optimal_ridge(eps, rf.Linear()))
    gap = rf.generalization_error(rf.solve(task, best)) - rf.generalization_error(sol)
    ridge = [run(task.sample(400, rng), best, eps) for rng in range(6)]
    ours, theirs = (np.mean([x.trajectory.generalization_error[-1] for x in some]) for some in (runs, ridge))
    assert 0.5 * gap < theirs - ours < 2 * gap


def test_binary_inputs_end_at_the_same_theory() -> None:
    rng = np.random.default_rng(0)
    d, n = 1000, 2000
    X, teacher = rng.choice([-1.0, 1.0], (n, d)), rng.standard_normal(d)
    is_fact = rng.random(n) < 0.3
    y = np.where(is_fact, rng.choice([-1.0, 1.0], n), np.sign(X @ teacher))
    found = run(rf.Sample(X, y, is_fact, teacher), rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.05))
    assert abs(found.trajectory.m[-1] - found.theory.m[-1]) < 4 / np.sqrt(d)


def test_without_facts_there_is_no_memorization_error_and_eps_is_that_of_the_sample() -> None:
    data = rf.RulesAndFacts(1.0, 0.0).sample(d=60, rng=0)
    found = gamp(data, rf.Learner(rf.Square(), rf.Linear(), 1.0), progress=False)
    assert found.eps == 0.0
    assert np.isnan(found.trajectory.memorization_error).all()
    assert np.isfinite(found.trajectory.training_error).all()
    with_facts = TASK.sample(d=60, rng=0)
    assert gamp(with_facts, rf.BayesOptimal(), progress=False).eps == with_facts.is_fact.mean()


def test_coin_flips_teach_the_bayes_optimal_student_nothing() -> None:
    found = run(rf.RulesAndFacts(1.0, 1.0).sample(d=50, rng=0), rf.BayesOptimal(), 1.0)
    assert not found.student.any()
    assert found.trajectory.memorization_error[-1] == found.trajectory.generalization_error[-1] == 0.5


# ---------------------------------------------------------------- damping, convergence, divergence


def test_damping_changes_the_way_and_not_the_end() -> None:
    data, learner = TASK.sample(d=200, rng=0), rf.Learner(rf.Hinge(), rf.Linear(), 0.5)
    plain, damped = run(data, learner, tol=1e-10), run(data, learner, tol=1e-10, damping=0.4)
    assert plain.damping == 0.0
    np.testing.assert_allclose(damped.student, plain.student, atol=1e-7)
    assert abs(damped.trajectory.m[1] - 0.6 * plain.trajectory.m[1]) < 1e-12


def test_convergence_is_that_of_the_undamped_step() -> None:
    # A step that is damped to five per cent is small long before the end is near.
    data, lam = TASK.sample(d=100, rng=0), 0.3
    found = run(data, rf.Learner(rf.Square(), rf.Linear(), lam), tol=1e-3, damping=0.95)
    phi = data.X / np.sqrt(100)
    exact = np.linalg.solve(phi.T @ phi + lam * np.eye(100), phi.T @ data.y)
    assert found.change[-1] <= 1e-3 < found.change[-2]
    assert np.linalg.norm(found.student - exact) < 5e-3 * np.linalg.norm(exact)


@pytest.mark.parametrize("lam", [0.01, 3.0])
def test_the_change_is_that_of_student_forces_and_response(lam: float) -> None:
    # Ridge by its own few lines: the force of a field is y - omega over 1 + V, its stiffness 1 / (1 + V).
    data, d = TASK.sample(d=60, rng=0), 60
    found = run(data, rf.Learner(rf.Square(), rf.Linear(), lam))
    A = data.X / np.sqrt(d)
    w, f, V = np.zeros(d), np.zeros(120), 1 / lam
    for change in found.change[:8]:
        f_new = (data.y - (A @ w - V * f)) / (1 + V)
        V_hat = 2.0 / (1 + V)
        V_new = 1 / (lam + V_hat)
        w_new = V_new * (A.T @ f_new + V_hat * w)
        pairs = [(w_new, w), (f_new, f), (V_new, V)]
        moved = [np.linalg.norm(new - old) / np.linalg.norm(new) for new, old in pairs]
        assert change == pytest.approx(max(moved), rel=1e-9)
        w, f, V = w_new, f_new, V_new


@pytest.mark.parametrize("damping", [0.0, 0.3])
@pytest.mark.parametrize("loss", [rf.Hinge(), rf.SquaredHinge()], ids=repr)
def test_a_student_that_no_sample_pulls_starts_again_from_zero(loss, damping: float) -> None:
    # So far along the rule all margins are met, and the ridge takes the student to zero in one undamped step.
    data, learner = rf.RulesAndFacts(1.0, 0.0).sample(d=10, rng=0), rf.Learner(loss, rf.Linear(), 1.0)
    usual = run(data, learner, 0.0)
    found = run(data, learner, 0.0, start=(100, 1, 0.1), rng=0, damping=damping)
    assert found.change[0] == np.inf
    np.testing.assert_allclose(found.student, usual.student, atol=1e-7)
    if not damping:
        assert found.steps == usual.steps + 1
        assert found.trajectory.q[1] == 0.0
        assert found.trajectory.generalization_error[1] == 0.5


def test_coin_flips_take_the_student_of_any_start_to_zero() -> None:
    found = run(rf.RulesAndFacts(1.0, 1.0).sample(d=20, rng=0), rf.BayesOptimal(), 1.0, start=(0.5, 0.5, 0.5), rng=0)
    assert not found.student.any()
    assert found.change.tolist() == [np.inf, 0.0]


def test_divergence_is_an_error_that_says_what_to_do() -> None:
    # Inputs with a mean: a direction that message passing does not know of.
    data = TASK.sample(d=200, rng=0)
    shifted = data._replace(X=data.X + 0.5)
    with pytest.raises(
        rf.SimulationError,
        match=r"diverged: q grew to \d\.\d*e\+(0\d|1[0-2]), .* at iteration \d+ \(n = 400, d = 200\).*mean 0",
    ):
        run(shifted, rf.Learner(rf.Square(), rf.Linear(), 0.1))


def test_too_few_iterations_are_an_error() -> None:
    learner = rf.Learner(rf.Square(), rf.Linear(), 0.1)
    with pytest.raises(rf.SimulationError, match=r"did not stand still in 5 iterations .*tol 1e-09.*raise max_iter"):
        run(TASK.sample(d=50, rng=0), learner, max_iter=5)


def test_a_constraint_that_cannot_be_met_is_an_error() -> None:
    with pytest.raises(rf.ConvergenceError, match=r"MaxMargin cannot be met .* capacity"):
        run(rf.RulesAndFacts(3.0, 1.0).sample(d=40, rng=0), rf.Learner(rf.MaxMargin(), rf.Linear(), 1.0), 1.0)


def test_bad_input_is_named() -> None:
    data, learner = TASK.sample(d=30, rng=0), rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), 0.1)
    wide = rf.Learner(rf.Square(), rf.RandomFeatures(0.8, 0.6, 1.0), 0.1)
    path = rf.Learner(rf.Square(), rf.Linear(), np.array([0.1, 1.0]))
    for arguments, settings, message in (
        ((data, wide), {}, r"features = RandomFeatures.* have no message passing here; use Linear or Kernel"),
        ((data, path), {}, r"have the shape \(2,\); gamp takes one learner"),
        ((data, learner, 1.5), {}, r"eps = 1\.5 is outside the allowed range \[0, 1\]"),
        ((data, learner), {"damping": 1.0}, r"damping = 1 is outside the allowed range \[0, 1\)"),
        ((data, learner), {"tol": 0.0}, r"tol = 0 is outside"),
        ((data, learner), {"max_iter": 0}, r"max_iter = 0 is not an integer"),
        ((data, learner), {"start": (0.1, 0.2, 9.0)}, r"start s = 0\.2 needs rng"),
        ((data, learner), {"start": (0.0, 0.0, 3.0)}, r"start V = 3 is not above mu_star\^2 / lam = 3\.6"),
        ((data._replace(y=data.y + 1), learner), {}, r"y\[0\] = (0|2) is neither -1 nor \+1"),
        (
            (data._replace(y=data.y[1:]), learner),
            {},
            r"y has shape \(59,\); it must hold one label for each of the 60 samples",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            gamp(*arguments, progress=False, **settings)
