"""The chapter on algorithms: message passing step by step, and how fast each learner's weights stand still."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.bayes import bayes_map
from raflib.explore.catalog.shared import ERROR_RANGE, ERROR_TICKS, LOSS, LOSSES, Results, for_each_loss
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Output, Panel

LAST = 20
CLOSE = 0.01  # in error: one point of a hundred


def compute(alpha: Array, eps: Array, lam: Array, loss: NDArray[np.str_], step: Array) -> Results:
    """Errors along the path of message passing, of a learner and of the posterior mean, and their speeds."""
    steps = np.rint(step).astype(int)

    def along(learner: rf.Learner | rf.BayesOptimal) -> Array:
        path = rf.finite.state_evolution(rf.RulesAndFacts(alpha, eps), learner, steps=LAST)
        errors = np.broadcast_to(path.generalization_error, (LAST + 1, *np.broadcast(alpha, eps, lam, loss).shape))
        at = np.broadcast_to(steps, (*errors.shape[1:-1], steps.size))
        return np.take_along_axis(np.moveaxis(errors, 0, -1)[..., 0, :], at, axis=-1)

    def one(name: str) -> Results:
        learner = rf.Learner(LOSSES[name], rf.Linear(), lam)
        end = rf.solve(rf.RulesAndFacts(alpha, eps), learner, on_failure="nan")
        V = np.asarray(end.V)
        # The replicon, and its root: what a step leaves of the distance of the weights from their end.
        replicon = alpha * (V / (1.0 + V)) ** 2 if name == "square" else V * np.asarray(end.V_hat)
        return {
            "wrong": along(learner),
            "end": np.asarray(rf.generalization_error(end)),
            "factor": np.sqrt(replicon),
        }

    posterior = np.asarray(rf.solve(rf.RulesAndFacts(alpha, eps), rf.BayesOptimal()).q)
    flat = [np.broadcast_to(x, posterior.shape).ravel() for x in (alpha, eps, posterior / (1.0 - posterior))]
    found = for_each_loss(loss, one)
    gap = found["wrong"] - found["end"]
    return {
        **found,
        "bayes": along(rf.BayesOptimal()),
        "factor_bayes": np.sqrt(bayes_map(*flat)[1]).reshape(posterior.shape),
        "case": np.where(gap > CLOSE, 0.0, np.where(gap < -CLOSE, 2.0, 1.0)),
    }


SPEED: dict[str, Any] = {
    "x_label": "samples per dimension α",
    "x_range": (0.18, 11.0),
    "x_ticks": (0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    "x_log": True,
}

STEPS = Explorer(
    name="steps",
    title="Twenty steps of message passing",
    question=(
        "Ridge regression with λ = 0.01, one sample per dimension, three facts in ten. The first step is Hebb's rule, "
        "and it gets 33.8% of new inputs wrong. Do the further steps improve on it? And with twice as many samples, "
        "α = 2, is the end reached in more steps, or in fewer?"
    ),
    answer=(
        "They spoil it: the error climbs to 41.1%, because the end is a learner that stores nearly every label. At "
        "α = 2 it climbs as well, from 28.7% to 31.0%, but it is there sooner: a step leaves 0.70 of the distance of "
        "the weights from their end, where at α = 1 it leaves 0.90. Half a sample per dimension is as quick as "
        "two, 0.69. With λ = 3 the further steps help, if only from 33.8% to 33.2%."
    ),
    alt=(
        "First panel: the error on new inputs against the step, from one half at step 0. The posterior mean falls to "
        "a plateau in a few steps; ridge regression with a small ridge falls in the first step and then rises. Second "
        "panel: the factor by which a step shrinks the distance of the weights from their end, against the samples "
        "per dimension; that of a small ridge has a peak at one sample per dimension."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0), 1.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.3, 0.5), 0.3, symbol="ε"),
        Control("lam", "ridge strength", (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0), 0.01, symbol="λ"),
        LOSS,
        Control("step", "step", tuple(float(t) for t in range(LAST + 1)), 1.0, symbol="t", format=".0f"),
    ),
    outputs=(
        Output("wrong"),
        Output("bayes"),
        Output("end"),
        Output("factor", 0.0, 1.0, decimals=4),
        Output("factor_bayes", 0.0, 1.0, decimals=4),
    ),
    panels=(
        Panel(
            x_label="step",
            y_label="error on new inputs E_gen",
            x_range=(-0.6, LAST + 0.6),
            y_range=ERROR_RANGE,
            x_ticks=(0.0, 5.0, 10.0, 15.0, 20.0),
            y_ticks=ERROR_TICKS,
            x_format=".0f",
            y_format=".0%",
            drag_x="step",
            marks=(
                Curve("step", "bayes", over="step", colour="rule", label="posterior mean", dash="dashed"),
                Curve("step", "wrong", over="step", colour="square", label="learner"),
                Dot("step", "wrong", colour="square", label="{wrong:.1%}"),
            ),
        ),
        Panel(
            **SPEED,
            y_label="share of the distance left by a step",
            y_range=(0.0, 1.09),
            y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
            drag_x="alpha",
            marks=(
                Curve("alpha", "factor_bayes", over="alpha", colour="rule", label="posterior mean", dash="dashed"),
                Curve("alpha", "factor", over="alpha", colour="square", label="learner"),
                Dot("alpha", "factor", colour="square", label="{factor:.2f}"),
                Note(2.4, 1.03, "at 1 nothing stands still"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "At step {step} the learner is wrong on {wrong:.1%} of new inputs and still improves: it will end at "
        "{end:.1%}. A step leaves {factor:.2f} of the distance of its weights from their end.",
        "At step {step} the learner is wrong on {wrong:.1%} of new inputs, within a point of its end, {end:.1%}. "
        "A step leaves {factor:.2f} of the distance of its weights from their end.",
        "At step {step} the learner is wrong on {wrong:.1%} of new inputs, and it should stop now: it will end at "
        "{end:.1%}. A step leaves {factor:.2f} of the distance of its weights from their end.",
    ),
)
