r"""The Bayes-optimal learner: its one self-consistent equation.

The student uses the task's own label law, so that m = q (Nishimori) and one unknown is left, r = q_hat:

    q = r / (1 + r),
    r = alpha (1 - eps)^2 2 (1 + r) / ((2 pi)^{3/2} sqrt(r)) int dt exp(-t^2 / (2 r) - t^2) / Z(t),

Z(t) = eps/2 + (1 - eps) Phi(t) = E[P(y = +1 | t + noise)]. In terms of r nothing cancels at q -> 0 or q -> 1.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from .gaussian import REACH, SQRT_2PI, density, integrate, panels, step_breaks
from .overlaps import Array

#: The integrand is a Gaussian of unit width in x times 1 / Z, smooth on the scale 1.4: panels of this many widths.
_BREAKS = (-13.5, -9.0, -6.75, -4.5, -2.25, 0.0, 2.25, 4.5, 9.0)


def bayes_map(alpha: Array, eps: Array, r: Array) -> tuple[Array, Array]:
    r"""Return the right-hand side of the Bayes-optimal learner's equation r = T(r), and its logarithmic slope.

    .. math::

        T(r) ={}& \frac{2\alpha(1-\varepsilon)^2(1+r)}{(2\pi)^{3/2}\sqrt r} \\
        &\times \int dt\ \frac{e^{-t^2/(2r)-t^2}}{\varepsilon/2 + (1-\varepsilon)\Phi(t)} .

    Parameters
    ----------
    alpha : array, shape (n,), in (0, inf)
        Samples per input dimension.
    eps : array, shape (n,), in [0, 1)
        Share of facts.
    r : array, shape (n,), in (0, inf)
        Conjugate overlap q_hat, equal to q / (1 - q) at the solution.

    Returns
    -------
    T : array, shape (n,), in (0, inf)
        Right-hand side, to about 1e-13 relative: 1 / Z is taken from log Phi, which does not underflow, and the
        Gaussian's width sqrt(r / (1 + 2 r)) is scaled out, which follows the peak to r -> 0.
    slope : array, shape (n,)
        The derivative d log T / d log r.

    References
    ----------
    arXiv:2603.25579. Chapter "The Bayes-optimal learner, and a first replica computation".

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.bayes import bayes_map
    >>> q = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.BayesOptimal()).q
    >>> r = np.array([q / (1 - q)])
    >>> bool(abs(bayes_map(np.array([2.0]), np.array([0.3]), r)[0] / r - 1)[0] < 1e-9)
    True
    """
    width = np.sqrt(r / (1.0 + 2.0 * r))
    low = np.full(r.shape, -REACH)
    x, dx = panels(low, -low, [np.full(r.shape, b) for b in _BREAKS])
    with np.errstate(divide="ignore"):
        log_Z = np.logaddexp(np.log(0.5 * eps)[:, None], np.log1p(-eps)[:, None] + log_ndtr(width[:, None] * x))
    weight = np.exp(-0.5 * x * x - log_Z) * dx
    total = weight.sum(axis=-1)
    spread = (weight * x * x).sum(axis=-1) / total
    image = 2.0 * alpha * (1.0 - eps) ** 2 * (1.0 + r) / (SQRT_2PI**3 * np.sqrt(r)) * width * total
    return image, r / (1.0 + r) - 0.5 + spread / (2.0 + 4.0 * r)


def bayes_potential(alpha: Array, eps: Array, r: Array) -> Array:
    r"""Return the Bayes-optimal learner's potential, whose minimum is -(1/d) E log P(labels | inputs).

    .. math::

        i(r) ={}& \frac12\Big[\log(1+r) - \frac r{1+r}\Big] \\
        &- 2\alpha\,\mathbb E[Z(t)\log Z(t)], \\
        Z(t) ={}& \frac\varepsilon2 + (1-\varepsilon)\Phi(t), \quad t\sim\mathcal N(0, r),

    the information that the labels give on the teacher, and their entropy given the teacher field's mean. It is
    stationary where r is `raflib.bayes.bayes_map` of itself.

    Parameters
    ----------
    alpha : array, shape (n,), in (0, inf)
        Samples per input dimension.
    eps : array, shape (n,), in [0, 1]
        Share of facts.
    r : array, shape (n,), in (0, inf)
        Trial value of q / (1 - q).

    Returns
    -------
    array, shape (n,)
        The potential; at the saddle point the `raflib.free_energy`.

    References
    ----------
    arXiv:2603.25579. Chapter "The Bayes-optimal learner, and a first replica computation".

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> from raflib.bayes import bayes_potential
    >>> sol = rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.BayesOptimal())
    >>> at = bayes_potential(np.array([2.0]), np.array([0.3]), np.array([sol.q / (1 - sol.q)]))
    >>> bool(abs(at[0] - rf.free_energy(sol)) < 1e-12)
    True
    """
    end = np.full(r.shape, REACH)

    def entropy(x: Array) -> Array:
        with np.errstate(divide="ignore"):
            log_Z = np.logaddexp(
                np.log(0.5 * eps)[:, None], np.log1p(-eps)[:, None] + log_ndtr(np.sqrt(r)[:, None] * x)
            )
        return np.asarray(-density(x) * np.exp(log_Z) * log_Z)

    information = 0.5 * (np.log1p(r) - r / (1.0 + r))
    return np.asarray(information + 2.0 * alpha * integrate(entropy, -end, end, step_breaks(np.sqrt(r))))
