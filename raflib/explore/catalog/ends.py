"""The saddle-point chapter: both errors from a pure rule (Part I) to pure facts (Part II)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.catalog.shared import (
    ERROR_RANGE,
    ERROR_TICKS,
    GEN,
    MEM,
    Results,
    both_errors,
    error_marks,
    for_each_loss,
)
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Panel


def compute(loss: NDArray[np.str_], alpha: Array, gamma: Array, lam: Array, eps: Array) -> Results:
    """Both errors; at eps = 0 the memorization error is that of a single fact among samples of the rule."""
    task, features = rf.RulesAndFacts(alpha, eps), rf.Kernel.from_angle(np.radians(gamma))

    def one(name: str) -> Results:
        gen, mem = both_errors(task, name, features, lam)
        return {"gen": gen, "mem": mem, "case": np.where(eps == 0.0, 0.0, np.where(eps == 1.0, 2.0, 1.0)) + 0.0 * gen}

    return for_each_loss(loss, one)


SHARES = tuple(round(0.05 * k, 2) for k in range(21))

AGAINST_EPS = Panel(
    x_label="fraction of facts ε",
    y_label="error",
    x_range=(-0.03, 1.03),
    y_range=ERROR_RANGE,
    x_ticks=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    y_ticks=ERROR_TICKS,
    x_format=".1f",
    y_format=".0%",
    drag_x="eps",
    marks=error_marks("eps"),
)

ENDS = Explorer(
    name="ends",
    title="From a pure rule to pure facts",
    question=(
        "Hinge loss, γ = 0°, α = 4. Before you move ε from end to end, once with λ = 1 and once with λ = 0.01: is a "
        "fact harder to keep among samples of a rule (ε = 0: a single fact) or among other facts (ε = 1)?"
    ),
    answer=(
        "It depends on the ridge. At λ = 1 a fact is forgotten in 38.4% of all cases among samples of the rule and in "
        "28.9% among facts: the rule is the harder company. At λ = 0.01 it is the other way round, 5.8% against 25.5%, "
        "and the worst place is in between, 27.7% around ε = 0.35. A small ridge leaves a learner of the pure rule "
        "almost free, since the rule's samples ask for hardly anything that the rule does not give; the first facts "
        "use this freedom up."
    ),
    alt=(
        "First panel: both errors against the fraction of facts from zero to one. The generalization error rises to "
        "one half; the memorization error falls, rises, or has a maximum in between, depending on the ridge. Second "
        "panel: the same curve in the plane of the two errors, from the end of a pure rule to the end of pure facts."
    ),
    controls=(
        Control("loss", "loss", ("square", "hinge"), "hinge"),
        Control("alpha", "samples per dimension", (0.5, 1.5, 2.0, 4.0, 8.0), 4.0, symbol="α"),
        Control("gamma", "kernel angle", (0.0, 10.0, 20.0, 30.0, 45.0), 0.0, symbol="γ", format=".0f"),
        Control("lam", "ridge strength", (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), 1.0, symbol="λ"),
        Control("eps", "fraction of facts", SHARES, 0.5, symbol="ε", format=".2f"),
    ),
    outputs=(GEN, MEM),
    panels=(
        AGAINST_EPS,
        replace(
            AGAINST_EPS,
            x_label="rule E_gen",
            y_label="facts E_mem",
            x_range=ERROR_RANGE,
            x_ticks=ERROR_TICKS,
            x_format=".0%",
            drag_x="",
            marks=(
                Curve("gen", "mem", over="eps", colour="here", label="from rule to facts"),
                Dot("gen", "mem", colour="fact", label="{mem:.1%}"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "A pure rule, {loss} loss, α = {alpha}, γ = {gamma}°, λ = {lam}: {gen:.1%} of new inputs are wrong, and a "
        "single fact, planted among these samples, is forgotten in {mem:.1%} of all cases.",
        "A share {eps} of facts, {loss} loss, α = {alpha}, γ = {gamma}°, λ = {lam}: {gen:.1%} of new inputs and "
        "{mem:.1%} of the facts are wrong.",
        "Facts alone, {loss} loss, α = {alpha}, γ = {gamma}°, λ = {lam}: nothing can be said about new inputs, "
        "{gen:.1%} of them are wrong, and {mem:.1%} of the facts.",
    ),
)
