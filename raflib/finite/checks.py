"""Checks of samples that a reader may have made or changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

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
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X has shape {X.shape}; it must be (n, d) with n >= 1 samples in d >= 1 dimensions")
    y = labels(y, X.shape[0])
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(f"X[{row}, {column}] = {X[row, column]} is not finite")
    return X, y


def labels(y: Array, n: int) -> Array:
    """Return n labels as a float array, or raise ValueError.

    Examples
    --------
    >>> labels([1, -1], 3)
    Traceback (most recent call last):
        ...
    ValueError: y has shape (2,); it must hold one label for each of the 3 samples
    """
    y = np.asarray(y, dtype=np.float64)
    if y.shape != (n,):
        raise ValueError(f"y has shape {y.shape}; it must hold one label for each of the {n} samples")
    bad = np.flatnonzero(np.abs(y) != 1.0)
    if bad.size:
        raise ValueError(
            f"y[{bad[0]}] = {y[bad[0]]:g} is neither -1 nor +1 ({bad.size} such label{'s' * (bad.size > 1)}); "
            "np.where(y > 0, 1.0, -1.0) makes labels of two classes"
        )
    return y


def ascending(name: str, values: Sequence[int] | NDArray[np.int64]) -> list[int]:
    """Return whole numbers from 1 on in ascending order, or raise ValueError.

    Examples
    --------
    >>> ascending("epochs", [1, 1])
    Traceback (most recent call last):
        ...
    ValueError: epochs = [1, 1] must hold at least one number, in ascending order
    """
    checked = [validation.integer(name, each, 1) for each in values]
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
