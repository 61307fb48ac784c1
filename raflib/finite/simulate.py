"""Many learners of finite size, trained and measured: mean and standard error of the theory's observables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import validation
from ..learner import Learner
from ..losses import Hinge, Logistic, MaxMargin, MinNorm, Square, SquaredHinge
from ..overlaps import Array
from ..task import INPUTS, RulesAndFacts
from .actual import Actual
from .errors import SimulationError
from .estimate import Estimate, estimate
from .jobs import Job, run_jobs
from .measure import OBSERVABLES
from .realisation import check_actual
from .seeds import seed_list

__all__ = ["Estimate", "Simulation", "SimulationError", "simulate"]


@dataclass(frozen=True)
class Simulation:
    """Observables of trained learners of dimension d; each is a `raflib.Estimate` over the seeds.

    Attributes
    ----------
    generalization_error : Estimate
        Where inputs and features are Gaussian, the exact angle between the trained student and its teacher over pi: no
        test set, so no sampling noise of one. Otherwise the share of new inputs that miss the rule.
    memorization_error : Estimate
        Share of the facts that are wrong; nan where a sample holds no fact.
    training_error : Estimate
        Share of all samples that are wrong.
    training_loss : Estimate
        Mean loss per sample.
    m : Estimate
        Overlap with the teacher: w.w* / (sqrt(d) ||w*||), or the mean of the two fields' product on new inputs.
    q : Estimate
        Variance of the test field: ||w||^2 / d and the share of noise, or its mean square on new inputs.
    seconds : array, shape (seeds,)
        Wall time of each seed; of a seed from the cache, that of its run.
    task : RulesAndFacts
        What was sampled.
    learner : Learner
        What was trained.
    d : int, at least 1
        Input dimension.
    seeds : tuple of int
        The seeds.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs.
    actual : ActivationFeatures, DotProductKernel, RBFKernel or None
        What was trained on, if not the Gaussian equivalent.
    intercept : bool
        Whether there was a constant feature.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=1.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
    >>> run = rf.simulate(task, learner, d=50, seeds=3, n_jobs=1, progress=False)
    >>> run.d, run.seeds, run.seconds.shape
    (50, (0, 1, 2), (3,))
    """

    generalization_error: Estimate
    memorization_error: Estimate
    training_error: Estimate
    training_loss: Estimate
    m: Estimate
    q: Estimate
    seconds: Array
    task: RulesAndFacts
    learner: Learner
    d: int
    seeds: tuple[int, ...]
    inputs: str = "gaussian"
    actual: Actual | None = None
    intercept: bool = False


def simulate(
    task: RulesAndFacts,
    learner: Learner,
    d: int = 1000,
    seeds: int | Sequence[int] = 8,
    *,
    inputs: str = "gaussian",
    actual: Actual | None = None,
    intercept: bool = False,
    test_size: int = 10_000,
    n_jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Simulation:
    r"""Sample the task, train the learner and measure it, for several seeds in parallel.

    The learner is the theory's, so that `raflib.solve` of the same task and learner is what the means tend to. It is
    trained on the Gaussian equivalent of its features, or with ``actual`` on features that have this equivalent. The
    parameters broadcast as in `raflib.solve`: an array of loads gives a learning curve. All values of lam at one point
    are trained on the same sample, and ridge regression factorises it once for all of them.

    Parameters
    ----------
    task : RulesAndFacts
        With alpha and eps scalars or arrays; round(alpha d) samples. A seed's samples for two loads have the same
        teacher, and the larger one starts with the inputs of the smaller.
    learner : Learner
        Square, Hinge, Logistic, SquaredHinge, MinNorm or MaxMargin on Linear, Kernel or RandomFeatures; the ridge and
        the parameters of the features may be arrays.
    d : int, at least 1
        Input dimension. A run keeps a few arrays of the size of its features, n times d or kappa d, or of the kernel
        matrix, n times n; with four of them a seed at d = 1000 and alpha = 2 needs about 100 megabytes.
    seeds : int, in [1, 1000000], or sequence of distinct non-negative int
        A number n stands for the seeds 0 to n - 1. The same seed gives the same numbers whatever n_jobs is.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs: normal entries, the same on the sphere of radius sqrt(d), or signs.
    actual : ActivationFeatures, DotProductKernel or RBFKernel, optional
        What to train on instead of the Gaussian equivalent: `raflib.finite.ActivationFeatures` for RandomFeatures, the
        other two for Kernel. The learner's features must be their equivalent.
    intercept : bool
        Whether to add a constant feature of strength 1, which the ridge weighs like the others. The theory has none;
        with balanced labels it is small, of order 1 / sqrt(n).
    test_size : int, at least 1
        New inputs per seed, where the generalization error is not a matter of geometry: with ``actual``, or if inputs
        are not Gaussian. Taken in blocks of bounded memory.
    n_jobs : int, not 0, optional
        Parallel processes, -1 for one a core. By default what joblib.parallel_config says, such as a Dask cluster, or
        one a core.
    cache : str or path, optional
        Folder that keeps each finished seed, by its parameters, the code and the versions of the packages under it.
        The same call takes from there what it finds. Deleting the folder is safe. Without it nothing is kept, and a
        call that fails loses its finished seeds.
    progress : bool
        Show a progress bar while it runs.

    Returns
    -------
    Simulation
        Mean, standard error and value of each seed, of each observable; arrays have the shape that alpha, eps, lam and
        the parameters of the features broadcast to.

    Raises
    ------
    ValueError
        If an argument is outside its range, if shapes do not broadcast, if ``actual`` does not belong to the learner's
        features, or if its kernel matrix is not positive semidefinite.
    SimulationError
        If an optimiser did not converge, if a hard constraint cannot be met, or if a worker died. A failed run is
        never a point. All other seeds finish first, unless a worker died; those that finished are kept if ``cache``
        was given, and only then.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
    >>> learner = rf.Learner(rf.Square(), rf.Linear(), lam=0.1)
    >>> run = rf.simulate(task, learner, d=200, seeds=4, n_jobs=1, progress=False)
    >>> theory = rf.generalization_error(rf.solve(task, learner))
    >>> abs(run.generalization_error.mean - theory) < 4 * run.generalization_error.stderr + 0.01
    True

    A kernel matrix as it is, on the sphere:

    >>> rbf = rf.finite.RBFKernel(0.5)
    >>> svm = rf.Learner(rf.Hinge(), rbf.equivalent, lam=np.array([0.01, 1.0]))
    >>> run = rf.simulate(task, svm, d=100, seeds=2, inputs="sphere", actual=rbf, n_jobs=1, progress=False)
    >>> run.memorization_error.mean.tolist()[0]
    0.0
    """
    validation.instance("task", task, RulesAndFacts, "an rf.RulesAndFacts(alpha, eps)")
    d = validation.integer("d", d, 1)
    chosen = seed_list(seeds)
    validation.choice("inputs", inputs, INPUTS)
    test_size = validation.integer("test_size", test_size, 1)
    workers = validation.workers("n_jobs", n_jobs)
    if not isinstance(learner, Learner):
        raise ValueError(f"learner = {learner!r} minimises no loss; simulate trains an rf.Learner")
    if not isinstance(learner.loss, Square | Hinge | Logistic | SquaredHinge | MinNorm | MaxMargin):
        raise ValueError(
            f"loss = {learner.loss!r} has no finite-size version; use Square, Hinge, Logistic, SquaredHinge, MinNorm "
            "or MaxMargin"
        )
    if actual is not None:
        check_actual(actual, learner.features)

    groups, shape = _groups(task, learner)
    settings = (inputs, actual, bool(intercept), test_size)
    runs = run_jobs(
        [Job(one, at, d, seed, *settings) for one, at, _ in groups for seed in chosen], workers, cache, progress
    )
    values = np.empty((len(OBSERVABLES), len(chosen), int(np.prod(shape))))
    seconds = np.zeros((len(groups), len(chosen)))
    for i, (_, _, points) in enumerate(groups):
        for j in range(len(chosen)):
            values[:, j, points], seconds[i, j] = runs[i * len(chosen) + j]
    estimates = {name: estimate(values[i].reshape(len(chosen), *shape)) for i, name in enumerate(OBSERVABLES)}
    return Simulation(
        **estimates,
        seconds=seconds.sum(axis=0),
        task=task,
        learner=learner,
        d=d,
        seeds=chosen,
        inputs=inputs,
        actual=actual,
        intercept=bool(intercept),
    )


def _groups(
    task: RulesAndFacts, learner: Learner
) -> tuple[list[tuple[RulesAndFacts, Learner, Array]], tuple[int, ...]]:
    """Return the points that share a sample, as a task, a learner with a path of lam, and their indices; the shape."""
    features = learner.features.parameters
    named = {"alpha": task.alpha, "eps": task.eps, **features, "lam": learner.lam}
    whole = dict(zip(named, validation.broadcast(**named), strict=True))
    shape = whole["lam"].shape
    table = np.stack([whole[name].ravel() for name in named if name != "lam"], axis=1)
    lam = whole["lam"].ravel()
    if lam.size == 0:
        raise ValueError(f"there is no point to simulate: the parameters broadcast to the shape {shape}")
    members: dict[tuple[float, ...], list[int]] = {}
    for index, row in enumerate(map(tuple, table.tolist())):
        members.setdefault(row, []).append(index)
    groups = []
    for (alpha, eps, *rest), indices in members.items():
        at = learner.features.at({name: np.asarray(value) for name, value in zip(features, rest, strict=True)})
        points = np.array(indices)
        groups.append((RulesAndFacts(alpha, eps), Learner(learner.loss, at, lam[points]), points))
    return groups, shape
