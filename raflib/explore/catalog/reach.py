"""The basins chapter: radius of the basins and error on new inputs against the width of a Gaussian kernel."""

from __future__ import annotations

import numpy as np

import raflib as rf
from raflib.explore.catalog.shared import GEN, MEM, Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel, Rule, log_grid


def compute(alpha: Array, eps: Array, lam: Array, level: Array, eta: Array) -> Results:
    """Both errors of kernel ridge regression, the radius of its basins, and the width best for the rule."""
    eta = np.broadcast_to(eta, np.broadcast_shapes(alpha.shape, eps.shape, lam.shape, eta.shape))
    sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(rf.Square(), rf.Kernel.rbf(eta), lam), on_failure="nan")
    gen = np.asarray(rf.generalization_error(sol))

    def overlap(rho: Array) -> Array:
        return np.asarray(rf.rbf_overlap(eta[..., None], rho))

    radius = [np.asarray(rf.basin_radius(sol, overlap, error=float(error))) for error in level.ravel()]
    best = np.expand_dims(np.argmin(np.where(np.isnan(gen), np.inf, gen), axis=-1), -1)
    return {
        "gen": gen,
        "mem": np.asarray(rf.memorization_error(sol)),
        "radius": np.concatenate(radius, axis=-2),
        "angle": np.degrees(np.asarray(rf.Kernel.rbf(eta).angle)),
        "eta_best": np.take_along_axis(eta, best, -1),
        "gen_best": np.take_along_axis(gen, best, -1),
    }


ETA = log_grid(0.02, 20.0, 8)

REACH = Explorer(
    name="reach",
    title="Narrow kernels, wide basins",
    question=(
        "A Gaussian kernel at λ = 0.01, and the width that is best for the rule. Make the kernel ten times narrower in "
        "η. What is nonlinear in it now ends much closer to the fact. Will the basins of the facts shrink, stay as "
        "they are, or grow? And what happens to the error on new inputs?"
    ),
    answer=(
        "They grow. From η = 0.84 to 8.4 the radius goes from 0.29 to 0.76, although a copy at ρ = 0.5 keeps 18% of "
        "the nonlinear part in the first case and 0.02% in the second. What is kept must beat the noise, and that "
        "falls faster: the narrow kernel hardly uses the linear part, through which samples disturb each other. The "
        "learner becomes a look-up of the nearest fact. It is also worse at the rule, but not by much: 21.1% of new "
        "inputs are wrong at the first width and 23.4% at the second, where Hebb's rule is and where it stays."
    ),
    alt=(
        "First panel: against the inverse squared width of a Gaussian kernel, the radius of the facts' basins, which "
        "rises from zero towards one, and the error on new inputs, which hardly moves: it has a shallow minimum at a "
        "marked width. Second panel: the radius against the error on new inputs, traced by the width: a steep curve "
        "that turns at the best width and then climbs to the upper right."
    ),
    controls=(
        Control("alpha", "samples per dimension", (0.5, 1.5, 3.0, 6.0, 12.0), 3.0, symbol="α"),
        Control("eps", "fraction of facts", (0.1, 0.2, 0.3, 0.5), 0.2, symbol="ε"),
        Control("lam", "ridge strength", (1e-3, 0.01, 0.1, 1.0), 0.01, symbol="λ"),
        Control("level", "facts that may be lost", (0.01, 0.05, 0.1, 0.25), 0.1, format=".0%"),
        Control("eta", "inverse squared width", ETA, 0.84, symbol="η"),
    ),
    outputs=(
        GEN,
        MEM,
        Output("radius", 0.0, 1.0, decimals=4),
        Output("angle", 0.0, 90.0, decimals=2),
        Output("eta_best", 0.0, 20.0, decimals=3),
        Output("gen_best"),
    ),
    panels=(
        Panel(
            x_label="inverse squared width η",
            y_label="radius, and error on new inputs",
            x_range=(0.017, 24.0),
            y_range=(-0.03, 1.03),
            x_ticks=(0.1, 1.0, 10.0),
            y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
            x_log=True,
            drag_x="eta",
            marks=(
                Rule("eta_best", label="best for the rule"),
                Curve("eta", "radius", over="eta", colour="fact", label="radius R", dash="dashed"),
                Curve("eta", "gen", over="eta", colour="rule", label="rule E_gen"),
                Dot("eta", "radius", colour="fact", label="{radius:.2f}"),
                Dot("eta", "gen", colour="rule", label="{gen:.1%}"),
            ),
        ),
        Panel(
            x_label="generalization error E_gen",
            y_label="radius of the basins R",
            x_range=(0.08, 0.5),
            y_range=(-0.03, 1.03),
            x_ticks=(0.1, 0.2, 0.3, 0.4, 0.5),
            y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
            x_format=".0%",
            marks=(
                Curve("gen", "radius", over="eta", colour="fact", label="all widths", dash="dashed"),
                Dot("gen", "radius", colour="here", label="η = {eta}"),
            ),
        ),
    ),
    compute=compute,
    readings=(
        "At η = {eta}, an angle of {angle:.0f}°, copies of facts are recalled, but for {level} of them, up to a "
        "corruption of R = {radius:.2f}. The learner gets {gen:.1%} of new inputs and {mem:.1%} of the facts "
        "themselves wrong; the best width of the grid, η = {eta_best:.2g}, would make {gen_best:.1%} of the former.",
    ),
)
