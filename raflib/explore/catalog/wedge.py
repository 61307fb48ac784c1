"""The teacher-student chapter: the generalization error is an angle, and how much it varies with the training set."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import GEN, HEBB, Results, both_errors
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel


def compute(alpha: Array, eps: Array, d: Array, t: Array) -> Results:
    """Angle between Hebb's student and the teacher, the plane they span, and the spread of the angle at dimension d.

    The spread is the standard deviation over training sets to leading order in 1/d, from the variances
    alpha (1 - c^2) / d of m and 2 alpha^2 / d of s, which are independent.
    """
    gen, _ = both_errors(rf.RulesAndFacts(alpha, eps), "square", rf.Linear(), np.asarray(HEBB))
    angle = np.pi * gen
    c2 = (1.0 - eps) ** 2 * 2.0 / np.pi
    # d times the variance of the angle; see "The spread of the angle" in the chapter.
    variance = (1.0 - c2 + alpha * c2 / 2.0) / (1.0 + alpha * c2) ** 2
    spread = np.sqrt(variance / d) / np.pi
    # The outline of both disputed wedges, one stroke: out along the teacher's boundary, along the circle, back along
    # the student's boundary, and the same on the other side.
    along = np.mod(2.0 * t, 1.0)
    on_arc = np.clip(2.0 * along - 0.5, 0.0, 1.0)
    radius = np.where(t < 0.5, 1.0, -1.0) * np.clip(4.0 * np.minimum(along, 1.0 - along), 0.0, 1.0)
    return {
        "gen": gen,
        "degrees": np.degrees(angle),
        "spread": spread,
        "relative": spread / gen,
        "low": np.maximum(gen - 2.0 * spread, 0.0),
        "high": gen + 2.0 * spread,
        "x_circle": np.cos(2.0 * np.pi * t),
        "y_circle": np.sin(2.0 * np.pi * t),
        "x_wedge": radius * np.cos(angle * on_arc),
        "y_wedge": -radius * np.sin(angle * on_arc),
        "x_teacher": np.zeros_like(t),
        "y_teacher": t,
        "x_student": t * np.sin(angle),
        "y_student": t * np.cos(angle),
    }


DIMENSIONS = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)

PLANE = Panel(
    x_label="across the teacher",
    y_label="along the teacher",
    x_range=(-1.5, 1.5),  # so that at the usual sizes of a panel the circle is nearly round
    y_range=(-1.25, 1.25),
    x_ticks=(-1.0, 0.0, 1.0),
    y_ticks=(-1.0, 0.0, 1.0),
    marks=(
        Curve("x_circle", "y_circle", over="t", colour="quiet", width=1.0),
        Curve("x_wedge", "y_wedge", over="t", colour="fact", label="signs differ", width=3.0),
        Curve("x_teacher", "y_teacher", over="t", colour="rule", label="teacher", width=3.0),
        Curve("x_student", "y_student", over="t", colour="here", label="student", width=3.0),
        Dot("x_teacher", "y_teacher", colour="rule"),
        Dot("x_student", "y_student", colour="here", label="{degrees:.0f}°"),
    ),
)

FUNNEL = Panel(
    x_label="input dimension d",
    y_label="E_gen of one training set",
    x_range=(25.0, 12000.0),
    y_range=(-0.015, 0.685),
    x_ticks=(30.0, 100.0, 1000.0, 10000.0),
    y_ticks=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    x_format=".0f",
    y_format=".0%",
    x_log=True,
    drag_x="d",
    marks=(
        Curve("d", "gen", over="d", colour="rule", label="limit d → ∞"),
        Curve("d", "low", over="d", colour="quiet", label="two standard deviations", dash="dashed"),
        Curve("d", "high", over="d", colour="quiet", dash="dashed"),
        Dot("d", "low", colour="quiet"),  # where the funnel is narrow two labels would collide: one says both
        Dot("d", "high", colour="quiet", label="{low:.1%} to {high:.1%}"),
    ),
)

WEDGE = Explorer(
    name="wedge",
    title="The error is an angle, and each training set has its own",
    question=(
        "At d = 100 and ε = 0, an average over more samples should fluctuate less. Give Hebb's rule a hundred times as "
        "many of them, from α = 1 to α = 100. The error falls; does its spread, as a share of the error, fall with it?"
    ),
    answer=(
        "It grows. The error falls from 28.6% to 4.0%, and its standard deviation from 1.61% to 0.28%; as a share of "
        "the error that is 5.6% before and 7.0% after, and with still more samples it stays at 1/√(2d) = 7.1%. More "
        "samples narrow the angle, but its relative spread comes from the d − 1 directions in which the student can "
        "miss the teacher, and only a larger d makes these more."
    ),
    alt=(
        "First panel: a circle in the plane of teacher and student. The teacher points up, the student is tilted to "
        "the right, and two opposite wedges between the lines perpendicular to them are outlined: the inputs on which "
        "they disagree. Second panel: the generalization error against the input dimension, a level line with a "
        "funnel of two standard deviations around it that narrows to the right."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0), 1.0, symbol="α"),
        Control("eps", "fraction of facts", (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9), 0.0, symbol="ε"),
        Control("d", "input dimension", DIMENSIONS, 100.0, symbol="d", format=".0f"),
        Control("t", "way along a line", tuple(k / 48 for k in range(49)), 1.0, format=".3f", hidden=True),
    ),
    outputs=(
        GEN,
        Output("degrees", 0.0, 90.0, decimals=3),
        Output("spread", 0.0, 0.2, decimals=6),
        Output("relative", 0.0, 1.0, decimals=5),
        Output("low", 0.0, 0.5, decimals=4),
        Output("high", 0.0, 1.0, decimals=4),
        *(Output(f"{axis}_{line}", -1.0, 1.0, decimals=3) for line in ("circle", "wedge", "student") for axis in "xy"),
        Output("x_teacher", 0.0, 1.0, decimals=3),
        Output("y_teacher", 0.0, 1.0, decimals=3),
    ),
    panels=(PLANE, FUNNEL),
    compute=compute,
    readings=(
        "The angle between student and teacher is {degrees:.1f}°, so {gen:.1%} of new inputs fall between their "
        "boundaries. At d = {d} this varies from one training set to the next by {spread:.2%}, a share {relative:.1%} "
        "of itself.",
    ),
)
