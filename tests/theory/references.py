"""Reference values and a reference solver that share no line with raflib.

The known values were obtained by quadrature and checked by simulation and by a second solver (d about 1000, 1e-9).
The mpmath solver evaluates the expectations by adaptive quadrature at 30 digits, straight from their definitions.
"""

from __future__ import annotations

from typing import NamedTuple

import mpmath as mp

import raflib as rf


class Known(NamedTuple):
    """A case of the theory with its checked values; None where none was recorded."""

    name: str
    alpha: float
    eps: float
    learner: rf.Learner
    m: float
    q: float
    V: float
    E_gen: float | None
    E_mem: float | None


_RIDGE, _SVM = rf.Learner(rf.Square(), rf.Linear(), 0.1), rf.Learner(rf.Hinge(), rf.Linear(), 0.1)
_MARGIN, _NORM = rf.Learner(rf.MaxMargin(), rf.Linear(), 1), rf.Learner(rf.MinNorm(), rf.Linear(), 1)
_LOGISTIC = rf.Learner(rf.Logistic(), rf.Linear(), 0.1)
_FEATURES_RIDGE = rf.Learner(rf.Square(), rf.RandomFeatures(0.8, 0.6, 1.0), 0.1)
_FEATURES_SVM = rf.Learner(rf.Hinge(), rf.RandomFeatures(0.8, 0.6, 2.0), 0.3)
_KERNEL_SVM = rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.01)
KNOWN = [
    Known("linear square", 2, 0.3, _RIDGE, 0.51136404, 0.75957925, 0.84428877, 0.300412, 0.16634),
    Known("linear hinge", 2, 0.3, _SVM, 1.1191498, 3.664827, 2.0072959, 0.301250, 0.14720),
    Known("linear MaxMargin", 1, 0.3, _MARGIN, 0.69146790, 2.83550275, 0.35445848, None, 0.0),
    Known("linear MinNorm", 0.5, 0.3, _NORM, 0.27925960, 0.84402816, 0.5, None, 0.0),
    Known("kernel hinge", 2, 0.3, _KERNEL_SVM, 0.41828489, 0.44057511, 57.374975, 0.28298253, None),
    Known("linear logistic", 2, 0.3, _LOGISTIC, 1.139965, 3.3251974, 3.461498, 0.285039, 0.17128),
    Known("random features square", 1.5, 0.2, _FEATURES_RIDGE, 0.26879476, 0.84970643, 1.23975769, None, None),
    Known("random features hinge", 1.5, 0.2, _FEATURES_SVM, 0.43041881, 1.05300086, 1.45813914, None, None),
]

#: Gardner's capacity for rules-and-facts labels at zero margin, by eps.
CAPACITY = {1.0: 2.0, 0.5: 2.2453, 0.3: 2.6147, 0.2: 2.9923, 0.1: 3.8097, 0.01: 8.5296}
CAPACITY_HALF_MARGIN = 0.961205  # eps = 1, margin 0.5


def expectations(loss: str, eps: float, m: float, s: float, V: float) -> tuple[mp.mpf, mp.mpf, mp.mpf]:
    """Return E_t[g], E[P g^2] and E[P (1 - prox') / V] by adaptive quadrature with 30 digits."""
    with mp.workdps(30):
        eps_, m_, s_, V_ = (mp.mpf(x) for x in (eps, m, s, V))
        root_q, root_s = mp.sqrt(m_**2 + s_), mp.sqrt(s_)
        k = m_ / root_s
        kinks = {"square": [], "minnorm": [], "hinge": [1 - V_, mp.mpf(1)]}.get(loss, [mp.mpf(1)])

        def prox(u: mp.mpf) -> mp.mpf:
            if loss == "square":
                return (u + V_) / (1 + V_)
            if loss == "minnorm":
                return mp.mpf(1)
            if loss == "hinge":
                return u + V_ if u < 1 - V_ else max(u, mp.mpf(1))
            if loss == "squaredhinge":
                return (u + V_) / (1 + V_) if u < 1 else u
            return max(u, mp.mpf(1))

        def stiffness(u: mp.mpf) -> mp.mpf:
            if loss == "square":
                return 1 / (1 + V_)
            if loss == "squaredhinge":
                return 1 / (1 + V_) if u < 1 else mp.mpf(0)
            if loss == "hinge":
                return 1 / V_ if 1 - V_ < u < 1 else mp.mpf(0)
            return 1 / V_ if loss == "minnorm" or u < 1 else mp.mpf(0)

        def force(u: mp.mpf) -> mp.mpf:
            return (prox(u) - u) / V_

        def weight(x: mp.mpf) -> mp.mpf:
            return mp.npdf(x) * (eps_ + 2 * (1 - eps_) * mp.ncdf(k * x))

        def ends(width: mp.mpf, step: bool) -> list[mp.mpf]:
            inner = [kink / width for kink in kinks] + [mp.mpf(-4), mp.mpf(0), mp.mpf(4)]
            if step and k > 1:
                inner += [x / k for x in (-12, -3, 3, 12)]
            return [mp.mpf(-14), *sorted(x for x in inner if abs(x) < 14), mp.mpf(14)]

        boundary = mp.quad(lambda t: mp.npdf(t) * force(root_s * t), ends(root_s, False))
        square = mp.quad(lambda x: weight(x) * force(root_q * x) ** 2, ends(root_q, True))
        stiff = mp.quad(lambda x: weight(x) * stiffness(root_q * x), ends(root_q, True))
        return boundary, square, stiff
