"""The chapter on width: what the field on a new input is made of, as there are more and more features."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel, Rule


def compute(alpha: Array, eps: Array, gamma: Array, lam: Array, kappa: Array) -> Results:
    """Shares of the field's variance on a new input: the rule, linear noise, private noise; and the overlap."""
    mu1, mu_star = np.cos(np.radians(gamma)), np.sin(np.radians(gamma))
    learner = rf.Learner(rf.Square(), rf.RandomFeatures(mu1, mu_star, kappa), lam)
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), learner, on_failure="nan")
    m, q = np.asarray(sol.m), np.asarray(sol.q)
    # Equation eq-wide-private of the chapter: mu_star^2 |a|^2 / p of ridge regression, at lam -> 0+ as well.
    c = (1.0 - eps) * np.sqrt(2.0 / np.pi)
    J, t = m / c, (mu_star / mu1) ** 2
    h = 1.0 + t / (1.0 - J) ** 2
    private = t * J**2 / (kappa - J**2) * (h * (1.0 + q - 2.0 * c * m) / alpha + c**2)
    return {
        "m": m,
        "rule": m**2 / q,
        "seen": 1.0 - private / q,
        "private": private / q,
        "gen": np.asarray(rf.generalization_error(sol)),
        "mem": np.asarray(rf.memorization_error(sol)),
        "peak": np.asarray(alpha),
    }


# Never equal to a load: without ridge, as many features as samples have no solution.
WIDTHS = (0.25, 0.35, 0.5, 0.7, 0.85, 0.95, 1.05, 1.2, 1.4, 1.6, 1.8, 1.9, 2.1, 2.25, 2.5, 3.0, 3.5, 3.8, 4.2, 4.6,
          5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0)  # fmt: skip

SHARES = Panel(
    x_label="features per input dimension κ",
    y_label="share of the field's variance",
    x_range=(0.22, 230.0),
    y_range=(-0.03, 1.03),
    x_ticks=(1.0, 10.0, 100.0),
    y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    y_format=".0%",
    x_log=True,
    drag_x="kappa",
    marks=(
        Rule("peak", label="κ = α"),
        Curve("kappa", "rule", over="kappa", colour="rule", label="up to here: rule"),
        Curve("kappa", "seen", over="kappa", colour="quiet", label="then linear noise", dash="dotted"),
        Dot("kappa", "rule", colour="rule", label="{rule:.0%}"),
        Dot("kappa", "seen", colour="fact", label="private above, {private:.0%}"),
    ),
)

OVERLAP = Panel(
    x_label="features per input dimension κ",
    y_label="overlap m with the rule",
    x_range=(0.22, 230.0),
    y_range=(0.0, 0.82),
    x_ticks=(1.0, 10.0, 100.0),
    y_ticks=(0.0, 0.2, 0.4, 0.6, 0.8),
    y_format=".1f",
    x_log=True,
    drag_x="kappa",
    marks=(
        Rule("peak", label="κ = α"),
        Curve("kappa", "m", over="kappa", colour="rule", label="your λ"),
        Curve("kappa", "m", over="kappa", colour="quiet", label="λ → 0⁺", dash="dotted", at=(("lam", 0.0),)),
        Dot("kappa", "m", colour="rule", label="{m:.3f}"),
    ),
)

CROWD = Explorer(
    name="crowd",
    title="What does a wide learner gain?",
    question=(
        "Ridgeless regression, λ → 0⁺, with κ = 2.5 features per input dimension, a few more than samples, gets 44.4% "
        "of new inputs wrong. Give it a hundred: the error falls by a third. Watch the second panel, and then what the "
        "first one says: does the learner now know more of the rule, so that its overlap m has grown?"
    ),
    answer=(
        "No. The overlap is m = 0.327 at κ = 2.5, at κ = 100 and at every width above κ = α. The error falls from "
        "44.4% to 28.7% because the learner gets quieter: the private noise, which the stored labels make on a new "
        "input, falls from 65.5% of the field's variance to 4.3%. With a ridge, λ = 1, the overlap does grow, but less "
        "and less."
    ),
    alt=(
        "First panel: how the variance of the field on a new input is divided, against the number of features. The "
        "rule's share is small near one feature per sample and grows beyond; a layer of linear noise lies above it, "
        "and on top a layer of private noise that is thick near one feature per sample and gets thin for many. Second "
        "panel: the overlap with the rule rises up to one feature per sample and is flat beyond, if there is no ridge."
    ),
    controls=(
        Control("alpha", "samples per dimension", (1.0, 2.0, 4.0), 2.0, symbol="α"),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5, 0.7), 0.3, symbol="ε"),
        Control("gamma", "angle of the activation", (10.0, 20.0, 35.0, 45.0, 55.0, 70.0), 45.0, symbol="γ",
                format=".0f"),
        Control("lam", "ridge strength", (0.0, 0.01, 0.1, 0.3, 1.0, 3.0), 0.0, symbol="λ",
                labels=("0⁺", "0.01", "0.1", "0.3", "1", "3")),
        Control("kappa", "features per input dimension", WIDTHS, 2.5, symbol="κ", format=".3g"),
    ),
    outputs=(
        Output("m", 0.0, 1.0, decimals=4),
        *(Output(name, 0.0, 1.0, decimals=4) for name in ("rule", "seen", "private")),
        Output("gen"),
        Output("mem"),
        Output("peak", 0.0, 10.0, decimals=1),
    ),
    panels=(SHARES, OVERLAP),
    compute=compute,
    readings=(
        "At κ = {kappa} and λ = {lam} the overlap with the rule is m = {m:.3f}; {rule:.1%} of the field's variance on "
        "a new input is the rule, {private:.1%} is private noise. The learner gets {gen:.1%} of new inputs and "
        "{mem:.1%} of its facts wrong.",
    ),
)  # fmt: skip
