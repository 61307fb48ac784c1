"""Argument checks. Every message names the argument, its value and the allowed range."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def number(
    name: str,
    value: ArrayLike,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float | NDArray[np.float64]:
    """Return ``value`` as a float or a read-only float array, or raise ValueError.

    ``open_low`` and ``open_high`` exclude the ends of the range; infinite ends are always excluded.

    Examples
    --------
    >>> number("eps", 0.3, 0, 1)
    0.3
    >>> number("eps", 1.3, 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: eps = 1.3 is outside the allowed range [0, 1]
    """
    left = "(" if open_low or np.isinf(low) else "["
    right = ")" if open_high or np.isinf(high) else "]"
    allowed = f"{left}{low:g}, {high:g}{right}"
    try:
        if value is None:
            raise TypeError
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {value!r} is not a number or an array of numbers in {allowed}") from None
    below = array <= low if open_low or np.isinf(low) else array < low
    above = array >= high if open_high or np.isinf(high) else array > high
    bad = np.isnan(array) | below | above
    if bad.any():
        first = float(array[bad].flat[0])
        shown = f"{first:g}" if float(f"{first:g}") == first or np.isnan(first) else repr(first)
        where = "" if array.ndim == 0 else f" (first of {int(bad.sum())} such values)"
        raise ValueError(f"{name} = {shown}{where} is outside the allowed range {allowed}")
    if array.ndim == 0:
        return float(array)
    array.flags.writeable = False
    return array


def integer(name: str, value: object, low: int) -> int:
    """Return ``value`` as an int of at least ``low``, or raise ValueError; an integer array without axes is a number.

    Examples
    --------
    >>> integer("d", 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: d = 0 is not an integer in the allowed range [1, inf)
    """
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iu":
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise ValueError(f"{name} = {value!r} is not an integer in the allowed range [{low}, inf)")
    return int(value)


def workers(name: str, value: object) -> int | None:
    """Return a number of parallel workers as joblib takes it, or raise ValueError.

    Examples
    --------
    >>> workers("n_jobs", -1)
    -1
    >>> workers("n_jobs", 0)
    Traceback (most recent call last):
        ...
    ValueError: n_jobs = 0 is not a positive integer, a negative one (-1 is one a core) or None
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value == 0:
        raise ValueError(f"{name} = {value!r} is not a positive integer, a negative one (-1 is one a core) or None")
    return int(value)


def choice(name: str, value: object, allowed: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``allowed``, or raise ValueError.

    Examples
    --------
    >>> choice("on_failure", "ignore", ("raise", "nan"))
    Traceback (most recent call last):
        ...
    ValueError: on_failure = 'ignore' is not one of 'raise', 'nan'
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} = {value!r} is not one of {', '.join(map(repr, allowed))}")
    return value


def broadcast(**named: float | NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Broadcast the named values against each other, or raise ValueError with their shapes.

    Examples
    --------
    >>> a, b = broadcast(alpha=np.ones(3), eps=0.1)
    >>> b.shape
    (3,)
    >>> broadcast(alpha=np.ones(3), eps=np.ones(2))
    Traceback (most recent call last):
        ...
    ValueError: shapes do not broadcast: alpha (3,), eps (2,); use e.g. alpha[:, None] and eps[None, :]
    """
    try:
        return tuple(np.broadcast_arrays(*named.values()))
    except ValueError:
        names = list(named)
        shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in named.items() if np.ndim(value))
        arrays = [name for name in names if np.ndim(named[name])]
        raise ValueError(
            f"shapes do not broadcast: {shapes}; use e.g. {arrays[0]}[:, None] and {arrays[1]}[None, :]"
        ) from None
