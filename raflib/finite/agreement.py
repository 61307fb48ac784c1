"""Theory and trained learners side by side: how many standard errors lie between them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import observables, validation
from ..learner import BayesOptimal, Learner
from ..overlaps import Array
from ..solve import solve
from ..task import RulesAndFacts
from .actual import Actual
from .estimate import Estimate, estimate
from .gamp import gamp
from .measure import OBSERVABLES
from .seeds import seed_list
from .simulate import simulate
from .state_evolution import state_evolution
from .trials import run_trials

#: Differences below this are rounding: of the solver, and of an optimiser that meets a hard constraint.
_ROUNDING = 1e-9
#: What is measured of the Bayes-optimal learner, as `Trajectory` names it.
_BAYES = ("generalization_error", "memorization_error", "training_error", "m", "q")


@dataclass(frozen=True)
class Agreement:
    """What the theory says and what trained learners do, for one learner or along a path of its parameters.

    Attributes
    ----------
    name : str
        What tables call it.
    theory : mapping of str to float or array
        Each observable of `raflib.Simulation`, of the shape that the parameters broadcast to. The training loss is
        missing for BayesOptimal, which minimises none.
    measured : mapping of str to Estimate
        The same observables of the trained learners.
    z : mapping of str to float or array
        (mean - theory) / standard error, which is that of the mean over seeds; of a share of wrong labels that is the
        same for every seed, that of the theory's count. nan where both agree to 1e-9, as they do under hard
        constraints, and for the memorization error where there are no facts.
    task : RulesAndFacts
        What was sampled.
    learner : Learner or BayesOptimal
        What was trained.
    d : int, at least 1
        Input dimension.
    seeds : tuple of int
        The seeds.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs.
    actual : ActivationFeatures, DotProductKernel, RBFKernel or None
        What was trained on, if not the Gaussian equivalent.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=1.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
    >>> held = rf.finite.agreement(task, learner, d=100, seeds=4, n_jobs=1, progress=False)
    >>> held.name, sorted(held.z) == sorted(held.theory) == sorted(held.measured)
    ('Square, Linear', True)
    """

    name: str
    theory: Mapping[str, float | Array]
    measured: Mapping[str, Estimate]
    z: Mapping[str, float | Array]
    task: RulesAndFacts
    learner: Learner | BayesOptimal
    d: int
    seeds: tuple[int, ...]
    inputs: str = "gaussian"
    actual: Actual | None = None

    def against(self, task: RulesAndFacts, learner: Learner) -> Agreement:
        """Return the same measured values beside the theory of another task or learner, to see what would be noticed.

        Parameters
        ----------
        task : RulesAndFacts
            Whose theory is taken.
        learner : Learner
            The same. Parameters broadcast to the shape of what was measured.

        Returns
        -------
        Agreement
            With this theory and its z; everything else is as it was.

        Raises
        ------
        ValueError
            If the parameters have another shape.
        ConvergenceError
            If that theory has no solution, as for a constraint that cannot be met.

        Examples
        --------
        >>> import raflib as rf
        >>> task, learner = rf.RulesAndFacts(2.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
        >>> held = rf.finite.agreement(task, learner, d=400, seeds=10, n_jobs=1, progress=False)
        >>> other = held.against(task, rf.Learner(rf.Square(), rf.Linear(), lam=2.0))
        >>> abs(held.z["q"]) < 4 < abs(other.z["q"])
        True
        """
        theory = _theory(task, learner)
        if np.shape(theory["m"]) != np.shape(self.z["m"]):
            raise ValueError(
                f"the theory has shape {np.shape(theory['m'])}, what was measured {np.shape(self.z['m'])}; give task "
                "and learner parameters of the same shape"
            )
        return replace(self, theory=theory, z=_scores(self.measured, theory, self.task, self.d * len(self.seeds)))


def agreement(
    task: RulesAndFacts,
    learner: Learner | BayesOptimal,
    d: int = 1000,
    seeds: int | Sequence[int] = 20,
    *,
    inputs: str = "gaussian",
    actual: Actual | None = None,
    test_size: int = 10_000,
    name: str = "",
    n_jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Agreement:
    r"""Solve the theory, train learners of finite size, and count the standard errors between the two.

    .. math::

        z &= \frac{\bar o - o}{\Delta}, \qquad \bar o = \frac1S\sum_s o_s, \\
        \Delta^2 &= \frac{1}{S\,(S-1)} \sum_s (o_s - \bar o)^2,

    where :math:`o` is the theory's value of an observable and :math:`o_s` that of seed s out of S. If the theory were
    exact at this d, z would follow Student's law with S - 1 degrees of freedom, as far as the values of the seeds are
    normal. Where these scatter by :math:`\sigma/\sqrt d`, a bias b / d of the finite size shifts z by
    :math:`(b/\sigma)\sqrt{S/d}`: many seeds at a small d find it, a few at a large d do not.

    Parameters
    ----------
    task : RulesAndFacts
        With alpha and eps scalars or arrays; scalars for BayesOptimal.
    learner : Learner or BayesOptimal
        What `raflib.simulate` trains; or the posterior mean, by `raflib.finite.gamp` on each sample.
    d : int, at least 1
        Input dimension.
    seeds : int, in [2, 1000000], or sequence of at least two distinct non-negative int
        A number n stands for the seeds 0 to n - 1.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs.
    actual : ActivationFeatures, DotProductKernel or RBFKernel, optional
        What to train on instead of the Gaussian equivalent that the theory solves.
    test_size : int, at least 1
        New inputs per seed where the generalization error is not a matter of geometry.
    name : str
        What tables call it; by default the names of loss and features.
    n_jobs : int, not 0, optional
        Parallel processes, -1 for one a core. By default what joblib.parallel_config says, such as a Dask cluster;
        where nothing is said, one a core for a Learner, as in `raflib.simulate`, and a single one for BayesOptimal. The
        numbers do not depend on it.
    cache : str or path, optional
        Folder that keeps each finished seed, as for `raflib.simulate`.
    progress : bool
        Show a progress bar while it runs.

    Returns
    -------
    Agreement
        Theory, measured values and z of each observable.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if there is only one seed: a single value has no standard error.
    SimulationError
        If a learner could not be trained, or if message passing did not converge.
    ConvergenceError
        If the theory has no solution, as for a constraint that cannot be met.

    References
    ----------
    Student, Biometrika 6 (1908) 1, for the law of z.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
    >>> ridge = rf.Learner(rf.Square(), rf.Linear(), lam=np.array([0.1, 1.0]))
    >>> held = rf.finite.agreement(task, ridge, d=400, seeds=10, n_jobs=1, progress=False)
    >>> bool(np.all(np.abs(held.z["generalization_error"]) < 4))
    True

    Theory of another task does not pass:

    >>> other = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.2), ridge)
    >>> apart = held.measured["generalization_error"].mean - rf.generalization_error(other)
    >>> bool(np.all(apart / held.measured["generalization_error"].stderr > 4))
    True
    """
    validation.instance("task", task, RulesAndFacts, "an rf.RulesAndFacts(alpha, eps)")
    d, chosen = validation.integer("d", d, 1), seed_list(seeds)
    if len(chosen) < 2:
        raise ValueError(f"seeds = {seeds!r} is a single seed, which has no standard error; use at least two")
    if isinstance(learner, BayesOptimal):
        if inputs != "gaussian" or actual is not None:
            raise ValueError(
                f"inputs = {inputs!r}, actual = {actual!r}: the Bayes-optimal learner is trained on Gaussian inputs as "
                "they are; leave both out"
            )
        measured, theory = _bayes(task, d, chosen, n_jobs, cache, progress), _bayes_theory(task)
    else:
        run = simulate(
            task, learner, d, chosen, inputs=inputs, actual=actual, test_size=test_size, n_jobs=n_jobs, cache=cache,
            progress=progress,
        )  # fmt: skip
        measured = {observable: getattr(run, observable) for observable in OBSERVABLES}
        theory = _theory(task, learner)
    return Agreement(
        name=name or _default_name(learner),
        theory=theory,
        measured=measured,
        z=_scores(measured, theory, task, d * len(chosen)),
        task=task,
        learner=learner,
        d=d,
        seeds=chosen,
        inputs=inputs,
        actual=actual,
    )


def _scores(
    measured: Mapping[str, Estimate], theory: Mapping[str, float | Array], task: RulesAndFacts, inputs: int
) -> dict[str, float | Array]:
    """Return z of each observable on both sides; alpha times ``inputs``, d summed over seeds, labels were counted."""
    samples = np.asarray(task.alpha) * inputs
    counted = {"training_error": samples, "memorization_error": samples * np.asarray(task.eps)}
    return {key: _score(measured[key], theory[key], counted.get(key)) for key in theory if key in measured}


def _score(measured: Estimate, theory: float | Array, counted: Array | None) -> float | Array:
    """Return (mean - theory) / standard error; of a share among ``counted`` samples, that of the theory if need be."""
    apart, error = np.asarray(measured.mean) - theory, np.asarray(measured.stderr)
    if counted is not None:
        p = np.asarray(theory)
        with np.errstate(divide="ignore", invalid="ignore"):  # without facts there is no mean either
            error = np.where(error == 0.0, np.sqrt(p * (1.0 - p) / counted), error)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(np.abs(apart) <= _ROUNDING, np.nan, apart / error)
    return z if z.shape else float(z)


def _theory(task: RulesAndFacts, learner: Learner) -> dict[str, float | Array]:
    sol = solve(task, learner)
    return {
        "generalization_error": observables.generalization_error(sol),
        "memorization_error": observables.memorization_error(sol),
        "training_error": observables.training_error(sol),
        "training_loss": observables.training_loss(sol),
        "m": sol.m,
        "q": sol.q,
    }


def _bayes_theory(task: RulesAndFacts) -> dict[str, float | Array]:
    """Return the observables of the posterior mean; of the training set, those of state evolution's fixed point."""
    sol = solve(task, BayesOptimal())
    end = state_evolution(task, BayesOptimal(), steps=0, start=(sol.m, sol.s, sol.V))
    return {
        "generalization_error": observables.generalization_error(sol),
        "memorization_error": float(end.memorization_error[0]),
        "training_error": float(end.training_error[0]),
        "m": sol.m,
        "q": sol.q,
    }


