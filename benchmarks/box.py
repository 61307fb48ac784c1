"""The hard box: every loss on every feature map, at random points of the whole range of parameters and at its corners.

    alpha in [1e-3, 1e6], eps in [0, 1], lam = 0 or in [1e-8, 1e4], kernel angle in (0, pi/2), kappa in [1e-2, 1e3]

A point passes if the solver returns finite, positive overlaps, and if one more application of the undamped equations,
made here and not by the solver, changes none of them by more than 1e-10 relative. `python benchmarks/box.py` solves
the whole box and lists the points that fail; `tests/theory/test_box.py` solves a sample.

Left out by name, because the theory itself has no finite solution there: at lam = 0, loads within 1e-9 of an
interpolation threshold; and for the losses that are hard constraints, loads at which the constraint cannot be met
(`capped`): such a point is drawn at, or moved to, a load below.
"""

from __future__ import annotations

import itertools
import sys
import time
import warnings
from typing import NamedTuple

if __name__ == "__main__":
    import timing  # noqa: F401  # sets threads and paths, before numpy is imported

import numpy as np
from numpy.typing import NDArray

import raflib as rf
from raflib.channel import conjugates
from raflib.features import FeatureMap
from raflib.losses import Loss
from raflib.overlaps import Overlaps

Array = NDArray[np.float64]

TOLERANCE = 1e-10
#: Relative distance from an interpolation threshold, at lam = 0, within which there is no finite solution.
THRESHOLD_WIDTH = 1e-9
SOFT: tuple[Loss, ...] = (rf.Square(), rf.Hinge(), rf.SquaredHinge(), rf.Logistic())
HARD: tuple[Loss, ...] = (rf.MinNorm(), rf.MaxMargin())
FEATURES = ("Linear", "Kernel", "RandomFeatures")

ALPHA, LAM, KAPPA = (1e-3, 1e6), (1e-8, 1e4), (1e-2, 1e3)
#: The angle's range is open: so near to its ends.
ANGLE = (1e-6, np.pi / 2 - 1e-6)
EPS_CORNERS = (0.0, 1e-9, 1.0 - 1e-9, 1.0)
ANGLE_CORNERS = (ANGLE[0], 1e-3, np.pi / 2 - 1e-3, ANGLE[1])
#: Loads of hard constraints go up to this share of the largest that can be met.
CAPACITY_SHARE = 0.999


class Points(NamedTuple):
    """Points of one loss on one feature map; each parameter an array (n,)."""

    loss: Loss
    kind: str
    alpha: Array
    eps: Array
    lam: Array
    angle: Array
    kappa: Array

    @property
    def features(self) -> FeatureMap:
        """The feature map of these points."""
        if self.kind == "Linear":
            return rf.Linear()
        if self.kind == "Kernel":
            return rf.Kernel.from_angle(self.angle)
        return rf.RandomFeatures(np.cos(self.angle), np.sin(self.angle), self.kappa)

    def where(self, mask: NDArray[np.bool_]) -> Points:
        """The points that the mask selects."""
        return Points(self.loss, self.kind, *(x[mask] for x in self[2:]))

    def describe(self, i: int) -> str:
        """Loss, features and all parameters of one point, to all their digits; how far it is from a threshold."""
        named = {name: getattr(self, name)[i].item() for name in ("alpha", "eps", "lam")}
        if self.kind != "Linear":
            named["angle"] = self.angle[i].item()
        if self.kind == "RandomFeatures":
            named["kappa"] = self.kappa[i].item()
        with np.errstate(invalid="ignore"):
            distance = (self.alpha / constraint_capacity(self) - 1.0)[i]
        listed = " ".join(f"{k}={v!r}" for k, v in named.items())
        return f"{type(self.loss).__name__} {self.kind} {listed} (alpha / threshold - 1 = {distance:.2g})"


class Failure(NamedTuple):
    """A point that did not pass, and its residual (nan where the solver found nothing)."""

    point: str
    residual: float


