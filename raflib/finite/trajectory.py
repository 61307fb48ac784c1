"""What an iteration passes through: overlaps and errors, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..overlaps import Array


@dataclass(frozen=True)
class Trajectory:
    """Overlaps and errors at every step of an iteration, the start included.

    Attributes
    ----------
    m, q, s, V : array, shape (steps + 1, ...)
        Overlaps; s = q - m^2.
    generalization_error : array, shape (steps + 1, ...), in [0, 1]
        Angle between student and teacher over pi; 1/2 while the student is zero.
    memorization_error : array, shape (steps + 1, ...), in [0, 1]
        Share of the facts whose label the training field prox_V(u) gets wrong; a field of zero counts one half.
    training_error : array, shape (steps + 1, ...), in [0, 1]
        The same share of all samples.

    Notes
    -----
    The training field of a step is the one that a sample's test margin u and the response V of that step imply. It is
    the field of the iterate itself once the iteration stands still.

    Examples
    --------
    >>> import raflib as rf
    >>> task, learner = rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Square(), rf.Linear(), lam=0.1)
    >>> path = rf.finite.state_evolution(task, learner, steps=3)
    >>> path.m.shape, path.generalization_error.round(3).tolist(), len(path)
    ((4,), [0.5, 0.287, 0.282, 0.288], 4)
    """

    m: Array
    q: Array
    s: Array
    V: Array
    generalization_error: Array
    memorization_error: Array
    training_error: Array

    def __len__(self) -> int:
        return int(self.m.shape[0])


def angle(m: Array, s: Array) -> Array:
    """Return the angle between student and teacher over pi, and 1/2 (chance) for a student that is zero."""
    return np.where((m == 0.0) & (s == 0.0), 0.5, np.arctan2(np.sqrt(s), m) / np.pi)