def _bayes(
    task: RulesAndFacts,
    d: int,
    seeds: tuple[int, ...],
    n_jobs: int | None,
    cache: str | os.PathLike[str] | None,
    progress: bool,
) -> dict[str, Estimate]:
    """Return what message passing finds on the samples of the seeds."""
    if np.ndim(task.alpha) or np.ndim(task.eps):
        raise ValueError(
            f"alpha = {task.alpha!r}, eps = {task.eps!r}: the Bayes-optimal learner takes one task; call agreement for "
            "each"
        )
    calls, where = [(task, d, seed) for seed in seeds], [f"seed {seed}" for seed in seeds]
    rows = run_trials(_posterior_mean, calls, n_jobs, progress, "message passing", names=where, cache=cache)
    values = np.array(rows)
    return {name: estimate(values[:, i]) for i, name in enumerate(_BAYES)}


def _posterior_mean(task: RulesAndFacts, d: int, seed: int) -> tuple[float, ...]:
    """Return E_gen, E_mem, training error, m and q of the posterior mean on one sample."""
    data = task.sample(d, np.random.default_rng(seed))
    run = gamp(data, BayesOptimal(), eps=float(task.eps), progress=False)
    # The trajectory's errors count a field of zero, which it is everywhere at eps = 1, as the coin flip that it is.
    end = run.trajectory
    return tuple(float(getattr(end, name)[-1]) for name in _BAYES)


def _default_name(learner: Learner | BayesOptimal) -> str:
    if isinstance(learner, BayesOptimal):
        return "Bayes-optimal"
    return f"{type(learner.loss).__name__}, {type(learner.features).__name__}"
