"""One training run as a job: trained where joblib says, and kept on disk if asked."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..learner import Learner
from ..overlaps import Array
from ..task import RulesAndFacts
from .actual import Actual
from .measure import measure
from .realisation import realise
from .training import train_path
from .trials import code_version, run_trials


@dataclass(frozen=True, eq=False)
class Job:
    """One sample, and one learner trained on it for each lam.

    Parameters
    ----------
    task : RulesAndFacts
        With scalar alpha and eps.
    learner : Learner
        With scalar parameters, and lam an array of one axis.
    d : int, at least 1
        Input dimension.
    seed : int, at least 0
        Seed of everything random.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs.
    actual : ActivationFeatures, DotProductKernel, RBFKernel or None
        What to train on; None for the Gaussian equivalent.
    intercept : bool
        Whether to add a constant feature.
    test_size : int, at least 1
        New inputs, where the generalization error is not a matter of geometry.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task, learner = rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), np.array([0.1, 1.0]))
    >>> values, seconds = Job(task, learner, 50, 0, "gaussian", None, False, 1).run()
    >>> values.shape
    (6, 2)
    """

    task: RulesAndFacts
    learner: Learner
    d: int
    seed: int
    inputs: str
    actual: Actual | None
    intercept: bool
    test_size: int

    def run(self) -> tuple[Array, float]:
        """Sample, train and measure.

        Returns
        -------
        values : array, shape (6, values of lam)
            The observables.
        seconds : float
            Wall time.

        Raises
        ------
        SimulationError
            If an optimiser did not converge, or if a constraint cannot be met.
        """
        began = time.perf_counter()
        data = self.task.sample(self.d, np.random.default_rng(self.seed), self.inputs)
        # Features and new inputs have streams of their own: the sample of a seed is the same whatever is trained.
        features_rng, test_rng = (np.random.default_rng(s) for s in np.random.SeedSequence(self.seed).spawn(2))
        features, lam = self.learner.features, np.asarray(self.learner.lam)
        design, reading = realise(features, self.actual, data.X, features_rng, self.intercept)
        path = train_path(design, data.y, self.learner.loss, lam)
        del design  # its factors are as large as the new inputs' features
        values = measure(path, reading, data, self.learner.loss, lam, self.inputs, self.test_size, test_rng)
        return values, time.perf_counter() - began

    @property
    def key(self) -> str:
        """Text that is equal for jobs of equal parameters, code and packages, in any process.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> task, learner = rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), np.array([0.1, 1.0]))
        >>> jobs = [Job(task, learner, 50, seed, "gaussian", None, False, 1) for seed in (0, 0, 1)]
        >>> [job.key == jobs[0].key for job in jobs]
        [True, True, False]
        """
        learner = self.learner
        parts = (
            code_version(),
            (float(self.task.alpha), float(self.task.eps)),
            (type(learner.loss).__name__, type(learner.features).__name__, learner.features.parameters),
            np.asarray(learner.lam).tolist(),
            (self.d, self.seed, self.inputs, self.intercept, self.test_size),
            None if self.actual is None else self.actual.identity,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @property
    def where(self) -> str:
        """The job's parameters in words, for messages.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> task, learner = rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), np.array([0.1]))
        >>> Job(task, learner, 50, 7, "gaussian", None, False, 1).where
        'seed 7 at alpha = 1, eps = 0.3'
        """
        named = {"alpha": self.task.alpha, "eps": self.task.eps, **self.learner.features.parameters}
        return f"seed {self.seed} at " + ", ".join(f"{name} = {float(value):g}" for name, value in named.items())


def run_jobs(
    jobs: Sequence[Job], n_jobs: int | None, cache: str | os.PathLike[str] | None, progress: bool
) -> list[tuple[Array, float]]:
    """Run jobs in parallel; all that can finish do, and are kept in the folder, before a failed one is raised.

    Parameters
    ----------
    jobs : sequence of Job, at least one
        What to run.
    n_jobs : int, not 0, or None
        Parallel workers, -1 for one a core. None is what joblib.parallel_config says, or one a core.
    cache : str, path or None
        Folder where to keep what each job gives, and to find what an earlier call kept.
    progress : bool
        Show a progress bar while it runs.

    Returns
    -------
    list
        What `Job.run` returns, in the order of the jobs; wall times of kept jobs are those of their run.

    Raises
    ------
    SimulationError
        If a job failed, or if a worker died.
    ValueError
        If a kernel matrix is not positive semidefinite, or if a function of the user's gives no numbers.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task, learner = rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), np.array([0.1, 1.0]))
    >>> jobs = [Job(task, learner, 50, seed, "gaussian", None, False, 1) for seed in range(3)]
    >>> len(run_jobs(jobs, n_jobs=1, cache=None, progress=False))
    3
    """
    from joblib import cpu_count
    from joblib.parallel import get_active_backend

    backend, asked = get_active_backend()
    if n_jobs is None and asked is None and type(backend).__name__ == "LokyBackend":  # nobody said anything
        n_jobs = min(cpu_count(), len(jobs))
    return run_trials(
        Job.run,
        [(job,) for job in jobs],
        n_jobs,
        progress,
        f"training at d = {jobs[0].d}",
        names=[job.where for job in jobs],
        cache=cache,
        keys=None if cache is None else [job.key for job in jobs],
    )
