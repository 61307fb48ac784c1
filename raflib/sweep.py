"""Millions of points: solved in chunks on any joblib backend, in bounded memory, and taken up where they stopped."""

from __future__ import annotations

import math
import os
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import validation
from .archive import Archive, fingerprint
from .learner import BayesOptimal, Learner
from .observables import generalization_error, memorization_error
from .overlaps import Array
from .solve import ConvergenceError, ConvergenceWarning, Solution, attempt, parameters
from .task import RulesAndFacts
from .workers import unordered

#: What a sweep keeps of each point: a function of a Solution, or the name of one of its attributes.
Observable = Callable[[Solution], float | Array] | str

#: Attributes of a Solution that are numbers, with the type in which they are kept; functions give floats.
_ATTRIBUTES: dict[str, type] = dict.fromkeys(("m", "q", "s", "V", "m_hat", "q_hat", "V_hat", "residual"), np.float64)
_ATTRIBUTES |= {"steps": np.int64, "converged": np.bool_, "constrained": np.bool_}


@dataclass(frozen=True)
class Sweep:
    """Observables of every point of a sweep, read-only arrays of the broadcast shape; ``run["name"]`` is one of them.

    Attributes
    ----------
    values : dict of arrays
        By the observables' names, and ``converged``. Memory maps of the files in the folder ``out``, if it was given.
    task : RulesAndFacts
        The task that was solved.
    learner : Learner or BayesOptimal
        The learner that was solved.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task = rf.RulesAndFacts(alpha=np.array([1.0, 3.0]), eps=0.3)
    >>> run = rf.sweep(task, rf.Learner(rf.Square(), rf.Linear(), lam=0.1), "q", progress=False)
    >>> sorted(run.values), run["q"].shape
    (['converged', 'q'], (2,))
    """

    values: dict[str, NDArray[Any]]
    task: RulesAndFacts
    learner: Learner | BayesOptimal

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.values:
            raise KeyError(f"{name!r} is not an observable of this sweep, which has {', '.join(self.values)}")
        return self.values[name]

    @property
    def converged(self) -> NDArray[np.bool_]:
        """False at points without a solution, where the observables are nan."""
        return self.values["converged"]

    @property
    def failed_share(self) -> float:
        """Share of points without a solution, in [0, 1]; not 0 with ``on_failure="nan"`` only."""
        return float(np.count_nonzero(~self.converged) / self.converged.size)


