"""Settings of the whole process, for work that may run in several of its threads at once.

A thread that changes such a setting and puts it back does so while others rely on it, and what it puts back last may
be what another thread had changed. So the first thread that needs the setting makes it, and the last one puts it back.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any


class Shared:
    """A context of the whole process: entered with the first thread that asks for it, left with the last one.

    Examples
    --------
    >>> shared = Shared()
    >>> with shared.held(lambda: warnings.catch_warnings(action="ignore")):
    ...     with shared.held(lambda: warnings.catch_warnings(action="error")):  # the first one stands
    ...         warnings.warn("not seen", stacklevel=1)
    """

    def __init__(self) -> None:
        self._reset()
        if hasattr(os, "register_at_fork"):  # a new process has one thread, which holds nothing
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock, self._users, self._open = threading.Lock(), 0, ExitStack()

    @contextmanager
    def held(self, context: Callable[[], AbstractContextManager[object]]) -> Iterator[None]:
        """Hold the context, made by the function if no thread has it yet."""
        with self._lock:
            if self._users == 0:
                self._open.enter_context(context())
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._open.close()


_BLAS, _FILTERS = Shared(), Shared()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the linear algebra libraries to one thread each.

    A sum over another number of threads rounds differently.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_thread():
    ...     {pool["num_threads"] for pool in threadpool_info()}
    {1}
    """
    from threadpoolctl import ThreadpoolController  # a dependency of scikit-learn

    libraries = ThreadpoolController()
    # OpenMP has a number of threads for each thread that calls it, a BLAS has one for all.
    with libraries.select(user_api="openmp").limit(limits=1), _BLAS.held(lambda: _blas_at_one(libraries)):
        yield


@contextmanager
def _blas_at_one(libraries: Any) -> Iterator[None]:
    _any_thread_may_set()
    limit = libraries.select(user_api="blas").limit(limits=1)
    try:
        yield
    finally:
        _any_thread_may_set()
        limit.restore_original_limits()
        _any_thread_may_set()


def _any_thread_may_set() -> None:
    """Let this thread set the number of OpenBLAS: since threadpoolctl 3.8 only the thread that set it last may."""
    from threadpoolctl import OpenBLASController

    if hasattr(OpenBLASController, "clear_controlling_thread"):
        OpenBLASController.clear_controlling_thread(force=True)


@contextmanager
def silenced(*categories: type[Warning]) -> Iterator[None]:
    """Ignore warnings of these kinds, in every thread of the process.

    Parameters
    ----------
    *categories : type of Warning
        What to ignore.

    Examples
    --------
    >>> with silenced(RuntimeWarning):
    ...     warnings.warn("not seen", RuntimeWarning, stacklevel=1)
    """
    with _FILTERS.held(warnings.catch_warnings):
        for category in categories:
            warnings.simplefilter("ignore", category)
        yield
