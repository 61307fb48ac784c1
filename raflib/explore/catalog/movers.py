"""The linear chapter: whose margins were moved to make the noise in a student, and how much noise memory needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

import raflib as rf
from raflib.explore.catalog.shared import (
    ERROR_RANGE,
    ERROR_TICKS,
    GEN,
    LAM,
    LOSS,
    LOSSES,
    MEM,
    Results,
    for_each_loss,
)
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel
from raflib.gaussian import density, tilted_mean, truncated_moments


def moved(loss: str, q: Array, V: Array, k: Array, eps: Array) -> Array:
    """Return E[(x - u)^2]: how far training moves the margins of a group of samples, u = sqrt(q) t, t of weight P."""
    if loss == "square":  # x - u = V (1 - u) / (1 + V)
        return np.asarray((V / (1.0 + V)) ** 2 * (1.0 - 2.0 * np.sqrt(q) * tilted_mean(k, eps) + q))
    short = truncated_moments((1.0 - V) / np.sqrt(q), k, eps)  # moved by V
    right = truncated_moments(1.0 / np.sqrt(q), k, eps)  # between the kinks: moved by 1 - u
    on = [b - a for a, b in zip(short[:3], right[:3], strict=True)]
    return np.asarray(V**2 * short.i0 + on[0] - 2.0 * np.sqrt(q) * on[1] + q * on[2])


def needed(alpha: Array, eps: Array, mem: Array) -> Array:
    """Return the noise without which no linear classifier gets as few of its facts wrong, at most 1."""
    h = ndtri(np.maximum(mem, 1e-300))
    return np.asarray(np.minimum(alpha * eps * (0.5 - mem + h * density(h)), 1.0))


def compute(alpha: Array, eps: Array, loss: NDArray[np.str_], lam: Array, wrong: Array) -> Results:
    """Both errors, the noise s / q of the student, the part of it that is made by facts, and the noise they need."""

    def one(name: str) -> Results:
        sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(LOSSES[name], rf.Linear(), lam))
        mem = np.asarray(rf.memorization_error(sol))
        s, q, V = np.asarray(sol.s), np.asarray(sol.q), np.asarray(sol.V)
        by_facts = alpha * eps * moved(name, q, V, np.zeros_like(q), np.ones_like(q))
        least = needed(alpha, eps, mem)
        return {
            "gen": np.asarray(rf.generalization_error(sol)),
            "mem": mem,
            "noise": s / q,
            "by_facts": by_facts / q,
            "share": by_facts / s,
            "least": least,
            "least_gen": np.arcsin(np.sqrt(least)) / np.pi,
        }

    limit = needed(alpha, eps, wrong)
    return {**for_each_loss(loss, one), "limit": np.arcsin(np.sqrt(limit)) / np.pi}


WRONG = tuple(0.5 * (k / 25) ** 2 for k in range(26))  # close steps near 0, where the limit is steep

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
        Curve("limit", "wrong", over="wrong", colour="quiet", label="no linear classifier", shade=True, width=1.6),
        Curve("gen", "mem", over="lam", colour="square", label="square", at=(("loss", "square"),)),
        Curve("gen", "mem", over="lam", colour="hinge", label="hinge", at=(("loss", "hinge"),), dash="dashed"),
        Dot("gen", "mem", colour="here", label="λ = {lam}"),
    ),
)

NOISE = Panel(
    x_label="ridge strength λ",
    y_label="share of squared length",
    x_range=(0.7e-4, 1.4e2),
    y_range=(-0.03, 1.03),
    x_ticks=(1e-4, 1e-2, 1.0, 1e2),
    y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    y_format=".0%",
    x_log=True,
    drag_x="lam",
    marks=(
        Curve("lam", "noise", over="lam", colour="here", label="noise s/q"),
        Curve("lam", "by_facts", over="lam", colour="fact", label="made by facts", dash="dashed"),
        Curve("lam", "least", over="lam", colour="quiet", label="least needed", dash="dotted"),
        Dot("lam", "noise", colour="here", label="{noise:.0%}"),
        Dot("lam", "by_facts", colour="fact", label="{by_facts:.0%}"),
    ),
)

MOVERS = Explorer(
    name="movers",
    title="Who turns the student away from the teacher?",
    question=(
        "With the hinge loss at λ = 100 every sample pulls alike, so the facts, 30% of the samples, make 30% of the "
        "student's noise. Lower λ until every fact is stored, at α = 2. Who makes the noise now: the facts nearly "
        "alone, both about equally, or the rule samples as before? And if only one sample in twenty is a fact, "
        "ε = 0.05, at α = 4: what share is theirs?"
    ),
    answer=(
        "Both about equally: at λ = 0.0001 the facts make 49% of the noise, which has grown from 62% to 77% of the "
        "squared length. The rest is made by rule samples. A student turned away from the teacher finds more of them "
        "on its wrong side, and as it cannot tell them from facts it moves them too. At ε = 0.05 and α = 4 the facts "
        "make 34%, seven times their share of the samples. Of the squared length that is 11%, hardly more than the 10% "
        "that they need at least, the dotted line. With no other noise a student would get 10.2% of new inputs wrong, "
        "not 19.5%."
    ),
    alt=(
        "First panel: memorization error against generalization error. A shaded region at the lower left is closed to "
        "linear classifiers; to the right of it run the curves of the square and of the hinge loss, traced by the "
        "ridge strength. Second panel: the noise in the student, as a share of its squared length, against the ridge "
        "strength, below it the part of the noise that was made by moving facts, and lowest the part that is needed "
        "for the facts that are remembered."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0), 2.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5, 0.8), 0.3, symbol="ε"),
        Control(LOSS.name, LOSS.label, LOSS.values, "hinge"),
        Control(LAM.name, LAM.label, LAM.values, 100.0, symbol=LAM.symbol),
        Control("wrong", "facts wrong, on the limit", WRONG, 0.0, format=".4f", hidden=True),
    ),
    outputs=(
        GEN,
        MEM,
        Output("noise", 0.0, 1.0, decimals=4),
        Output("by_facts", 0.0, 1.0, decimals=4),
        Output("share", 0.0, 1.0, decimals=4),
        Output("least", 0.0, 1.0, decimals=4),
        Output("least_gen", 0.0, 0.5, decimals=4),
        Output("limit", 0.0, 0.5, decimals=4),
    ),
    panels=(PLANE, NOISE),
    compute=compute,
    readings=(
        "α = {alpha}, ε = {eps}, {loss} loss, λ = {lam}: {gen:.1%} of new inputs and {mem:.1%} of the facts are wrong. "
        "Noise is {noise:.1%} of its squared length, and facts made {share:.0%} of it. To remember as many, a student "
        "needs {least:.1%}, and would get {least_gen:.1%} of new inputs wrong.",
    ),
)
