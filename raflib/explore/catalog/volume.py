"""Gardner's chapter: how many students store all labels, and how far apart two of them are."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel

USED = (0.02, 0.05, *(round(0.1 * k, 1) for k in range(1, 9)), 0.85, 0.9, 0.93, 0.96, 0.98, 0.99, 0.995)
MARGINS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0)
FRACTIONS = (0.05, 0.2, 0.5, 0.8, 1.0)


def compute(used: Array, margin: Array, eps: Array) -> Results:
    """Angles and entropy of Gardner's volume at a share of the capacity."""
    capacity = np.asarray(rf.capacity(eps, margin))
    volume = rf.gardner_volume(used * capacity, eps, margin)
    entropy = np.asarray(volume.entropy)
    return {
        "alpha": used * capacity,
        "capacity": capacity,
        "between": np.degrees(np.arccos(volume.q)),
        "teacher": np.degrees(np.arccos(volume.m)),
        "entropy": entropy,
        "decades": -100.0 * entropy / np.log(10.0),  # at d = 100
        "case": np.where(eps < 1.0, 1.0, 0.0),
    }


ANGLES = Panel(
    x_label="share of the capacity that is used",
    y_label="angle in degrees",
    x_range=(-0.01, 1.02),
    y_range=(-3.0, 93.0),
    x_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    y_ticks=(0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0),
    x_format=".0%",
    y_format=".0f",
    drag_x="used",
    marks=(
        Curve("used", "between", over="used", colour="here", label="between two solutions"),
        Curve("used", "teacher", over="used", colour="rule", label="to the teacher", dash="dashed"),
        Dot("used", "between", colour="here", label="{between:.1f}°"),
        Dot("used", "teacher", colour="rule"),
    ),
)

ENTROPY = Panel(
    x_label="share of the capacity that is used",
    y_label="log of the volume, per weight",
    x_range=(-0.01, 1.02),
    y_range=(-7.0, 0.2),
    x_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    y_ticks=(-6.0, -4.0, -2.0, 0.0),
    x_format=".0%",
    y_format=".0f",
    drag_x="used",
    marks=(
        Curve("used", "entropy", over="used", colour="hinge", label="entropy S"),
        Dot("used", "entropy", colour="hinge", label="{entropy:.2f}"),
    ),
)

START = "At α = {alpha:.3g} of {capacity:.3g} the students that store every label are one part in 10^{decades:.0f} of "
SPHERE = "all, for d = 100. Two of them, drawn at random, are {between:.1f}° apart"

VOLUME = Explorer(
    name="volume",
    title="The students that store everything",
    question=(
        "At half of capacity (α = 1, coin flips, no margin) two random students that both store every label are 54° "
        "apart. Fill up to 99% of capacity, so that hardly any freedom is left. How far apart are they now: 0.5°, 2° "
        "or 6°?"
    ),
    answer=(
        "Still 5.9°. The squared angle is proportional to the distance from capacity, so the angle itself closes "
        "only like its square root: 20.3° at 90%, 5.9° at 99%, 4.1° at 99.5%. The volume is tiny all the same, since "
        "it is the d-th power of such an angle: at d = 100 one part in 10^37 at half of capacity, one in 10^203 at "
        "99%. A rule among the labels brings the solutions nearer to each other before it brings them near the "
        "teacher: at ε = 0.2 and half of capacity they are 45.8° apart and 60.0° from the teacher."
    ),
    alt=(
        "First panel: the angle between two random solutions against the used share of the capacity. It starts at 90 "
        "degrees and falls to zero at full capacity, vertically at the end. A dashed line, the angle to the teacher, "
        "stays at 90 degrees for coin flips and falls where there is a rule. Second panel: the logarithm of the volume "
        "per weight starts at zero and falls, slowly at first, to minus infinity at full capacity."
    ),
    controls=(
        Control("used", "share of the capacity that is used", USED, 0.5, format=".3g"),
        Control("margin", "margin", MARGINS, 0.0, symbol="κ"),
        Control("eps", "fraction of facts", FRACTIONS, 1.0, symbol="ε"),
    ),
    outputs=(
        Output("alpha", 0.0, 10.0, decimals=4),
        Output("capacity", 0.0, 10.0, decimals=4),
        Output("between", 0.0, 90.0, decimals=3),
        Output("teacher", 0.0, 90.0, decimals=2),
        Output("entropy", -10.0, 0.0, decimals=4),
        Output("decades", 0.0, 400.0, decimals=1),
    ),
    panels=(ANGLES, ENTROPY),
    compute=compute,
    readings=(START + SPHERE + ".", START + SPHERE + " and {teacher:.1f}° away from the teacher."),
)