def sweep(
    task: RulesAndFacts,
    learner: Learner | BayesOptimal,
    observables: Mapping[str, Observable] | Iterable[Observable] | Observable | None = None,
    *,
    n_jobs: int | None = None,
    chunk: int = 10_000,
    progress: bool = True,
    on_failure: str = "raise",
    tol: float = 1e-10,
    max_steps: int = 2000,
    out: str | os.PathLike[str] | None = None,
) -> Sweep:
    """Solve any number of points chunk by chunk, and keep the observables of each.

    The parameters broadcast as in `raflib.solve`, but are never spread out: a chunk is a range of points in C order,
    and only its parameters are ever in memory, so that memory is the observables' 8 bytes a point (none with ``out``)
    and a few chunks for each worker. Chunks go through joblib. On a Dask cluster, for one:
    ``with joblib.parallel_config(backend="dask"): raflib.sweep(...)``.

    Parameters
    ----------
    task : RulesAndFacts
        With alpha and eps scalars or arrays.
    learner : Learner or BayesOptimal
        The parameters alpha, eps, lam and those of the feature map may be arrays; they broadcast.
    observables : dict, sequence or one of them, optional
        Functions of a Solution that return one real number per point, such as `raflib.training_error`, or names of
        its attributes, such as ``"q"``. A dictionary gives them names; otherwise they keep their own. By default
        `raflib.generalization_error` and, for a learner that minimises a loss, `raflib.memorization_error`.
    n_jobs : int, not 0, optional
        Workers, -1 for one a core. By default what joblib.parallel_config says, or one. The numbers do not depend
        on it.
    chunk : int, at least 1
        Points of one call of the solver. Raise it if workers wait for work, lower it if memory is short.
    progress : bool
        Show a progress bar over the points that counts those without a solution.
    on_failure : {"raise", "nan"}
        What a point without a solution does: stop the sweep, or be marked nan and ``converged=False``, with one
        warning for all.
    tol : float, in [1e-13, 1e-2]
        Largest relative residual, as for `raflib.solve`.
    max_steps : int, at least 1
        Largest number of map evaluations per point, as for `raflib.solve`.
    out : str or path, optional
        Folder that keeps each finished chunk, in one ``.npy`` file per observable. The same call takes up a stopped
        sweep and solves what is missing only; it may change ``n_jobs``, ``progress`` and ``on_failure``. One call at a
        time.

    Returns
    -------
    Sweep
        The observables of every point, in the broadcast shape of the parameters.

    Raises
    ------
    ValueError
        If an argument is outside its range, if shapes do not broadcast, or if ``out`` holds something else: a sweep
        of other parameters, settings or observables (compared by name and code), or one by another raflib version.
    ConvergenceError
        If a point has no solution and ``on_failure`` is "raise". The message gives its parameters.
    concurrent.futures.BrokenExecutor
        If a worker died. Dask sends the chunk of a worker that dies to another one first, as often as its setting
        ``distributed.scheduler.allowed-failures`` says.

    Warns
    -----
    ConvergenceWarning
        If points are marked nan.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task = rf.RulesAndFacts(alpha=np.geomspace(0.1, 10, 50)[:, None], eps=np.linspace(0, 1, 40))
    >>> learner = rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), lam=0.1)
    >>> run = rf.sweep(task, learner, [rf.generalization_error, "q"], chunk=500, progress=False)
    >>> run["q"].shape, run.failed_share
    ((50, 40), 0.0)
    >>> bool(np.all(run["q"] == rf.solve(task, learner).q))
    True
    """
    from tqdm.auto import tqdm

    named = parameters(task, learner)
    shape = validation.broadcast(**named)[0].shape
    size = math.prod(shape)
    if size == 0:
        raise ValueError(f"the sweep has no points: the parameters broadcast to the shape {shape}")
    kept = _by_name(observables, learner) | {"converged": "converged"}
    n_jobs = validation.workers("n_jobs", n_jobs)
    chunk = validation.integer("chunk", chunk, 1)
    validation.choice("on_failure", on_failure, ("raise", "nan"))
    tol = float(validation.number("tol", tol, 1e-13, 1e-2))
    max_steps = validation.integer("max_steps", max_steps, 1)

    parts = [slice(first, min(first + chunk, size)) for first in range(0, size, chunk)]
    layout = {name: (_ATTRIBUTES[it] if isinstance(it, str) else np.float64, shape) for name, it in kept.items()}
    if out is None:
        store = Archive.in_memory(layout, len(parts))
    else:
        about = _identity(task, learner, kept, chunk=chunk, tol=tol, max_steps=max_steps)
        store = Archive.in_folder(out, layout, len(parts), about)
    converged = store.arrays["converged"].reshape(-1)
    solved = failed = 0
    for index in np.flatnonzero(store.done):
        missed = int(np.count_nonzero(~converged[parts[index]]))
        if missed and on_failure == "raise":
            store.done[index] = False  # an earlier call marked them nan: solve the chunk again, to raise
        else:
            solved, failed = solved + converged[parts[index]].size, failed + missed

    errors: dict[int, Exception] = {}

    def calls() -> Iterator[tuple[Any, ...]]:
        for index in np.flatnonzero(~store.done):
            if errors:
                return
            at = {name: np.broadcast_to(x, shape).flat[parts[index]] for name, x in named.items()}
            some = RulesAndFacts(at["alpha"], at["eps"]), _with(learner, at)
            yield parts[index], *some, kept, tol, max_steps, on_failure

    switch = {} if progress else {"disable": True}  # named only when off: the environment's TQDM_DISABLE keeps its say
    with tqdm(total=size, initial=solved, desc="sweep", unit="point", unit_scale=True, **switch) as bar:
        try:
            # A chunk is sent to its worker rather than left as a file in a temporary folder.
            for part, values in unordered(_solve_part, calls(), n_jobs, max_nbytes=None):
                if isinstance(values, Exception):  # no new chunks, but those under way are kept
                    errors[part.start] = values
                    continue
                store.fill(part.start // chunk, part, values)
                solved += part.stop - part.start
                failed += int(np.count_nonzero(~values["converged"]))
                bar.set_postfix(failed=failed, refresh=False)
                bar.update(part.stop - part.start)
            if errors:  # chunks begin in order, so the first error is the same whatever the workers
                raise errors[min(errors)]
        except BaseException as stop:  # an interrupt too
            if isinstance(stop, BrokenExecutor):
                stop.add_note("A worker died, most likely for want of memory: use a smaller chunk or a smaller n_jobs.")
            fate = "lost (out=FOLDER keeps them)" if out is None else f"kept in {out}, where the same call goes on"
            stop.add_note(f"The sweep stopped after {solved} of {size} points; they are {fate}.")
            raise
        finally:
            store.close()
    if failed:
        worst = np.unravel_index(np.argmin(converged), shape)
        point = ", ".join(f"{name} = {np.broadcast_to(x, shape)[worst].item()!r}" for name, x in named.items())
        text = f"{failed} of {size} points have no solution, the first at {point}; marked nan with converged=False"
        warnings.warn(text, ConvergenceWarning, stacklevel=2)
    return Sweep(store.arrays, task, learner)


def _with(learner: Learner | BayesOptimal, at: dict[str, Array]) -> Learner | BayesOptimal:
    """Return the learner with these parameters."""
    if isinstance(learner, BayesOptimal):
        return learner
    features = learner.features.at({name: at[name] for name in learner.features.parameters})
    return Learner(learner.loss, features, at["lam"])


def _solve_part(
    part: slice,
    task: RulesAndFacts,
    learner: Learner | BayesOptimal,
    kept: dict[str, Observable],
    tol: float,
    max_steps: int,
    on_failure: str,
) -> tuple[slice, dict[str, NDArray[Any]] | Exception]:
    """Return the observables of one chunk, or the error there, from whatever process this is."""
    values = {}
    try:
        solution, _ = attempt(task, learner, tol, max_steps, on_failure)
        for name, it in kept.items():
            value = np.asarray(getattr(solution, it) if isinstance(it, str) else it(solution))
            if value.shape != np.shape(solution.m) or value.dtype.kind not in "fiub":
                raise ValueError(
                    f"observables: {name!r} gave an array of shape {value.shape} and type {value.dtype} for "
                    f"{np.size(solution.m)} points; it must give one real number per point"
                )
            values[name] = value
    except Exception as error:  # noqa: BLE001 - raised by the sweep, once chunks under way elsewhere are kept
        where = "" if isinstance(error, ConvergenceError) else f"\n{traceback.format_exc()}"
        error.add_note(f"In the chunk of points {part.start} to {part.stop - 1}, counted in C order.{where}")
        return part, error
    return part, values


def _by_name(
    observables: Mapping[str, Observable] | Iterable[Observable] | Observable | None, learner: Learner | BayesOptimal
) -> dict[str, Observable]:
    """Return the observables by name, or raise ValueError."""
    if observables is None:
        observables = [generalization_error, memorization_error][: 2 if isinstance(learner, Learner) else 1]
    if isinstance(observables, str) or not isinstance(observables, Iterable):
        observables = [observables]
    if isinstance(observables, Mapping):
        pairs = list(observables.items())
    else:
        pairs = [(it if isinstance(it, str) else getattr(it, "__name__", repr(it)), it) for it in observables]
    names = [name for name, _ in pairs]
    for name, it in pairs:
        if not callable(it) and not (isinstance(it, str) and it in _ATTRIBUTES):
            raise ValueError(
                f"observables: {it!r} is neither a function of a Solution, such as rf.training_error, nor one of its "
                f"attributes {', '.join(map(repr, _ATTRIBUTES))}"
            )
        taken = names.count(name) > 1 or (name == "converged" and it != "converged")
        if taken or not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(
                f"observables: {name!r} is {'taken' if taken else 'not a name'}; choose one in a dictionary, such as "
                '{"cosine": lambda sol: sol.m / sol.q**0.5}'
            )
    return dict(pairs)


def _identity(
    task: RulesAndFacts, learner: Learner | BayesOptimal, kept: dict[str, Observable], **settings: float
) -> dict[str, str]:
    """Return what must agree for two calls to be the same sweep: library, parameters, observables, settings."""
    try:
        library = version("raflib")
    except PackageNotFoundError:
        library = "not installed"
    about = {"raflib": library, "task and learner": fingerprint((task, learner))}
    for name, x in parameters(task, learner).items():
        about[name] = f"array {np.shape(x)} {fingerprint(x)}" if np.ndim(x) else repr(x)
    about |= {name: repr(value) for name, value in settings.items()}
    return about | {f"observable {name}": it if isinstance(it, str) else fingerprint(it) for name, it in kept.items()}
