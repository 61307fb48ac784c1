"""Newton's method for the fixed points of a batched map of positive variables. Knows no physics.

Solves x = T(x) for many independent points at once, in z = log x:

1. the residual is r(z) = log T(e^z) - z, of the *undamped* map, so a small residual cannot be an artefact of damping;
2. the step is Newton's, -J^{-1} r with J = dr/dz, no longer than a factor e^3 in any variable;
3. it is accepted if the next step, with the same J, would be shorter (the natural monotonicity test: it is invariant
   under a linear change of the equations, so a direction in which the map is almost the identity counts as much as
   the others), else halved; where halving does not help, a few steps of the map itself are taken: state evolution,
   which contracts for a convex problem;
4. finished points leave the batch.

P. Deuflhard, Newton Methods for Nonlinear Problems (Springer, 2004), chapter 3, for the natural monotonicity test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .overlaps import Array

#: Takes x (3, n) at the points with the given indices (n,); returns T(x) (3, n) and d log T / d log x (3, 3, n).
BatchedMap = Callable[[Array, NDArray[np.intp]], tuple[Array, Array]]

_LONGEST_STEP = 3.0  # in log units
_HALVINGS = 7
_MAP_STEPS = 4


class FixedPoint(NamedTuple):
    """What the iteration found: one column for every point of the batch.

    Attributes
    ----------
    x : array, shape (3, n), in (0, inf)
        The points whose residual is reported.
    residual : array, shape (n,), in [0, inf]
        Their max-norm relative residual.
    steps : array of int, shape (n,), at least 1
        Evaluations of the map.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.fixed_point import iterate
    >>> x, residual, steps = iterate(lambda x, index: (np.full_like(x, 2.0), np.zeros((3, *x.shape))), np.ones((3, 1)))
    >>> x[:, 0].tolist(), residual.tolist(), int(steps[0])
    ([2.0, 2.0, 2.0], [0.0], 2)
    """

    x: Array
    residual: Array
    steps: NDArray[np.int64]


def iterate(
    apply: BatchedMap,
    start: Array,
    *,
    tol: float = 1e-10,
    max_steps: int = 2000,
) -> FixedPoint:
    r"""Find the fixed point of a map of three positive variables for every point of a batch, by Newton's method.

    In :math:`z = \log x` the step is

    .. math::

        z &\leftarrow z - J^{-1} r, \\
        r(z) &= \log T(e^z) - z, \qquad J = \frac{\partial r}{\partial z},

    shortened until the next step with the same J would be shorter. The residual is that of the undamped map.

    Parameters
    ----------
    apply : function
        Called as ``apply(x, index)``, it returns T(x), shape (3, n), and d log T / d log x, shape (3, 3, n), for the
        points ``index`` of the batch.
    start : array, shape (3, n), in (0, inf)
        Where each point starts.
    tol : float, in (0, inf)
        :math:`\max_i \lvert T_i(x) - x_i\rvert/x_i`, the largest relative residual of a finished point. Points go on
        by one step below it, unless they are well below.
    max_steps : int, at least 1
        Largest number of map evaluations per point.

    Returns
    -------
    FixedPoint
        The best iterate of every point, with its residual. Where that exceeds ``tol`` the caller decides.

    References
    ----------
    Deuflhard, Newton Methods for Nonlinear Problems (Springer, 2004), chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.fixed_point import iterate
    >>> def golden(x, index):
    ...     return 1 + 1 / x, -np.eye(3)[:, :, None] / (1 + x)
    >>> iterate(golden, np.ones((3, 1))).x[:, 0].round(9).tolist()
    [1.618033989, 1.618033989, 1.618033989]
    """
    points = start.shape[1]
    result = FixedPoint(start.copy(), np.full(points, np.inf), np.zeros(points, dtype=np.int64))
    index = np.arange(points)
    z = np.log(start)
    r, inverse = _evaluate(apply, z, index)
    steps = np.ones(points, dtype=np.int64)
    met_before = np.zeros(points, dtype=bool)

    while True:
        with np.errstate(over="ignore"):
            residual = np.abs(np.expm1(r)).max(axis=0)
        better = residual < result.residual[index]
        improved = index[better]
        result.x[:, improved] = np.exp(z[:, better])
        result.residual[improved] = residual[better]
        result.steps[index] = steps

        # One more step after the tolerance is met costs little and usually reaches rounding.
        met = result.residual[index] <= tol
        done = (met & met_before) | (result.residual[index] <= 1e-2 * tol) | (steps >= max_steps)
        if done.any():
            go = ~done
            index, z, r, inverse, steps, met = index[go], z[:, go], r[:, go], inverse[..., go], steps[go], met[go]
        if index.size == 0:
            return result
        met_before = met

        step = _times(inverse, np.where(np.isfinite(r), -r, 0.0))
        length = np.abs(step).max(axis=0)
        step *= np.minimum(1.0, _LONGEST_STEP / np.maximum(length, 1e-300))
        waiting = np.arange(index.size)
        for halving in range(_HALVINGS):
            share = 0.5**halving
            trial = z[:, waiting] + share * step[:, waiting]
            r_trial, inverse_trial = _evaluate(apply, trial, index[waiting])
            steps[waiting] += 1
            next_length = np.abs(_times(inverse[..., waiting], r_trial)).max(axis=0)
            good = next_length < (1.0 - 0.25 * share) * length[waiting]
            taken = waiting[good]
            z[:, taken], r[:, taken], inverse[..., taken] = trial[:, good], r_trial[:, good], inverse_trial[..., good]
            waiting = waiting[~good]
            if waiting.size == 0:
                break
        for _ in range(_MAP_STEPS if waiting.size else 0):
            move = np.where(np.isfinite(r[:, waiting]), r[:, waiting], 0.0)
            z[:, waiting] += np.clip(move, -_LONGEST_STEP, _LONGEST_STEP)
            r[:, waiting], inverse[..., waiting] = _evaluate(apply, z[:, waiting], index[waiting])
            steps[waiting] += 1


def _evaluate(apply: BatchedMap, z: Array, index: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return r = log T(e^z) - z and the inverse of its Jacobian.

    A map value outside (0, inf) makes r infinite: it ends this trial, not the batch.
    """
    with np.errstate(all="ignore"):
        image, slopes = apply(np.exp(z), index)
        r = np.log(image) - z
        for i in range(3):
            slopes[i, i] -= 1.0
        return np.where(np.isfinite(r), r, np.inf), _inverse(slopes)


def _inverse(J: Array) -> Array:
    """Return the inverses of 3 x 3 matrices, shape (3, 3, n); minus the identity (a step of the map) where none."""
    (a, b, c), (d, e, f), (g, h, i) = J
    A, B, C = e * i - f * h, c * h - b * i, b * f - c * e
    D, E, F = f * g - d * i, a * i - c * g, c * d - a * f
    G, H, I = d * h - e * g, b * g - a * h, a * e - b * d  # noqa: E741
    inverse = np.stack([A, B, C, D, E, F, G, H, I]).reshape(J.shape) / (a * A + b * D + c * G)
    broken = ~np.isfinite(inverse).all(axis=(0, 1))
    if broken.any():
        inverse[..., broken] = -np.eye(3)[:, :, None]
    return np.asarray(inverse)


def _times(matrix: Array, vector: Array) -> Array:
    """Return the products of a batch of 3 x 3 matrices and vectors, shapes (3, 3, n) and (3, n)."""
    with np.errstate(invalid="ignore", over="ignore"):  # an infinite residual is told apart by its length, nan or inf
        return np.asarray((matrix * vector).sum(axis=1))
