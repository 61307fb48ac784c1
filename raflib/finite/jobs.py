"""One training run as a job: trained where joblib says, and kept on disk if asked."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..learner import Learner
from ..overlaps import Array
from ..task import RulesAndFacts
from .actual import Actual
from .errors import SimulationError
from .measure import measure
from .realisation import realise
from .training import train_path

#: What a job's numbers depend on, beside its parameters: these modules of raflib and these packages.
_FINITE = (
    "actual",
    "certificate",
    "designs",
    "jobs",
    "machines",
    "measure",
    "polish",
    "realisation",
    "ridge",
    "training",
)
_SOURCES = ("task.py", "losses.py", "features.py", "activations.py", *(f"finite/{name}.py" for name in _FINITE))
_PACKAGES = ("numpy", "scipy", "scikit-learn")


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

        The linear algebra keeps to one thread: jobs do not fight for cores, and a result does not depend on how many
        there are, as sums over another number of threads round differently.

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
        from threadpoolctl import threadpool_limits

        began = time.perf_counter()
        with threadpool_limits(limits=1):
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


def run_jobs(jobs: Sequence[Job], workers: int | None, folder: str | None, progress: bool) -> list[tuple[Array, float]]:
    """Run jobs in parallel; all that can finish do, and are kept in the folder, before a failed one is raised.

    Parameters
    ----------
    jobs : sequence of Job
        What to run.
    workers : int, not 0, or None
        Parallel workers, -1 for one a core. None is what joblib.parallel_config says, or one a core.
    folder : str or None
        Where to keep what each job gives, and to find what an earlier call kept.
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
    >>> len(run_jobs(jobs, workers=1, folder=None, progress=False))
    3
    """
    from tqdm.auto import tqdm

    if folder is not None and jobs:
        # Asked once here, so that the workers find the cache's own record and do not all write it.
        _in_cache(folder).check_call_in_cache(jobs[0].key, jobs[0])
    results = _parallel(jobs, workers, folder)
    if progress:  # named only when wanted, so that the environment's TQDM_DISABLE keeps its say
        results = tqdm(results, total=len(jobs), desc=f"training at d = {jobs[0].d}", leave=False)
    finished: list[tuple[Array, float]] = []
    failed: list[tuple[Job, Exception]] = []
    kept = "are lost (cache=FOLDER keeps them)" if folder is None else f"are kept in {folder}"
    try:
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, Exception):
                failed.append((job, result))
            else:
                finished.append(result)
    except _deaths() as death:
        raise SimulationError(
            f"a worker died after {len(finished)} of {len(jobs)} runs, most likely for want of memory; use a "
            f"smaller n_jobs or a smaller d, and run again. The finished runs {kept}"
        ) from death
    if failed:
        job, error = failed[0]
        seeds = ", ".join(job.where for job, _ in failed[:5]) + (", ..." if len(failed) > 5 else "")
        error.add_note(f"{len(failed)} of {len(jobs)} runs failed: {seeds}. The {len(finished)} others {kept}.")
        raise error
    return finished


def code_version() -> str:
    """Return a text that changes with the code and the packages that a job's numbers depend on.

    Returns
    -------
    str
        A hash of the sources and the versions.

    Examples
    --------
    >>> code_version() == code_version()
    True
    """
    return _code_version()


@cache
def _code_version() -> str:
    found = hashlib.sha256()
    for source in _SOURCES:
        found.update((Path(__file__).parents[1] / source).read_bytes())
    found.update(repr([(name, version(name)) for name in _PACKAGES]).encode())
    return found.hexdigest()


def _parallel(jobs: Sequence[Job], workers: int | None, folder: str | None) -> Iterable[Any]:
    from joblib import Parallel, cpu_count, delayed
    from joblib.parallel import get_active_backend

    backend, asked = get_active_backend()
    if workers is None and asked is None and type(backend).__name__ == "LokyBackend":  # nobody said anything
        workers = min(cpu_count(), len(jobs))
    # A job is a few numbers and runs long: one at a time to each worker, and nothing left in a temporary folder.
    how = "generator" if backend.supports_return_generator else "list"
    parallel = Parallel(n_jobs=workers, return_as=how, batch_size=1, max_nbytes=None)
    results: Iterable[Any] = parallel(delayed(_attempt)(job, folder) for job in jobs)
    return results


def _attempt(job: Job, folder: str | None) -> tuple[Array, float] | Exception:
    """Run a job, or find it in the cache; return an error, so that the other jobs go on."""
    try:
        return job.run() if folder is None else _in_cache(folder)(job.key, job)
    except (SimulationError, ValueError) as error:
        return error
    except MemoryError as error:
        return SimulationError(f"not enough memory at d = {job.d}: {error}; use a smaller n_jobs or a smaller d")


def _in_cache(folder: str) -> Any:
    from joblib import Memory

    return Memory(folder, verbose=0).cache(_keyed, ignore=["job"])


def _keyed(key: str, job: Job) -> tuple[Array, float]:  # noqa: ARG001 - joblib keeps a result by the key alone
    return job.run()


def _deaths() -> tuple[type[BaseException], ...]:
    """Return what joblib's backends raise for a worker that is gone."""
    distributed = sys.modules.get("distributed")
    return (BrokenProcessPool,) if distributed is None else (BrokenProcessPool, distributed.KilledWorker)
