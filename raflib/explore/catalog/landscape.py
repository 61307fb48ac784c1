"""The Bayes-optimal chapter: the replica-symmetric potential, its one minimum, and what the labels have told."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.bayes import bayes_map, bayes_potential
from raflib.explore.catalog.shared import GEN, Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel, Rule


def compute(alpha: Array, eps: Array, trial: Array) -> Results:
    """The potential at a trial overlap, the overlap its saddle-point equation asks for, and both at the minimum."""
    full = np.broadcast(alpha, eps, trial).shape
    at = [np.broadcast_to(x, full).ravel() for x in (alpha, eps, trial / (1.0 - trial))]
    image = bayes_map(*at)[0].reshape(full)
    bits = alpha * np.log(2.0)  # so that guessing costs 1 per label
    solution = rf.solve(rf.RulesAndFacts(alpha, eps), rf.BayesOptimal(), on_failure="nan")
    coin = np.where(eps > 0.0, eps, 1.0) / 2.0  # at eps = 0 the rule's own labels have no entropy
    noise = np.where(eps > 0.0, -coin * np.log(coin) - (1.0 - coin) * np.log1p(-coin), 0.0)
    return {
        "potential": bayes_potential(*at).reshape(full) / bits,
        "asked": image / (1.0 + image),
        "best": np.asarray(solution.q),
        "lowest": np.asarray(rf.free_energy(solution)) / bits,
        "told": (np.asarray(rf.free_energy(solution)) - alpha * noise) / np.log(2.0),
        "gen": np.asarray(rf.generalization_error(solution)),
        "case": np.where(image > trial / (1.0 - trial), 0.0, 1.0),
    }


OVERLAPS = tuple(round(0.02 * k, 2) for k in range(1, 50))

LANDSCAPE = Explorer(
    name="landscape",
    title="A potential with one minimum, and what the labels have told",
    question=(
        "With rule labels only, ε = 0, one sample per dimension tells 0.86 bits about each weight of the teacher. "
        "How many samples per dimension does it take to tell twice as much, 1.72 bits: 2, fewer, or more? And eight "
        "samples, how many times as much as one?"
    ),
    answer=(
        "More than 2: two samples tell 1.49 bits, and it takes α = 2.5 to tell 1.74. Eight samples tell 3.27 bits, not "
        "even four times as much as one. The better the teacher is known, the more labels are known before they are "
        "seen. Beyond this range each doubling of α tells just one more bit per weight."
    ),
    alt=(
        "First panel: the potential, in bits per label, against the overlap q of two students. From 1 at q = 0 it "
        "falls to a single minimum and then rises steeply towards q = 1; a vertical line marks the minimum. Second "
        "panel: the overlap that the saddle-point equation asks for against the trial overlap, with the diagonal, "
        "which it crosses once, at the minimum."
    ),
    controls=(
        Control(
            "alpha",
            "samples per dimension",
            (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0),
            1.0,
            symbol="α",
            format=".1f",
        ),
        Control("eps", "fraction of facts", (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9), 0.0, symbol="ε"),
        # Not named q: the page's search writes its query into every input of that name.
        Control("trial", "trial overlap", OVERLAPS, 0.2, symbol="q", format=".2f"),
    ),
    outputs=(
        GEN,
        Output("potential", 0.0, 4.0, decimals=4),
        Output("asked", 0.0, 1.0, decimals=4),
        Output("best", 0.0, 1.0, decimals=4),
        Output("lowest", 0.0, 1.0, decimals=4),
        Output("told", 0.0, 8.0, decimals=4),
    ),
    panels=(
        Panel(
            x_label="overlap q",
            y_label="potential, bits per label",
            x_range=(-0.02, 1.02),
            y_range=(0.35, 1.45),
            x_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
            y_ticks=(0.4, 0.6, 0.8, 1.0, 1.2, 1.4),
            drag_x="trial",
            marks=(
                Rule("trial", label="trial", dash="dotted"),
                Curve("trial", "potential", over="trial", colour="rule"),
                Dot("best", "lowest", colour="rule", label="{lowest:.3f}"),
            ),
        ),
        Panel(
            x_label="trial overlap q",
            y_label="overlap the equation asks for",
            x_range=(-0.02, 1.02),
            y_range=(-0.02, 1.22),  # the name of the line stays above the curves
            x_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
            y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
            drag_x="trial",
            marks=(
                Rule("best", label="minimum"),
                Curve("trial", "trial", over="trial", colour="quiet", label="diagonal", dash="dotted"),
                Curve("trial", "asked", over="trial", colour="rule", label="asked for"),
                Dot("trial", "asked", colour="here", label="{asked:.2f}"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "At q = {trial} the data ask for a larger overlap, {asked:.2f}, and the potential falls to the right. Its "
        "minimum is at {best:.3f}, where {gen:.1%} of new inputs are wrong and labels told {told:.2f} bits per weight.",
        "At q = {trial} the data ask for a smaller overlap, {asked:.2f}, and the potential rises to the right. Its "
        "minimum is at {best:.3f}, where {gen:.1%} of new inputs are wrong and labels told {told:.2f} bits per weight.",
    ),
)
