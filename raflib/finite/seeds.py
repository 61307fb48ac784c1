"""Which seeds a reader means."""

from __future__ import annotations

from collections.abc import Sequence

from .. import validation
from .checks import is_one, several

#: A number of seeds beyond this is a slip, such as a seed in the place of a number; their list would fill the memory.
MOST = 1_000_000


def seed_list(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds that a number n (0 to n - 1) or a sequence stands for.

    Parameters
    ----------
    seeds : int, in [1, 1000000], or sequence of distinct non-negative int
        How many, or which.

    Returns
    -------
    tuple of int
        The seeds.

    Raises
    ------
    ValueError
        If there is none, if one is there twice, if one is no non-negative integer, or if seeds is neither a number of
        them nor a sequence.

    Examples
    --------
    >>> seed_list(3), seed_list([7, 5])
    ((0, 1, 2), (7, 5))
    """
    if is_one(seeds):
        return tuple(range(validation.integer("seeds", seeds, 1, MOST)))
    wanted = f"an integer in the allowed range [1, {MOST}] or a sequence of distinct integers in [0, inf)"
    chosen = tuple(several("seeds", seeds, 0, wanted))
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds = {seeds!r} must hold at least one seed, each once")
    return chosen
