"""The chapter on width: from which width on every label is met, for the square and for the hinge loss."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import ERROR_RANGE, ERROR_TICKS, Results, both_errors
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel, Rule


def hinge_onset(alpha: Array, eps: Array, gamma: Array) -> Array:
    """Width kappa whose threshold of the hinge loss is alpha: the threshold grows with kappa, and is inverted."""
    widths = np.geomspace(1e-3, 1e2, 2001)
    mu1, mu_star = np.cos(np.radians(gamma)), np.sin(np.radians(gamma))
    found = np.empty(np.broadcast_shapes(alpha.shape, eps.shape, gamma.shape))
    for place in np.ndindex(found.shape):
        load, share, first, second = (float(np.broadcast_to(a, found.shape)[place]) for a in (alpha, eps, mu1, mu_star))
        learner = rf.Learner(rf.Hinge(), rf.RandomFeatures(first, second, widths), 0)
        found[place] = np.interp(load, np.asarray(rf.interpolation_threshold(learner, share)), widths)
    return found


def compute(alpha: Array, eps: Array, gamma: Array, kappa: Array) -> Results:
    """Both errors of both losses without ridge, and the widths from which on each meets every label."""
    task = rf.RulesAndFacts(alpha, eps)
    features = rf.RandomFeatures(np.cos(np.radians(gamma)), np.sin(np.radians(gamma)), kappa)
    lam = np.zeros(1)
    square_gen, square_mem = both_errors(task, "square", features, lam)
    hinge_gen, hinge_mem = both_errors(task, "hinge", features, lam)
    hinge_at = hinge_onset(alpha, eps, gamma)
    return {
        "square_gen": square_gen,
        "square_mem": square_mem,
        "hinge_gen": hinge_gen,
        "hinge_mem": hinge_mem,
        "square_at": np.asarray(alpha),
        "hinge_at": hinge_at,
        "case": np.where(kappa < hinge_at, 0.0, np.where(kappa < alpha, 1.0, 2.0)),
    }


# Never equal to a load: without ridge, as many features as samples have no solution for the square loss.
WIDTHS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.05, 1.2, 1.35, 1.5, 1.65, 1.8, 1.9, 2.1, 2.25, 2.5, 2.75, 3.1, 3.4,
          3.8, 4.2, 4.6, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0)  # fmt: skip


def against_width(y_label: str, square: str, hinge: str) -> Panel:
    """One error of both losses against the number of features, with a line at each threshold."""
    return Panel(
        x_label="features per input dimension κ",
        y_label=y_label,
        x_range=(0.18, 112.0),
        y_range=ERROR_RANGE,
        x_ticks=(1.0, 10.0, 100.0),
        y_ticks=ERROR_TICKS,
        y_format=".0%",
        x_log=True,
        drag_x="kappa",
        marks=(
            Rule("hinge_at", label="", colour="hinge"),  # two names would run into each other on a phone
            Rule("square_at", label="κ = α", colour="square", dash="solid"),
            Curve("kappa", square, over="kappa", colour="square", label="square"),
            Curve("kappa", hinge, over="kappa", colour="hinge", label="hinge", dash="dashed"),
            Dot("kappa", square, colour="square", label=f"{{{square}:.1%}}"),
            Dot("kappa", hinge, colour="hinge", label=f"{{{hinge}:.1%}}"),
        ),
    )


ONSET = Explorer(
    name="onset",
    title="How wide must a learner be to meet every label?",
    question=(
        "Without ridge each loss has a width from which on it meets every label: the vertical lines, in the colours "
        "of the losses. Half of the labels are facts now. Let facts become rare, ε = 0.05: with so little to store, "
        "are a few features enough? Which of the two lines moves, and how far? And does the error of the hinge loss on "
        "new inputs have a peak at its line, as that of the square loss has?"
    ),
    answer=(
        "The line of the square loss stays at κ = α = 2. That of the hinge loss moves, but only from 0.95 to 0.81. "
        "So narrow a learner does not see the rule well, and a rule sample that it would get wrong needs to be stored "
        "like a fact. The error of the square loss climbs towards one half at its line; that of the hinge loss has "
        "only a low bump there: at ε = 0.5 it is 43.9% at κ = 0.7, 44.5% at κ = 1.05 and 43.6% at κ = 1.35."
    ),
    alt=(
        "Two panels against the number of features per input dimension, for learners without ridge. First, the error "
        "on new inputs: the square loss rises to one half at as many features as samples and falls beyond; the hinge "
        "loss has only a low bump at its own, smaller threshold. Second, the share of facts wrong: both fall to zero "
        "at their thresholds, the hinge loss earlier."
    ),
    controls=(
        Control("alpha", "samples per dimension", (1.0, 2.0, 4.0), 2.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9), 0.5, symbol="ε"),
        Control("gamma", "angle of the activation", (20.0, 35.0, 45.0, 55.0), 35.0, symbol="γ", format=".0f"),
        Control("kappa", "features per input dimension", WIDTHS, 0.5, symbol="κ", format=".3g"),
    ),
    outputs=(
        Output("square_gen"),
        Output("square_mem"),
        Output("hinge_gen"),
        Output("hinge_mem"),
        Output("square_at", 0.0, 10.0, decimals=1),
        Output("hinge_at", 0.0, 10.0, decimals=4),
    ),
    panels=(
        against_width("generalization error E_gen", "square_gen", "hinge_gen"),
        against_width("memorization error E_mem", "square_mem", "hinge_mem"),
    ),
    compute=compute,
    readings=(
        "At κ = {kappa}, γ = {gamma}° neither loss meets every label: of the facts the square loss gets "
        "{square_mem:.1%} wrong and the hinge loss {hinge_mem:.1%}, of new inputs {square_gen:.1%} and "
        "{hinge_gen:.1%}. The hinge loss would need κ = {hinge_at:.3g}, the square loss κ = {square_at:.1f}.",
        "At κ = {kappa}, γ = {gamma}° the hinge loss meets every label and the square loss does not yet, with "
        "{square_mem:.1%} of its facts wrong; of new inputs the square loss gets {square_gen:.1%} wrong, the hinge "
        "loss {hinge_gen:.1%}.",
        "At κ = {kappa}, γ = {gamma}° both losses meet every label; of new inputs the square loss gets "
        "{square_gen:.1%} wrong and the hinge loss {hinge_gen:.1%}.",
    ),
)
