"""The storing chapter: margins of facts and of rules after training, and three shares of wrong labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.catalog.shared import (
    ERROR_RANGE,
    ERROR_TICKS,
    GEN,
    LOSS,
    LOSSES,
    MEM,
    Results,
    for_each_loss,
)
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel, log_grid


def compute(alpha: Array, eps: Array, loss: NDArray[np.str_], lam: Array, margin: Array) -> Results:
    """Errors on facts, on rule samples and on all, and the laws of the margins of the first two."""
    task = rf.RulesAndFacts(alpha[..., 0], eps[..., 0])  # the hidden axis runs over margins of one and the same learner

    def one(name: str) -> Results:
        sol = rf.solve(task, rf.Learner(LOSSES[name], rf.Linear(), lam[..., 0]), on_failure="nan")
        on = rf.training_errors(sol)
        law = rf.margin_distribution(sol)
        single = {
            "gen": rf.generalization_error(sol),
            "mem": on.facts,
            "rules": on.rules,
            "train": rf.training_error(sol),
        }
        return {
            **{key: np.asarray(value)[..., None] for key, value in single.items()},
            "below_fact": np.asarray(law.facts.cdf(margin.ravel())),
            "below_rule": np.asarray(law.rules.cdf(margin.ravel())),
        }

    return {
        **for_each_loss(loss, one),
        "zero": np.zeros_like(margin),
        "case": np.where(eps < 1, 0.0, 1.0),
    }


# Steps of 0.1, and one just below 1, so that a finite share of samples at margin 1 is drawn as a step.
MARGINS = tuple(sorted((0.9999, *(round(0.1 * k, 1) for k in range(-15, 26)))))

LAWS = Panel(
    x_label="margin x after training",
    y_label="share of samples with a margin up to x",
    x_range=(-1.6, 2.6),
    y_range=(-0.03, 1.03),
    x_ticks=(-1.0, 0.0, 1.0, 2.0),
    y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    y_format=".0%",
    marks=(
        Curve("margin", "below_fact", over="margin", colour="fact", label="facts", dash="dashed"),
        Curve("margin", "below_rule", over="margin", colour="rule", label="rule samples"),
        Dot("zero", "mem", colour="fact", label="{mem:.1%}"),
        Dot("zero", "rules", colour="rule", label="{rules:.1%}"),
    ),
)

SHARES = Panel(
    x_label="ridge strength λ",
    y_label="share of labels wrong",
    x_range=(0.7e-3, 1.4e2),
    y_range=ERROR_RANGE,
    x_ticks=(1e-3, 1e-1, 1e1),
    y_ticks=ERROR_TICKS,
    y_format=".0%",
    x_log=True,
    drag_x="lam",
    marks=(
        Curve("lam", "mem", over="lam", colour="fact", label="facts E_mem", dash="dashed"),
        Curve("lam", "train", over="lam", colour="here", label="all E_train", dash="dotted"),
        Curve("lam", "rules", over="lam", colour="rule", label="rule samples"),
        Dot("lam", "mem", colour="fact", label="{mem:.1%}"),
        Dot("lam", "train", colour="here", label="{train:.1%}"),
    ),
)

STORED = Explorer(
    name="stored",
    title="Training error is not memorization error",
    question=(
        "Ridge regression at α = 4, λ = 1. Make the facts rarer: lower ε from 0.3 to 0.1. The training error halves. "
        "Does the learner get a smaller share of its facts wrong, the same share, or a larger one?"
    ),
    answer=(
        "A larger one. The training error falls from 16.0% to 8.0%, and the share of facts wrong rises from 33.4% to "
        "35.2%. There are fewer facts to count, and the rule samples, of which 8.5% are wrong before and 4.9% after, "
        "are right because the rule helps them and not because they were stored. A student that follows the rule more "
        "closely is harder to bend to an exception."
    ),
    alt=(
        "First panel: the cumulative distribution of the margin after training, for facts and for samples of the rule. "
        "Both are step-like curves that rise from zero to one; the facts' lies to the left, and what it has at margin "
        "zero is the memorization error. Second panel: the share of wrong labels among facts, among all samples and "
        "among rule samples, against the ridge strength; the three differ by far and all rise at large ridges."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.5, 0.9, 1.2, 1.5, 2.0, 3.0, 4.0, 8.0), 4.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0), 0.3, symbol="ε"),
        LOSS,
        Control("lam", "ridge strength", log_grid(1e-3, 1e2, 2), 1.0, symbol="λ"),
        Control("margin", "margin after training", MARGINS, 0.0, symbol="x", format=".2f", hidden=True),
    ),
    outputs=(
        GEN,
        MEM,
        Output("rules"),
        Output("train"),
        Output("below_fact", 0.0, 1.0, decimals=3),
        Output("below_rule", 0.0, 1.0, decimals=3),
        Output("zero", 0.0, 1.0, decimals=0),
    ),
    panels=(LAWS, SHARES),
    compute=compute,
    readings=(
        "The training error is {train:.1%}, but {mem:.1%} of the facts are wrong: the rule samples, with {rules:.1%}, "
        "make up most of the mean. On new inputs the learner is wrong in {gen:.1%} of cases.",
        "All labels are coins, so that the training error and the memorization error are the same, {mem:.1%}. New "
        "inputs are guessed. The rule's curve is that of a single rule sample among coins.",
    ),
)
