"""What several explorers share: solving for both errors, and the panel that shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.explore.spec import Array, Control, Curve, Dot, Mark, Output, Panel, Rule, log_grid

LOSSES: Mapping[str, rf.Square | rf.Hinge | rf.Logistic] = {
    "square": rf.Square(),
    "hinge": rf.Hinge(),
    "logistic": rf.Logistic(),
}
Features: TypeAlias = rf.Linear | rf.Kernel | rf.RandomFeatures
Results: TypeAlias = dict[str, Array]


# ------------------------------------------------------------------ computations
def both_errors(task: rf.RulesAndFacts, loss: str, features: Features, lam: Array) -> tuple[Array, Array]:
    """Generalization and memorization error; nan, which is drawn as a gap, where unsolved."""
    learner = rf.Learner(LOSSES[loss], features, lam)
    solution = rf.solve(task, learner, on_failure="nan")
    return (
        np.asarray(rf.generalization_error(solution)),
        np.asarray(rf.memorization_error(solution)),
    )


def errors_and_best(task: rf.RulesAndFacts, loss: str, features: Features, lam: Array) -> Results:
    """Both errors on the grid, and the ridge that is best for the rule.

    The best ridge is searched on the grid first and then between its two neighbours, on three
    ever finer grids, each solved as one batch. It is good to three digits, for any loss.

    Parameters
    ----------
    task, loss, features
        As for `both_errors`.
    lam : array
        All values of the grid along one axis, increasing; the other axes have length one.

    Returns
    -------
    dict of arrays
        ``gen, mem`` on the grid; ``lam_best, gen_best, mem_best`` with the axis of `lam` of
        length one; ``case`` 1 where no ridge beats the smallest one by 1e-8, 0 elsewhere.
    """
    axis = int(np.argmax(lam.shape))
    gen, mem = both_errors(task, loss, features, lam)
    best = _lowest(lam, gen, mem, axis)
    # Where E_gen is flat its minimum is just rounding.
    first = [np.take(np.broadcast_to(a, gen.shape), [0], axis) for a in (lam, gen, mem)]
    t = np.linspace(0.0, 1.0, 17).reshape([-1 if n == axis else 1 for n in range(lam.ndim)])
    for _ in range(3):
        low, high = best[3], best[4]
        finer = low * (high / low) ** t
        best = _lowest(finer, *both_errors(task, loss, features, finer), axis)
    edge = first[1] - best[1] < 1e-8
    picked = [np.where(edge, f, b) for f, b in zip(first, best[:3], strict=True)]
    return {
        "gen": gen,
        "mem": mem,
        "lam_best": picked[0],
        "gen_best": picked[1],
        "mem_best": picked[2],
        "case": edge.astype(float),
    }


def _lowest(lam: Array, gen: Array, mem: Array, axis: int) -> tuple[Array, ...]:
    """Where `gen` is lowest along `axis`: lam, gen, mem there, and the two lam beside it."""
    lam = np.broadcast_to(lam, gen.shape)
    here = np.argmin(np.where(np.isnan(gen), np.inf, gen), axis=axis, keepdims=True)
    last = gen.shape[axis] - 1
    places = [(lam, 0), (gen, 0), (mem, 0), (lam, -1), (lam, 1)]
    return tuple(np.take_along_axis(array, np.clip(here + step, 0, last), axis) for array, step in places)


def for_each_loss(loss: NDArray[np.str_], one: Callable[[str], Results]) -> Results:
    """Run `one` for every loss on the grid, one batch each, and put the results in place."""
    found: Results = {}
    for name in np.unique(loss):
        for key, array in one(str(name)).items():
            found[key] = np.where(loss == name, array, found.get(key, np.nan))
    return found


# ------------------------------------------------------------------ declarations
LAM = Control("lam", "ridge strength", log_grid(1e-4, 1e2, 8), 1.0, symbol="λ")
HEBB = 1e9
"""A ridge so strong that the learner is Hebb's rule, to a relative distance of about (1 + alpha) / HEBB."""

LOSS = Control("loss", "loss", ("square", "hinge"), "square")

GEN, MEM = Output("gen"), Output("mem")
BEST = (Output("lam_best", 0.0, 100.0, decimals=5), Output("gen_best"), Output("mem_best"))

ERROR_RANGE = (-0.015, 0.515)  # a dot at 0 or at 1/2 is seen whole
ERROR_TICKS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


def error_marks(x: str, gen: str = "rule E_gen", mem: str = "facts E_mem") -> tuple[Mark, ...]:
    """Both error curves against the control `x`, with the reader's dots on them."""
    return (
        Curve(x, "gen", over=x, colour="rule", label=gen),
        Curve(x, "mem", over=x, colour="fact", label=mem, dash="dashed"),
        Dot(x, "gen", colour="rule", label="{gen:.1%}"),
        Dot(x, "mem", colour="fact", label="{mem:.1%}"),
    )


def errors_against_lam(*names: str) -> Panel:
    """Both errors against the ridge, with a line at the ridge best for the rule."""
    return Panel(
        x_label="ridge strength λ",
        y_label="error",
        x_range=(0.7e-4, 1.4e2),
        y_range=ERROR_RANGE,
        x_ticks=(1e-4, 1e-2, 1.0, 1e2),
        y_ticks=ERROR_TICKS,
        y_format=".0%",
        x_log=True,
        drag_x="lam",
        marks=(Rule("lam_best", label="best for the rule"), *error_marks("lam", *names)),
    )
