"""The landing page: one learner that finds the rule and remembers the exceptions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.catalog.shared import (
    BEST,
    GEN,
    LAM,
    LOSS,
    MEM,
    Results,
    errors_against_lam,
    errors_and_best,
    for_each_loss,
)
from raflib.explore.spec import Array, Control, Explorer


def compute(alpha: Array, eps: Array, gamma: Array, loss: NDArray[np.str_], lam: Array) -> Results:
    """Both errors of a kernel learner of angle `gamma` (degrees), and the best ridge."""
    task, features = rf.RulesAndFacts(alpha, eps), rf.Kernel.from_angle(np.radians(gamma))
    return for_each_loss(loss, lambda name: errors_and_best(task, name, features, lam))


ANGLES = tuple(range(0, 90, 10))

HERO = Explorer(
    name="hero",
    title="One learner, two jobs: find the rule, remember the exceptions",
    question=(
        "At the ridge best for the rule, the vertical line, a linear learner (γ = 0°) gets three of "
        "ten facts wrong. Raise γ and follow the line: can a kernel learner get the facts right "
        "without losing anything on the rule?"
    ),
    answer=(
        "Yes. With the square loss, α = 3 and ε = 0.2, the best λ falls from 1.5 at γ = 0° to "
        "0.014 at γ = 50°. The error on new inputs at the line stays 21.1% all the way, while the "
        "facts wrong there fall from 30.2% to 0.2% at 40° and to none at 50°. Beyond that the best "
        "λ is as small as can be and the rule starts to pay: 21.3% at 60°, 22.9% at 80°."
    ),
    alt=(
        "Two curves against the ridge strength on a logarithmic axis. The share of new inputs "
        "classified wrongly falls to a minimum at the marked ridge strength and rises again; the "
        "share of facts remembered wrongly only grows with the ridge strength."
    ),
    controls=(
        Control(
            "alpha",
            "samples per dimension",
            (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0),
            default=3.0,
            symbol="α",
        ),
        Control("eps", "fraction of facts", (0.05, 0.1, 0.2, 0.3, 0.5, 0.8), 0.2, symbol="ε"),
        Control(
            "gamma",
            "kernel angle",
            tuple(float(g) for g in ANGLES),
            default=0.0,
            symbol="γ",
            labels=tuple(f"{g}°" for g in ANGLES),
        ),
        LOSS,
        LAM,
    ),
    outputs=(GEN, MEM, *BEST),
    panels=(errors_against_lam("new inputs wrong E_gen", "facts wrong E_mem"),),
    compute=compute,
    readings=(
        "At λ = {lam} the learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts wrong; "
        "the λ best for the rule, {lam_best:.2g}, would make it {gen_best:.1%} and {mem_best:.1%}.",
        "At λ = {lam} the learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts wrong; "
        "here the rule is learned best at the smallest λ, with {gen_best:.1%} and {mem_best:.1%}.",
    ),
)
