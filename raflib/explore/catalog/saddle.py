"""The saddle-point chapter: the potential along each of its six variables, and one round of the equations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.channel import conjugates
from raflib.explore.catalog.shared import LOSSES, Features, Results
from raflib.explore.spec import Array, Control, Curve, Dot, Explorer, Output, Panel
from raflib.observables import potential

ALPHA, LAM = 1.5, 0.2
MAPS: dict[str, Features] = {
    "linear": rf.Linear(),
    "random": rf.RandomFeatures(mu1=0.8, mu_star=0.6, kappa=2.0),
    "kernel": rf.Kernel(mu1=0.8, mu_star=0.6),
}
VARIABLES = {"m": "m", "q": "q", "V": "V", "m̂": "m_hat", "q̂": "q_hat", "V̂": "V_hat"}
ALMOST = 0.005
"""Per cent: a change that is less than this is read as 0.00."""


def compute(
    features: NDArray[np.str_], loss: NDArray[np.str_], eps: Array, along: NDArray[np.str_], factor: Array
) -> Results:
    """Change of the potential when one variable is multiplied by a factor, and that variable after one round."""
    full = np.broadcast(features, loss, eps, along, factor).shape
    where = [np.broadcast_to(x, full).ravel() for x in (features, loss, eps, along, factor)]
    change, after = np.empty(where[2].size), np.empty(where[2].size)
    for map_name, loss_name in ((f, ell) for f in np.unique(features) for ell in np.unique(loss)):
        here = (where[0] == map_name) & (where[1] == loss_name)
        change[here], after[here] = _displaced(MAPS[map_name], LOSSES[loss_name], *(x[here] for x in where[2:]))
    # f is linear in q̂, and with the square loss, at fixed V and conjugates, in m and in q.
    linear = (along == "q̂") | ((loss == "square") & np.isin(along, ("m", "q")))
    moved = change.reshape(full)
    bent = np.where(np.abs(moved) < ALMOST, 4.0, np.where(moved > 0.0, 2.0, 3.0))
    return {
        "change": moved,
        "after": after.reshape(full),
        "none": np.zeros(full),
        "kept": factor,
        "case": np.where(factor == 1.0, 0.0, np.where(linear, 1.0, bent)),
    }


def _displaced(
    features: Features, loss: rf.Square | rf.Hinge | rf.Logistic, eps: Array, along: NDArray[np.str_], factor: Array
) -> tuple[Array, Array]:
    """Change of the potential in per cent of its value, and the displaced variable after one round over its value."""
    shares, which = np.unique(eps, return_inverse=True)
    sol = rf.solve(rf.RulesAndFacts(ALPHA, shares), rf.Learner(loss, features, LAM))
    value = {name: np.asarray(getattr(sol, of))[which] for name, of in VARIABLES.items()}
    at = {name: np.where(along == name, factor, 1.0) * x for name, x in value.items()}
    one = np.ones_like(eps)
    overlaps = rf.Overlaps(at["m"], at["q"] - at["m"] ** 2, at["V"])
    hats = rf.Conjugates(at["m̂"], at["q̂"], at["V̂"])
    f = potential(ALPHA * one, eps, loss, features, LAM * one, overlaps, hats)
    per_weight = ALPHA * one / features.per_input
    # An overlap asks the samples first and then the weights, a conjugate the other way round.
    from_overlaps = features.overlaps(conjugates(per_weight, eps, loss, overlaps), LAM * one)
    from_hats = conjugates(per_weight, eps, loss, features.overlaps(hats, LAM * one))
    round_trip = dict(zip(VARIABLES, (from_overlaps.m, from_overlaps.q, from_overlaps.V, *from_hats), strict=True))
    after = sum(np.where(along == name, round_trip[name] / value[name], 0.0) for name in VARIABLES)
    return 100.0 * (f / np.asarray(rf.free_energy(sol))[which] - 1.0), np.asarray(after)


FACTORS = tuple(round(0.75 + 0.025 * k, 3) for k in range(21))
X_RANGE, X_TICKS = (0.73, 1.27), (0.8, 0.9, 1.0, 1.1, 1.2)

SLICE = Panel(
    x_label="variable, in units of its solution",
    y_label="change of f, per cent",
    x_range=X_RANGE,
    y_range=(-6.0, 12.0),
    x_ticks=X_TICKS,
    y_ticks=(-5.0, 0.0, 5.0, 10.0),
    x_format=".1f",
    y_format=".0f",
    drag_x="factor",
    marks=(
        Curve("factor", "none", over="factor", colour="quiet", label="f of the solution", dash="dotted", width=1.4),
        Curve("factor", "change", over="factor", colour="here", label="f along this variable"),
        Dot("factor", "change", colour="fact", label="{change:.2f}"),
    ),
)

ROUND = Panel(
    x_label="variable before one round",
    y_label="after one round of the equations",
    x_range=X_RANGE,
    y_range=(0.62, 1.38),
    x_ticks=X_TICKS,
    y_ticks=(0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3),
    x_format=".1f",
    y_format=".1f",
    drag_x="factor",
    marks=(
        Curve("factor", "kept", over="factor", colour="quiet", label="unchanged", dash="dotted", width=1.4),
        Curve("factor", "after", over="factor", colour="rule", label="the equations' answer"),
        Dot("factor", "after", colour="fact", label="{after:.3f}"),
    ),
)

SADDLE = Explorer(
    name="saddle",
    title="Six ways to leave the solution",
    question=(
        "The learner minimizes, and at its solution f, a function of six variables, has the value of that minimum. For "
        "the hinge loss and linear features, move each variable in turn to 1.25 times its value. Along which variables "
        "is the solution a lowest point of f, along which a highest one, and is there one along which nothing happens?"
    ),
    answer=(
        "V is a valley: f rises by 2.26%. The conjugates m̂ and V̂ are hills, it falls by 2.47% and 3.30%. Along q it "
        "falls by 1.23% and along m by 0.11%, so these are hills, too, for this loss; with the logistic loss m is a "
        "valley, and with the square loss f does not change along m and q at all. Along q̂ nothing happens, for no "
        "loss: f is a straight line in q̂, and a straight line that is stationary is level. The solution is neither "
        "a minimum nor a maximum of f, and yet the equations find it: in the second panel each variable comes back "
        "towards one."
    ),
    alt=(
        "First panel: the change of the potential f against one of its variables in units of its solution. Depending "
        "on the variable the curve is a valley, a hill or a horizontal line, and it is level at one. Second panel: the "
        "same variable after one round of the equations, a curve that crosses the diagonal at one."
    ),
    controls=(
        Control("features", "features", tuple(MAPS), "linear"),
        Control("loss", "loss", ("square", "hinge", "logistic"), "hinge"),
        Control("eps", "fraction of facts", (0.1, 0.3, 0.6), 0.3, symbol="ε"),
        Control("along", "variable", tuple(VARIABLES), "V"),
        Control("factor", "times its value", FACTORS, 1.1, format=".3f"),
    ),
    outputs=(
        Output("change", -8.0, 20.0, decimals=3),
        Output("after", 0.5, 1.5, decimals=4),
        Output("none", 0.0, 1.0, decimals=0),
        Output("kept", 0.5, 1.5, decimals=3),
    ),
    panels=(SLICE, ROUND),
    compute=compute,
    readings=(
        "For {loss} loss, {features} features and ε = {eps}: {along} is at its solution, and so are the other five. "
        "Here f is level in all six variables, and a round of the equations changes nothing.",
        "For {loss} loss, {features} features and ε = {eps}: {along} at {factor} times its value leaves f as it is, a "
        "straight, level line along {along}. One round of the equations makes that {after:.3f} times.",
        "For {loss} loss, {features} features and ε = {eps}: {along} at {factor} times its value makes f {change:.2f}% "
        "higher, a valley along {along}. One round of the equations makes that {after:.3f} times.",
        "For {loss} loss, {features} features and ε = {eps}: {along} at {factor} times its value changes f by "
        "{change:.2f}%, a hill along {along}. One round of the equations makes that {after:.3f} times.",
        "For {loss} loss, {features} features and ε = {eps}: {along} at {factor} times its value changes f by less "
        "than 0.005%, almost level, if not quite. One round of the equations makes that {after:.3f} times.",
    ),
)
