"""Gardner's chapter: Cover's exact chance that coin flips can be stored, at every size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel
from raflib.finite import cover_fraction

SIZES = (10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0, 2000.0, 3000.0, 5000.0, 10000.0)
# Tenths, so that every size of the grid, a multiple of ten, gives a whole number of samples.
LOADS = tuple(round(0.1 * k, 1) for k in range(10, 31))
LINE = tuple(round(0.02 * k, 2) for k in range(50, 151))


def compute(alpha: Array, d: Array, threshold: NDArray[np.str_], load: Array) -> Results:
    """Cover's share at the reader's load, and along the load at the reader's size."""
    weights = d + np.where(threshold == "yes", 1.0, 0.0)  # a threshold is the weight of an input that is always 1
    return {
        "chance": np.asarray(cover_fraction(np.rint(alpha * d), weights)),
        # A whole number of samples: at small d the line is the staircase that it really is.
        "chance_line": np.asarray(cover_fraction(np.rint(load * d), weights)),
        "samples": np.rint(alpha * d),
        "weights": weights,
    }


CHANCE_RANGE, CHANCE_TICKS = (-0.03, 1.03), (0.0, 0.25, 0.5, 0.75, 1.0)

STEP = Panel(
    x_label="samples per dimension α",
    y_label="chance that all can be stored",
    x_range=(0.95, 3.05),
    y_range=CHANCE_RANGE,
    x_ticks=(1.0, 1.5, 2.0, 2.5, 3.0),
    y_ticks=CHANCE_TICKS,
    y_format=".0%",
    drag_x="alpha",
    marks=(
        Curve("load", "chance_line", over="load", colour="fact", label="all labels stored"),
        Dot("alpha", "chance", colour="fact", label="{chance:.1%}"),
    ),
)

GROWTH = Panel(
    x_label="input dimension d",
    y_label="chance that all can be stored",
    x_range=(8.0, 13000.0),
    y_range=CHANCE_RANGE,
    x_ticks=(10.0, 100.0, 1000.0, 10000.0),
    y_ticks=CHANCE_TICKS,
    x_format=".0f",
    y_format=".0%",
    x_log=True,
    drag_x="d",
    marks=(
        Curve("d", "chance", over="d", colour="fact", label="at your load"),
        Dot("d", "chance", colour="fact", label="{chance:.1%}"),
    ),
)

COVER = Explorer(
    name="cover",
    title="Can these coin flips be stored?",
    question=(
        "With d = 10 weights, 19 coin flips can be stored with a chance of 59%. Keep the load, 1.9 coins per weight, "
        "and make the machine larger. From what d on does it succeed 99 times in a hundred: about 30, 100 or 1000?"
    ),
    answer=(
        "About 1000. The chance grows from 59.3% at d = 10 to 62.9% at 20, only 76.6% at 100 and 94.8% at 500, and "
        "reaches 98.9% at 1000 and 99.9% at 2000. The distance from the threshold, 2 − α = 0.1, has to be compared "
        "with the width of the step, which shrinks no faster than 1/√d. At α = 2.1 it is the other way round: the "
        "chance falls from 41.2% at d = 10 to 1.5% at d = 1000. At α = 2 it is one half, whatever d is."
    ),
    alt=(
        "First panel: the chance that all labels can be stored, against the number of samples per weight. It falls "
        "from one to zero in a step centred at two samples per weight, and the step is steeper the more weights there "
        "are. Second panel: the same chance at one load against the number of weights on a logarithmic axis; it rises "
        "to one for loads below two and falls to zero for loads above two."
    ),
    controls=(
        Control("alpha", "samples per dimension", LOADS, 1.9, symbol="α"),
        Control("d", "input dimension", SIZES, 10.0, symbol="d", format=".0f"),
        Control("threshold", "threshold", ("no", "yes"), "no"),
        Control("load", "samples per dimension along the line", LINE, 1.0, format=".2f", hidden=True),
    ),
    outputs=(
        Output("chance", 0.0, 1.0, decimals=4),
        Output("chance_line", 0.0, 1.0, decimals=4),
        Output("samples", 0.0, 30000.0, decimals=0),
        Output("weights", 0.0, 10001.0, decimals=0),
    ),
    panels=(STEP, GROWTH),
    compute=compute,
    readings=("{samples:.0f} coin flips can be stored in {weights:.0f} weights with a chance of {chance:.1%}.",),
)
