"""The Gaussian toolbox: what a kink costs a Gauss-Hermite rule, and a Gauss-Legendre rule that is split there."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel, Rule
from raflib.gaussian import SQRT_2PI, density, gauss_legendre

EDGE = 9.0  # where the two panels of the split rule end: the mass beyond is 2e-19
MOST = 12.0  # digits beyond which rounding has a say


def ramp(x: Array, a: Array, delta: Array) -> Array:
    """(a - x)_+, its kink rounded over delta: E_t (a - x - delta t)_+."""
    height = a - x
    sharp = delta == 0.0
    t = np.clip(height / np.where(sharp, 1.0, delta), -40.0, 40.0)
    return np.asarray(np.where(sharp, np.maximum(height, 0.0), height * ndtr(t) + delta * density(t)))


def digits(error: Array) -> Array:
    """Correct digits after the point, none for an error above one and at most MOST."""
    return np.asarray(-np.log10(np.clip(np.abs(error), 10.0**-MOST, 1.0)))


def compute(n: Array, a: Array, delta: Array) -> Results:
    """Error of the mean of a ramp under two rules with as many nodes.

    Gauss-Hermite does not know of the kink; the other rule gives half of its nodes to each side of it. A ramp whose
    kink is rounded by a normal number of width delta has the mean of a sharp one under the variance 1 + delta^2.
    """
    root = np.sqrt(1.0 + delta**2)
    exact = a * ndtr(a / root) + root * density(a / root)
    place, width = a[..., None], delta[..., None]

    def split(nodes: Array, weights: Array) -> Array:
        """Mean by a rule on [0, 1] that is laid on [-EDGE, a] and on [a, EDGE]."""
        low, high = -EDGE + (place + EDGE) * nodes, place + (EDGE - place) * nodes
        left = (place + EDGE) * weights * density(low) * ramp(low, place, width)
        right = (EDGE - place) * weights * density(high) * ramp(high, place, width)
        return np.asarray((left + right).sum(axis=-1))

    def errors(count: int) -> tuple[Array, Array]:
        x, weights = np.polynomial.hermite_e.hermegauss(count)
        hermite = (weights / SQRT_2PI * ramp(x, place, width)).sum(axis=-1)
        return hermite - exact, split(*gauss_legendre(count // 2)) - exact

    pairs = [errors(round(count)) for count in np.ravel(n)]
    hermite, halves = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
    gh, cut = digits(hermite), digits(halves)
    return {
        "gh": gh,
        "cut": cut,
        "scaled": n * hermite,
        "case": np.where((gh == MOST) & (cut == MOST), 2.0, np.where(cut > gh, 0.0, 1.0)),
    }


NODES = (6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0)

KINK = Explorer(
    name="kink",
    title="What does a kink cost?",
    question=(
        "The mean of the ramp (a − x)₊ with its kink at a = 0.3: with 32 nodes Gauss–Hermite has two correct digits. "
        "How many nodes does it need for six: 64, 128, or more than this slider has? How many if half of the nodes "
        "stand on each side of the kink? And which of the two rules gains if you round the kink off?"
    ),
    answer=(
        "More than the slider has: 128 nodes give 2.9 digits. The error is about 0.3 divided by the number of nodes, "
        "or less where the kink happens to stand well between two nodes, so six digits want some hundred thousand "
        "nodes. Split at the kink, 24 nodes give 5.5 digits and 32 give 8.7. Rounding helps Gauss–Hermite: at "
        "δ = 0.2 it has 3.3 digits with 32 nodes and 7.1 with 128, and at δ = 1 it has 12 with 24. The split rule it "
        "harms if it is narrow, for its panels are too wide to see it: with 32 nodes a rounding of δ = 0.05 "
        "leaves 4.3 digits of 8.7."
    ),
    alt=(
        "First panel: correct digits of a Gaussian average against the number of nodes, from 6 to 128. For a sharp "
        "kink the Gauss–Hermite rule creeps from two digits to three, while the rule that is split at the kink "
        "climbs steeply, past it at 16 nodes. Second panel: the number of nodes times the error of Gauss–Hermite, "
        "against the place of the kink: waves between -0.3 and 0.2 that fade to the right."
    ),
    controls=(
        Control("n", "number of nodes", NODES, 32.0, symbol="n", format=".0f"),
        Control("a", "where the kink is", tuple(3 * k / 100 for k in range(101)), 0.3, symbol="a", format=".2f"),
        Control("delta", "rounded over a width", (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0), 0.0, symbol="δ", format=".2g"),
    ),
    outputs=(
        Output("gh", 0.0, MOST, decimals=2),
        Output("cut", 0.0, MOST, decimals=2),
        Output("scaled", -0.4, 0.4, decimals=4),
    ),
    panels=(
        Panel(
            x_label="number of nodes n",
            y_label="correct digits of the mean",
            x_range=(5.3, 145.0),
            y_range=(-0.5, 13.2),
            x_ticks=(6.0, 12.0, 24.0, 48.0, 96.0),
            y_ticks=(0.0, 3.0, 6.0, 9.0, 12.0),
            x_format=".0f",
            y_format=".0f",
            x_log=True,
            drag_x="n",
            marks=(
                Curve("n", "cut", over="n", colour="rule", label="split at the kink", dash="dashed"),
                Curve("n", "gh", over="n", colour="fact", label="Gauss–Hermite"),
                Dot("n", "cut", colour="rule", label="{cut:.1f}"),
                Dot("n", "gh", colour="fact", label="{gh:.1f}"),
            ),
        ),
        Panel(
            x_label="where the kink is, a",
            y_label="n times the error of Gauss–Hermite",
            x_range=(-0.06, 3.06),
            y_range=(-0.36, 0.26),
            x_ticks=(0.0, 1.0, 2.0, 3.0),
            y_ticks=(-0.3, -0.2, -0.1, 0.0, 0.1, 0.2),
            x_format=".0f",
            y_format=".1f",
            drag_x="a",
            marks=(
                Rule("a", label="kink"),
                Curve("a", "scaled", over="a", colour="fact", label="Gauss–Hermite"),
                Dot("a", "scaled", colour="fact", label="{scaled:.2f}"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "{n} nodes, a kink at {a}, rounded over {delta}: Gauss–Hermite has {gh:.1f} correct digits, the rule that is "
        "split at the kink {cut:.1f}.",
        "{n} nodes, a kink at {a}, rounded over {delta}: Gauss–Hermite has {gh:.1f} correct digits, and no fewer than "
        "the rule that is split at the kink, {cut:.1f}.",
        "{n} nodes, a kink at {a}, rounded over {delta}: both rules have twelve correct digits or more.",
    ),
)
