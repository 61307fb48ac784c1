"""The Bayes-optimal chapter: the vote of all students, one student drawn from the posterior, and ridge regression."""

from __future__ import annotations

from typing import Any

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import ERROR_RANGE, ERROR_TICKS, GEN, Results, both_errors
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Output, Panel


def compute(alpha: Array, eps: Array, lam: Array) -> Results:
    """Generalization errors of ridge regression, of the posterior's vote and of one draw from the posterior."""
    task = rf.RulesAndFacts(alpha, eps)
    gen, _ = both_errors(task, "square", rf.Linear(), lam)
    posterior = rf.solve(task, rf.BayesOptimal(), on_failure="nan")
    bayes = np.asarray(rf.generalization_error(posterior))
    gibbs = np.asarray(rf.gibbs_error(posterior))
    return {
        "gen": gen,
        "bayes": bayes,
        "gibbs": gibbs,
        "ratio": gibbs / bayes,
        "case": np.where(gen < gibbs, 0.0, 1.0),
    }


LOADS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 14.0, 20.0, 30.0, 50.0, 100.0)
X_AXIS: dict[str, Any] = {
    "x_label": "samples per dimension α",
    "x_range": (0.09, 112.0),
    "x_ticks": (0.1, 1.0, 10.0, 100.0),
}

VOTE = Explorer(
    name="vote",
    title="All students who may be right, or one of them",
    question=(
        "The Gibbs student is drawn from the posterior: it knows how the labels are made. Ridge regression at λ = 3 "
        "fits coins as readily as rules. At α = 1 and ε = 0.3, which of the two makes fewer errors on new inputs? And "
        "at which α do they change places, if they do?"
    ),
    answer=(
        "Ridge regression: 33.2% against 41.8%, and the best that any learner can do is 33.1%. It stays ahead up to "
        "α = 12, with 13.3% against 13.5%; at α = 14 the Gibbs student has 11.8% and ridge regression 12.4%. One draw "
        "from the posterior carries the whole uncertainty of the posterior in it, which a vote, or a least-squares "
        "fit, averages away. In the long run it pays more to know that a label is a sign and not a number."
    ),
    alt=(
        "First panel: the error on new inputs against the number of samples per dimension. The vote of all students "
        "of the posterior is lowest everywhere; ridge regression follows it closely at small loads and falls behind "
        "at large ones; a single student drawn from the posterior is worse than ridge regression at small loads and "
        "better at large ones. Second panel: the error of the single student over that of the vote, which rises from "
        "near 1 to the square root of 2."
    ),
    controls=(
        Control("alpha", "samples per dimension", LOADS, 1.0, symbol="α", format=".3g"),
        Control("eps", "fraction of facts", (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9), 0.3, symbol="ε"),
        Control("lam", "ridge strength", (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), 3.0, symbol="λ"),
    ),
    outputs=(GEN, Output("bayes"), Output("gibbs"), Output("ratio", 1.0, 2.0, decimals=4)),
    panels=(
        Panel(
            **X_AXIS,
            y_label="error on new inputs E_gen",
            y_range=ERROR_RANGE,
            y_ticks=ERROR_TICKS,
            y_format=".0%",
            x_log=True,
            drag_x="alpha",
            marks=(
                Curve("alpha", "gibbs", over="alpha", colour="fact", label="one student (Gibbs)"),
                Curve("alpha", "gen", over="alpha", colour="square", label="ridge", dash="dashed"),
                Curve("alpha", "bayes", over="alpha", colour="rule", label="the vote (Bayes)"),
                Dot("alpha", "gen", colour="square"),
                Dot("alpha", "gibbs", colour="fact", label="{gibbs:.1%}"),
                Dot("alpha", "bayes", colour="rule", label="{bayes:.1%}"),
            ),
        ),
        Panel(
            **X_AXIS,
            y_label="one student's error over the vote's",
            y_range=(0.97, 1.55),
            y_ticks=(1.0, 1.1, 1.2, 1.3, 1.4, 1.5),
            y_format=".1f",
            x_log=True,
            drag_x="alpha",
            marks=(
                Curve("alpha", "ratio", over="alpha", colour="fact"),
                Dot("alpha", "ratio", colour="fact", label="{ratio:.3f}"),
                Note(14.0, 1.47, "√2 = 1.414 as α → ∞"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "The vote of all students is wrong on {bayes:.1%} of new inputs, and no learner can do better. Ridge "
        "regression is wrong on {gen:.1%}, and one student drawn from the posterior, worse than ridge, on {gibbs:.1%}.",
        "The vote of all students is wrong on {bayes:.1%} of new inputs, and no learner can do better. One student "
        "drawn from the posterior is wrong on {gibbs:.1%}, and ridge regression, no better than that, on {gen:.1%}.",
    ),
)
