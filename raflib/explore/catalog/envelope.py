"""The model's chapter: how many samples a student at a given angle to the teacher can store."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Output, Panel, Rule
from raflib.gaussian import truncated_moments


def load_at(angle: Array, eps: Array, margin: Array) -> Array:
    """Return the load sin^2(theta) / E[(margin - u)_+^2] above which no student at this angle stores everything.

    u is the test margin of a student of unit width, whose truncated moments are closed forms.
    """
    k, sine = 1.0 / np.tan(np.radians(angle)), np.sin(np.radians(angle))
    i = truncated_moments(margin, np.maximum(k, 0.0), eps)  # tan(90 degrees) is finite in floating point, and k > 0
    return np.asarray(sine**2 / (margin**2 * i.i0 - 2.0 * margin * i.i1 + i.i2))


def best_angle(eps: Array, margin: Array) -> Array:
    """Return the angle in degrees at which the load is largest, by three ever finer grids; good to 0.01 degrees."""
    shape = np.broadcast_shapes(eps.shape, margin.shape)
    low, high = np.full(shape, 1.0), np.full(shape, 90.0)
    t = np.linspace(0.0, 1.0, 41)
    for _ in range(3):
        grid = low[..., None] + (high - low)[..., None] * t
        top = np.argmax(load_at(grid, eps[..., None], margin[..., None]), axis=-1)[..., None]
        low, high = (np.take_along_axis(grid, np.clip(top + step, 0, 40), -1)[..., 0] for step in (-1, 1))
    return np.asarray(0.5 * (low + high))


def compute(eps: Array, margin: Array, angle: Array, eps_line: Array) -> Results:
    """Load of a student at this angle, at the best angle, and both of them against the fraction of facts."""
    best = best_angle(eps, margin)
    load = load_at(angle, eps, margin)
    return {
        "load": load,
        "facts": eps * load,
        "error": angle / 180.0,
        "best": best,
        "most": np.asarray(rf.capacity(eps, margin)),
        "line": load_at(angle, eps_line, margin),
        "boundary": np.asarray(rf.capacity(eps_line, margin)),
        "case": np.where(angle < best, 0.0, 1.0),
    }


LOAD_RANGE, LOAD_TICKS = (0.0, 5.4), (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
ANGLES = tuple(float(a) for a in range(4, 92, 2))
LINE = (*(0.05 + 0.01 * k for k in range(20)), *(0.25 + 0.025 * k for k in range(31)))

AGAINST_ANGLE = Panel(
    x_label="angle to the teacher, degrees",
    y_label="samples per dimension α",
    x_range=(0.0, 93.0),
    y_range=LOAD_RANGE,
    x_ticks=(0.0, 30.0, 60.0, 90.0),
    y_ticks=LOAD_TICKS,
    x_format=".0f",
    y_format=".0f",
    drag_x="angle",
    marks=(
        Rule("best", label="best angle"),
        Curve("angle", "load", over="angle", colour="rule", label="can be stored"),
        Dot("angle", "load", colour="here", label="{load:.2f}"),
    ),
)

MAP = Panel(
    x_label="samples per dimension α",
    y_label="fraction of facts ε",
    x_range=LOAD_RANGE,
    y_range=(-0.02, 1.04),
    x_ticks=LOAD_TICKS,
    y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    x_format=".0f",
    marks=(
        Curve("boundary", "eps_line", over="eps_line", colour="quiet", label="all angles", shade=True),
        Curve("line", "eps_line", over="eps_line", colour="rule", label="your angle"),
        Note(3.6, 0.5, "no student\nstores all"),
        Dot("load", "eps", colour="here", label="{angle}"),
    ),
)

ENVELOPE = Explorer(
    name="envelope",
    title="How far must a student turn to store the facts?",
    question=(
        "A student close to the teacher is right about nearly all samples of the rule, but facts are hard for it. At "
        "ε = 0.3, from 20° on, turn it until it can store the most. Then make facts rare, ε = 0.05: will the best "
        "angle be closer to the teacher? And if every label is to be stored with a margin of 0.5, is it better to be "
        "closer still, or further away?"
    ),
    answer=(
        "With three facts in ten the best angle is 60°, and 2.61 samples per dimension are stored; at 20° it is 0.75. "
        "With one fact in twenty it is closer to the teacher: 34°, with 4.87 samples. A margin turns the student away "
        "again: with a margin of 0.5 the best angle is 46°, and 1.53 samples are stored. The teacher itself has "
        "samples of the rule right in front of its boundary, and these lack the margin as the facts do."
    ),
    alt=(
        "First panel: the number of samples per dimension that can be stored, against the angle between student and "
        "teacher from 4 to 90 degrees; the curve rises from almost nothing to a maximum, marked by a line, and falls "
        "again. Second panel: a map with the number of samples across and the fraction of facts upwards. The curve of "
        "the chosen angle touches from inside the boundary of the shaded region, in which some angle will do."
    ),
    controls=(
        Control("eps", "fraction of facts", (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0), 0.3, symbol="ε"),
        Control("margin", "margin to be kept", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), 0.0, format=".1f"),
        Control(
            "angle",
            "angle to the teacher",
            ANGLES,
            default=20.0,
            symbol="θ",
            labels=tuple(f"{a:.0f}°" for a in ANGLES),
        ),
        Control("eps_line", "fraction of facts on the curves", LINE, 1.0, format=".3f", hidden=True),
    ),
    outputs=(
        Output("load", 0.0, 6.0, decimals=4),
        Output("facts", 0.0, 2.1, decimals=4),
        Output("error", 0.0, 0.5, decimals=5),
        Output("best", 0.0, 90.0, decimals=2),
        Output("most", 0.0, 6.0, decimals=4),
        Output("line", 0.0, 6.0, decimals=3),
        Output("boundary", 0.0, 6.0, decimals=3),
    ),
    panels=(AGAINST_ANGLE, MAP),
    compute=compute,
    readings=(
        "ε = {eps}, margin {margin}: a student at {angle} gets {error:.1%} of new inputs wrong and stores at most "
        "{load:.2f} samples per dimension, {facts:.2f} of them facts. The facts ask it to turn further: at {best:.0f}° "
        "it is {most:.2f}.",
        "ε = {eps}, margin {margin}: a student at {angle} gets {error:.1%} of new inputs wrong and stores at most "
        "{load:.2f} samples per dimension, {facts:.2f} of them facts. At {best:.0f}° it is {most:.2f}; to turn "
        "further only costs samples of the rule.",
    ),
)
