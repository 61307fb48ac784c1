"""Argument checks. Every message names the argument, its value and the allowed range."""

from __future__ import annotations

import os
from collections.abc import Callable

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


def integer(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int from ``low`` to ``high``, or raise ValueError; an array without axes is a number.

    Examples
    --------
    >>> integer("d", 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: d = 0 is not an integer in the allowed range [1, inf)
    """
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iu":
        value = int(value)
    top = np.inf if high is None else high
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= top:
        allowed = f"[{low}, inf)" if high is None else f"[{low}, {high}]"
        raise ValueError(f"{name} = {value!r} is not an integer in the allowed range {allowed}")
    return int(value)


def instance(name: str, value: object, kind: type, wanted: str) -> None:
    """Raise ValueError unless ``value`` is of a kind; ``wanted`` is how a reader comes by one.

    Examples
    --------
    >>> instance("images", 3, str, "a name")
    Traceback (most recent call last):
        ...
    ValueError: images = 3 is of type int; pass a name
    """
    if not isinstance(value, kind):
        shown = repr(value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        raise ValueError(f"{name} = {shown} is of type {type(value).__name__}; pass {wanted}")


def generator(name: str, value: np.random.Generator | int | None) -> np.random.Generator:
    """Return the generator that a generator or a seed stands for, or raise ValueError.

    Examples
    --------
    >>> generator("rng", -1)
    Traceback (most recent call last):
        ...
    ValueError: rng = -1 is neither a numpy.random.Generator nor an integer in the allowed range [0, inf)
    """
    try:
        if isinstance(value, bool | np.bool_):  # numpy takes True for the seed 1
            raise TypeError
        return np.random.default_rng(value)
    except (TypeError, ValueError):
        allowed = "a numpy.random.Generator nor an integer in the allowed range [0, inf)"
        raise ValueError(f"{name} = {value!r} is neither {allowed}") from None


def folder(name: str, value: str | os.PathLike[str] | None) -> str | None:
    """Return the path of a folder as text, or raise ValueError; None stays None.

    Examples
    --------
    >>> folder("cache", 3)
    Traceback (most recent call last):
        ...
    ValueError: cache = 3 is not the path of a folder: a str or a pathlib.Path, or None for no folder
    """
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if path is not None and not isinstance(path, str):
        raise ValueError(
            f"{name} = {value!r} is not the path of a folder: a str or a pathlib.Path, or None for no folder"
        )
    return path


def reals(array: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return an array as floats, or raise TypeError or ValueError: text and complex numbers are not cast.

    Examples
    --------
    >>> reals(np.array([1j]))
    Traceback (most recent call last):
        ...
    TypeError: its type is complex128
    """
    if array.dtype.kind not in "buifO":
        raise TypeError(f"its type is {array.dtype}")
    return np.asarray(array, dtype=np.float64)


def mapped(
    name: str, function: Callable[[NDArray[np.float64]], object], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what a reader's function gives for an array, or raise ValueError unless it is a real array of its shape.

    Examples
    --------
    >>> mapped("kernel", np.sum, np.zeros(3))
    Traceback (most recent call last):
        ...
    ValueError: kernel = <function sum at ...> gives shape () for an argument of shape (3,); it must be a vectorised ...
    """
    wanted = "it must be a vectorised function, which maps a real array to a real array of its shape"
    try:
        values = reals(np.asarray(function(at)))
    except (TypeError, ValueError) as error:  # of the function too: one that takes only floats ends here
        raise ValueError(
            f"{name} = {function!r} gives no real array for an argument of shape {at.shape} ({error}); {wanted}"
        ) from error
    if values.shape != at.shape:
        raise ValueError(
            f"{name} = {function!r} gives shape {values.shape} for an argument of shape {at.shape}; {wanted}"
        )
    return values


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
