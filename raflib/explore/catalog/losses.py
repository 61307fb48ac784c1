"""The chapter on empirical risk: three losses, each at the reader's ridge and at its own best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.catalog.shared import (
    BEST,
    ERROR_RANGE,
    ERROR_TICKS,
    GEN,
    MEM,
    Results,
    errors_and_best,
    for_each_loss,
)
from raflib.explore.spec import Array, Control, Curve, Dash, Dot, Explorer, Output, Panel, log_grid


def compute(alpha: Array, eps: Array, loss: NDArray[np.str_], lam: Array) -> Results:
    """Both errors of each loss on the ridges of the grid and at the best one, and the least error of any learner."""
    task = rf.RulesAndFacts(alpha, eps)
    found = for_each_loss(loss, lambda name: errors_and_best(task, name, rf.Linear(), lam))
    found["bayes"] = np.asarray(rf.generalization_error(rf.solve(task, rf.BayesOptimal(), on_failure="nan")))
    found["ratio"] = found["gen_best"] / found["bayes"]
    return found


LOADS = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 15.0)
LINES: tuple[tuple[str, str, Dash], ...] = (
    ("square", "square", "solid"),
    ("hinge", "hinge", "dashed"),
    ("logistic", "here", "dotted"),
)

AGAINST_LAM = Panel(
    x_label="ridge strength λ",
    y_label="error on new inputs E_gen",
    x_range=(0.8e-3, 1.25e2),
    y_range=ERROR_RANGE,
    x_ticks=(1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0),
    y_ticks=ERROR_TICKS,
    y_format=".0%",
    x_log=True,
    drag_x="lam",
    marks=(
        *(
            Curve("lam", "gen", over="lam", colour=colour, label=name, dash=dash, at=(("loss", name),))
            for name, colour, dash in LINES
        ),
        Dot("lam_best", "gen_best", colour="quiet", label="best: {gen_best:.1%}"),
        Dot("lam", "gen", colour="rule", label="{gen:.1%}"),
    ),
)

AT_THE_BEST = Panel(
    x_label="samples per dimension α",
    y_label="E_gen at its best λ / smallest possible",
    x_range=(0.27, 17.0),
    y_range=(0.93, 2.32),
    x_ticks=(0.3, 1.0, 3.0, 10.0),
    y_ticks=(1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2),
    y_format=".1f",
    x_log=True,
    drag_x="alpha",
    marks=(
        *(
            Curve("alpha", "ratio", over="alpha", colour=colour, label=name, dash=dash, at=(("loss", name),))
            for name, colour, dash in LINES
        ),
        Dot("alpha", "ratio", colour="rule", label="{gen_best:.1%}"),
    ),
)

LOSSES_AND_RIDGES = Explorer(
    name="losses",
    title="Three losses, each at its best",
    question=(
        "Let every loss have its own best λ. At α = 10 and ε = 0, where all labels follow the rule, compare the three: "
        "which is best, and by how much? Now turn three labels in ten into coins, ε = 0.3. Does the same loss win?"
    ),
    answer=(
        "No. Without facts the logistic loss wins: 4.4%, as good as any learner can be to the digits shown, before the "
        "hinge with 4.8% and the square with 7.8%. With ε = 0.3 the hinge has 13.0%, the logistic loss 14.4% and the "
        "square 14.5%, and the best possible learner has 11.1%. Against facts the best logistic regression keeps its "
        "weights so small that it sees no more of its loss than slope and curvature at zero, and that is a square "
        "loss. The hinge has its kink at margin 1 and keeps it."
    ),
    alt=(
        "First panel: generalization error against the ridge strength, one curve each for the square, the hinge and "
        "the logistic loss, each with a minimum at a place of its own. Second panel: the error at the best ridge, "
        "divided by the smallest possible error, against the number of samples per dimension. Three curves start "
        "near one and part at large loads."
    ),
    controls=(
        Control("alpha", "samples per dimension", LOADS, 10.0, symbol="α"),
        Control("eps", "fraction of facts", (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7), 0.0, symbol="ε"),
        Control("loss", "loss", ("square", "hinge", "logistic"), "square"),
        Control("lam", "ridge strength", log_grid(1e-3, 1e2, 5), 1.0, symbol="λ"),
    ),
    outputs=(GEN, MEM, *BEST, Output("bayes"), Output("ratio", 0.99, 3.0, decimals=4)),
    panels=(AGAINST_LAM, AT_THE_BEST),
    compute=compute,
    readings=(
        "With the {loss} loss and λ = {lam} the learner gets {gen:.1%} of new inputs wrong, at its best λ, "
        "{lam_best:.2g}, {gen_best:.1%}; no learner can do better than {bayes:.1%}.",
        "With the {loss} loss and λ = {lam} the learner gets {gen:.1%} of new inputs wrong; the smallest λ is best, "
        "with {gen_best:.1%}; no learner can do better than {bayes:.1%}.",
    ),
)
