"""The kernel geometry chapter: both errors against the angle, each kernel with the ridge that is best for the rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.catalog.shared import (
    ERROR_RANGE,
    ERROR_TICKS,
    LOSS,
    LOSSES,
    Results,
    for_each_loss,
)
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel

FLAT = 1e-6
"""Errors that differ by less are the same: below its valley the error of the hinge does not depend on the ridge."""


def compute(alpha: Array, eps: Array, loss: NDArray[np.str_], gamma: Array) -> Results:
    """Both errors at the ridge best for the rule, and the error on new inputs as lam -> 0+, where all is stored."""
    task, kernel = rf.RulesAndFacts(alpha, eps), rf.Kernel.from_angle(np.radians(gamma))

    def one(name: str) -> Results:
        learner = rf.Learner(LOSSES[name], kernel, 0.0)
        everything = np.asarray(rf.generalization_error(rf.solve(task, learner)))
        if name == "square":
            lam = np.maximum(np.asarray(rf.optimal_ridge(eps, kernel)) + 0.0 * alpha, 0.0)
        else:
            best = rf.best_lam(task, learner)
            lam = np.where(everything - best.error < FLAT, 0.0, best.lam)
        solution = rf.solve(task, rf.Learner(LOSSES[name], kernel, lam))
        return {
            "gen_best": np.asarray(rf.generalization_error(solution)),
            "mem_best": np.asarray(rf.memorization_error(solution)),
            "lam_best": lam,
            "gen_all": everything,
            "case": (lam == 0.0).astype(float),
        }

    return for_each_loss(loss, one)


ANGLES = tuple(range(5, 85, 5))

AGAINST_ANGLE = Panel(
    x_label="kernel angle γ in degrees",
    y_label="error",
    x_range=(3.0, 82.0),
    y_range=ERROR_RANGE,
    x_ticks=(10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0),
    y_ticks=ERROR_TICKS,
    x_format=".0f",
    y_format=".0%",
    drag_x="gamma",
    marks=(
        Curve("gamma", "gen_all", over="gamma", colour="quiet", dash="dotted", label="rule E_gen, λ → 0⁺"),
        Curve("gamma", "gen_best", over="gamma", colour="rule", label="rule E_gen, best λ"),
        Curve("gamma", "mem_best", over="gamma", colour="fact", dash="dashed", label="facts E_mem, best λ"),
        Dot("gamma", "gen_best", colour="rule", label="{gen_best:.1%}"),
        Dot("gamma", "mem_best", colour="fact", label="{mem_best:.1%}"),
    ),
)

PLANE = Panel(
    x_label="generalization error E_gen",
    y_label="memorization error E_mem",
    x_range=ERROR_RANGE,
    y_range=ERROR_RANGE,
    x_ticks=ERROR_TICKS,
    y_ticks=ERROR_TICKS,
    x_format=".0%",
    y_format=".0%",
    marks=(
        Curve("gen_best", "mem_best", over="gamma", colour="square", label="square", at=(("loss", "square"),)),
        Curve("gen_best", "mem_best", over="gamma", colour="hinge", label="hinge", at=(("loss", "hinge"),),
              dash="dashed"),
        Dot("gen_best", "mem_best", colour="here", label="γ = {gamma}"),
    ),
)  # fmt: skip

CORNER = Explorer(
    name="corner",
    title="Every kernel at its best ridge",
    question=(
        "Each kernel has the ridge that is best for the rule. With the square loss, is there an angle from which on "
        "no fact is wrong, and what has the error on new inputs done on the way there? Then switch to the hinge: "
        "does the support vector machine, too, have an angle that stores everything and costs nothing?"
    ),
    answer=(
        "With the square loss the error on new inputs stays at 21.1% up to 50°, while the facts wrong fall from "
        "25.8% at 15° to 10.3% at 30°, 0.2% at 40° and none from 45° on. Beyond 50° it is best to have no ridge, "
        "every fact is stored, and the rule begins to pay: 21.3% at 60°. The support vector machine has no such "
        "angle. Its error is least near 40°, 20.4%, but 4.2% of its facts are wrong there. At 60° only 0.1% are, and "
        "the error is back at 21.1%, the best that it can do without any ridge as well."
    ),
    alt=(
        "First panel: both errors against the angle of the kernel at the best ridge, and the error on new inputs of "
        "the learner without ridge, which stores everything. With the square loss the error on new inputs is flat "
        "up to an angle at which the share of facts wrong reaches zero, and rises beyond. Second panel: one error "
        "against the other, one curve for each loss."
    ),
    controls=(
        Control("alpha", "samples per dimension", (1.0, 2.0, 3.0, 5.0, 10.0), 3.0, symbol="α"),
        Control("eps", "fraction of facts", (0.1, 0.2, 0.3, 0.4, 0.5), 0.2, symbol="ε"),
        LOSS,
        Control(
            "gamma", "kernel angle", tuple(float(g) for g in ANGLES), 20.0, symbol="γ",
            labels=tuple(f"{g}°" for g in ANGLES),
        ),
    ),
    outputs=(
        Output("gen_best"),
        Output("mem_best"),
        Output("lam_best", 0.0, 100.0, decimals=5),
        Output("gen_all"),
    ),
    panels=(AGAINST_ANGLE, PLANE),
    compute=compute,
    readings=(
        "With the {loss} loss the best ridge at {gamma} is λ = {lam_best:.2g}, with {gen_best:.1%} of new inputs and "
        "{mem_best:.1%} of the facts wrong. Without ridge every fact is stored, and {gen_all:.1%} of new inputs are "
        "wrong.",
        "With the {loss} loss it is best to have no ridge at {gamma}. Every fact is stored, and {gen_best:.1%} of new "
        "inputs are wrong.",
    ),
)  # fmt: skip
