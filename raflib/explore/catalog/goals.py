"""The open problem: how far the best kernels are from both goals, the facts stored and the error of Bayes."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import ERROR_RANGE, ERROR_TICKS, Results, both_errors
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Output, Panel


def compute(alpha: Array, eps: Array, gamma: Array, lam: Array) -> Results:
    """Both errors of two kernel machines, that on new inputs as a multiple of the Bayes-optimal learner's."""
    task = rf.RulesAndFacts(alpha, eps)
    best = rf.solve(task, rf.BayesOptimal())
    least = np.asarray(rf.generalization_error(best))
    kernel = rf.Kernel.from_angle(np.radians(gamma))
    found: Results = {"bayes_power": np.log10(least), "bayes_gen": least}
    for name, loss in (("ridge", "square"), ("svm", "hinge")):
        gen, found[f"{name}_mem"] = both_errors(task, loss, kernel, lam)
        found[f"{name}_power"] = np.log10(gen)
        found[f"{name}_over"] = np.log10(gen / least)
        found[f"{name}_times"] = gen / least
    return found


RIDGES = (*(float(f"{digit}e{power}") for power in range(-4, 2) for digit in (1, 3)), 100.0)
LOADS = (2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1e3, 1e4)

GOALS = Explorer(
    name="goals",
    title="Two goals, and what stands between",
    question=(
        "The target is the lower left corner: no fact wrong, and the error of the Bayes-optimal learner. At α = 10, "
        "move λ until all facts are stored; the error on new inputs is then 1.3 times that of Bayes. Now take a "
        "hundred times as many samples. Is it still 1.3 times, is it 2 or 3 times, or more than 10? And which of the "
        "two coordinates, facts or rule, keeps ridge regression from the corner then? Can λ or γ help?"
    ),
    answer=(
        "More than 10 times. With the square loss, γ = 60° and λ = 0.0001 all facts are stored at every load; the "
        "error on new inputs is 1.30 times that of Bayes at α = 10, 11.8 times at α = 1000 and 37.3 times at α = 10⁴. "
        "The curve becomes a level line: at α = 1000 and λ = 100, with 49.2% of the facts wrong, it is still 12.0 "
        "times. Memory costs nothing there, and giving it up buys nothing. What keeps a kernel from the corner is "
        "the exponent, and neither λ nor γ changes it."
    ),
    alt=(
        "First panel: error on new inputs over that of the Bayes-optimal learner, as a power of ten, against the "
        "share of facts wrong, traced by the ridge for two kernel machines. The target is the lower left corner. "
        "Second panel: the errors themselves against the load, both axes logarithmic; those of the kernel machines "
        "are parallel and fall half as steeply as that of Bayes."
    ),
    controls=(
        Control("alpha", "samples per dimension", LOADS, 10.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5), 0.3, symbol="ε"),
        Control(
            "gamma",
            "kernel angle",
            (30.0, 45.0, 60.0, 75.0),
            60.0,
            symbol="γ",
            format=".0f",
            labels=("30°", "45°", "60°", "75°"),
        ),
        Control("lam", "ridge strength", RIDGES, 1.0, symbol="λ"),
    ),
    outputs=(
        Output("bayes_power", -5.0, 0.0, decimals=4),
        Output("bayes_gen", 0.0, 0.5, decimals=6),
        *(
            Output(f"{name}_{what}", low, high, decimals=decimals)
            for name in ("ridge", "svm")
            for what, low, high, decimals in (
                ("mem", 0.0, 0.5, 5),
                ("power", -5.0, 0.0, 4),
                ("over", 0.0, 2.6, 4),
                ("times", 0.9, 60.0, 3),
            )
        ),
    ),
    panels=(
        Panel(
            x_label="facts wrong E_mem",
            y_label="E_gen over that of Bayes, 10 to the power",
            x_range=ERROR_RANGE,
            y_range=(-0.08, 2.1),
            x_ticks=ERROR_TICKS,
            y_ticks=(0.0, 0.5, 1.0, 1.5, 2.0),
            x_format=".0%",
            y_format=".1f",
            marks=(
                Note(0.14, 0.0, "← both goals"),
                Curve("ridge_mem", "ridge_over", over="lam", colour="square", label="square"),
                Curve("svm_mem", "svm_over", over="lam", colour="hinge", label="hinge", dash="dashed"),
                Dot("ridge_mem", "ridge_over", colour="square", label="{ridge_times:.3g} times"),
                Dot("svm_mem", "svm_over", colour="hinge"),
            ),
        ),
        Panel(
            x_label="samples per dimension α",
            y_label="E_gen, 10 to the power",
            x_range=(1.6, 1.3e4),
            y_range=(-4.3, -0.2),
            x_ticks=(10.0, 100.0, 1e3, 1e4),
            y_ticks=(-4.0, -3.0, -2.0, -1.0),
            y_format=".0f",
            x_log=True,
            drag_x="alpha",
            marks=(
                Curve("alpha", "ridge_power", over="alpha", colour="square", label="square"),
                Curve("alpha", "svm_power", over="alpha", colour="hinge", label="hinge", dash="dashed"),
                Curve("alpha", "bayes_power", over="alpha", colour="rule", label="Bayes"),
                Dot("alpha", "ridge_power", colour="square"),
                Dot("alpha", "bayes_power", colour="rule"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "At α = {alpha}, ε = {eps}, γ = {gamma} and λ = {lam} the square loss gets {ridge_mem:.1%} of its facts wrong, "
        "and on new inputs it has {ridge_times:.4g} times the error of Bayes, which is {bayes_gen:.3g}; the hinge loss "
        "gets {svm_mem:.1%} of its facts wrong and has {svm_times:.4g} times that error.",
    ),
)
