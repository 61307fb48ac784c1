"""The teacher-student chapter: Hebb's rule beside ridge regression and the best that any learner can do."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import ERROR_RANGE, ERROR_TICKS, GEN, HEBB, MEM, Results, both_errors
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel


def compute(alpha: Array, eps: Array, lam: Array) -> Results:
    """Both errors of Hebb's rule and of ridge regression, and the smallest generalization error of any learner."""
    task = rf.RulesAndFacts(alpha, eps)
    gen, mem = both_errors(task, "square", rf.Linear(), lam)
    hebb_gen, hebb_mem = both_errors(task, "square", rf.Linear(), np.asarray(HEBB))
    best = np.asarray(rf.generalization_error(rf.solve(task, rf.BayesOptimal(), on_failure="nan")))
    return {
        "gen": gen,
        "mem": mem,
        "hebb_gen": hebb_gen,
        "hebb_mem": hebb_mem,
        "best": best,
        "case": np.where(eps > 0, 1.0, 0.0),
    }


LOADS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 16.0, 20.0, 30.0, 50.0, 100.0)


def panel(y_label: str, *marks: Curve | Dot) -> Panel:
    """One of the two errors against the load."""
    return Panel(
        x_label="samples per dimension α",
        y_label=y_label,
        x_range=(0.09, 112.0),
        y_range=ERROR_RANGE,
        x_ticks=(0.1, 1.0, 10.0, 100.0),
        y_ticks=ERROR_TICKS,
        y_format=".0%",
        x_log=True,
        drag_x="alpha",
        marks=marks,
    )


HEBB_AND_RIDGE = Explorer(
    name="hebb",
    title="Hebb's rule, ridge regression, and the best there is",
    question=(
        "Note the error of Hebb's rule on new inputs at α = 1 and ε = 0, where every label follows the rule. Then "
        "turn half of the labels into coins, ε = 0.5. Half of the samples still teach the rule. Does it make up for "
        "the loss to double α, or is that too little?"
    ),
    answer=(
        "Doubling is too little. The error goes from 28.6% to 37.9%, and at α = 2 it is 33.6%; only at α = 4 is it "
        "back at 28.6%. A fact is worse than a sample that is missing: it adds nothing to the signal and as much to "
        "the noise as any other sample, so that a share 1 − ε of rule samples is worth (1 − ε)² of the load. The "
        "share of facts lost meanwhile goes from 21.7% to 34.8%."
    ),
    alt=(
        "First panel: the error on new inputs against the number of samples per dimension, for Hebb's rule, for ridge "
        "regression and for the best possible learner. All fall from near one half, Hebb's rule more slowly at large "
        "loads; a small ridge has a hump around one sample per dimension. Second panel: the share of facts wrong, "
        "which rises with the load for both learners, and is larger for Hebb's rule."
    ),
    controls=(
        Control("alpha", "samples per dimension", LOADS, 1.0, symbol="α"),
        Control("eps", "fraction of facts", (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9), 0.0, symbol="ε"),
        Control("lam", "ridge strength", (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0), 0.3, symbol="λ"),
    ),
    outputs=(GEN, MEM, Output("hebb_gen"), Output("hebb_mem"), Output("best")),
    panels=(
        panel(
            "error on new inputs E_gen",
            Curve("alpha", "hebb_gen", over="alpha", colour="rule", label="Hebb"),
            Curve("alpha", "gen", over="alpha", colour="square", label="ridge", dash="dashed"),
            Curve("alpha", "best", over="alpha", colour="quiet", label="best possible", dash="dotted"),
            Dot("alpha", "gen", colour="square", label="{gen:.1%}"),
            Dot("alpha", "hebb_gen", colour="rule", label="{hebb_gen:.1%}"),
        ),
        panel(
            "share of facts wrong E_mem",
            Curve("alpha", "hebb_mem", over="alpha", colour="fact", label="Hebb"),
            Curve("alpha", "mem", over="alpha", colour="square", label="ridge", dash="dashed"),
            Dot("alpha", "mem", colour="square", label="{mem:.1%}"),
            Dot("alpha", "hebb_mem", colour="fact", label="{hebb_mem:.1%}"),
        ),
    ),
    compute=compute,
    readings=(
        "With labels from the rule alone and α = {alpha}, Hebb's rule gets {hebb_gen:.1%} of new inputs wrong, ridge "
        "regression {gen:.1%}, and no learner fewer than {best:.1%}. A fact added to this training set would be lost "
        "with probability {hebb_mem:.1%} and {mem:.1%}.",
        "On new inputs Hebb's rule is wrong in {hebb_gen:.1%} of cases, ridge regression in {gen:.1%}, and no learner "
        "in fewer than {best:.1%}. Of the facts that it was shown, Hebb's rule gets {hebb_mem:.1%} wrong and ridge "
        "regression {mem:.1%}.",
    ),
)
