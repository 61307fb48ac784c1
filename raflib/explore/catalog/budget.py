"""The open problem: what a study must spend to tell one exponent from another."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel

PLACES = np.linspace(0.0, 1.0, 5)
"""Where the five loads of a study lie, from the first to the last, on a logarithmic axis."""


def compute(first: Array, reach: Array, seeds: Array, spread: Array, eps: Array) -> Results:
    """Slopes fitted to five loads, for a kernel that stores the facts and for Bayes, and what can be told apart."""
    x = np.log(first[..., None]) + np.log(reach[..., None]) * PLACES
    task = rf.RulesAndFacts(np.exp(x), eps[..., None])
    kernel = rf.Learner(rf.MinNorm(), rf.Kernel.from_angle(np.radians(60.0)), 1.0)  # ridge to 0: every fact stored
    deviation = x - x.mean(axis=-1, keepdims=True)
    squares = np.square(deviation).sum(axis=-1)

    def fitted(learner: rf.Learner | rf.BayesOptimal) -> Array:
        errors = np.asarray(rf.generalization_error(rf.solve(task, learner)))
        return np.asarray((deviation * np.log(errors)).sum(axis=-1) / squares)

    slow, fast = fitted(kernel), fitted(rf.BayesOptimal())
    blur = spread / np.sqrt(seeds * squares)
    return {
        "slow": slow,
        "fast": fast,
        "blur": blur,
        "needed": 3.0 * np.sqrt(2.0) * blur,
        "gap": slow - fast,
        "last": first * reach,
        "case": np.where(slow - fast > 3.0 * np.sqrt(2.0) * blur, 0.0, 1.0),
    }


SLOPES = Panel(
    x_label="first load of the study α",
    y_label="fitted exponent",
    x_range=(0.85, 150.0),
    y_range=(-1.12, -0.1),
    x_ticks=(1.0, 10.0, 100.0),
    y_ticks=(-1.0, -0.75, -0.5, -0.25),
    y_format=".2f",
    x_log=True,
    drag_x="first",
    marks=(
        Curve("first", "slow", over="first", colour="square", label="kernel"),
        Curve("first", "fast", over="first", colour="rule", label="Bayes", dash="dashed"),
        Dot("first", "slow", colour="square", label="{slow:.2f}"),
        Dot("first", "fast", colour="rule", label="{fast:.2f}"),
    ),
)

POWER = Panel(
    x_label="networks at each load",
    y_label="difference of exponents",
    x_range=(1.8, 72.0),
    y_range=(0.0, 1.32),
    x_ticks=(2.0, 4.0, 8.0, 16.0, 32.0, 64.0),
    y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0, 1.25),
    x_format=".0f",
    y_format=".2f",
    x_log=True,
    drag_x="seeds",
    marks=(
        Curve("seeds", "needed", over="seeds", colour="fact", label="seen at 3 standard errors", dash="dashed"),
        Curve("seeds", "gap", over="seeds", colour="here", label="what there is to see"),
        Dot("seeds", "needed", colour="fact", label="{needed:.2f}"),
        Dot("seeds", "gap", colour="here", label="{gap:.2f}"),
    ),
)

BUDGET = Explorer(
    name="budget",
    title="Can this study tell a half from one?",
    question=(
        "Eight networks at each of five loads from α = 2 to 8, and the error of one network scatters by 20%. Which "
        "is worth more: four times as many networks, or a last load eight times as far away? And what exponents "
        "would a perfect kernel and a perfect Bayes learner show on these loads: −1/2 and −1?"
    ),
    answer=(
        "The farther load. As it stands, a difference of 0.27 would be seen at three standard errors, and there is "
        "0.13 to see. Four times as many networks see 0.14, which is still not enough; the farther load sees 0.11 and "
        "leaves 0.32 to see, because Bayes becomes steeper on the way. And no, not −1/2 and −1: from 2 to 8 the "
        "kernel shows −0.39 and Bayes −0.52. A study of small loads that waits for −1 waits for something that the "
        "best learner does not do there."
    ),
    alt=(
        "First panel: the exponent that a straight line through five loads gives, against the first of them. That of "
        "a kernel falls to minus one half, that of the Bayes-optimal learner to minus one, and at small loads the two "
        "are close. Second panel: the smallest difference of exponents that is seen at three standard errors, falling "
        "with the number of networks, and a level line, the difference that there is."
    ),
    controls=(
        Control("first", "first load", (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0), 2.0, symbol="α", format=".0f"),
        Control("reach", "last load over the first", (2.0, 4.0, 8.0, 16.0, 32.0), 4.0, format=".0f"),
        Control("seeds", "networks at each load", (2.0, 4.0, 8.0, 16.0, 32.0, 64.0), 8.0, format=".0f"),
        Control("spread", "scatter of one network's error", (0.05, 0.1, 0.2), 0.2, format=".0%"),
        Control("eps", "fraction of facts", (0.1, 0.3, 0.5), 0.3, symbol="ε"),
    ),
    outputs=(
        Output("slow", -1.2, 0.0, decimals=4),
        Output("fast", -1.2, 0.0, decimals=4),
        Output("blur", 0.0, 0.5, decimals=4),
        Output("needed", 0.0, 1.5, decimals=4),
        Output("gap", 0.0, 1.0, decimals=4),
        Output("last", 1.0, 5000.0, decimals=1),
    ),
    panels=(SLOPES, POWER),
    compute=compute,
    readings=(
        "On loads from {first} to {last:.4g} at ε = {eps}, a kernel that stores every fact shows the exponent "
        "{slow:.3f} and Bayes {fast:.3f}. {seeds} networks a load with a scatter of {spread} give each exponent to "
        "±{blur:.3f}: this study can tell the two apart.",
        "On loads from {first} to {last:.4g} at ε = {eps}, a kernel that stores every fact shows the exponent "
        "{slow:.3f} and Bayes {fast:.3f}. {seeds} networks a load with a scatter of {spread} give each exponent to "
        "±{blur:.3f}: this study cannot tell the two apart.",
    ),
)
