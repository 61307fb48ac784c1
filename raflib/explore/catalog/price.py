"""The chapter on rates: what it costs at large loads to remember the facts, for two losses."""

from __future__ import annotations

from typing import Any

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import ERROR_TICKS, Results, both_errors
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel


def compute(alpha: Array, eps: Array, share: Array, lam: Array) -> Results:
    """Error on new inputs times the root of the load, and facts wrong, of a kernel with nonlinear share mu_star^2."""
    task = rf.RulesAndFacts(alpha, eps)
    kernel = rf.Kernel(np.sqrt(1.0 - share), np.sqrt(share))
    found: Results = {}
    for name, loss in (("ridge", "square"), ("svm", "hinge")):
        gen, mem = both_errors(task, loss, kernel, lam)
        found[name] = np.sqrt(alpha) * gen
        found[f"{name}_mem"] = mem
    found["case"] = np.where(found["svm"] < found["ridge"], 0.0, 1.0)
    return found


RIDGES = (*(float(f"{digit}e{power}") for power in range(-3, 3) for digit in (1, 2, 5)), 1000.0)
X_AXIS: dict[str, Any] = {
    "x_label": "ridge strength λ",
    "x_range": (0.7e-3, 1.4e3),
    "x_ticks": (1e-3, 1e-1, 10.0, 1e3),
    "x_log": True,
    "drag_x": "lam",
}

PRICE = Explorer(
    name="price",
    title="What does memory cost when data is plentiful?",
    question=(
        "At α = 10⁶ and μ⋆² = 0.5, move λ to where the support vector machine has the smallest error on new inputs, "
        "and note its share of facts wrong there. Now take a kernel that is nearly linear, μ⋆² = 0.05. Does the best "
        "λ move? Does the share of facts wrong at the best λ move? And at the smallest λ, where every fact is stored: "
        "which of the two losses has paid for it?"
    ),
    answer=(
        "The best λ moves with the kernel, from 0.5 to 0.05: it is μ⋆² itself. The share of facts wrong there does "
        "not move: 13.0% both times. At the smallest λ the support vector machine has paid, √α E_gen is 0.470 "
        "instead of 0.356, as if it had lost 43% of its samples; ridge regression has paid nothing, 0.473 at every "
        "λ up to 1000, where the facts are forgotten as well."
    ),
    alt=(
        "First panel: error on new inputs times the root of the load, against the ridge. Ridge regression is a level "
        "line; the support vector machine has a sharp minimum below it and a plateau almost as high as the line at "
        "small ridges. Second panel: share of facts wrong against the ridge, rising from zero to one half for both "
        "losses."
    ),
    controls=(
        Control("alpha", "samples per dimension", (10.0, 100.0, 1e3, 1e4, 1e6), 1e6, symbol="α", format=".2g"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5), 0.3, symbol="ε"),
        Control("share", "nonlinear share of the kernel", (0.02, 0.05, 0.1, 0.2, 0.5), 0.5, symbol="μ⋆²"),
        Control("lam", "ridge strength", RIDGES, 20.0, symbol="λ"),
    ),
    outputs=(
        Output("ridge", 0.0, 1.6, decimals=4),
        Output("svm", 0.0, 1.6, decimals=4),
        Output("ridge_mem"),
        Output("svm_mem"),
    ),
    panels=(
        Panel(
            **X_AXIS,
            y_label="√α × error on new inputs E_gen",
            y_range=(0.0, 0.85),
            y_ticks=(0.0, 0.2, 0.4, 0.6, 0.8),
            y_format=".1f",
            marks=(
                Curve("lam", "ridge", over="lam", colour="square", label="square"),
                Curve("lam", "svm", over="lam", colour="hinge", label="hinge", dash="dashed"),
                Dot("lam", "ridge", colour="square", label="{ridge:.3f}"),
                Dot("lam", "svm", colour="hinge", label="{svm:.3f}"),
            ),
        ),
        Panel(
            **X_AXIS,
            y_label="facts wrong E_mem",
            y_range=(-0.015, 0.6),
            y_ticks=ERROR_TICKS,
            y_format=".0%",
            marks=(
                Curve("lam", "ridge_mem", over="lam", colour="square", label="square"),
                Curve("lam", "svm_mem", over="lam", colour="hinge", label="hinge", dash="dashed"),
                Dot("lam", "ridge_mem", colour="square", label="{ridge_mem:.1%}"),
                Dot("lam", "svm_mem", colour="hinge", label="{svm_mem:.1%}"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "At α = {alpha}, ε = {eps}, μ⋆² = {share} and λ = {lam} the support vector machine is ahead on the rule, "
        "{svm:.3f}/√α against {ridge:.3f}/√α, and gets {svm_mem:.1%} of its facts wrong; ridge regression gets "
        "{ridge_mem:.1%} wrong.",
        "At α = {alpha}, ε = {eps}, μ⋆² = {share} and λ = {lam} ridge regression is ahead on the rule, "
        "{ridge:.3f}/√α against {svm:.3f}/√α, and gets {ridge_mem:.1%} of its facts wrong; the support vector "
        "machine gets {svm_mem:.1%} wrong.",
    ),
)
