"""Calls on the workers that joblib's settings name, each result as it comes; a worker that died is always an error.

joblib learns from loky that a worker is gone. Its Dask backend drops that news, and the pool of its multiprocessing
backend puts a new process in the place of a dead one; either then waits without end. So calls go to these two through
the executors of Dask's client and of the standard library, which tell.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, wait
from functools import partial
from itertools import islice
from typing import Any

#: Seconds between two looks at a Dask cluster, and how long it may be without workers: a new one needs some seconds.
_LOOK = 1.0
_PATIENCE = 60.0


def unordered(
    work: Callable[..., Any], calls: Iterable[tuple[Any, ...]], n_jobs: int | None, **settings: Any
) -> Iterator[Any]:
    """Yield what a function returns for each tuple of arguments, in the order in which the calls finish.

    Calls are drawn when there is a worker for them, and one waiting, so that any number needs little memory.

    Parameters
    ----------
    work : function
        Importable by the workers.
    calls : iterable of tuples
        The arguments of each call.
    n_jobs : int, not 0, or None
        Workers, -1 for one a core. None is what joblib.parallel_config says, or one. A Dask cluster uses all it has.
    **settings
        More for joblib.Parallel.

    Yields
    ------
    object
        What a call returned.

    Raises
    ------
    concurrent.futures.BrokenExecutor
        If a worker died, or if a Dask cluster has had none for a minute; whatever finished before has been yielded.

    Examples
    --------
    >>> sorted(unordered(divmod, [(7, 2), (9, 4)], n_jobs=1))
    [(2, 1), (3, 1)]
    """
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    backend, asked = get_active_backend()
    kind = type(backend).__name__
    if kind == "DaskDistributedBackend":
        yield from _on_dask(backend, work, calls)
        return
    if kind == "MultiprocessingBackend":
        wanted = next(n for n in (n_jobs, asked, backend.default_n_jobs) if n is not None)
        n_jobs = backend.effective_n_jobs(wanted)
        if n_jobs > 1:
            yield from _in_processes(backend, n_jobs, work, calls)
            return
        settings["backend"], kind = "sequential", "SequentialBackend"  # asked for, or processes cannot have children
    one_by_one = backend.supports_return_generator or kind == "SequentialBackend"
    how = "generator_unordered" if one_by_one else "list"
    parallel = Parallel(n_jobs=n_jobs, return_as=how, batch_size=1, **settings)
    yield from parallel(delayed(work)(*call) for call in calls)


def _in_processes(
    backend: Any, workers: int, work: Callable[..., Any], calls: Iterable[tuple[Any, ...]]
) -> Iterator[Any]:
    """Yield results from processes that start as those of joblib's multiprocessing backend do."""
    from joblib import wrap_non_picklable_objects
    from joblib.parallel import DEFAULT_MP_CONTEXT

    given: dict[str, Any] = {"mp_context": DEFAULT_MP_CONTEXT or multiprocessing.get_context()}
    for theirs, ours in (("context", "mp_context"), ("initializer", "initializer"), ("initargs", "initargs")):
        if theirs in backend.backend_kwargs:
            given[ours] = backend.backend_kwargs[theirs]
    executor = ProcessPoolExecutor(workers, **given)

    def submit(call: tuple[Any, ...]) -> Future[Any]:
        # As loky does: functions go by their code where they have no name to import.
        return executor.submit(wrap_non_picklable_objects(partial(work, *call), keep_wrapper=False))

    try:
        yield from _collect(submit, calls, lambda: 2 * workers)
    except BaseException:  # an error, an interrupt, or nobody asks for more: do not wait for what still runs
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


def _on_dask(backend: Any, work: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield results from a Dask cluster."""
    from distributed import KilledWorker

    patience = max(_PATIENCE, backend.wait_for_workers_timeout or 0.0)
    cores, looked, peopled = 0, -math.inf, time.monotonic()

    def width() -> int:
        nonlocal cores, looked, peopled
        now = time.monotonic()
        if now - looked > _LOOK:
            looked, found = now, sum(backend.client.ncores().values())
            if found:
                cores, peopled = found, now
            elif now - peopled > patience:
                raise _gone(f"the Dask cluster has had no worker for {patience:g} seconds")
        return max(1, 2 * cores)  # work that waits makes some clusters start a worker

    executor = backend.client.get_executor(pure=False)  # equal calls of two sweeps are two calls
    try:
        with backend.retrieval_context():  # within a Dask task, leave the place to others while waiting
            yield from _collect(lambda call: executor.submit(work, *call, **backend.submit_kwargs), calls, width)
    except (KilledWorker, CancelledError) as gone:
        why = str(gone) or "it was cancelled, as when the scheduler stops"
        raise _gone(f"the Dask cluster gave up a call: {why}") from gone
    finally:
        if backend.client.status == "running":  # a closed one has no tasks left to give up
            executor.shutdown(wait=False)


def _gone(told: str) -> BrokenExecutor:
    """Return what other executors raise for a worker that died."""
    return BrokenExecutor(told)


def _collect(
    submit: Callable[[tuple[Any, ...]], Future[Any]], calls: Iterable[tuple[Any, ...]], width: Callable[[], int]
) -> Iterator[Any]:
    """Yield the results of calls, of which no more than a width are under way; an error comes after the results."""
    waiting = iter(calls)
    pending: set[Future[Any]] = set()
    while True:
        pending |= {submit(call) for call in islice(waiting, max(0, width() - len(pending)))}
        if not pending:
            return
        done, pending = wait(pending, timeout=_LOOK, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=_failed):
            yield future.result()


def _failed(future: Future[Any]) -> bool:
    return future.cancelled() or future.exception() is not None
