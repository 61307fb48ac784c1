"""Independent trials in parallel: the same numbers whatever the number of workers, kept on disk if asked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from functools import cache as cached
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .. import validation
from ..workers import unordered
from .errors import SimulationError
from .session import one_thread

#: What kept results depend on beside their arguments: these sources of raflib, and these packages.
_SOURCES = ("*.py", "finite/*.py")
_PACKAGES = ("numpy", "scipy", "scikit-learn")


def run_trials(
    work: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    n_jobs: int | None,
    progress: bool,
    label: str,
    *,
    together: int = 1,
    names: Sequence[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    keys: Sequence[str] | None = None,
) -> list[Any]:
    """Call a function once for each tuple of arguments, through joblib; the results are in the order of the calls.

    All calls that can finish do, and are kept in the folder, before a failed one is raised.

    Every call keeps to one thread of the linear algebra library: a sum over another number of threads rounds
    differently, which a chaotic path turns into another path.

    Parameters
    ----------
    work : function
        Importable by the workers.
    calls : sequence of tuples
        The arguments of each call, its own random stream among them.
    n_jobs : int, not 0, or None
        Workers, -1 for one a core. None is what joblib.parallel_config says, or one.
    progress : bool
        Show a progress bar while it runs.
    label : str
        What is done, in words.
    together : int, at least 1
        Calls that a worker gets at once: many where each takes a few milliseconds.
    names : sequence of str, optional
        What messages say of each call.
    cache : str or path, optional
        Folder that keeps what each call returns, by function, arguments, code and packages; what an earlier run kept
        is taken from there.
    keys : sequence of str, optional
        Texts by which calls are kept, for arguments that cannot be pickled.

    Returns
    -------
    list
        What the calls returned.

    Raises
    ------
    ValueError
        If n_jobs is no integer other than 0, or from a call.
    SimulationError
        From a call, if a worker died, or if memory was short.

    Examples
    --------
    >>> run_trials(divmod, [(7, 2), (9, 4)], n_jobs=1, progress=False, label="dividing", together=2)
    [(3, 1), (2, 1)]
    """
    from tqdm.auto import tqdm

    n_jobs = validation.workers("n_jobs", n_jobs)
    names = [f"call {i}" for i in range(len(calls))] if names is None else names
    folder = validation.folder("cache", cache)
    if folder is None:
        keys = [""] * len(calls)
    else:
        keys = [_key(work, call) for call in calls] if keys is None else keys
        if calls:  # asked once here, so that the workers find the cache's own record and do not all write it
            _in_cache(folder).check_call_in_cache(keys[0], work, calls[0])
    keyed = list(zip(keys, calls, strict=True))
    parcels = [keyed[first : first + together] for first in range(0, len(calls), together)]
    numbered = [(number, work, parcel, folder, label) for number, parcel in enumerate(parcels)]
    found: dict[int, list[Any]] = {}
    kept = "are lost (cache=FOLDER keeps them)" if folder is None else f"are kept in {folder}"
    switch = {} if progress else {"disable": True}  # named only when off: the environment's TQDM_DISABLE keeps its say
    # Held here too, so that it is set and put back once, whatever happens, where the calls run in this process.
    with tqdm(total=len(calls), desc=label, leave=False, **switch) as bar, one_thread():
        try:
            for number, part in unordered(_attempt, numbered, n_jobs):
                found[number] = part
                bar.update(len(part))
        except BrokenExecutor as death:
            finished = sum(map(len, found.values()))
            raise SimulationError(
                f"a worker died after {finished} of {len(calls)} runs of {label}, most likely for want of memory; "
                f"use a smaller n_jobs or a smaller problem, and run again. The finished runs {kept}"
            ) from death
    results = [result for number in range(len(parcels)) for result in found[number]]
    failed = [i for i, result in enumerate(results) if isinstance(result, Exception)]
    if failed:
        error: Exception = results[failed[0]]
        shown = ", ".join(names[i] for i in failed[:5]) + (", ..." if len(failed) > 5 else "")
        finished = len(results) - len(failed)
        error.add_note(f"{len(failed)} of {len(results)} runs failed: {shown}. The {finished} others {kept}.")
        raise error
    return results


def code_version() -> str:
    """Return a text that changes with the code and the packages that kept results depend on.

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


@cached
def _code_version() -> str:
    found = hashlib.sha256()
    root = Path(__file__).parents[1]
    for source in sorted(path for pattern in _SOURCES for path in root.glob(pattern)):
        found.update(source.read_bytes())
    found.update(repr([(name, version(name)) for name in _PACKAGES]).encode())
    return found.hexdigest()


def _key(work: Callable[..., Any], call: tuple[Any, ...]) -> str:
    import joblib

    return str(joblib.hash((code_version(), work.__module__, work.__qualname__, call)))


def _attempt(
    number: int, work: Callable[..., Any], parcel: list[tuple[str, tuple[Any, ...]]], folder: str | None, label: str
) -> tuple[int, list[Any]]:
    """Run calls, or find them in the cache; an error is among what is returned, so that the other calls go on."""
    results: list[Any] = []
    for key, call in parcel:
        try:
            with one_thread():
                results.append(work(*call) if folder is None else _in_cache(folder)(key, work, call))
        except (SimulationError, ValueError) as error:
            results.append(error)
        except MemoryError as error:
            advice = "use a smaller n_jobs or a smaller problem"
            results.append(SimulationError(f"not enough memory for {label}: {error}; {advice}"))
    return number, results


def _in_cache(folder: str) -> Any:
    from joblib import Memory

    return Memory(folder, verbose=0).cache(_keyed, ignore=["work", "call"])


def _keyed(key: str, work: Callable[..., Any], call: tuple[Any, ...]) -> Any:  # noqa: ARG001 - joblib keeps it by the key
    return work(*call)
