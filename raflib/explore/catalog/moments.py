"""The replica primer: which training sets make the mean of Z^n, and what is left of them as n goes to 0."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel


def compute(alpha: Array, lam: Array, beta: Array, d: Array, n: Array) -> Results:
    """Exponent Gamma(n) of E[Z^n] for ridge regression on coin flips, and how rare the samples are that make it.

    V is the response that `raflib.solve` finds; U, the one positive root of a cubic, its replicated counterpart. The
    rarity is the Legendre transform n Gamma'(n) - Gamma(n) times d, as a power of ten.
    """
    V = np.asarray(rf.solve(rf.RulesAndFacts(alpha, 1.0), rf.Learner(rf.Square(), rf.Linear(), lam)).V)
    U = _root(alpha, lam, n * beta)

    def action(x: Array) -> Array:
        return 0.5 * (np.log(lam * x) - lam * x - alpha * np.log1p(x))

    typical = 0.5 + action(V) - alpha * beta / (2.0 * (1.0 + V))
    exponent = 0.5 * n + (n - 1.0) * action(V) + action(U) - alpha * n * beta / (2.0 * (1.0 + U))
    slope = typical + alpha * beta * (U - V) / (2.0 * (1.0 + U) * (1.0 + V))
    return {
        "share": exponent / (n * typical),
        "inside": slope / typical,
        "typical": typical,
        "mean": exponent / n,
        "power": d * (n * slope - exponent) / np.log(10.0),
    }


def _root(alpha: Array, lam: Array, force: Array) -> Array:
    """Return U > 0 with 1/U - lam - alpha/(1 + U) + alpha force/(1 + U)^2 = 0, by halving an interval of log U.

    Multiplied by U (1 + U)^2 this is a cubic with one positive root, positive before it and negative behind.
    """
    low, high = np.broadcast_arrays(np.log(1e-4) + 0.0 * alpha * lam * force, np.log(1e4))
    for _ in range(60):
        middle = 0.5 * (low + high)
        U = np.exp(middle)
        left = 1.0 / U - lam - alpha / (1.0 + U) + alpha * force / (1.0 + U) ** 2 > 0.0
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return np.asarray(np.exp(0.5 * (low + high)))


EXPONENT = Panel(
    x_label="number of replicas n",
    y_label="exponent as a share of the typical one",
    x_range=(0.0, 3.05),
    y_range=(0.45, 1.03),
    x_ticks=(0.0, 1.0, 2.0, 3.0),
    y_ticks=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    x_format=".0f",
    y_format=".1f",
    drag_x="n",
    marks=(
        Curve("n", "share", over="n", colour="rule", label="of the mean of Zⁿ, 1/n-th"),
        Curve("n", "inside", over="n", colour="fact", label="of the samples that make it", dash="dashed"),
        Dot("n", "share", colour="rule", label="{share:.3f}"),
        Dot("n", "inside", colour="fact", label="{inside:.3f}"),
    ),
)

RARITY = Panel(
    x_label="number of replicas n",
    y_label="these samples are one in 10 to the power",
    x_range=(0.0, 3.05),
    y_range=(0.0, 27.0),
    x_ticks=(0.0, 1.0, 2.0, 3.0),
    y_ticks=(0.0, 5.0, 10.0, 15.0, 20.0, 25.0),
    x_format=".0f",
    y_format=".0f",
    drag_x="n",
    marks=(
        Curve("n", "power", over="n", colour="fact", dash="dashed"),
        Dot("n", "power", colour="fact", label="{power:.1f}"),
    ),
)

MOMENTS = Explorer(
    name="moments",
    title="Who makes the mean of Zⁿ?",
    question=(
        "At n = 1, β = 1 and d = 100 the mean of Z is made by training sets of which there is one in five. Cool the "
        "system to β = 3, and see how rare they become; then go back to β = 1 and take the third moment instead, "
        "n = 3. Which of the two means is made by rarer training sets?"
    ),
    answer=(
        "Neither: both by one training set in 10 to the power 4.9, at d = 30 in 10 to the power 1.5. The rarity is a "
        "function of the product nβ alone. Their exponents differ, though: as a share of the typical one it is 0.891 "
        "at β = 3 and 0.926 at n = 3."
    ),
    alt=(
        "Both panels run over the number of replicas n from 0 to 3. First panel: two curves that start at 1, the value "
        "of a typical training set, at n = 0 and fall with n; the lower one belongs to the training sets that make the "
        "mean of Z to the n. Second panel: how rare these are, as a power of ten, rising from 0 at n = 0, first slowly "
        "and then nearly in proportion to n."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.25, 0.5, 1.0), 1.0, symbol="α"),
        Control("lam", "ridge strength", (0.1, 0.3, 1.0, 3.0), 1.0, symbol="λ"),
        Control("beta", "inverse temperature", (0.1, 0.3, 1.0, 3.0), 1.0, symbol="β"),
        Control("d", "input dimension", (10.0, 30.0, 100.0), 100.0, symbol="d", format=".0f"),
        Control("n", "number of replicas", (0.01, *(k / 20 for k in range(1, 61))), 1.0, symbol="n", format=".2f"),
    ),
    outputs=(
        Output("share", 0.0, 1.0, decimals=4),
        Output("inside", 0.0, 1.0, decimals=4),
        Output("typical", -10.0, 0.0, decimals=4),
        Output("mean", -10.0, 0.0, decimals=4),
        Output("power", 0.0, 60.0, decimals=3),
    ),
    panels=(EXPONENT, RARITY),
    compute=compute,
    readings=(
        "A typical training set has Z = exp({typical:.3f} d). The mean of Zⁿ, 1/n-th of its exponent, is that of "
        "exp({mean:.3f} d) at n = {n}. At d = {d} it is made by training sets of which there is one in 10 to the power "
        "{power:.1f}.",
    ),
)
