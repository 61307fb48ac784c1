"""The Gaussian toolbox: correlated numbers share a common part, and it decides whether all of them are large."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel, Rule
from raflib.gaussian import density


def compute(n: Array, rho: Array, c: Array, h: Array) -> Results:
    """Probability that n equally correlated numbers all exceed c, and the law of the common part if they do.

    Given the common part h the numbers are independent, each above c with probability
    Phi((h sqrt(rho) - c) / sqrt(1 - rho)). The integral over h is a sum on a grid so fine that it is exact to
    rounding: the integrand is smooth and vanishes at both ends.
    """

    def each(place: Array, rho: Array, c: Array) -> Array:
        return np.asarray(ndtr((np.sqrt(rho) * place - c) / np.sqrt(1.0 - rho)))

    nodes = np.linspace(-10.0, 10.0, 801)
    mass = density(nodes) * each(nodes, rho[..., None], c[..., None]) ** n[..., None] * (nodes[1] - nodes[0])
    share = mass.sum(axis=-1)
    given = density(h) * each(h, rho, c) ** n / share
    return {
        "power": -np.log10(share),
        "odds": 1.0 / share,
        "mean": (mass * nodes).sum(axis=-1) / share,
        "prior": density(h) + 0.0 * given,
        "given": given,
    }


SHARE = Panel(
    x_label="how many numbers n",
    y_label="all exceed c once in 10 to the power",
    x_range=(0.4, 20.6),
    y_range=(0.0, 6.4),
    x_ticks=(1.0, 5.0, 10.0, 15.0, 20.0),
    y_ticks=(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
    x_format=".0f",
    y_format=".0f",
    drag_x="n",
    marks=(
        Curve("n", "power", over="n", colour="quiet", dash="dotted", label="no correlation", at=(("rho", 0.0),)),
        Curve("n", "power", over="n", colour="rule", label="your correlation"),
        Dot("n", "power", colour="rule", label="one in {odds:.3g}"),
    ),
)

COMMON_PART = Panel(
    x_label="common part h",
    y_label="density",
    x_range=(-3.0, 4.5),
    y_range=(0.0, 0.94),
    x_ticks=(-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0),
    y_ticks=(0.0, 0.2, 0.4, 0.6, 0.8),
    x_format=".0f",
    y_format=".1f",
    marks=(
        Rule("mean", label="mean"),
        Curve("h", "prior", over="h", colour="quiet", dash="dotted", label="before"),
        Curve("h", "given", over="h", colour="rule", label="if all exceed c"),
    ),
)

COMMON = Explorer(
    name="common",
    title="What do correlated numbers have in common?",
    question=(
        "Ten numbers with the correlation ρ = 0.5 are all positive once in 11 trials, independent ones once in 1024. "
        "Once in how many trials is it at ρ = 0.25: about 20, 40 or 100? And when all ten are positive, is their "
        "common part h larger at a strong correlation or at a weak one? Where is it largest?"
    ),
    answer=(
        "Once in 37.6 trials at ρ = 0.25. The common part is largest in between: given that all ten are positive its "
        "mean is 1.12 at ρ = 0.9, 1.59 at 0.5, 1.76 at 0.2 and 1.65 at 0.1, and 0 without correlation. A strong "
        "correlation needs little of it, and a weak one gains little by it; in between a rare common part makes the "
        "event."
    ),
    alt=(
        "First panel: how rare it is that n numbers all exceed c, as a power of ten, against n from 1 to 20; a "
        "dotted straight line for independent numbers, and below it a curve that bends, for the chosen correlation. "
        "Second panel: density of the common part, a dotted standard normal bell and, if all numbers exceed c, a "
        "narrower bell to its right, with a dashed line at its mean."
    ),
    controls=(
        Control("n", "how many numbers", tuple(float(k) for k in range(1, 21)), 10.0, symbol="n", format=".0f"),
        Control("rho", "correlation", (*(k / 20 for k in range(19)), 0.95), 0.5, symbol="ρ", format=".2f"),
        Control("c", "what they have to exceed", (-1.0, -0.5, 0.0), 0.0, symbol="c", format=".1f"),
        Control(
            "h", "common part", tuple((k - 20) * 3 / 20 for k in range(51)), 0.0, symbol="h", format=".2f", hidden=True
        ),
    ),
    outputs=(
        Output("power", 0.0, 6.3, decimals=3),
        Output("odds", 1.0, 1.1e6, decimals=2),
        Output("mean", -0.01, 3.0, decimals=3),
        Output("prior", 0.0, 0.5, decimals=3),
        Output("given", 0.0, 0.93, decimals=3),
    ),
    panels=(SHARE, COMMON_PART),
    compute=compute,
    readings=(
        "{n} numbers with the correlation {rho} all exceed {c} once in {odds:.3g} trials. If they do, their common "
        "part h has the mean {mean:.2f}; before one knows it, the mean is 0.",
    ),
)
