"""What the chapters' cells say to their reader: checks of exercises and the reproducibility stamp."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from types import EllipsisType

import numpy as np

from . import validation
from .overlaps import Array

_BEGAN = time.perf_counter()
_STAMPED = ("numpy", "scipy", "matplotlib")


def check(
    answer: float | Array | EllipsisType,
    expected: float | Array | Callable[[], float | Array],
    *,
    rtol: float = 1e-2,
    atol: float = 0.0,
) -> bool | None:
    r"""Compare a reader's answer with the expected value and say the verdict.

    An answer is accepted if :math:`\lvert\text{answer} - \text{expected}\rvert \le
    \text{atol} + \text{rtol}\,\lvert\text{expected}\rvert` everywhere.

    Parameters
    ----------
    answer : float or array, in (-inf, inf), or Ellipsis
        The reader's answer; the dots ``...`` mean "not answered yet".
    expected : float or array, in (-inf, inf), or function
        The value, or a function of no arguments that returns it.
    rtol : float, in [0, inf)
        Relative tolerance.
    atol : float, in [0, inf)
        Absolute tolerance.

    Returns
    -------
    bool or None
        True or False; None if there is no answer yet.

    Raises
    ------
    ValueError
        If a tolerance is negative, or if the answer is no number.

    Examples
    --------
    >>> import raflib as rf
    >>> rf.check(..., 2.0)
    Not answered yet: replace the dots by your answer and run the cell again.
    >>> rf.check(2.01, lambda: rf.capacity(1.0))
    Correct, to within 1%.
    True
    >>> rf.check(1.5, 2.0)
    Not yet: your answer is 25% too small in size.
    False
    """
    rtol = float(validation.number("rtol", rtol, 0))
    atol = float(validation.number("atol", atol, 0))
    if answer is ...:
        print("Not answered yet: replace the dots by your answer and run the cell again.")
        return None
    given = np.asarray(validation.number("answer", answer))
    value = np.asarray(expected() if callable(expected) else expected, dtype=np.float64)
    if given.shape != value.shape:
        print(f"Not yet: your answer has shape {given.shape}, the expected one {value.shape}.")
        return False
    if np.all(np.abs(given - value) <= atol + rtol * np.abs(value)):
        print(f"Correct, to within {100 * rtol:.3g}%." if atol == 0.0 else f"Correct, to within {atol:.3g}.")
        return True
    if given.ndim == 0 and given * value > 0:
        off = 100 * (given / value - 1.0)
        print(f"Not yet: your answer is {abs(off):.3g}% too {'large' if off > 0 else 'small'} in size.")
    else:
        print(f"Not yet: the largest difference is {np.max(np.abs(given - value)):.3g}.")
    return False


def stamp(seed: object = None) -> None:
    """Print what a reader needs to reproduce the page: versions, seed, and seconds since raflib was imported.

    Parameters
    ----------
    seed : object, optional
        Seed or seeds that the page used; printed as given.

    Examples
    --------
    >>> import raflib as rf
    >>> rf.stamp(seed=0)                                                       # doctest: +ELLIPSIS
    raflib ..., Python ..., numpy ..., scipy ..., matplotlib ...; seed 0; ... s since import
    """
    versions = [f"raflib {version('raflib')}", f"Python {platform.python_version()}"]
    versions += [f"{name} {version(name)}" for name in _STAMPED]
    seeds = "" if seed is None else f"; seed {seed}"
    print(f"{', '.join(versions)}{seeds}; {time.perf_counter() - _BEGAN:.1f} s since import")
