"""Independent random trials, in parallel, with the same numbers whatever the number of workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import validation


def run_trials(
    work: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    n_jobs: int | None,
    progress: bool,
    label: str,
    together: int = 1,
) -> list[Any]:
    """Call a function once for each tuple of arguments, through joblib; the results are in the order of the calls.

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
        What the bar says.
    together : int, at least 1
        Calls that a worker gets at once: many where each takes a few milliseconds.

    Returns
    -------
    list
        What the calls returned.

    Raises
    ------
    ValueError
        If n_jobs is no integer other than 0.

    Examples
    --------
    >>> run_trials(divmod, [(7, 2), (9, 4)], n_jobs=1, progress=False, label="dividing", together=2)
    [(3, 1), (2, 1)]
    """
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    n_jobs = validation.workers("n_jobs", n_jobs)
    switch = {} if progress else {"disable": True}  # named only when off: the environment's TQDM_DISABLE keeps its say
    parts = [calls[first : first + together] for first in range(0, len(calls), together)]
    results: list[Any] = []
    with tqdm(total=len(calls), desc=label, leave=False, **switch) as bar:
        for part in Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_on_one_thread)(work, each) for each in parts
        ):
            results += part
            bar.update(len(part))
    return results


def _on_one_thread(work: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    from threadpoolctl import threadpool_limits  # a dependency of scikit-learn

    with threadpool_limits(limits=1):
        return [work(*arguments) for arguments in calls]
