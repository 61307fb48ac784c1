"""What is measured of trained learners: the theory's observables, exactly where geometry gives them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import owens_t

from ..losses import Loss, Square
from ..overlaps import Array
from ..task import Sample, draw_inputs
from .realisation import LinearReading, Reading
from .ridge import Path
from .trajectory import angle

#: In the order of the values that `measure` returns.
OBSERVABLES = ("generalization_error", "memorization_error", "training_error", "training_loss", "m", "q")
#: Numbers of the largest array that a block of new inputs needs.
_BLOCK = 1_000_000


def measure(
    path: Path,
    reading: Reading,
    data: Sample,
    loss: Loss,
    lam: Array,
    inputs: str,
    test_size: int,
    rng: np.random.Generator,
) -> Array:
    """Return the observables of learners that were trained on one sample.

    Parameters
    ----------
    path : Path
        The trained learners.
    reading : LinearReading, ActivationReading or KernelReading
        What their weights mean.
    data : Sample
        What they were trained on.
    loss : Loss
        What they were trained with.
    lam : array, shape (columns of the path,), in [0, inf)
        The same.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs, new ones too.
    test_size : int, at least 1
        Number of new inputs, where the generalization error is not a matter of geometry.
    rng : numpy.random.Generator
        Generator of the new inputs.

    Returns
    -------
    array, shape (6, columns of the path)
        In the order of `OBSERVABLES`.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.finite.realisation import equivalent
    >>> from raflib.finite.ridge import ridge_path
    >>> data, rng = rf.RulesAndFacts(3.0, 0.0).sample(d=100, rng=0), np.random.default_rng(1)
    >>> design, reading = equivalent(rf.Linear(), data.X, rng, intercept=False)
    >>> lam = np.array([1.0])
    >>> path = ridge_path(design, data.y, lam)
    >>> values = measure(path, reading, data, rf.Square(), lam, "gaussian", 1, rng)
    >>> dict(zip(OBSERVABLES, values[:, 0].round(2).tolist()))["generalization_error"]
    0.16
    """
    margins = data.y[:, None] * path.fields
    wrong = margins <= 0.0
    training_loss = np.zeros(lam.size)
    if loss.constraint is not None:
        # A margin loss trained at lam = 0 kept its margins, and its limit is 0: of the logistic loss at infinite norm.
        soft = np.ones(lam.size, dtype=bool) if isinstance(loss, Square) else lam > 0.0
        training_loss[soft] = loss.value(margins[:, soft]).mean(axis=0)
    facts = wrong[data.is_fact].mean(axis=0) if data.is_fact.any() else np.full(lam.size, np.nan)
    direction = data.teacher / np.linalg.norm(data.teacher)
    if isinstance(reading, LinearReading):
        error, m, q = _of_students(path.weights, reading, direction, inputs, test_size, rng)
    else:
        error, m, q = _on_new_inputs(path.weights, reading, direction, inputs, test_size, rng)
    return np.stack([error, facts, wrong.mean(axis=0), training_loss, m, q])


def _of_students(
    weights: Array, reading: LinearReading, direction: Array, inputs: str, test_size: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Return E_gen, m and q of learners whose test field is linear in the input; m and q are exact for all inputs."""
    # Errors do not depend on the weights' unit. In one of their own size no square underflows, as at a huge ridge, or
    # overflows; a power of two rounds nothing.
    unit = _power_of_two(np.abs(weights).max(axis=0))
    vectors, noise, constants = reading.students(weights / unit)
    d = direction.size
    m = direction @ vectors / np.sqrt(d)
    q = np.einsum("ij,ij->j", vectors, vectors) / d + noise**2
    overlaps = m * unit, q * unit * unit
    if inputs == "gaussian" or (inputs == "sphere" and not noise.any() and not constants.any()):
        return _error_of_angle(m, q, constants), *overlaps
    wrong = np.zeros(m.size)
    noises = rng.spawn(1)[0]
    for X in _new_inputs(d, d, inputs, test_size, rng):
        fields = X @ vectors / np.sqrt(d) + constants
        if noise.any():
            fields += noise * noises.standard_normal((len(X), 1))
        wrong += _misses(fields, X @ direction)
    return wrong / test_size, *overlaps


def _power_of_two(size: Array) -> Array:
    """Return the largest power of two that is at most each size, and 1 for a size of zero."""
    _, exponent = np.frexp(size)
    return np.where(size > 0.0, np.ldexp(1.0, exponent - 1), 1.0)


def _on_new_inputs(
    weights: Array, reading: Reading, direction: Array, inputs: str, test_size: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Return E_gen, m and q, all as means over new inputs; the constant part of the fields is not in m and q."""
    assert not isinstance(reading, LinearReading)
    constants = reading.constants(weights)
    wrong, m, q = np.zeros((3, weights.shape[1]))
    for X in _new_inputs(direction.size, reading.width, inputs, test_size, rng):
        teacher, fields = X @ direction, reading.fields(X, weights)
        m += teacher @ fields
        q += np.einsum("ij,ij->j", fields, fields)
        wrong += _misses(fields + constants, teacher)
    return wrong / test_size, m / test_size, q / test_size


def _error_of_angle(m: Array, q: Array, constants: Array) -> Array:
    """Return P(sign(omega + b) != sign z) of Gaussian fields: the angle over pi, or Owen's T for b other than 0.

    A student that is zero guesses.
    """
    s = np.maximum(q - m * m, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shifted = 0.5 - 2.0 * owens_t(constants / np.sqrt(q), m / np.sqrt(s))
    return np.asarray(np.where(constants == 0.0, angle(m, s), np.where(q == 0.0, 0.5, shifted)))


def _misses(fields: Array, teacher: Array) -> Array:
    """Return how often each column misses the rule; a field of zero does."""
    return np.asarray((fields * teacher[:, None] <= 0.0).sum(axis=0))


def _new_inputs(d: int, width: int, inputs: str, test_size: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield new inputs in blocks of bounded size."""
    block = max(1, _BLOCK // max(d, width))
    for first in range(0, test_size, block):
        yield draw_inputs(min(block, test_size - first), d, rng, inputs)
