"""Which seeds a reader means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import validation


def seed_list(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds that a number n (0 to n - 1) or a sequence stands for.

    Parameters
    ----------
    seeds : int, at least 1, or sequence of distinct non-negative int
        How many, or which.

    Returns
    -------
    tuple of int
        The seeds.

    Raises
    ------
    ValueError
        If there is none, if one is there twice, or if one is no non-negative integer.

    Examples
    --------
    >>> seed_list(3), seed_list([7, 5])
    ((0, 1, 2), (7, 5))
    """
    if isinstance(seeds, int | np.integer):
        return tuple(range(validation.integer("seeds", seeds, 1)))
    chosen = tuple(validation.integer("seeds", seed, 0) for seed in seeds)
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds = {seeds!r} must hold at least one seed, each once")
    return chosen
