"""The chapter on rates: how steeply the error on new inputs falls, and what a few facts do to it."""

from __future__ import annotations

from typing import Any

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import LOSSES, Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Output, Panel


def compute(alpha: Array, eps: Array, lam: Array) -> Results:
    """Error, as a power of ten, and local exponent of ridge regression, the support vector machine and Bayes."""
    task = rf.RulesAndFacts(alpha, eps)
    learners: dict[str, rf.Learner | rf.BayesOptimal] = {
        "ridge": rf.Learner(LOSSES["square"], rf.Linear(), lam),
        "svm": rf.Learner(LOSSES["hinge"], rf.Linear(), lam),
        "bayes": rf.BayesOptimal(),
    }
    found: Results = {}
    for name, learner in learners.items():
        error = np.asarray(rf.generalization_error(rf.solve(task, learner)))
        found[name] = error
        found[f"{name}_power"] = np.log10(error)
        found[f"{name}_slope"] = np.asarray(rf.rate(learner, eps, alpha))
    return found


LOADS = tuple(float(f"{10 ** (k / 2):.2g}") for k in range(1, 17))
X_AXIS: dict[str, Any] = {
    "x_label": "samples per dimension α",
    "x_range": (2.5, 1.3e8),
    "x_ticks": (10.0, 1e3, 1e5, 1e7),
    "x_log": True,
    "drag_x": "alpha",
}

SLOPE = Explorer(
    name="slope",
    title="How steeply does the error fall?",
    question=(
        "Without facts the support vector machine at λ = 1 settles at the exponent −2/3. Make one sample in ten "
        "thousand a fact (ε = 0.0001). At which load does its exponent leave −2/3: α = 100, 10⁴, 10⁶, or never, and "
        "for which other value? And do you put that off with a larger λ or with a smaller one?"
    ),
    answer=(
        "Between 10⁴ and 10⁶: the exponent is −0.663 at α = 10⁴, −0.616 at 10⁶ and −0.506 at 10⁸, on its way to "
        "−1/2. A larger λ puts it off: with λ = 100 the exponent at α = 10⁸ is −0.616, what it was at 10⁶ with "
        "λ = 1; with λ = 0.01 it is −0.500. One fact in a hundred is enough for −0.540 at α = 10⁴ and λ = 1. The "
        "Bayes-optimal learner is at −1.000 all the time."
    ),
    alt=(
        "First panel: the error on new inputs, as a power of ten, against the load on a logarithmic axis; three "
        "falling lines, Bayes the steepest, ridge regression the shallowest, and the support vector machine between "
        "them. Second panel: the slopes of these lines, that is the local exponents. Bayes goes to minus one, ridge "
        "regression to minus one half; the support vector machine goes to minus two thirds without facts, and with "
        "facts turns to minus one half later on."
    ),
    controls=(
        Control("alpha", "samples per dimension", LOADS, 1e4, symbol="α", format=".2g"),
        Control("eps", "fraction of facts", (0.0, 0.0001, 0.001, 0.01, 0.1, 0.3, 0.5), 0.0, symbol="ε"),
        Control("lam", "ridge strength", (0.01, 0.1, 1.0, 10.0, 100.0), 1.0, symbol="λ"),
    ),
    outputs=tuple(
        output
        for name in ("ridge", "svm", "bayes")
        for output in (
            Output(name, 0.0, 0.5, decimals=9),
            Output(f"{name}_power", -9.0, 0.0, decimals=4),
            Output(f"{name}_slope", -1.3, 0.1, decimals=4),
        )
    ),
    panels=(
        Panel(
            **X_AXIS,
            y_label="E_gen as a power of ten",
            y_range=(-9.3, 0.2),
            y_ticks=(-9.0, -6.0, -3.0, 0.0),
            y_format=".0f",
            marks=(
                Curve("alpha", "ridge_power", over="alpha", colour="square", label="ridge"),
                Curve("alpha", "svm_power", over="alpha", colour="hinge", label="SVM", dash="dashed"),
                Curve("alpha", "bayes_power", over="alpha", colour="rule", label="Bayes"),
                Dot("alpha", "svm_power", colour="hinge", label="{svm:.2g}"),
            ),
        ),
        Panel(
            **X_AXIS,
            y_label="local exponent",
            y_range=(-1.13, 0.03),
            y_ticks=(-1.0, -0.75, -0.5, -0.25, 0.0),
            y_format=".2f",
            marks=(
                Note(3.2e6, -0.79, "−2/3"),
                Curve("alpha", "ridge_slope", over="alpha", colour="square", label="ridge"),
                Curve("alpha", "svm_slope", over="alpha", colour="hinge", label="SVM", dash="dashed"),
                Curve("alpha", "bayes_slope", over="alpha", colour="rule", label="Bayes"),
                Dot("alpha", "svm_slope", colour="hinge", label="{svm_slope:.3f}"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "At α = {alpha}, ε = {eps} and λ = {lam} the exponents are {ridge_slope:.3f} for ridge regression, "
        "{svm_slope:.3f} for the support vector machine and {bayes_slope:.3f} for the Bayes-optimal learner; the "
        "errors are {ridge:.2g}, {svm:.2g} and {bayes:.2g}.",
    ),
)
