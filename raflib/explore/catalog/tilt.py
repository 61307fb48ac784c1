"""The chapter on algorithms: inputs with a mean make message passing diverge, and damping holds it back."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Output, Panel, Rule


def compute(alpha: Array, lam: Array, mean: Array, damping: Array) -> Results:
    """Digits gained by a step of ridge regression's message passing, where the inputs have a mean of some length."""
    V = np.asarray(rf.solve(rf.RulesAndFacts(alpha, 0.3), rf.Learner(rf.Square(), rf.Linear(), lam)).V)
    bulk = np.sqrt(alpha) * V / (1.0 + V)  # of the other directions, without damping
    along = mean**2 * (1.0 - lam * V)  # of the student's part along the mean, which changes sign in each step
    growth = np.abs(damping - (1.0 - damping) * along)
    rest = damping + (1.0 - damping) * bulk
    factor = np.maximum(growth, rest)
    ahead = np.maximum(along - bulk, 0.0)
    return {
        "growth": growth,
        "factor": factor,
        "digits": -np.log10(factor),
        "digits_rest": -np.log10(rest),
        "best": ahead / (2.0 + ahead),
        "case": np.where(factor >= 1.0, 0.0, np.where(growth > rest, 1.0, 2.0)),
    }


DAMPINGS = tuple(round(0.05 * k, 2) for k in range(19))
MEANS = tuple(0.25 * k for k in range(17))

TILT = Explorer(
    name="tilt",
    title="Inputs with a mean, and damping",
    question=(
        "The inputs have a mean of length 2: in a thousand coordinates, 0.06 in each. Without damping, message "
        "passing for ridge regression diverges. How much of the old iterate must be kept for the quickest "
        "convergence: a tenth, a third, more than half? And what does a mean cost then, in digits per step?"
    ),
    answer=(
        "More than half, 0.54. At a share of 0.55 a step gains 0.11 digits, where without a mean and without damping "
        "it gains 0.29. Keep too little and the part along the mean explodes, changing sign in every step; keep too "
        "much and everything is slow. With a mean of length 4 the best share is 0.85, and a step gains 0.03 digits."
    ),
    alt=(
        "First panel: decimal digits gained by a step, against the share of the old iterate that is kept. With a "
        "mean the curve starts below zero, where the iteration diverges, rises through zero to a peak and falls along "
        "the curve of inputs without a mean. Second panel: digits gained by a step against the length of the mean, "
        "constant at first and then falling through zero."
    ),
    controls=(
        Control("damping", "share of the old iterate kept", DAMPINGS, 0.0, symbol="δ", format=".2f"),
        Control("mean", "length of the mean", MEANS, 2.0, symbol="β", format=".2f"),
        Control("lam", "ridge strength", (0.1, 0.2, 0.5, 1.0, 3.0), 0.5, symbol="λ"),
        Control("alpha", "samples per dimension", (0.5, 1.0, 2.0, 4.0), 2.0, symbol="α"),
    ),
    outputs=(
        Output("growth", 0.0, 20.0, decimals=4),
        Output("factor", 0.0, 20.0, decimals=4),
        Output("digits", -1.3, 1.0, decimals=4),
        Output("digits_rest", -0.1, 1.0, decimals=4),
        Output("best", 0.0, 1.0, decimals=4),
    ),
    panels=(
        Panel(
            x_label="share of the old iterate kept δ",
            y_label="digits gained by a step",
            x_range=(-0.03, 0.93),
            y_range=(-1.35, 0.95),
            x_ticks=(0.0, 0.2, 0.4, 0.6, 0.8),
            y_ticks=(-1.0, -0.5, 0.0, 0.5),
            drag_x="damping",
            marks=(
                Rule("best", label="quickest"),
                Curve("damping", "digits_rest", over="damping", colour="rule", label="no mean", dash="dashed"),
                Curve("damping", "digits", over="damping", colour="fact", label="with the mean"),
                Dot("damping", "digits", colour="fact", label="{digits:.2f}"),
                Note(0.6, -1.15, "below 0 it diverges"),
            ),
        ),
        Panel(
            x_label="length of the mean β",
            y_label="digits gained by a step",
            x_range=(-0.15, 4.15),
            y_range=(-1.35, 0.95),
            x_ticks=(0.0, 1.0, 2.0, 3.0, 4.0),
            y_ticks=(-1.0, -0.5, 0.0, 0.5),
            drag_x="mean",
            marks=(
                Curve(
                    "mean",
                    "digits",
                    over="mean",
                    colour="quiet",
                    label="undamped",
                    dash="dotted",
                    at=(("damping", 0.0),),
                ),
                Curve("mean", "digits", over="mean", colour="fact", label="with this damping"),
                Dot("mean", "digits", colour="fact", label="{digits:.2f}"),
                Note(1.2, -1.15, "below 0 it diverges"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "It diverges: a step multiplies the part of the student along the mean by {growth:.2f} in size. The quickest "
        "convergence would be at a share of {best:.2f}.",
        "It converges, held up by the mean: a step leaves {factor:.2f} of the distance from the end, {digits:.2f} "
        "digits. The quickest convergence is at a share of {best:.2f}.",
        "It converges, as fast as the other directions allow: a step leaves {factor:.2f} of the distance from the "
        "end, {digits:.2f} digits. The quickest convergence is at a share of {best:.2f}.",
    ),
)
