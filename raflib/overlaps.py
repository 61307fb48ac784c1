"""The only words that the parts of the library exchange: overlaps and their conjugates.

===========  ==================================================  ============
name         meaning                                             unit
===========  ==================================================  ============
``m``        E[z omega], teacher field times student test field  omega
``s``        variance of omega that the teacher does not explain omega squared
``q``        E[omega^2] = m^2 + s, on a *test* input              omega squared
``V``        response of omega to a force, times beta            omega / force
``m_hat``    conjugate of m, includes the factor alpha           force
``q_hat``    conjugate of q (noise), includes alpha              force squared
``V_hat``    conjugate of V (stiffness), includes alpha          force / omega
===========  ==================================================  ============

Margins are in units where the hinge has its kink at 1. Everything is per input dimension d, at d -> infinity.
For random features the conjugates are per feature: alpha / kappa takes the place of alpha.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Overlaps(NamedTuple):
    """Order parameters (m, s, V) of a learner, arrays that broadcast.

    :math:`s = q - m^2` is carried instead of q: at small generalization error the two terms of the difference agree to
    almost all their digits.

    Parameters
    ----------
    m : array, in [0, inf)
        E[z omega], teacher field times student test field, in the unit of omega.
    s : array, in (0, inf)
        Variance of omega that the teacher does not explain, omega squared.
    V : array, in (0, inf)
        Response of omega to a force, omega per force.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> x = rf.Overlaps(m=np.array([3.0]), s=np.array([16.0]), V=np.array([1.0]))
    >>> float(x.q[0])
    25.0
    """

    m: Array
    s: Array
    V: Array

    @property
    def q(self) -> Array:
        """Second moment :math:`q = m^2 + s` of the student's test field."""
        return self.m * self.m + self.s


class Conjugates(NamedTuple):
    """Conjugate order parameters (m_hat, q_hat, V_hat): what the training samples do to the learner.

    Each includes the load alpha (per feature, alpha / kappa, for random features).

    Parameters
    ----------
    m_hat : array, in [0, inf)
        Pull towards the teacher, a force.
    q_hat : array, in (0, inf)
        Variance of the random part of the force, force squared.
    V_hat : array, in (0, inf)
        Stiffness that the samples add to the ridge, force per omega.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> hats = rf.Conjugates(m_hat=np.array([1.0]), q_hat=np.array([2.0]), V_hat=np.array([3.0]))
    >>> overlaps = rf.Linear().overlaps(hats, lam=np.array([1.0]))
    >>> float(overlaps.m[0]), float(overlaps.s[0]), float(overlaps.V[0])
    (0.25, 0.125, 0.25)
    """

    m_hat: Array
    q_hat: Array
    V_hat: Array
