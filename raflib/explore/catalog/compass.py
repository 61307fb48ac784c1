"""The kernel geometry chapter: a kernel and a ridge have a direction together, and so have the labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import GEN, LAM, MEM, Results, both_errors, errors_against_lam
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel


def compute(alpha: Array, eps: Array, gamma: Array, lam: Array, along: Array) -> Results:
    """Both errors of kernel ridge regression, and the three directions: of kernel, kernel with ridge, and labels."""
    kernel = rf.Kernel.from_angle(np.radians(gamma))
    gen, mem = both_errors(rf.RulesAndFacts(alpha, eps), "square", kernel, lam)
    linear, private = np.square(kernel.mu1), np.square(kernel.mu_star)
    rule = (1.0 - eps) * np.sqrt(2.0 / np.pi)
    best = np.asarray(rf.optimal_ridge(eps, kernel))
    return {
        "gen": gen,
        "mem": mem,
        "lam_best": np.clip(best, LAM.values[0], LAM.values[-1]),
        "labels_x": along * rule,
        "labels_y": along * np.sqrt(1.0 - rule**2),
        "kernel_x": along * np.asarray(kernel.mu1),
        "kernel_y": along * np.asarray(kernel.mu_star),
        "here_x": np.sqrt(linear / (1.0 + lam)),
        "here_y": np.sqrt((private + lam) / (1.0 + lam)),
        "turned": np.degrees(np.arctan2(np.sqrt(private + lam), np.sqrt(linear))),
        "wanted": np.degrees(np.arccos(rule)),
        "kept": private / (private + lam),
        "case": (best < 0.0).astype(float),
    }


def unit(name: str) -> Output:
    """A number between 0 and 1, to four decimals."""
    return Output(name, 0.0, 1.0, decimals=4)


DIRECTIONS = Panel(
    x_label="weight of the rule",
    y_label="weight of everything else",
    x_range=(0.0, 1.08),
    y_range=(0.0, 1.08),
    x_ticks=(0.0, 0.5, 1.0),
    y_ticks=(0.0, 0.5, 1.0),
    x_format=".1f",
    y_format=".1f",
    marks=(
        Curve("labels_x", "labels_y", over="along", colour="quiet", dash="dashed", label="labels"),
        Curve("kernel_x", "kernel_y", over="along", colour="fact", label="kernel"),
        Curve("here_x", "here_y", over="lam", colour="rule", label="kernel and ridge", dash="dotted"),
        Dot("here_x", "here_y", colour="here", label="{turned:.0f}°"),
    ),
)

COMPASS = Explorer(
    name="compass",
    title="Point the kernel where the labels point",
    question=(
        "The ridge turns the dot upwards, from the kernel's own direction. Bring it to the direction of the labels, "
        "first for the kernel of 30°, then for the one of 45°. Which of the two errors is the same both times? And "
        "what can the ridge do for a kernel of 60°?"
    ),
    answer=(
        "The error on new inputs: with λ = 0.75 for the kernel of 30° it is 21.1%, and with λ = 0.24 for the one of "
        "45° it is 21.1% again. But the first gets 9.0% of its facts wrong and the second none, because the private "
        "part did more of the turning and the ridge less. The kernel of 60° points beyond the labels already; any "
        "ridge turns it further away. Without one it has 21.3%, and every fact is stored."
    ),
    alt=(
        "First panel: a quarter of a circle with a ray for the labels, a ray for the kernel, and an arc along which "
        "the ridge turns the kernel's direction upwards. Second panel: both errors against the ridge strength, with "
        "a line at the ridge that is best for the rule, which brings the dot of the first panel to the ray of the "
        "labels."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.5, 1.0, 2.0, 3.0, 5.0, 10.0), 3.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5), 0.2, symbol="ε"),
        Control(
            "gamma",
            "kernel angle",
            tuple(float(g) for g in range(5, 85, 5)),
            30.0,
            symbol="γ",
            labels=tuple(f"{g}°" for g in range(5, 85, 5)),
        ),
        replace(LAM, default=0.01),  # away from the best one
        Control("along", "along a ray", (0.0, 1.0), 1.0, hidden=True),
    ),
    outputs=(
        GEN,
        MEM,
        Output("lam_best", 0.0, 100.0, decimals=5),
        *(unit(name) for name in ("labels_x", "labels_y", "kernel_x", "kernel_y", "here_x", "here_y")),
        Output("turned", 0.0, 90.0, decimals=2),
        Output("wanted", 0.0, 90.0, decimals=2),
        unit("kept"),
    ),
    panels=(DIRECTIONS, errors_against_lam()),
    compute=compute,
    readings=(
        "The labels point to {wanted:.0f}°, the kernel of {gamma} with the ridge λ = {lam} to {turned:.0f}°. Of each "
        "residual of the linear part {kept:.0%} is stored. At α = {alpha} the learner gets {gen:.1%} of new inputs and "
        "{mem:.1%} of its facts wrong.",
        "The labels point to {wanted:.0f}°, the kernel of {gamma} to more, and no ridge turns it back; λ = {lam} turns "
        "it to {turned:.0f}°. Of each residual of the linear part {kept:.0%} is stored. At α = {alpha} the learner "
        "gets {gen:.1%} of new inputs and {mem:.1%} of its facts wrong.",
    ),
)
