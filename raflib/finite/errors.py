"""What a simulation raises when it cannot give a number."""

from __future__ import annotations


class SimulationError(RuntimeError):
    """A finite-size learner could not be trained to the asked accuracy; the message says which and what to do.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> same = np.ones((2, 5))
    >>> rf.finite.train(same, np.array([1.0, -1.0]), rf.MaxMargin(), rf.Linear(), lam=1.0)
    Traceback (most recent call last):
        ...
    raflib.finite.errors.SimulationError: MaxMargin: a margin falls short of 1 by 1, ...
    """