class Outcome(NamedTuple):
    """What became of a list of points."""

    points: int
    excluded: int
    failures: list[Failure]
    largest_residual: float
    seconds: float  # of CPU, in rf.solve


def random_points(count: int = 10_000, seed: int = 0) -> list[Points]:
    """Draw ``count`` points in all, shared evenly between the losses and features; the same for the same seed."""
    kinds = list(itertools.product(SOFT + HARD, FEATURES))
    sizes = np.full(len(kinds), count // len(kinds))
    sizes[: count % len(kinds)] += 1
    rng = np.random.default_rng(seed)
    return [_draw(loss, kind, int(n), rng) for (loss, kind), n in zip(kinds, sizes, strict=True)]


def _draw(loss: Loss, kind: str, n: int, rng: np.random.Generator) -> Points:
    """Draw points log-uniformly in alpha, lam and kappa, with shares on and close to the faces of the box."""

    def log_uniform(low: float, high: float) -> Array:
        return 10 ** rng.uniform(np.log10(low), np.log10(high), n)

    face = rng.integers(0, 10, n)
    close = log_uniform(1e-12, 1e-2)
    eps = np.select([face == 0, face == 1, face == 2, face == 3], [0.0, 1.0, close, 1.0 - close], rng.uniform(0, 1, n))
    lam = np.where(rng.random(n) < 0.2, 0.0, log_uniform(*LAM))
    face = rng.integers(0, 6, n)
    close = log_uniform(ANGLE[0], 0.1)
    angle = np.select([face == 0, face == 1], [close, np.pi / 2 - close], rng.uniform(*ANGLE, n))
    kappa = np.where(rng.random(n) < 0.15, 1.0, log_uniform(*KAPPA))
    share = rng.random(n)
    points = Points(loss, kind, np.ones(n), eps, lam, angle, kappa)
    highest = np.minimum(ALPHA[1], CAPACITY_SHARE * constraint_capacity(points)) if loss in HARD else ALPHA[1]
    return points._replace(alpha=ALPHA[0] * (highest / ALPHA[0]) ** share)


def corners() -> list[Points]:
    """Every corner of the box, and kappa = 1 and points 1e-9 from eps = 0 and 1, for every loss and feature map."""
    groups = []
    for loss, kind in itertools.product(SOFT + HARD, FEATURES):
        values = itertools.product(
            ALPHA,
            EPS_CORNERS,
            (0.0, *LAM),
            ANGLE_CORNERS if kind != "Linear" else (np.nan,),
            (KAPPA[0], 1.0, KAPPA[1]) if kind == "RandomFeatures" else (np.nan,),
        )
        groups.append(capped(Points(loss, kind, *np.array(list(values)).T)))
    return groups


def beside_thresholds(count: int = 1200, seed: int = 1) -> list[Points]:
    """Draw loads 1e-8 to 0.1 relative from the interpolation threshold, on both sides, at lam = 0 and at small lam.

    They are part of the box, but so thin a part that points drawn from all of it never meet it.
    """
    rng = np.random.default_rng(seed)
    kinds = list(itertools.product(SOFT, ("Linear", "RandomFeatures")))
    groups = []
    for loss, kind in kinds:
        points = _draw(loss, kind, count // len(kinds), rng)
        distance = 10 ** rng.uniform(-8, -1, points.eps.size) * rng.choice([-1.0, 1.0], points.eps.size)
        alpha = constraint_capacity(points) * (1.0 + distance)
        groups.append(points._replace(alpha=alpha).where((alpha >= ALPHA[0]) & (alpha <= ALPHA[1])))
    return groups


def constraint_capacity(points: Points) -> Array:
    """Load below which the hard constraint of the loss, or the one it meets at lam -> 0+, can be met."""
    constraint = points.loss if points.loss.constraint is None else points.loss.constraint
    return np.broadcast_to(points.features.constraint_capacity(constraint, points.eps), points.eps.shape)


def capped(points: Points) -> Points:
    """Move loads of a hard-constraint loss that cannot be met just below the largest that can."""
    if points.loss not in HARD:
        return points
    return points._replace(alpha=np.minimum(points.alpha, CAPACITY_SHARE * constraint_capacity(points)))


def without_solution(points: Points) -> NDArray[np.bool_]:
    """Say where lam = 0 and the load is within 1e-9 of the interpolation threshold: the overlaps diverge there."""
    return (points.lam == 0.0) & (np.abs(points.alpha / constraint_capacity(points) - 1.0) < THRESHOLD_WIDTH)


def residual(points: Points, sol: rf.Solution) -> Array:
    """Apply the undamped equations once more; the largest relative change of V, s and m, nan where they are not finite.

    At eps = 1 there is no rule and m is 0 exactly.
    """
    loss = points.loss
    largest = np.full(points.eps.shape, np.nan)
    branches = ((loss, ~sol.constrained), (loss if loss.constraint is None else loss.constraint, sol.constrained))
    for branch, mask in branches:
        if not mask.any():
            continue
        at = points.where(mask)
        features, before = at.features, Overlaps(sol.m[mask], sol.s[mask], sol.V[mask])
        # Where a limit is a hard constraint the equations are those at lam = 1, and V stands for lim lam V.
        lam = np.where(sol.constrained[mask] & (at.lam == 0.0), 1.0, at.lam)
        with np.errstate(all="ignore"):
            hats = conjugates(at.alpha / features.per_input, at.eps, branch, before)
            after = features.overlaps(hats, lam)
            changes = [np.abs(new / old - 1.0) for new, old in ((after.V, before.V), (after.s, before.s))]
            changes.append(np.where(at.eps == 1.0, np.abs(after.m), np.abs(after.m / before.m - 1.0)))
        largest[mask] = np.max(changes, axis=0)  # nan if any is
    return largest


def check(groups: list[Points]) -> Outcome:
    """Solve the points of every group as one batch and collect what fails."""
    total, excluded, failures, largest, seconds = 0, 0, [], 0.0, 0.0
    for group in groups:
        without = without_solution(group)
        points = group.where(~without)
        excluded += int(without.sum())
        if points.alpha.size == 0:
            continue
        total += points.alpha.size
        task = rf.RulesAndFacts(points.alpha, points.eps)
        learner = rf.Learner(points.loss, points.features, points.lam)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rf.ConvergenceWarning)  # failures are collected here
            began = time.process_time()
            sol = rf.solve(task, learner, tol=TOLERANCE, on_failure="nan")
            seconds += time.process_time() - began
        again = residual(points, sol)
        error = rf.generalization_error(sol)
        with np.errstate(invalid="ignore"):
            good = sol.converged & (sol.residual <= TOLERANCE) & (again <= TOLERANCE)
            good &= (sol.V > 0) & (sol.s > 0) & (sol.m >= 0) & (error >= 0) & (error <= 0.5)
        if good.any():
            largest = max(largest, float(np.maximum(again, sol.residual)[good].max()))
        worst = np.fmax(again, sol.residual)
        failures += [Failure(points.describe(i), float(worst[i])) for i in np.flatnonzero(~good)]
    return Outcome(total, excluded, failures, largest, seconds)


def report(name: str, outcome: Outcome) -> str:
    """One line on an outcome."""
    return (
        f"{name}: {outcome.points} points, {outcome.excluded} excluded, {len(outcome.failures)} failed, largest "
        f"residual of the others {outcome.largest_residual:.1e}, {outcome.seconds:.1f} s"
    )


#: The sets of which every point has to be solved.
PROMISED = ("random", "corners")


def whole() -> dict[str, Outcome]:
    """Solve the whole box."""
    sets = {"random": random_points(), "corners": corners(), "beside thresholds": beside_thresholds()}
    return {name: check(groups) for name, groups in sets.items()}


if __name__ == "__main__":
    outcomes = whole()
    for name, outcome in outcomes.items():
        print(report(name, outcome))
    for name, outcome in outcomes.items():
        for failure in outcome.failures:
            print(f"{name}: {failure.point} residual={failure.residual:.2g}")
    sys.exit(any(outcomes[name].failures for name in PROMISED))
