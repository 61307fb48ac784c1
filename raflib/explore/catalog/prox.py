"""The chapter on empirical risk: what one sample gains by being trained on, the proximal map of three losses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raflib.explore.catalog.shared import LOSSES, Results, for_each_loss
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel, Rule

HIGHEST = 8.0
"""The cost is drawn up to here: the largest loss in the panel."""
LEFT, RIGHT = -3.0, 3.5
"""Margins in the panels."""


def compute(loss: NDArray[np.str_], V: Array, u: Array, t: Array) -> Results:
    """Loss and cost of moving a margin from u to x, the place and the height of the cost's minimum, and the force.

    Both are drawn along t in [0, 1]: the loss over all margins of the panel, the cost, a convex function, over those
    where it is at most HIGHEST.
    """
    x = LEFT + (RIGHT - LEFT) * t
    fine = np.linspace(LEFT, RIGHT, 2601)

    def one(name: str) -> Results:
        of = LOSSES[name]
        best, force = np.asarray(of.prox(u, V)), np.asarray(of.force(u, V))
        low = of.value(fine) + (fine - u[..., None]) ** 2 / (2.0 * V[..., None]) <= HIGHEST
        first = fine[np.argmax(low, axis=-1)]
        last = fine[fine.size - 1 - np.argmax(low[..., ::-1], axis=-1)]
        within = first + (last - first) * t
        return {
            "x_value": x,
            "value": of.value(x),
            "x_cost": within,
            "cost": of.value(within) + (within - u) ** 2 / (2.0 * V),
            "prox": best,
            "moreau": of.value(best) + 0.5 * V * force**2,
            "force": force,
            "case": np.where(best > 0, np.where(u > 0, 0.0, 1.0), 2.0),
        }

    found = for_each_loss(loss, one)
    return {**found, "same": u}


MARGINS = tuple(-3.0 + 0.25 * k for k in range(25))

COST = Panel(
    x_label="margin x",
    y_label="loss and cost",
    x_range=(LEFT - 0.15, RIGHT + 0.15),
    y_range=(-0.25, HIGHEST + 0.25),
    x_ticks=(-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0),
    y_ticks=(0.0, 2.0, 4.0, 6.0, 8.0),
    x_format=".0f",
    y_format=".0f",
    marks=(
        Curve("x_value", "value", over="t", colour="quiet", label="loss ℓ(x)", dash="dotted"),
        Curve("x_cost", "cost", over="t", colour="rule", label="ℓ(x) + (x − u)²/(2V)"),
        Rule("u", label="u"),
        Dot("prox", "moreau", colour="fact", label="x = {prox:.2f}"),
    ),
)

MAP = Panel(
    x_label="test margin u",
    y_label="training margin prox_V(u)",
    x_range=(-3.15, 3.15),
    y_range=(LEFT - 0.15, RIGHT + 0.15),
    x_ticks=(-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0),
    y_ticks=(-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0),
    x_format=".0f",
    y_format=".0f",
    drag_x="u",
    marks=(
        Curve("u", "same", over="u", colour="quiet", label="not trained on", width=1.2),
        Curve("u", "prox", over="u", colour="square", label="square", at=(("loss", "square"),)),
        Curve("u", "prox", over="u", colour="hinge", label="hinge", dash="dashed", at=(("loss", "hinge"),)),
        Curve("u", "prox", over="u", colour="here", label="logistic", dash="dotted", at=(("loss", "logistic"),)),
        Dot("u", "prox", colour="fact", label="{prox:.2f}"),
    ),
)

PROX = Explorer(
    name="prox",
    title="What training does to one sample",
    question=(
        "A sample has the test margin u = −2: the learner is wrong about it before it is trained on it. Raise V until "
        "the sample is right after training, with a positive training margin. Do this for each loss. Which loss needs "
        "the smallest V?"
    ),
    answer=(
        "It is a draw between square and hinge. At V = 1.5 both leave the sample wrong, at −0.20 and −0.50; at V = 2.5 "
        "both have it right, at 0.14 and 0.50. The logistic loss needs about twice as much: at V = 3 the margin is "
        "−0.29, at V = 5 it is 0.22. All that counts is the slope of the loss at zero, which is −1 for the first two "
        "and −1/2 for the third: a margin ends at zero if it starts at V times that slope, however the loss goes on."
    ),
    alt=(
        "First panel: a loss that falls with the margin, and the same loss plus a parabola around the test margin u. "
        "A dot marks the lowest point of the sum, to the right of u. Second panel: training margin against test "
        "margin for the square, the hinge and the logistic loss, three rising curves above the diagonal at negative "
        "margins; the square loss is below it beyond margin one."
    ),
    controls=(
        Control("loss", "loss", ("square", "hinge", "logistic"), "square"),
        Control("V", "response", (0.1, 0.2, 0.5, 1.0, 1.5, 2.5, 3.0, 5.0, 8.0), 0.5, symbol="V"),
        Control("u", "test margin", MARGINS, -2.0, symbol="u", format=".2f"),
        Control("t", "way along a line", tuple(k / 52 for k in range(53)), 0.0, format=".3f", hidden=True),
    ),
    outputs=(
        Output("x_value", LEFT, RIGHT, decimals=3),
        Output("value", 0.0, HIGHEST, decimals=3),
        Output("x_cost", LEFT, RIGHT, decimals=3),
        Output("cost", 0.0, HIGHEST, decimals=3),
        Output("prox", LEFT, RIGHT, decimals=4),
        Output("moreau", 0.0, HIGHEST, decimals=4),
        Output("force", -3.0, 5.0, decimals=4),
        Output("same", -3.0, 3.0, decimals=2),
    ),
    panels=(COST, MAP),
    compute=compute,
    readings=(
        "This sample is right before training, with margin {u}. The {loss} loss moves it to {prox:.2f}, by a force of "
        "{force:.2f} times V = {V}.",
        "This sample is wrong before training, with margin {u}, and right after it: the {loss} loss moves it to "
        "{prox:.2f}, by a force of {force:.2f} times V = {V}.",
        "This sample stays wrong: from margin {u} the {loss} loss moves it to {prox:.2f}, by a force of {force:.2f} "
        "times V = {V}.",
    ),
)
