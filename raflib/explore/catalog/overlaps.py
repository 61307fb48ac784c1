"""The notation page: overlaps shrink with the ridge, the angle between student and teacher hardly moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import GEN, LAM, Results, errors_against_lam
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel


def compute(alpha: Array, eps: Array, lam: Array) -> Results:
    """Overlap with the teacher, length, their ratio and the generalization error of linear ridge regression."""
    task = rf.RulesAndFacts(alpha, eps)
    solution = rf.solve(task, rf.Learner(rf.Square(), rf.Linear(), lam), on_failure="nan")
    m, length = np.asarray(solution.m), np.sqrt(solution.q)
    return {
        "m": m,
        "length": length,
        "cosine": m / length,
        "gen": np.asarray(rf.generalization_error(solution)),
    }


OVERLAPS = Explorer(
    name="overlaps",
    title="What a ridge does to the overlaps",
    question=(
        "Move λ from 1 to 100. The length √q of the student and its overlap m with the teacher shrink to almost "
        "nothing. What happens to the share of new inputs that it gets wrong?"
    ),
    answer=(
        "Hardly anything: with α = 2 and ε = 0.3 it goes from 27.9% to 28.6%, while √q falls from 0.51 to 0.017 "
        "and m from 0.33 to 0.011. A sign has no length: E_gen sees only the ratio m/√q, the cosine of the "
        "angle between student and teacher, which goes from 0.64 to 0.62."
    ),
    alt=(
        "First panel: the overlap m and the length of the student against the ridge strength; both are flat at "
        "small ridges and fall to zero at large ones, with m below the length. Second panel: the generalization "
        "error against the ridge strength, which has a shallow minimum and stays far from one half."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.5, 0.7, 2.0, 3.0, 5.0, 10.0), 2.0, symbol="α"),
        Control("eps", "fraction of facts", (0.0, 0.1, 0.2, 0.3, 0.5, 0.8), 0.3, symbol="ε"),
        LAM,
    ),
    outputs=(Output("m", 0.0, 2.0), Output("length", 0.0, 2.0), Output("cosine", 0.0, 1.0), GEN),
    panels=(
        Panel(
            x_label="ridge strength λ",
            y_label="overlap",
            x_range=(0.7e-4, 1.4e2),
            y_range=(-0.05, 1.65),
            x_ticks=(1e-4, 1e-2, 1.0, 1e2),
            y_ticks=(0.0, 0.5, 1.0, 1.5),
            y_format=".1f",
            x_log=True,
            drag_x="lam",
            marks=(
                Curve("lam", "length", over="lam", colour="here", label="length √q"),
                Curve("lam", "m", over="lam", colour="square", label="overlap m", dash="dashed"),
                Dot("lam", "length", colour="here", label="{length:.2g}"),
                Dot("lam", "m", colour="square", label="{m:.2g}"),
            ),
        ),
        replace(
            errors_against_lam(),
            marks=(
                Curve("lam", "gen", over="lam", colour="rule", label="rule E_gen"),
                Dot("lam", "gen", colour="rule", label="{gen:.1%}"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "At λ = {lam} the student has length {length:.2g} and overlap {m:.2g} with the teacher: a cosine of "
        "{cosine:.2f}, which is {gen:.1%} of new inputs wrong.",
    ),
)
