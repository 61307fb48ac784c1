"""The overparameterization chapter: the width of a Gaussian kernel as a dial between the rule and the facts."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import ERROR_RANGE, ERROR_TICKS, GEN, MEM, Results, both_errors, error_marks
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel


def compute(alpha: Array, eps: Array, lam: Array, eta: Array) -> Results:
    """Both errors of kernel ridge regression, and how the kernel is divided among the degrees of its features."""
    kernel = rf.Kernel.rbf(eta)
    gen, mem = both_errors(rf.RulesAndFacts(alpha, eps), "square", kernel, lam)
    return {
        "gen": gen,
        "mem": mem,
        "constant": np.exp(-2.0 * eta),
        "linear": np.square(kernel.mu1),
        "private": np.square(kernel.mu_star),
        "degrees": np.degrees(kernel.angle),
    }


WIDTHS = (0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2,
          1.5, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)  # fmt: skip

ERRORS = Panel(
    x_label="inverse squared width η",
    y_label="error",
    x_range=(0.009, 9.0),
    y_range=ERROR_RANGE,
    x_ticks=(0.01, 0.1, 1.0),
    y_ticks=ERROR_TICKS,
    y_format=".0%",
    x_log=True,
    drag_x="eta",
    marks=error_marks("eta"),
)

SHARES = Panel(
    x_label="inverse squared width η",
    y_label="share of the kernel",
    x_range=(0.009, 9.0),
    y_range=(-0.03, 1.03),
    x_ticks=(0.01, 0.1, 1.0),
    y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    y_format=".0%",
    x_log=True,
    drag_x="eta",
    marks=(
        Curve("eta", "constant", over="eta", colour="quiet", label="constant", dash="dotted"),
        Curve("eta", "linear", over="eta", colour="rule", label="linear"),
        Curve("eta", "private", over="eta", colour="fact", label="single samples", dash="dashed"),
        Dot("eta", "linear", colour="rule", label="linear {linear:.0%}"),
        Dot("eta", "private", colour="fact"),
    ),
)

BUMP = Explorer(
    name="bump",
    title="The width of a Gaussian kernel is a dial",
    question=(
        "With a broad kernel, η = 0.01, the learner is nearly linear. Make it narrower: a growing share of the kernel "
        "then fits single samples and nothing else, so that facts get stored. What does it do to the error on new "
        "inputs: does it rise all the way, fall all the way, or is there a width that is best? And does that width "
        "move when you change the load α?"
    ),
    answer=(
        "There is a best width. At α = 2, ε = 0.2 and λ = 0.001 the error on new inputs goes from 27.2% at η = 0.01 "
        "to 24.8% at η = 0.8, while the facts wrong go from 8.3% to none, and it rises again to 26.6% at η = 5. The "
        "best η is 0.8 for every α; with more facts, ε = 0.5, it is 1.5. What fits single samples is a ridge in the "
        "eyes of the rule, and the best amount of it depends on the share of facts alone."
    ),
    alt=(
        "First panel: both errors against the inverse squared width of a Gaussian kernel. The share of facts wrong "
        "falls to zero as the kernel gets narrower; the error on new inputs has a shallow minimum near one. Second "
        "panel: how the kernel is divided. The constant part falls from one to zero, the linear part rises and falls "
        "with its largest value at one half, the part that fits single samples rises from zero to one."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0), 2.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5, 0.7), 0.2, symbol="ε"),
        Control("lam", "ridge strength", (1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0), 1e-3, symbol="λ"),
        Control("eta", "inverse squared width", WIDTHS, 0.01, symbol="η"),
    ),
    outputs=(
        GEN,
        MEM,
        *(Output(name, 0.0, 1.0, decimals=4) for name in ("constant", "linear", "private")),
        Output("degrees", 0.0, 90.0, decimals=3),
    ),
    panels=(ERRORS, SHARES),
    compute=compute,
    readings=(
        "The kernel's angle is {degrees:.1f}°: {linear:.1%} of it is linear in the input and {private:.1%} fits single "
        "samples. The learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts wrong.",
    ),
)
