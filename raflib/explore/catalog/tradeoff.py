"""The linear chapter: what a linear learner gains on one error it loses on the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.catalog.shared import (
    BEST,
    ERROR_RANGE,
    ERROR_TICKS,
    GEN,
    LAM,
    LOSS,
    MEM,
    Results,
    errors_against_lam,
    errors_and_best,
    for_each_loss,
)
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Note, Panel


def compute(alpha: Array, eps: Array, loss: NDArray[np.str_], lam: Array) -> Results:
    """Both errors of the linear learner for each loss, and the ridge best for the rule."""
    task = rf.RulesAndFacts(alpha, eps)
    return for_each_loss(loss, lambda name: errors_and_best(task, name, rf.Linear(), lam))


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
        Note(0.12, 0.03, "↙ both jobs done"),
        Curve("gen", "mem", over="lam", colour="square", label="square", at=(("loss", "square"),)),
        Curve("gen", "mem", over="lam", colour="hinge", label="hinge", at=(("loss", "hinge"),),
              dash="dashed"),
        Dot("gen_best", "mem_best", colour="quiet", label="best for the rule"),
        Dot("gen", "mem", colour="here", label="λ = {lam}"),
    ),
)  # fmt: skip

TRADEOFF = Explorer(
    name="tradeoff",
    title="The linear trade-off",
    question=(
        "Stay with the square loss and remember the λ that is best for the rule at α = 2. Now give "
        "the learner twice as many samples of the same kind, α = 4. Does the best λ move? And at "
        "the best λ, does the learner get a larger or a smaller share of its facts wrong?"
    ),
    answer=(
        "The best λ does not move: with the square loss it is 2.2 for every α. The error on new "
        "inputs there falls from 27.6% to 21.6%, but the share of facts wrong grows from 23.2% to "
        "34.1%: more samples bring more facts, and the learner has no more weights to store them "
        "in. With the hinge loss the best λ does move, from 1.1 to 0.6."
    ),
    alt=(
        "First panel: memorization error against generalization error, one curve for the square "
        "loss and one for the hinge loss, each traced by the ridge strength. Neither comes near "
        "the lower left corner, where both errors would be zero. Second panel: both errors of the "
        "chosen loss against the ridge strength; the memorization error grows with it, while the "
        "generalization error has a minimum."
    ),
    controls=(
        Control(
            "alpha",
            "samples per dimension",
            (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, 15.0, 30.0),
            default=2.0,
            symbol="α",
        ),
        Control(
            "eps",
            "fraction of facts",
            (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
            default=0.3,
            symbol="ε",
        ),
        LOSS,
        LAM,
    ),
    outputs=(GEN, MEM, *BEST),
    panels=(PLANE, errors_against_lam()),
    compute=compute,
    readings=(
        "At λ = {lam} the learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts wrong; "
        "the λ best for the rule, {lam_best:.2g}, would make it {gen_best:.1%} and {mem_best:.1%}.",
        "At λ = {lam} the learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts wrong; "
        "here the rule is learned best at the smallest λ, with {gen_best:.1%} and {mem_best:.1%}.",
    ),
)
