"""The overparameterization chapter: both errors of random features as there are more and more of them."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import ERROR_RANGE, ERROR_TICKS, GEN, MEM, Results, both_errors, error_marks
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel


def compute(alpha: Array, eps: Array, gamma: Array, lam: Array, kappa: Array) -> Results:
    """Both errors of ridge regression on random features, and of the kernel that they tend to."""
    task = rf.RulesAndFacts(alpha, eps)
    mu1, mu_star = np.cos(np.radians(gamma)), np.sin(np.radians(gamma))
    gen, mem = both_errors(task, "square", rf.RandomFeatures(mu1, mu_star, kappa), lam)
    wide_gen, wide_mem = both_errors(task, "square", rf.Kernel(mu1, mu_star), lam)
    return {
        "gen": gen,
        "mem": mem,
        "wide_gen": wide_gen,
        "wide_mem": wide_mem,
        "case": np.where(kappa < alpha, 0.0, np.where(kappa > alpha, 2.0, 1.0)),
    }


WIDTHS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0,
          10.0, 15.0, 20.0, 30.0, 50.0, 100.0)  # fmt: skip
LOADS = (0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0)

AGAINST_WIDTH = Panel(
    x_label="features per input dimension κ",
    y_label="error",
    x_range=(0.09, 112.0),
    y_range=ERROR_RANGE,
    x_ticks=(0.1, 1.0, 10.0, 100.0),
    y_ticks=ERROR_TICKS,
    y_format=".0%",
    x_log=True,
    drag_x="kappa",
    marks=error_marks("kappa"),
)

AGAINST_LOAD = Panel(
    x_label="samples per dimension α",
    y_label="share of facts wrong E_mem",
    x_range=(0.18, 22.5),
    y_range=ERROR_RANGE,
    x_ticks=(0.2, 1.0, 10.0),
    y_ticks=ERROR_TICKS,
    y_format=".0%",
    x_log=True,
    drag_x="alpha",
    marks=(
        Curve("alpha", "mem", over="alpha", colour="fact", label="at this κ", dash="dashed"),
        Curve("alpha", "wide_mem", over="alpha", colour="quiet", label="kernel, κ → ∞", dash="dotted"),
        Dot("alpha", "mem", colour="fact", label="{mem:.1%}"),
    ),
)

NEURONS = Explorer(
    name="neurons",
    title="More and more random features",
    question=(
        "With α = 2, the learner starts with fewer features than samples, κ = 0.8. Give it more, up to one feature "
        "for each sample, κ = 2. It will get fewer of its facts wrong. Does its error on new inputs fall as well? And "
        "what happens when there are many more features than samples?"
    ),
    answer=(
        "The error on new inputs rises: from 35.4% at κ = 0.8 to 41.8% at κ = 2, while the facts wrong fall from "
        "22.1% to none. At κ = 2 there are just enough weights to meet every label, and meeting them costs huge "
        "weights. Beyond, both errors are small at once: at κ = 10 no fact is wrong and 29.2% of new inputs are, at "
        "κ = 100 it is 26.8%, and the kernel that the features tend to has 26.6%."
    ),
    alt=(
        "First panel: both errors against the number of features per input dimension. The share of facts wrong falls "
        "to zero where features become as many as samples; the error on new inputs falls, has a peak at that place if "
        "the ridge is small, and falls again towards a plateau. Second panel: the share of facts wrong against the "
        "load, for this width and for the kernel of infinite width, which stays lower."
    ),
    controls=(
        Control("alpha", "samples per dimension", LOADS, 2.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5), 0.2, symbol="ε"),
        Control("gamma", "angle of the activation", (5.0, 10.0, 20.0, 30.0, 45.0, 60.0), 20.0, symbol="γ"),
        Control("lam", "ridge strength", (1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0), 1e-3, symbol="λ"),
        Control("kappa", "features per input dimension", WIDTHS, 0.8, symbol="κ", format=".3g"),
    ),
    outputs=(GEN, MEM, Output("wide_gen"), Output("wide_mem")),
    panels=(AGAINST_WIDTH, AGAINST_LOAD),
    compute=compute,
    readings=(
        "There are fewer features than samples. The learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts "
        "wrong; infinitely many features would make it {wide_gen:.1%} and {wide_mem:.1%}.",
        "There are as many features as samples. The learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts "
        "wrong; infinitely many features would make it {wide_gen:.1%} and {wide_mem:.1%}.",
        "There are more features than samples. The learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts "
        "wrong; infinitely many features would make it {wide_gen:.1%} and {wide_mem:.1%}.",
    ),
)
