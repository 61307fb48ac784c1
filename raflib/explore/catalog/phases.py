"""The model's chapter: what a linear learner can store, and what it learns meanwhile."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import (
    ERROR_RANGE,
    ERROR_TICKS,
    GEN,
    MEM,
    Results,
    both_errors,
    error_marks,
)
from raflib.explore.spec import (
    Array,
    Control,
    Curve,
    Dot,
    Explorer,
    Note,
    Output,
    Panel,
    Rule,
    log_grid,
)


def compute(alpha: Array, eps: Array, lam: Array, eps_line: Array) -> Results:
    """Errors of the linear hinge learner, and the load beyond which no learner stores all."""
    gen, mem = both_errors(rf.RulesAndFacts(alpha, eps), "hinge", rf.Linear(), lam)
    boundary = np.asarray(rf.capacity(eps))
    return {
        "gen": gen,
        "mem": mem,
        "boundary": boundary,
        "boundary_line": np.asarray(rf.capacity(eps_line)),
        "case": np.where(alpha >= boundary, 2.0, np.where(lam > 0, 1.0, 0.0)),
    }


# Close steps around 2 to 4, where the boundary lies for most fractions of facts. Not 2 itself:
# with facts alone that is the boundary exactly, where the weights have no finite limit.
LOADS = (
    *(0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 1.9),
    *(2.1, 2.2, 2.4, 2.6, 2.8, 3.0, 3.3, 3.6, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0),
    *(9.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 25.0, 30.0),
)
LOAD_RANGE, LOAD_TICKS = (0.28, 32.0), (0.3, 1.0, 3.0, 10.0, 30.0)
RIDGES = log_grid(1e-3, 10, 4)
FRACTIONS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
LINE = (0.0005, 0.001, 0.002, 0.004, 0.007, *(round(0.01 * k, 2) for k in range(1, 101)))

MAP = Panel(
    x_label="samples per dimension α",
    y_label="fraction of facts ε",
    x_range=LOAD_RANGE,
    y_range=(-0.03, 1.03),
    x_ticks=LOAD_TICKS,
    y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    x_log=True,
    drag_x="alpha",
    drag_y="eps",
    marks=(
        Curve("boundary_line", "eps_line", over="eps_line", colour="here", shade=True),
        Note(0.75, 0.62, "every label\ncan be stored"),
        Note(9.0, 0.62, "some labels\nmust be given up"),
        Dot("alpha", "eps", colour="here", label="you are here"),
    ),
)

ERRORS = Panel(
    x_label="samples per dimension α",
    y_label="error",
    x_range=LOAD_RANGE,
    y_range=ERROR_RANGE,
    x_ticks=LOAD_TICKS,
    y_ticks=ERROR_TICKS,
    y_format=".0%",
    x_log=True,
    drag_x="alpha",
    marks=(Rule("boundary", label="boundary"), *error_marks("alpha")),
)

PHASES = Explorer(
    name="phases",
    title="What can be stored, and what is learned meanwhile",
    question=(
        "Keep ε = 0.3 and λ → 0⁺, and raise α through the boundary. Beyond it the learner must "
        "begin to get facts wrong. Will its error on new inputs jump up, go on falling as before, "
        "or fall faster?"
    ),
    answer=(
        "It falls faster. From α = 2.4 to 2.6, still below the boundary at 2.61, the error on new "
        "inputs falls from 33.5% to 33.2%. The next step, to α = 2.8, takes it down to 30.6%, "
        "while the facts wrong go from none to 9.6%. To store every fact the learner must bend "
        "its weights away from the rule; once it may give some facts up, it can turn back."
    ),
    alt=(
        "First panel: a map with the number of samples per dimension across and the fraction of "
        "facts upwards. A curve, at 2 samples per dimension for facts alone and further right the "
        "fewer facts there are, bounds the shaded region where every label can be stored. Second "
        "panel: both errors against the number of samples per dimension. The memorization error "
        "leaves zero at the boundary, where the generalization error bends downwards."
    ),
    controls=(
        Control("alpha", "samples per dimension", LOADS, 1.0, symbol="α"),
        Control("eps", "fraction of facts", FRACTIONS, 0.3, symbol="ε"),
        Control(
            "lam",
            "ridge strength",
            (0.0, *RIDGES),
            default=0.0,
            symbol="λ",
            labels=("0⁺", *(f"{lam:g}" for lam in RIDGES)),
        ),
        Control("eps_line", "fraction of facts on the boundary", LINE, 1.0, format=".4f", hidden=True),
    ),
    outputs=(
        GEN,
        MEM,
        Output("boundary", 0.0, 100.0, decimals=5),
        Output("boundary_line", 0.0, 100.0, decimals=5),
    ),
    panels=(MAP, ERRORS),
    compute=compute,
    readings=(
        "α = {alpha} is below the boundary at {boundary:.3g}: with λ → 0⁺ the learner stores every "
        "fact, and it gets {gen:.1%} of new inputs wrong.",
        "α = {alpha} is below the boundary at {boundary:.3g}: every fact could be stored, but at "
        "λ = {lam} the learner gets {mem:.1%} of them wrong, and {gen:.1%} of new inputs.",
        "α = {alpha} is not below the boundary at {boundary:.3g}, so labels must be given up: at "
        "λ = {lam} the learner gets {mem:.1%} of its facts and {gen:.1%} of new inputs wrong.",
    ),
)
