"""Recall of facts from corrupted copies, by learners of finite size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .. import validation
from ..learner import Learner
from ..losses import Hinge, Logistic, MaxMargin, MinNorm, Square, SquaredHinge
from ..overlaps import Array
from ..task import INPUTS, RulesAndFacts, draw_inputs
from .actual import Actual
from .checks import scalar
from .estimate import Estimate, estimate
from .realisation import LinearReading, Reading, check_actual, realise
from .ridge import Path
from .seeds import seed_list
from .training import train_path
from .trials import run_trials


def recall(
    task: RulesAndFacts,
    learner: Learner,
    rho: float | Array,
    d: int = 400,
    seeds: int | Sequence[int] = 8,
    *,
    overlap: Array | Callable[[Array], Array] | None = None,
    actual: Actual | None = None,
    inputs: str = "gaussian",
    copies: int = 1,
    n_jobs: int | None = None,
    progress: bool = True,
) -> Estimate:
    r"""Train learners and present corrupted copies of their facts: the share that gets another label.

    .. math::

        x'_\mu = \rho\,x_\mu + \sqrt{1-\rho^2}\,\zeta_\mu,

    with :math:`\zeta_\mu` drawn as a new input, for every fact of the sample. `raflib.recall_error` is what the mean
    tends to.

    Parameters
    ----------
    task : RulesAndFacts
        With scalar alpha, and eps in (0, 1].
    learner : Learner
        With scalar parameters; a loss and features that `raflib.simulate` trains.
    rho : float or array, in [0, 1]
        Correlation of the copies with their facts. All are presented to the same trained learner.
    d : int, at least 1
        Input dimension.
    seeds : int, in [1, 1000000], or sequence of distinct non-negative int
        A number n stands for the seeds 0 to n - 1. A seed's sample is that of `raflib.simulate`.
    overlap : array or function, in [0, 1], optional
        What is left of the nonlinear part in a copy, for the Gaussian equivalent of a kernel or of random features:
        numbers that broadcast to the shape of rho, or a function of rho. With ``actual`` there is nothing to choose.
    actual : ActivationFeatures, DotProductKernel or RBFKernel, optional
        What to train on instead of the Gaussian equivalent.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs and of :math:`\zeta`. A copy of inputs on the sphere is near it, not on it.
    copies : int, at least 1
        Copies of each fact, at each rho.
    n_jobs : int, not 0, optional
        Workers, -1 for one a core. By default what joblib.parallel_config says, or one.
    progress : bool
        Show a progress bar over the seeds.

    Returns
    -------
    Estimate
        Mean, standard error and value of each seed, of the shape of rho; nan where a sample holds no fact.

    Raises
    ------
    ValueError
        If an argument is outside its range, if overlap is missing where the Gaussian equivalent has a nonlinear part,
        or if ``actual`` does not belong to the learner's features.
    SimulationError
        If an optimiser did not converge, or if a hard constraint cannot be met.

    References
    ----------
    Chapter "Basins: recalling a fact from a corrupted input".

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task, rbf, rho = rf.RulesAndFacts(1.0, 0.5), rf.finite.RBFKernel(0.5), np.array([1.0, 0.7])
    >>> learner = rf.Learner(rf.Square(), rbf.equivalent, lam=0.1)
    >>> run = rf.finite.recall(task, learner, rho, d=100, seeds=4, actual=rbf, n_jobs=1, progress=False)
    >>> theory = rf.recall_error(rf.solve(task, learner), rho, rf.rbf_overlap(0.5, rho))
    >>> bool(np.all(abs(run.mean - theory) < 4 * run.stderr + 0.03))
    True
    """
    validation.instance("task", task, RulesAndFacts, "an rf.RulesAndFacts(alpha, eps)")
    if not isinstance(learner, Learner):
        raise ValueError(f"learner = {learner!r} minimises no loss; recall trains an rf.Learner")
    if not isinstance(learner.loss, Square | Hinge | Logistic | SquaredHinge | MinNorm | MaxMargin):
        raise ValueError(
            f"loss = {learner.loss!r} has no finite-size version; use Square, Hinge, Logistic, SquaredHinge, MinNorm "
            "or MaxMargin"
        )
    scalar("alpha", task.alpha, 0)
    scalar("lam", learner.lam, 0)
    if scalar("eps", task.eps, 0, 1) == 0.0:
        raise ValueError("eps = 0: there are no facts to recall; use eps in (0, 1]")
    d, copies = validation.integer("d", d, 1), validation.integer("copies", copies, 1)
    validation.choice("inputs", inputs, INPUTS)
    at = np.asarray(validation.number("rho", rho, 0, 1))
    kept = np.zeros_like(at)
    if actual is not None:
        check_actual(actual, learner.features)
        if overlap is not None:
            raise ValueError("overlap has no meaning with actual: the kernel or the activation is what it is")
    elif overlap is not None:
        given = validation.number("overlap", overlap(at) if callable(overlap) else overlap, 0, 1)
        kept = np.broadcast_to(given, at.shape)
    elif np.any(np.asarray(learner.features.strengths[1]) > 0.0):
        raise ValueError(
            f"overlap is missing: copies keep some of the nonlinear part of {learner.features!r}; pass h(rho), e.g. "
            "overlap=lambda rho: rho**2, or an actual kernel"
        )
    calls = [(task, learner, at.ravel(), kept.ravel(), d, seed, actual, inputs, copies) for seed in seed_list(seeds)]
    shares = run_trials(_shares, calls, n_jobs, progress, f"recall at d = {d}")
    return estimate(np.reshape(shares, (-1, *at.shape)))


def _shares(
    task: RulesAndFacts,
    learner: Learner,
    rho: Array,
    kept: Array,
    d: int,
    seed: int,
    actual: Actual | None,
    inputs: str,
    copies: int,
) -> Array:
    """Return the share of facts that get another label, at each rho, for one sample."""
    data = task.sample(d, np.random.default_rng(seed), inputs)
    features_rng, copy_rng = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    facts = np.flatnonzero(data.is_fact)
    if facts.size == 0:
        return np.full(rho.size, np.nan)
    design, reading = realise(learner.features, actual, data.X, features_rng, False)
    path = train_path(design, data.y, learner.loss, np.atleast_1d(np.asarray(learner.lam, dtype=np.float64)))
    wrong = np.zeros(rho.size)
    for _ in range(copies):
        for i, (correlation, share) in enumerate(zip(rho, kept, strict=True)):
            noise = draw_inputs(facts.size, d, copy_rng, inputs)
            X = correlation * data.X[facts] + np.sqrt(1.0 - correlation**2) * noise
            fields = _fields(path, reading, data.X[facts], facts, X, share, copy_rng)
            wrong[i] += np.mean(data.y[facts] * fields <= 0.0)
    return wrong / copies


def _fields(
    path: Path,
    reading: Reading,
    X: Array,
    facts: NDArray[np.intp],
    copies: Array,
    share: float,
    rng: np.random.Generator,
) -> Array:
    """Return the fields of copies of the facts X."""
    if not isinstance(reading, LinearReading):
        return np.asarray(reading.fields(copies, path.weights)[:, 0])
    vectors, noise, _ = reading.students(path.weights)
    root = np.sqrt(X.shape[1])
    # What the nonlinear part gave the fact itself: its private direction, or its features' noise.
    private = path.fields[facts, 0] - X @ vectors[:, 0] / root
    fresh = noise[0] * rng.standard_normal(len(X))
    return np.asarray(copies @ vectors[:, 0] / root + share * private + np.sqrt(1.0 - share**2) * fresh)
