"""Ridge regression on the labels, a whole path of lam from one factorisation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from ..overlaps import Array
from .designs import Design, FeatureDesign, KernelDesign, eigen
from .errors import SimulationError

#: Up to this many values of lam, a Cholesky factorisation for each is cheaper than one eigendecomposition.
_FEW = 6
#: Smallest eigenvalue that is not taken for rounding, in units of the largest.
_SMALLEST = 1e-14


class Path(NamedTuple):
    """Learners trained on one sample with several values of lam.

    Attributes
    ----------
    weights : array, shape (k, values of lam)
        Weights of each learner, as the design counts them.
    fields : array, shape (n, values of lam)
        Its training fields.
    squared_norm : array, shape (values of lam,)
        Its squared norm, that lam weighs.
    """

    weights: Array
    fields: Array
    squared_norm: Array


def ridge_path(design: Design, y: Array, lam: Array) -> Path:
    r"""Minimise sum_mu (y_mu - omega_mu)^2 / 2 + (lam / 2) ||a||^2 for each lam.

    .. math::

        a = \Phi^\top(\Phi\Phi^\top + \lambda)^{-1}y = (\Phi^\top\Phi + \lambda)^{-1}\Phi^\top y,

    in the smaller of the two dimensions: by one Cholesky factorisation for each lam if they are few, otherwise by one
    eigendecomposition for all. lam = 0 is the interpolator of least norm, or least squares where there is none.

    Parameters
    ----------
    design : FeatureDesign or KernelDesign
        The features.
    y : array, shape (n,)
        Labels.
    lam : array, shape (values,), in [0, inf)
        Ridge.

    Returns
    -------
    Path
        To about 1e-14 times the ratio of the largest eigenvalue to the smallest, lam included.

    Raises
    ------
    SimulationError
        If the equations are singular to machine precision.
    ValueError
        If a kernel matrix is not positive semidefinite.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((5, 3))
    >>> path = ridge_path(FeatureDesign(X), np.ones(5), np.array([0.1, 2.0]))
    >>> bool(np.allclose(path.weights[:, 1], np.linalg.solve(X.T @ X + 2 * np.eye(3), X.T @ np.ones(5))))
    True
    """
    if isinstance(design, KernelDesign):
        weights = _kernel(design, y, lam)
    elif isinstance(design, FeatureDesign):
        weights = _features(design, y, lam)
    else:
        raise TypeError(f"design = {design!r} is neither a FeatureDesign nor a KernelDesign")
    return Path(weights, design.fields(weights), design.squared_norm(weights))


def _features(design: FeatureDesign, y: Array, lam: Array) -> Array:
    """Return the weights for each lam, with the private directions eliminated."""
    S, private = design.shared, design.private
    n, k = S.shape
    shift = lam + private**2
    plain = shift == 0.0
    weights = np.empty((k, lam.size))
    if plain.any():
        # No ridge at all: least squares of least norm, by QR with pivots on the features themselves.
        weights[:, plain] = linalg.lstsq(S, y, lapack_driver="gelsy")[0][:, None]
    if not plain.all():
        if k <= n:
            weights[:, ~plain] = _solve(S.T @ S, S.T @ y, shift[~plain])
        else:
            weights[:, ~plain] = S.T @ _solve(S @ S.T, y, shift[~plain])
    if private == 0.0:
        return weights
    # The residual of a private direction's own equation: private e = mu_star^2 (y - S a) / (lam + mu_star^2).
    return np.concatenate([weights, private * (y[:, None] - S @ weights) / shift])


def _kernel(design: KernelDesign, y: Array, lam: Array) -> Array:
    if lam.size <= _FEW and lam.all():
        design.check_definite()
        return _solve(design.K, y, lam)
    return _spectral(*eigen(design.K), y, lam)


def _solve(A: Array, b: Array, shifts: Array) -> Array:
    """Return (A + shift)^{-1} b for each shift, one a column."""
    if shifts.size > _FEW:
        S, U = eigen(A, overwrite=True)
        return _spectral(S, U, b, shifts)
    columns = []
    for shift in shifts:
        shifted = A.copy()
        shifted.flat[:: len(A) + 1] += shift
        # The condition number by hand: a warning of linalg.solve becomes an error only through the filters of the
        # whole process, which other threads use too.
        norm = float(linalg.norm(shifted, 1, check_finite=False))
        try:
            factor, lower = linalg.cho_factor(shifted.T, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            raise _singular(shift) from None
        rcond, _ = lapack.dpocon(factor, norm)
        if not rcond >= np.finfo(float).eps:
            raise _singular(shift)
        columns.append(linalg.cho_solve((factor, lower), b, check_finite=False))
    return np.stack(columns, axis=1)


def _spectral(S: Array, U: Array, b: Array, shifts: Array) -> Array:
    """Return (U S U^T + shift)^{-1} b for each shift, one a column; the pseudo-inverse for shift 0."""
    along = U.T @ b
    gains = S[:, None] + shifts
    floor = _SMALLEST * (S[-1] + shifts)
    small = gains <= floor
    if (small & (shifts > 0.0)).any():
        raise _singular(float(shifts[(small & (shifts > 0.0)).any(axis=0)][0]))
    return np.asarray(U @ np.divide(along[:, None], gains, out=np.zeros_like(gains), where=~small))


def _singular(shift: float) -> SimulationError:
    return SimulationError(
        f"ridge at lam + mu_star^2 = {shift:.3g} is singular to machine precision; use a larger lam, or lam = 0 for "
        "its limit"
    )
