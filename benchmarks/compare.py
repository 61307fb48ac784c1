"""raflib beside plain scalar solvers: same grid, same tolerance, one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import timing  # first: sets threads and paths

# isort: split
import baseline
import baseline_quad
import mpmath as mp
import numpy as np
import referee

import raflib as rf

#: A baseline's value counts as wrong where an overlap is further than this from raflib's, relative.
WRONG = 1e-6
#: Points of every grid on which the referee checks raflib, and disputed points that it decides.
REFEREED = 4


class Case(NamedTuple):
    """A learner on a grid, the plain solver of the same equations, and a judge of both."""

    name: str
    required: float  # ratio of the times per point, over the whole grid, of the plain baseline and raflib
    task: rf.RulesAndFacts
    learner: rf.Learner | rf.BayesOptimal
    grid: tuple[np.ndarray, ...]
    baseline: Callable[[bool, Sequence[np.ndarray]], list[tuple[float, float, float, int, bool]]]
    judge: Callable[..., float]


class Row(NamedTuple):
    """A baseline against raflib; times in seconds a point."""

    name: str
    version: str
    points: int
    ours: float
    baseline: float
    ours_where_converged: float
    baseline_where_converged: float
    failed: int
    wrong: int
    largest_error: float
    our_residual: float  # by the referee
    their_residual: float | None  # by the referee, the smallest where the baseline is wrong
    required: float | None

    @property
    def ratio(self) -> float:
        """Over the whole grid."""
        return self.baseline / self.ours

    @property
    def ratio_where_converged(self) -> float:
        """Both on the points where the baseline converged, and on those alone."""
        return self.baseline_where_converged / self.ours_where_converged


ALPHA = np.geomspace(0.3, 30, 10)[:, None, None]
EPS = np.array([0.05, 0.2, 0.5, 0.9])[None, :, None]
LAM = np.geomspace(1e-3, 10, 8)[None, None, :]


def _hinge(name: str, required: float, features: rf.features.FeatureMap, kappa: float) -> Case:
    mu1, mu_star = features.strengths

    def solve(careful: bool, grid: Sequence[np.ndarray]) -> list[tuple[float, float, float, int, bool]]:
        if kappa == np.inf:
            return baseline.solve_grid(*grid, mu1, mu_star, careful)
        return baseline_quad.solve_grid(baseline_quad.solve_features_hinge, careful, *grid, mu1, mu_star, kappa)

    def judge(alpha: float, eps: float, lam: float, m: float, s: float, V: float) -> float:
        return referee.hinge(alpha, eps, lam, mu1, mu_star, mp.inf if kappa == np.inf else kappa, m, s, V)

    learner = rf.Learner(rf.Hinge(), features, LAM)
    return Case(name, required, rf.RulesAndFacts(ALPHA, EPS), learner, (ALPHA, EPS, LAM), solve, judge)


def cases() -> list[Case]:
    """Hinge on inputs, a kernel and random features; the Bayes-optimal learner."""
    alpha, eps = np.geomspace(0.3, 1e3, 12)[:, None], np.array([0.0, 0.05, 0.2, 0.5, 0.9])

    def bayes(careful: bool, grid: Sequence[np.ndarray]) -> list[tuple[float, float, float, int, bool]]:
        return baseline_quad.solve_grid(baseline_quad.solve_bayes, careful, *grid)

    def judge(alpha: float, eps: float, m: float, _: float, V: float) -> float:
        return referee.bayes(alpha, eps, m / V)

    return [
        _hinge("hinge, linear", 50.0, rf.Linear(), np.inf),
        _hinge("hinge, kernel", 50.0, rf.Kernel(0.8, 0.6), np.inf),
        _hinge("hinge, random features", 100.0, rf.RandomFeatures(0.8, 0.6, 2.0), 2.0),
        Case("Bayes-optimal", 100.0, rf.RulesAndFacts(alpha, eps), rf.BayesOptimal(), (alpha, eps), bayes, judge),
    ]


def compare(case: Case) -> list[Row]:
    """Measure both versions of the baseline against raflib."""
    sol = rf.solve(case.task, case.learner)
    flat = [np.broadcast_to(x, sol.m.shape).ravel() for x in case.grid]
    reference = np.stack([sol.m, sol.q, sol.V], axis=-1).reshape(-1, 3)
    points = sol.m.size
    rows = []
    for careful in (False, True):
        case.baseline(careful, [x[:1] for x in flat])  # compiles
        kept: list[list[tuple[float, float, float, int, bool]]] = []

        def whole(careful: bool = careful, kept: list = kept) -> None:
            kept.append(case.baseline(careful, flat))

        ours, theirs = timing.in_turns(_repeated(case.task, case.learner), whole, repeats=3)
        ours /= _SOLVES
        found = np.array(kept[-1])
        done = found[:, 4] == 1
        subset = [x[done] for x in flat]
        part = _parts(case, subset)
        ours_part, theirs_part = timing.in_turns(
            _repeated(*part), lambda c=careful, s=subset: case.baseline(c, s), repeats=3
        )
        error = np.abs(found[:, :3] / reference - 1.0).max(axis=1)
        wrong = done & ~(error <= WRONG)
        our_residual, their_residual = _judged(case, sol, flat, found, np.flatnonzero(wrong))
        rows.append(
            Row(
                name=case.name,
                version="careful" if careful else "plain",
                points=points,
                ours=ours / points,
                baseline=theirs / points,
                ours_where_converged=ours_part / _SOLVES / int(done.sum()),
                baseline_where_converged=theirs_part / int(done.sum()),
                failed=int((~done).sum()),
                wrong=int(wrong.sum()),
                largest_error=float(error[done & ~wrong].max()),
                our_residual=our_residual,
                their_residual=their_residual,
                required=None if careful else case.required,
            )
        )
    return rows


#: Solves of raflib in one measurement, which would be too short to time alone.
_SOLVES = 5


def _repeated(task: rf.RulesAndFacts, learner: rf.Learner | rf.BayesOptimal) -> Callable[[], None]:
    def run() -> None:
        for _ in range(_SOLVES):
            rf.solve(task, learner)

    return run


def _parts(case: Case, subset: list[np.ndarray]) -> tuple[rf.RulesAndFacts, rf.Learner | rf.BayesOptimal]:
    task = rf.RulesAndFacts(subset[0], subset[1])
    if isinstance(case.learner, rf.BayesOptimal):
        return task, case.learner
    return task, rf.Learner(case.learner.loss, case.learner.features, subset[2])


def _judged(
    case: Case, sol: rf.Solution, flat: list[np.ndarray], found: np.ndarray, wrong: np.ndarray
) -> tuple[float, float | None]:
    """Residuals by the referee: raflib's on a spread of points and where the two disagree, the baseline's there."""
    m, s, V = (np.ravel(x) for x in (sol.m, sol.s, sol.V))
    spread = np.linspace(0, m.size - 1, REFEREED).astype(int)
    disputed = wrong[np.linspace(0, wrong.size - 1, min(REFEREED, wrong.size)).astype(int)]
    ours = max(case.judge(*(x[i] for x in flat), m[i], s[i], V[i]) for i in (*spread, *disputed))
    theirs = [
        case.judge(*(x[i] for x in flat), found[i, 0], found[i, 1] - found[i, 0] ** 2, found[i, 2]) for i in disputed
    ]
    return ours, min(theirs, default=None)


def text(rows: list[Row]) -> str:
    """The comparison as a table."""
    head = (
        "learner", "baseline", "points", "raflib, us", "baseline, us", "ratio", "required", "baseline failed",
        "wrong", "error of the rest", "ratio where it converged", "raflib by the referee", "wrong ones by the referee",
    )  # fmt: skip
    return timing.table(
        head,
        [
            (
                row.name,
                row.version,
                f"{row.points}",
                f"{1e6 * row.ours:.1f}",
                f"{1e6 * row.baseline:.0f}",
                f"{row.ratio:.0f}x",
                "" if row.required is None else f"{row.required:.0f}x",
                f"{row.failed}",
                f"{row.wrong}",
                f"{row.largest_error:.0e}",
                f"{row.ratio_where_converged:.1f}x",
                f"{row.our_residual:.0e}",
                "" if row.their_residual is None else f"{row.their_residual:.0e} up",
            )
            for row in rows
        ],
    )


if __name__ == "__main__":
    print(text([row for case in cases() for row in compare(case)]))
