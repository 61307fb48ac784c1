"""Gardner's chapter: how many labels are held with equality at capacity, and where that cannot be."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Output, Panel
from raflib.gaussian import density

MARGINS = tuple(round(0.1 * k, 1) for k in range(-12, 21))
LINE = tuple(round(-1.2 + 0.05 * k, 2) for k in range(65))


def _at_capacity(margin: Array, plus: Array) -> tuple[Array, Array]:
    """Return the replica-symmetric capacity, and the share of labels held with equality there, at any margin.

    A share `plus` of the labels is +1, and the student has a threshold b: its samples have the margins margin -+ b.
    The capacity is one over the mean squared shortfall, made as small as b can make it.
    """
    low, high = np.zeros_like(margin * plus), np.full_like(margin * plus, 8.0)
    for _ in range(60):  # the derivative by b grows: halve
        b = 0.5 * (low + high)
        upwards = plus * _slope(margin - b) < (1.0 - plus) * _slope(margin + b)
        low, high = np.where(upwards, low, b), np.where(upwards, b, high)
    b = np.where(plus == 0.5, 0.0, 0.5 * (low + high))
    load = 1.0 / (plus * _shortfall(margin - b) + (1.0 - plus) * _shortfall(margin + b))
    return load, plus * ndtr(margin - b) + (1.0 - plus) * ndtr(margin + b)


def _shortfall(margin: Array) -> Array:
    """Return E[(margin - x)_+^2]."""
    return (1.0 + margin**2) * ndtr(margin) + margin * density(margin)


def _slope(margin: Array) -> Array:
    """Return E[(margin - x)_+], half of its derivative."""
    return margin * ndtr(margin) + density(margin)


def compute(margin: Array, plus: Array, d: Array, kappa: Array) -> Results:
    """Capacity and contacts at the reader's margin, and along a line of margins."""
    load, share = _at_capacity(margin, plus)
    load_line, share_line = _at_capacity(kappa, plus)
    return {
        "load": load,
        "tight": load * share,
        "share": share,
        "held": d * load * share,
        "load_line": load_line,
        "tight_line": load_line * share_line,
        "room": np.ones_like(kappa),
        "case": np.where(margin < 0.0, 2.0, np.where(margin > 0.0, 0.0, 1.0)),
    }


X_RANGE, X_TICKS = (-1.25, 2.05), (-1.0, 0.0, 1.0, 2.0)

CAPACITY = Panel(
    x_label="samples per dimension α",
    y_label="margin κ",
    x_range=(0.18, 60.0),
    y_range=(-1.25, 2.05),
    x_ticks=(0.2, 1.0, 5.0, 20.0, 50.0),
    y_ticks=(-1.0, 0.0, 1.0, 2.0),
    x_format=".2g",
    y_format=".0f",
    x_log=True,
    drag_y="margin",
    marks=(
        Curve("load_line", "kappa", over="kappa", colour="fact", label="replica-symmetric capacity", shade=True),
        Note(0.5, -0.6, "can be stored"),
        Note(6.0, 1.0, "cannot"),
        Dot("load", "margin", colour="fact", label="{load:.3g}"),
    ),
)

CONTACTS = Panel(
    x_label="margin κ",
    y_label="labels held with equality, per weight",
    x_range=X_RANGE,
    y_range=(-0.05, 2.5),
    x_ticks=X_TICKS,
    y_ticks=(0.0, 0.5, 1.0, 1.5, 2.0, 2.5),
    x_format=".0f",
    drag_x="margin",
    marks=(
        Curve("kappa", "room", over="kappa", colour="quiet", label="one for each weight", dash="dashed"),
        Curve("kappa", "tight_line", over="kappa", colour="hinge", label="replica-symmetric theory"),
        Dot("margin", "tight", colour="hinge", label="{held:.0f} held"),
    ),
)

CONTACTS_AT_CAPACITY = Explorer(
    name="contacts",
    title="Which labels hold the last student in place?",
    question=(
        "At capacity one student is left. Some labels hold it in place: it meets them with exactly the margin κ. "
        "At κ = 1 these are 0.44 labels for each weight. If you ask for a smaller margin, or a negative one, are "
        "there more of them or fewer? And at which margin does the theory ask for more of them than there are weights?"
    ),
    answer=(
        "More of them, although a smaller share of the labels is held with equality: the share is Φ(κ), but the "
        "capacity grows faster than Φ falls. There are 0.44 for each weight at κ = 1, exactly 1 at zero margin, 1.47 "
        "at −0.5 and 2.11 at −1. A student has d − 1 directions to move in, so a random student cannot meet more than "
        "d − 1 equalities: below zero margin the theory describes a student that cannot exist. Replica symmetry fails "
        "exactly there. Unequal coins, which allow larger loads, change nothing at zero margin: one for each weight."
    ),
    alt=(
        "First panel: a map with the load on a logarithmic axis across and the margin upwards; a curve, through load "
        "two at zero margin and 13 at margin minus one, bounds the shaded region where labels can be stored. Second "
        "panel: the number of labels held with equality per weight falls with the margin and crosses a dashed line at "
        "one exactly where the margin is zero."
    ),
    controls=(
        Control("margin", "margin", MARGINS, 1.0, symbol="κ", format=".1f"),
        Control("plus", "share of labels that are +1", (0.5, 0.6, 0.7, 0.8, 0.9, 0.95), 0.5, format=".2g"),
        Control("d", "weights", (10.0, 30.0, 100.0, 300.0, 1000.0), 100.0, symbol="d", format=".0f"),
        Control("kappa", "margin along the line", LINE, 0.0, format=".2f", hidden=True),
    ),
    outputs=(
        Output("load", 0.0, 200.0, decimals=4),
        Output("tight", 0.0, 4.0, decimals=4),
        Output("share", 0.0, 1.0, decimals=4),
        Output("held", 0.0, 4000.0, decimals=1),
        Output("load_line", 0.0, 200.0, decimals=4),
        Output("tight_line", 0.0, 4.0, decimals=4),
        Output("room", 0.0, 1.0, decimals=0),
    ),
    panels=(CAPACITY, CONTACTS),
    compute=compute,
    readings=(
        "With margin {margin}, {load:.3g} labels can be stored for each weight; a share {share:.1%} of them is held "
        "with equality. With {d} weights these are {held:.0f}: fewer than there are weights.",
        "Without a margin, {load:.3g} labels can be stored for each weight; a share {share:.1%} of them is held with "
        "equality. With {d} weights these are {held:.0f}, as many as there are weights, and that is as many as can be.",
        "With margin {margin} replica symmetry claims {load:.3g} labels for each weight, a share {share:.1%} of them "
        "held with equality. With {d} weights these would be {held:.0f}: more than there are weights. It cannot be "
        "right, and the true capacity is smaller.",
    ),
)
