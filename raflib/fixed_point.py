"""Accelerated iteration of a batched map of positive variables. Knows no physics.

Solves x = T(x) for many independent points at once, in z = log x, by a safeguarded quasi-Newton method:

1. the residual is r(z) = log T(e^z) - z, of the *undamped* map, so a small residual cannot be an artefact of damping;
2. the Jacobian of r starts as a forward difference and is kept up to date by Broyden's rank-one rule, one
   evaluation a step; it is measured afresh where the residual stops falling fast;
3. a step that does not lower |r| is halved; where halving does not help, a few steps of the map itself are taken,
   which is state evolution and contracts for a convex problem;
4. finished points leave the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .overlaps import Array

#: A map of x (n, variables) at the points with the given indices (n,); returns T(x) of the shape of x.
BatchedMap = Callable[[Array, NDArray[np.intp]], Array]

_DIFFERENCE = 1e-6  # step of the forward difference, between the map's rounding (1e-12) and its curvature
_LONGEST_STEP = 3.0  # in log units: no variable changes by more than a factor e^3 in one step
_FAST = 0.2  # a step that leaves more than this share of |r| asks for a fresh Jacobian
_HALVINGS = 6
_MAP_STEPS = 4


class FixedPoint(NamedTuple):
    """Result of `iterate`: the point whose residual is reported, max-norm relative residual, map evaluations."""

    x: Array
    residual: Array
    steps: NDArray[np.int64]


def relative_residual(r: Array) -> Array:
    """Return max_i |T_i(x) - x_i| / x_i from the logarithmic residual r = log T(x) - log x."""
    with np.errstate(over="ignore"):
        return np.asarray(np.max(np.abs(np.expm1(r)), axis=-1))


def iterate(
    apply: BatchedMap,
    start: Array,
    *,
    tol: float = 1e-10,
    max_steps: int = 2000,
    progress: Callable[[int], object] | None = None,
) -> FixedPoint:
    """Iterate the map from ``start`` until the relative residual of every point is at most ``tol``.

    Parameters
    ----------
    apply : callable
        ``apply(x, index) -> T(x)`` for the points ``index`` of the batch; positive where x is positive.
    start : array (points, variables), positive
    tol : float
        Largest relative residual max_i |T_i(x) - x_i| / x_i of a finished point.
    max_steps : int
        Largest number of map evaluations per point.
    progress : callable, optional
        Called with the number of points that finished, after each sweep.

    Returns
    -------
    FixedPoint
        Unfinished points are returned as they stand, with their residual: the caller decides.

    Examples
    --------
    >>> import numpy as np
    >>> found = iterate(lambda x, index: 1 + 1 / x, np.ones((1, 1)))
    >>> round(float(found.x[0, 0]), 9)
    1.618033989
    """
    points, size = start.shape
    z = np.log(start)
    best_z, best_norm = z.copy(), np.full(points, np.inf)
    steps = np.zeros(points, dtype=np.int64)
    residual = np.full(points, np.inf)

    def evaluate(z_at: Array, index: NDArray[np.intp]) -> Array:
        with np.errstate(all="ignore"):
            image = apply(np.exp(z_at), index)
            r = np.log(image) - z_at
        # A map value outside (0, inf) ends this trial, not the batch: it counts as an infinite residual.
        return np.where(np.isfinite(r), r, np.inf)

    active = np.arange(points)
    r = evaluate(z, active)
    steps += 1
    jacobian = np.zeros((points, size, size))
    stale = np.ones(points, dtype=bool)
    polished = np.zeros(points, dtype=bool)

    while True:
        norm = relative_residual(r[active])
        better = norm < best_norm[active]
        improved = active[better]
        best_z[improved], best_norm[improved] = z[improved], norm[better]
        # One more step after the tolerance is met costs little and usually reaches rounding.
        done = (polished[active] & (best_norm[active] <= tol)) | (steps[active] >= max_steps)
        polished[active] = best_norm[active] <= tol
        done |= best_norm[active] <= 1e-3 * tol
        if done.any():
            residual[active[done]] = best_norm[active[done]]
            if progress is not None:
                progress(int(done.sum()))
            active = active[~done]
        if active.size == 0:
            break

        measure = active[stale[active] & np.isfinite(r[active]).all(axis=1)]
        if measure.size:
            base = np.repeat(z[measure], size, axis=0)
            direction = np.tile(np.eye(size), (measure.size, 1))
            moved = evaluate(base + _DIFFERENCE * direction, np.repeat(measure, size))
            columns = (moved - np.repeat(r[measure], size, axis=0)) / _DIFFERENCE
            jacobian[measure] = columns.reshape(measure.size, size, size).swapaxes(1, 2)
            stale[measure] = False
            steps[measure] += size

        step = _newton_step(jacobian[active], r[active])
        before = np.linalg.norm(step, axis=1)
        shorten = np.minimum(1.0, _LONGEST_STEP / np.maximum(before, 1e-300))[:, None]
        accepted = np.zeros(active.size, dtype=bool)
        for halving in range(_HALVINGS):
            trying = np.flatnonzero(~accepted)
            if trying.size == 0:
                break
            index = active[trying]
            move = (step * shorten)[trying] * 0.5**halving
            trial = evaluate(z[index] + move, index)
            steps[index] += 1
            after = np.linalg.norm(_newton_step(jacobian[index], trial), axis=1)
            good = np.isfinite(trial).all(axis=1) & (after < (1 - 0.25 * 0.5**halving) * before[trying])
            keep = index[good]
            _broyden(jacobian, r, keep, move[good], trial[good])
            stale[keep] = (after[good] > _FAST * before[trying][good]) & (best_norm[keep] > 1e3 * tol)
            z[keep] = z[keep] + move[good]
            r[keep] = trial[good]
            accepted[trying[good]] = True

        lost = active[~accepted]
        for _ in range(_MAP_STEPS if lost.size else 0):
            move = np.where(np.isfinite(r[lost]), np.clip(r[lost], -_LONGEST_STEP, _LONGEST_STEP), 0.0)
            z[lost] += move
            r[lost] = evaluate(z[lost], lost)
            steps[lost] += 1
        stale[lost] = True

    return FixedPoint(np.exp(best_z), residual, steps)


def _newton_step(jacobian: Array, r: Array) -> Array:
    """Return -J^{-1} r; the map's own step r where J is singular or not finite."""
    usable = np.isfinite(jacobian).all(axis=(1, 2)) & np.isfinite(r).all(axis=1)
    safe_j = np.where(usable[:, None, None], jacobian, -np.eye(r.shape[1]))
    safe_r = np.where(usable[:, None], r, 0.0)
    safe_j[np.abs(np.linalg.det(safe_j)) < 1e-300] = -np.eye(r.shape[1])
    return np.asarray(-np.linalg.solve(safe_j, safe_r[..., None])[..., 0])


def _broyden(jacobian: Array, r: Array, index: NDArray[np.intp], move: Array, trial: Array) -> None:
    """Update J so that it reproduces the change of r that the accepted move made (Broyden's good rule)."""
    change = trial - r[index] - np.einsum("nij,nj->ni", jacobian[index], move)
    size = np.maximum(np.einsum("ni,ni->n", move, move), 1e-300)
    jacobian[index] += np.einsum("ni,nj->nij", change, move) / size[:, None, None]
