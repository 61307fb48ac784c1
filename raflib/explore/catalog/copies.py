"""The basins chapter: recall of corrupted facts against their correlation with the original, for four kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.catalog.shared import ERROR_RANGE, ERROR_TICKS, GEN, MEM, Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel

ANGLES = (0.0, 15.0, 30.0, 45.0, 60.0, 75.0)
SHAPES = ("ρ²", "ρ⁴", "Gaussian", "needle")


def overlap(shape: str, gamma: Array, rho: Array) -> Array:
    """What a copy keeps of the nonlinear part; the Gaussian kernel is the one of that angle."""
    if shape == "Gaussian":
        # At angle 0 nothing nonlinear is there; a wide kernel's limit stands in.
        eta = np.vectorize(lambda angle: rf.rbf_eta(np.radians(angle)) if angle else 1e-9)(gamma)
        return np.asarray(rf.rbf_overlap(eta, rho))
    power = {"ρ²": 2.0, "ρ⁴": 4.0, "needle": np.inf}[shape]
    return np.broadcast_to(
        np.where(rho == 1.0, 1.0, 0.0) if np.isinf(power) else rho**power, gamma.shape[:-1] + rho.shape[-1:]
    )


def compute(alpha: Array, eps: Array, gamma: Array, lam: Array, shape: NDArray[np.str_], rho: Array) -> Results:
    """Both errors of kernel ridge regression, the recall error, and the two sides of its signal-to-noise ratio."""
    task = rf.RulesAndFacts(alpha[..., 0, 0], eps[..., 0, 0])  # the last two axes ask one and the same learner
    angle = np.radians(gamma[..., 0, 0])
    sol = rf.solve(
        task, rf.Learner(rf.Square(), rf.Kernel(np.cos(angle), np.sin(angle)), lam[..., 0, 0]), on_failure="nan"
    )
    at = rho.ravel()
    everywhere = np.broadcast_to(at, (*np.shape(sol.m), at.size))
    stiff = np.where(np.asarray(sol.constrained), 0.0, 1.0)[..., None]
    scale = stiff + np.asarray(sol.V)[..., None]
    found: dict[str, list[Array]] = {"recall": [], "pull": [], "noise": []}
    for name in shape.ravel():
        kept = np.broadcast_to(
            overlap(str(name), gamma[..., 0, :], at.reshape((1,) * (gamma.ndim - 2) + (-1,))), everywhere.shape
        )
        copy = rf.recall.copy_response(sol, everywhere, kept)
        pull = copy.kept / scale
        found["recall"].append(np.asarray(rf.recall_error(sol, at, kept)))
        found["pull"].append(pull)
        spread = ((stiff + copy.lost) / scale) ** 2 + 2.0 * pull * (1.0 - copy.r)
        found["noise"].append(np.sqrt(np.asarray(sol.q)[..., None] * spread))
    straight = rf.recall.copy_response(sol, everywhere, np.zeros_like(everywhere)).kept / scale
    return {
        **{name: np.stack(parts, axis=-2) for name, parts in found.items()},
        "straight": straight[..., None, :],
        "gen": np.asarray(rf.generalization_error(sol))[..., None, None],
        "mem": np.asarray(rf.memorization_error(sol))[..., None, None],
    }


RHO = tuple(round(0.05 * k, 2) for k in range(21))

AGAINST_RHO = Panel(
    x_label="correlation ρ of the copy with its fact",
    y_label="share of copies given another label",
    x_range=(-0.02, 1.02),
    y_range=ERROR_RANGE,
    x_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    y_ticks=ERROR_TICKS,
    y_format=".0%",
    drag_x="rho",
    marks=(
        Curve("rho", "recall", over="rho", colour="quiet", label="ρ²", dash="dotted", at=(("shape", "ρ²"),)),
        Curve("rho", "recall", over="rho", colour="fact", label="recall error", dash="dashed"),
        Dot("rho", "recall", colour="fact", label="{recall:.1%}"),
    ),
)

SIGNAL = Panel(
    x_label="correlation ρ of the copy with its fact",
    y_label="part of the margin",
    x_range=(-0.02, 1.02),
    y_range=(-0.04, 1.54),
    x_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
    y_ticks=(0.0, 0.5, 1.0, 1.5),
    drag_x="rho",
    marks=(
        Curve("rho", "pull", over="rho", colour="fact", label="pull of the fact b", dash="dashed"),
        Curve("rho", "straight", over="rho", colour="rule", label="its linear part"),
        Curve("rho", "noise", over="rho", colour="quiet", label="noise", dash="dotted"),
        Dot("rho", "pull", colour="fact"),
    ),
)

COPIES = Explorer(
    name="copies",
    title="A fact seen through noise",
    question=(
        "Kernel ridge regression at γ = 45°. Four kernels of this angle make the same two errors; they differ in how "
        "fast what is nonlinear in them falls off with the distance. Show copies at ρ = 0.8 and go from ρ² to ρ⁴, to a "
        "Gaussian, to a needle that ends right beside the fact. How much of the memory is left in the end: all, about "
        "half, or none?"
    ),
    answer=(
        "Not half, but more than none. Of the copies 3.0% get another label with ρ², 10.2% with ρ⁴, 4.3% with the "
        "Gaussian, which lies between the two, and 35.1% with the needle, where chance is 50%. The error on new inputs "
        "stays 21.2% and that on the facts themselves 0.0%. What the needle leaves is the linear part: the fact "
        "pulls at the margin of its copy by 0.18, where it pulled by 0.65 with ρ². The part of the weights that "
        "learns the rule remembers, too."
    ),
    alt=(
        "First panel: the share of corrupted facts that get another label against their correlation with the original. "
        "The curve falls from one half at correlation zero to the memorization error at one; a dotted curve of the "
        "same kind for a nonlinear part that falls as the square of the correlation lies at or below it. Second panel: "
        "the pull of the fact on the margin of its copy, which rises with the correlation, the straight line that is "
        "its linear part, and the noise."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.5, 1.5, 3.0, 6.0), 3.0, symbol="α"),
        Control("eps", "fraction of facts", (0.1, 0.2, 0.3, 0.5), 0.2, symbol="ε"),
        Control(
            "gamma", "kernel angle", ANGLES, 45.0, symbol="γ", format=".0f", labels=tuple(f"{a:.0f}°" for a in ANGLES)
        ),
        Control("lam", "ridge strength", (1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0), 0.03, symbol="λ"),
        Control("shape", "fall of the nonlinear part", SHAPES, "ρ²"),
        Control("rho", "correlation of the copy", RHO, 0.8, symbol="ρ"),
    ),
    outputs=(
        GEN,
        MEM,
        Output("recall"),
        Output("pull", 0.0, 1.0, decimals=3),
        Output("straight", 0.0, 1.0, decimals=4),
        Output("noise", 0.0, 6.0, decimals=3),
    ),
    panels=(AGAINST_RHO, SIGNAL),
    compute=compute,
    readings=(
        "The learner gets {gen:.1%} of new inputs and {mem:.1%} of its facts wrong. Of copies at ρ = {rho} it labels "
        "{recall:.1%} wrong: the fact pulls by {pull:.2f}, of which {straight:.2f} are linear, against a noise of "
        "{noise:.2f}.",
    ),
)
