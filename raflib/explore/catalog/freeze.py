"""The replica primer: up to how many replicas the mean of Z^n is typical, in the random energy model of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import digamma, gammaln

from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel

CRITICAL = 2.0 * np.sqrt(np.log(2.0))  # the inverse temperature at which the system freezes
STEP = 0.5  # between the points of the integrals: their integrands are smooth on the scale of 1
REACH = 9.0  # standard deviations of an energy that the integrals go beyond what they need


def compute(N: Array, beta: Array, n: Array) -> Results:
    """Exponent of E[Z^n] in the random energy model, and how rare the draws are that make it, at every N and n <= 1.

    ``share`` is the exponent by n, ``inside`` the mean of log Z weighted with Z^n, both as multiples of E[log Z];
    ``power`` is the relative entropy of that weight, as a power of ten. All are good to six decimals.
    """
    log_mean, inside = np.empty((2, *np.broadcast(N, beta, n).shape))
    replicas = np.append(n.ravel(), 0.0)  # the weight Z^0 gives the typical value
    typical = np.empty((N.size, beta.size, 1))
    for i, size in enumerate(N.flat):
        for j, cold in enumerate(beta.flat):
            exponent, logs = _moments(size, cold, replicas)
            log_mean[i, j], inside[i, j], typical[i, j] = exponent[:-1], logs[:-1], logs[-1]
    typical_limit = np.where(beta < CRITICAL, np.log(2.0) + beta**2 / 4.0, beta * CRITICAL / 2.0)
    return {
        "share": log_mean / (n * typical),
        "inside": inside / typical,
        "limit": np.where(n * beta > CRITICAL, n * beta**2 / 2.0, typical_limit) / typical_limit,
        "typical": typical / N,
        "power": (n * inside - log_mean) / np.log(10.0),
        "case": np.where(n * beta > CRITICAL, 1.0, 0.0) + 0.0 * N,
    }


def _moments(N: float, beta: float, n: Array) -> tuple[Array, Array]:
    """Return log E[Z^n] and the mean of log Z under the weight Z^n, for 0 <= n <= 1.

    By symmetry E[Z^n] = E[Z] E'[Z^-a] with a = 1 - n, where E' lowers the mean of one energy by N beta / 2. And
    Gamma(a) Z^-a is the integral of e^(a s) exp(-e^s Z) over s. Below the first point s0 of the grid the second factor
    is 1, so that this part is e^(a s0) / a; multiplied by a, everything is regular at n = 1 as well. The other part is
    a sum, which at its lower end wants the first correction of Euler and Maclaurin.
    """
    s, log_survival, log_annealed = _survival(N, beta)
    a = 1.0 - n[:, None]
    exponent = a * s + log_survival
    top = exponent.max(axis=1, keepdims=True)
    weight = STEP * np.exp(exponent - top)
    weight[:, 0] *= 0.5
    edge = np.exp(a * s[0] - top)
    part = 1.0 + (a * STEP) ** 2 / 12.0
    norm = part * edge + a * weight.sum(axis=1, keepdims=True)
    slope = (s[0] * part + a * STEP**2 / 6.0) * edge + ((1.0 + a * s) * weight).sum(axis=1, keepdims=True)
    log_mean = log_annealed + top + np.log(norm) - gammaln(1.0 + a)
    return log_mean[:, 0], (digamma(1.0 + a) - slope / norm)[:, 0]


def _survival(N: float, beta: float) -> tuple[Array, Array, float]:
    """Return points s, log E'[exp(-e^s Z)] there, and log E[Z].

    The states are independent, so the mean is a product: 2^N - 1 factors E[exp(-e^(s + y))] with y = -beta E of
    variance beta^2 N / 2, and one in which y has this variance as its mean as well. Sums over y with this step are good
    to 1e-8: the Fourier transforms of the Gaussian and of exp(-e^s) have died out at 2 pi / STEP.
    """
    variance = 0.5 * beta**2 * N
    spread = np.sqrt(variance)
    log_states = N * np.log(2.0)
    log_annealed = log_states + 0.5 * variance
    log_second = np.logaddexp(log_states + 2.0 * variance, 2.0 * log_states + variance)  # of E[Z^2]
    typical = log_annealed if beta < CRITICAL else 0.5 * N * beta * CRITICAL
    # Below, e^s Z is negligible even where Z is largest; above, so is exp(-e^s Z) even where Z is smallest.
    s = np.arange(log_annealed - log_second - 25.0, 30.0 - typical, STEP)
    y = STEP * np.arange(-np.ceil(REACH * spread / STEP), np.ceil((variance + REACH * spread) / STEP) + 1.0)
    field = np.exp(np.minimum(s[0] + y[0] + STEP * np.arange(s.size + y.size - 1), 7.0))  # e^-e^7 is zero

    def average(f: Array, mean: float) -> Array:
        law = STEP * np.exp(-((y - mean) ** 2) / (2.0 * variance)) / np.sqrt(2.0 * np.pi * variance)
        return np.convolve(f, law[::-1], "valid")

    others = np.log1p(-np.minimum(average(-np.expm1(-field), 0.0), 1.0 - 1e-16))
    one = np.log(np.maximum(average(np.exp(-field), variance), np.finfo(float).tiny))
    return s, (2.0**N - 1.0) * others + one, log_annealed


SHARE: dict[str, Any] = {
    "y_label": "exponent as a multiple of the typical one",
    "y_range": (0.93, 2.13),
    "y_ticks": (1.0, 1.25, 1.5, 1.75, 2.0),
    "y_format": ".2f",
}
COLDS = tuple(k / 10 for k in range(4, 31))


def marks(x: str) -> tuple[Curve | Dot, ...]:
    """Both exponents against the control `x`, and where the second one goes."""
    return (
        Curve(x, "share", over=x, colour="rule", label="of the mean of Zⁿ, 1/n-th"),
        Curve(x, "inside", over=x, colour="fact", dash="dashed", label="of the draws that make it"),
        Curve(x, "limit", over=x, colour="quiet", dash="dotted", label="of these for N → ∞"),
        Dot(x, "inside", colour="fact", label="{inside:.2f}"),
        Dot(x, "share", colour="rule", label="{share:.3f}"),
    )


FREEZE = Explorer(
    name="freeze",
    title="Half a replica: the mean that stays typical",
    question=(
        "At β = 3 and N = 64 the mean of Z itself, n = 1, has 1.209 times the typical exponent. One draw of the "
        "energies in 10 to the power 43.3 makes it. Take half a replica, n = 0.5. What is left of the excess of 0.209: "
        "a half, a quarter, or hardly anything? And at β = 2, from how many replicas on does the mean leave the "
        "typical value?"
    ),
    answer=(
        "Hardly anything: 0.015, and one draw in 10 to the power 1.4 makes it. The mean leaves near n = 0.56 at β = 3 "
        "and near n = 0.83 at β = 2, which is where nβ passes β_c = 1.67. For N → ∞ this is a corner, and below it "
        "mean and typical value have the same exponent. A small system rounds the corner off: at β = 3 half a replica "
        "has an excess of 0.096 with N = 8, of 0.052 with N = 16 and of 0.004 with N = 256."
    ),
    alt=(
        "Both panels show two exponents as multiples of the typical one: that of the mean of Z to the n, and a higher "
        "one, that of the draws of energies that make this mean. Against the inverse temperature they stay near 1 and "
        "then rise, the later the fewer replicas. Against the number of replicas n, from 0 to 1, they stay near 1 as "
        "well and rise from some n on, with a corner that is the sharper the larger N is."
    ),
    controls=(
        Control("N", "2ᴺ states", (8.0, 16.0, 32.0, 64.0, 128.0, 256.0), 64.0, symbol="N", format=".0f"),
        Control("beta", "inverse temperature", COLDS, 3.0, symbol="β", format=".1f"),
        Control("n", "number of replicas", (0.01, *(k / 20 for k in range(1, 21))), 1.0, symbol="n", format=".2f"),
    ),
    outputs=(
        Output("share", 0.9, 2.2, decimals=4),
        Output("inside", 0.9, 2.2, decimals=4),
        Output("limit", 0.9, 2.2, decimals=4),
        Output("typical", 0.0, 3.0, decimals=4),
        Output("power", -0.01, 200.0, decimals=2),
    ),
    panels=(
        Panel(
            x_label="inverse temperature β",
            x_range=(0.35, 3.05),
            x_ticks=(0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
            x_format=".1f",
            drag_x="beta",
            marks=marks("beta"),
            **SHARE,
        ),
        Panel(
            x_label="number of replicas n",
            x_range=(0.0, 1.03),
            x_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
            x_format=".2f",
            drag_x="n",
            marks=marks("n"),
            **SHARE,
        ),
    ),
    compute=compute,
    readings=(
        "Typically Z = exp({typical:.3f} N). The mean of Zⁿ has, by n, {share:.3f} times this exponent. The draws of "
        "energies that make it, one in 10 to the power {power:.1f}, have {inside:.2f} times. For N → ∞ the three are "
        "one, as nβ is below 1.67.",
        "Typically Z = exp({typical:.3f} N). The mean of Zⁿ has, by n, {share:.3f} times this exponent. The draws of "
        "energies that make it, one in 10 to the power {power:.1f}, have {inside:.2f} times; for N → ∞ it would be "
        "{limit:.2f} times, as nβ is above 1.67.",
    ),
)
