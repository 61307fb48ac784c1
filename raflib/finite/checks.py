"""Checks of samples that a reader may have made or changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import validation
from ..overlaps import Array


def labelled(X: Array, y: Array) -> tuple[Array, Array]:
    """Return inputs (n, d) and labels (n,) as float arrays, or raise ValueError.

    Examples
    --------
    >>> import numpy as np
    >>> labelled(np.ones((2, 3)), np.array([1, 0]))
    Traceback (most recent call last):
        ...
    ValueError: y[1] = 0 is neither -1 nor +1 (1 such label); np.where(y > 0, 1.0, -1.0) makes labels of two classes
    """
    X = reals("X", X)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X has shape {X.shape}; it must be (n, d) with n >= 1 samples in d >= 1 dimensions")
    y = labels(y, X.shape[0])
    finite("X", X)
    return X, y


def reals(name: str, value: ArrayLike) -> Array:
    """Return an array of floats, nan and inf among them, or raise ValueError; text and complex numbers are none.

    Examples
    --------
    >>> reals("K", [[1j]])
    Traceback (most recent call last):
        ...
    ValueError: K must hold real numbers in the allowed range (-inf, inf): its type is complex128
    """
    given = as_array(name, value)
    try:
        return validation.reals(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold real numbers in the allowed range (-inf, inf): {error}") from None


def finite(name: str, values: Array) -> None:
    """Raise ValueError, with the first place, if an array holds nan or inf.

    Examples
    --------
    >>> finite("K", np.array([[1.0, np.nan]]))
    Traceback (most recent call last):
        ...
    ValueError: K[0, 1] = nan is not finite
    """
    bad = ~np.isfinite(values)
    if bad.any():
        place = np.argwhere(bad)[0]
        raise ValueError(f"{name}[{', '.join(map(str, place))}] = {values[tuple(place)]} is not finite")


def labels(y: Array, n: int) -> Array:
    """Return n labels as a float array, or raise ValueError.

    Examples
    --------
    >>> labels([1, -1], 3)
    Traceback (most recent call last):
        ...
    ValueError: y has shape (2,); it must hold one label for each of the 3 samples
    """
    given = as_array("y", y)
    if given.shape != (n,):
        raise ValueError(f"y has shape {given.shape}; it must hold one label for each of the {n} samples")
    if given.dtype.kind in "buif":
        values = np.asarray(given, dtype=np.float64)
    else:  # text is no label, not even "1"; an array of objects may hold numbers
        members = given.tolist()
        values = np.array([float(each) if isinstance(each, Real) else np.nan for each in members])
    bad = np.flatnonzero(np.abs(values) != 1.0)
    if bad.size:
        first = given.tolist()[bad[0]]
        shown = f"{first:g}" if isinstance(first, Real) else repr(first)
        one_class = f"y == {first!r}" if isinstance(first, str | bytes) else "y > 0"
        raise ValueError(
            f"y[{bad[0]}] = {shown} is neither -1 nor +1 ({bad.size} such label{'s' * (bad.size > 1)}); "
            f"np.where({one_class}, 1.0, -1.0) makes labels of two classes"
        )
    return values


def as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return an array of whatever type, or raise ValueError.

    Examples
    --------
    >>> as_array("y", ["a", 1]).tolist()
    ['a', '1']
    >>> as_array("y", [[1], [1, 2]])
    Traceback (most recent call last):
        ...
    ValueError: y is no array: setting an array element with a sequence. ...
    """
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is no array: {error}") from None


def is_one(value: object) -> bool:
    """Whether this is one number, an integer or an array without axes, rather than a sequence.

    Examples
    --------
    >>> is_one(3), is_one(np.array(3)), is_one([3])
    (True, True, False)
    """
    return isinstance(value, int | np.integer) or (isinstance(value, np.ndarray) and value.ndim == 0)


def several(name: str, values: object, low: int, wanted: str = "") -> list[int]:
    """Return the integers of a sequence, each at least ``low``, or raise ValueError; ``wanted`` is what it asks for.

    Examples
    --------
    >>> several("d", 50, 1)
    Traceback (most recent call last):
        ...
    ValueError: d = 50 is not a sequence of integers in the allowed range [1, inf)
    """
    no_axes = isinstance(values, np.ndarray) and values.ndim == 0
    if isinstance(values, str | bytes) or not isinstance(values, Iterable) or no_axes:
        wanted = wanted or f"a sequence of integers in the allowed range [{low}, inf)"
        raise ValueError(f"{name} = {values!r} is not {wanted}")
    return [validation.integer(name, each, low) for each in values]


def ascending(name: str, values: Sequence[int] | NDArray[np.int64]) -> list[int]:
    """Return whole numbers from 1 on in ascending order, or raise ValueError.

    Examples
    --------
    >>> ascending("epochs", [1, 1])
    Traceback (most recent call last):
        ...
    ValueError: epochs = [1, 1] must hold at least one number, in ascending order
    """
    checked = several(name, values, 1)
    if not checked or any(after <= before for before, after in pairwise(checked)):
        raise ValueError(f"{name} = {values!r} must hold at least one number, in ascending order")
    return checked


def scalar(
    name: str,
    value: ArrayLike,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return one number in a range as a float, or raise ValueError.

    Examples
    --------
    >>> scalar("margin", [0.1, 0.2], 0)
    Traceback (most recent call last):
        ...
    ValueError: margin has shape (2,); it must be one number
    """
    number = validation.number(name, value, low, high, open_low=open_low, open_high=open_high)
    if np.ndim(number):
        raise ValueError(f"{name} has shape {np.shape(number)}; it must be one number")
    return float(number)
