"""The chapter on width: the trade-off curve of random features, and where it goes as they become more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.catalog.shared import (
    ERROR_RANGE,
    ERROR_TICKS,
    GEN,
    LOSS,
    MEM,
    Features,
    Results,
    both_errors,
    error_marks,
    for_each_loss,
)
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Output, Panel, log_grid


def compute(alpha: Array, eps: Array, gamma: Array, loss: NDArray[np.str_], kappa: Array, lam: Array) -> Results:
    """Both errors of a linear learner, of random features and of the kernel that they tend to."""
    task = rf.RulesAndFacts(alpha, eps)
    mu1, mu_star = np.cos(np.radians(gamma)), np.sin(np.radians(gamma))
    maps: dict[str, Features] = {
        "": rf.RandomFeatures(mu1, mu_star, kappa),
        "linear_": rf.Linear(),
        "kernel_": rf.Kernel(mu1, mu_star),
    }

    def one(name: str) -> Results:
        found: Results = {}
        for prefix, features in maps.items():
            found[f"{prefix}gen"], found[f"{prefix}mem"] = both_errors(task, name, features, lam)
        return found

    return for_each_loss(loss, one)


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
        Note(0.1, 0.02, "↙ both jobs done"),
        Curve("linear_gen", "linear_mem", over="lam", colour="quiet", label="linear", dash="dotted"),
        Curve("kernel_gen", "kernel_mem", over="lam", colour="square", label="kernel, κ → ∞", dash="dashed"),
        Curve("gen", "mem", over="lam", colour="here", label="your κ"),
        Dot("gen", "mem", colour="here", label="λ = {lam}"),
    ),
)

AGAINST_WIDTH = Panel(
    x_label="features per input dimension κ",
    y_label="error",
    x_range=(0.45, 330.0),
    y_range=ERROR_RANGE,
    x_ticks=(1.0, 10.0, 100.0),
    y_ticks=ERROR_TICKS,
    y_format=".0%",
    x_log=True,
    drag_x="kappa",
    marks=error_marks("kappa"),
)

FRONTIER = Explorer(
    name="frontier",
    title="Can width do both jobs?",
    question=(
        "With one feature per input dimension, κ = 1, the learner stands far to the right of the linear one (dotted), "
        "even at the λ that is best for its rule, 9.5. Give it more features, up to κ = 100. Which error falls? Then "
        "lower λ from 9.5 to 0.97, which stores all but one fact in 260. What does that cost on new inputs: ten "
        "points, one point, or nothing?"
    ),
    answer=(
        "Both errors fall: from 40.1% of new inputs and 26.8% of the facts at κ = 1 to 28.7% and 10.0% at κ = 100. And "
        "storing costs nothing there: at λ = 0.97 only 0.4% of the facts are wrong, and the error on new inputs is "
        "28.1%, less than before. The kernel has 27.6% with 0.0% of its facts wrong, at λ = 0.66. For a linear learner "
        "27.6% is the best as well, but it then has 23.1% of its facts wrong (λ = 2.1)."
    ),
    alt=(
        "First panel: memorization error against generalization error. A dotted curve of the linear learner stays away "
        "from the lower left corner, where both errors would vanish; a dashed one of the kernel comes down to the "
        "axis; the curve of random features lies far to the right when there are few of them and moves onto the "
        "kernel's as there are more. Second panel: both errors against the number of features, at one ridge."
    ),
    controls=(
        Control("alpha", "samples per dimension", (1.0, 2.0, 4.0), 2.0, symbol="α"),
        Control("eps", "fraction of facts", (0.1, 0.3, 0.5), 0.3, symbol="ε"),
        Control("gamma", "angle of the activation", (20.0, 35.0, 45.0, 55.0), 45.0, symbol="γ", format=".0f"),
        LOSS,
        Control(
            "kappa",
            "features per input dimension",
            (0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 50.0, 100.0, 300.0),
            1.0,
            symbol="κ",
            format=".3g",
        ),
        Control("lam", "ridge strength", log_grid(1e-3, 3e1, 6), 9.5, symbol="λ"),
    ),
    outputs=(
        GEN,
        MEM,
        *(Output(f"{kind}_{error}") for kind in ("linear", "kernel") for error in ("gen", "mem")),
    ),
    panels=(PLANE, AGAINST_WIDTH),
    compute=compute,
    readings=(
        "With κ = {kappa}, γ = {gamma}° and λ = {lam} the learner gets {gen:.1%} of new inputs and {mem:.1%} of its "
        "facts wrong; at this λ a linear learner gets {linear_gen:.1%} and {linear_mem:.1%}, the kernel "
        "{kernel_gen:.1%} and {kernel_mem:.1%}.",
    ),
)
