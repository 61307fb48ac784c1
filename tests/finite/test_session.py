"""Settings of the process that several threads hold at once: neither is in the other's way, and all is put back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from raflib.finite.session import one_thread, silenced


def overlap(make: Callable[[], AbstractContextManager[None]], look: Callable[[], object]) -> list[object]:
    """Enter in one thread, then in a second; leave in the first, then in the second. Return what is seen after each."""
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        first, second = make(), make()
        seen = []
        for thread, step in (
            (one, first.__enter__),
            (two, second.__enter__),
            (one, lambda: first.__exit__(None, None, None)),
            (two, lambda: second.__exit__(None, None, None)),
        ):
            thread.submit(step).result()
            seen.append(look())
    return seen


def blas() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_threads_that_overlap_keep_to_one_thread_of_the_libraries() -> None:
    with threadpool_limits(limits=2):
        before = threadpool_info()
        assert overlap(one_thread, blas) == [{1}, {1}, {1}, {2}]
        assert threadpool_info() == before
        with pytest.raises(ZeroDivisionError), one_thread():
            raise ZeroDivisionError
        assert threadpool_info() == before


def test_openmp_is_kept_to_one_thread_in_each_thread() -> None:
    def openmp() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"}

    pytest.importorskip("sklearn.svm")  # brings a library of OpenMP
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        for thread in (one, two):
            thread.submit(threadpool_limits, 2).result()
            assert thread.submit(openmp).result() == {2}
        first, second = one_thread(), one_thread()
        one.submit(first.__enter__).result()
        two.submit(second.__enter__).result()
        assert one.submit(openmp).result() == two.submit(openmp).result() == {1}
        one.submit(first.__exit__, None, None, None).result()
        two.submit(second.__exit__, None, None, None).result()
        assert one.submit(openmp).result() == two.submit(openmp).result() == {2}


def test_threads_that_overlap_leave_the_warnings_as_they_were() -> None:
    def heard() -> bool:
        with pytest.MonkeyPatch.context() as patch:
            told = []
            patch.setattr(warnings, "showwarning", lambda *_: told.append(1))
            try:
                warnings.warn("heard", ImportWarning, stacklevel=1)
            except ImportWarning:
                return True
        return bool(told)

    before = list(warnings.filters)
    assert overlap(lambda: silenced(ImportWarning), heard) == [False, False, False, True]
    assert warnings.filters == before
    with pytest.raises(ZeroDivisionError), silenced(ImportWarning, ResourceWarning):
        raise ZeroDivisionError
    assert warnings.filters == before
