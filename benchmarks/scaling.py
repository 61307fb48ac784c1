"""How time and memory grow: phase diagrams of growing size, each in a process of its own; time by loss and features."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import timing  # first: sets threads and paths

# isort: split
import numpy as np

import raflib as rf

SIDES = (50, 100, 200, 400)
#: What a 200 x 200 diagram may take.
LIMIT_SIDE, LIMIT_SECONDS, LIMIT_MB = 200, 3.0, 500.0
BATCH = 4096


def peak_megabytes() -> float:
    """Largest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike getrusage, this does not count the parent's memory before the exec
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def diagram(side: int) -> dict[str, float]:
    """Solve the eps by alpha diagram of the kernel hinge: first and best time, memory before and at the peak."""
    before = peak_megabytes()
    task = rf.RulesAndFacts(np.geomspace(0.3, 30, side), np.linspace(0.0, 1.0, side)[:, None])
    learner = rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.1)
    times = []
    for _ in range(3):
        began = time.perf_counter()
        sol = rf.solve(task, learner)
        times.append(time.perf_counter() - began)
    return {
        "side": side,
        "first": times[0],
        "best": min(times),
        "before": before,
        "peak": peak_megabytes(),
        "residual": float(sol.residual.max()),
    }


def diagrams() -> list[dict[str, float]]:
    """Measure every size in a fresh process."""
    results = []
    for side in SIDES:
        command = timing.child(str(Path(__file__)), str(side))
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=timing.child_environment())
        results.append(json.loads(done.stdout))
    return results


def text(results: list[dict[str, float]]) -> str:
    """Sizes, times, memory, and the exponents with which they grow with the number of points."""
    rows, last = [], None
    for r in results:
        grown = ("", "") if last is None else tuple(_exponent(r, last, key) for key in ("best", "above"))
        rows.append(
            (
                f"{r['side']:.0f} x {r['side']:.0f}",
                f"{r['first']:.3f}",
                f"{r['best']:.3f}",
                f"{1e6 * r['best'] / r['side'] ** 2:.1f}",
                f"{r['peak']:.0f}",
                f"{r['peak'] - r['before']:.0f}",
                *grown,
                f"{r['residual']:.0e}",
            )
        )
        last = r
    head = (
        "diagram", "first, s", "best of 3, s", "us a point", "peak, MB", "of these for the solve", "time grows as n^",
        "memory grows as n^", "largest residual",
    )  # fmt: skip
    return timing.table(head, rows)


def _exponent(now: dict[str, float], last: dict[str, float], key: str) -> str:
    def value(r: dict[str, float]) -> float:
        return r["peak"] - r["before"] if key == "above" else r[key]

    return f"{math.log(value(now) / value(last)) / math.log((now['side'] / last['side']) ** 2):.2f}"


def missed(results: list[dict[str, float]]) -> list[str]:
    """What the 200 x 200 diagram takes too much of."""
    r = next(r for r in results if r["side"] == LIMIT_SIDE)
    found = []
    if r["first"] > LIMIT_SECONDS:
        found.append(f"{LIMIT_SIDE} x {LIMIT_SIDE} diagram: {r['first']:.2f} s, limit {LIMIT_SECONDS:g} s")
    if r["peak"] > LIMIT_MB:
        found.append(f"{LIMIT_SIDE} x {LIMIT_SIDE} diagram: {r['peak']:.0f} MB, limit {LIMIT_MB:g} MB")
    return found


def batches() -> str:
    """Time per point of every loss on every feature map, and of the Bayes-optimal learner, in batches of 4096."""
    rng = np.random.default_rng(0)
    eps, share = rng.uniform(0.05, 0.95, BATCH), rng.uniform(0, 1, BATCH)
    lam = 10 ** rng.uniform(-3, 1, BATCH)
    maps = (rf.Linear(), rf.Kernel(0.8, 0.6), rf.RandomFeatures(0.8, 0.6, 2.0))
    losses = (rf.Square(), rf.Hinge(), rf.SquaredHinge(), rf.Logistic(), rf.MinNorm(), rf.MaxMargin())
    rows = []
    for loss, features in itertools.product(losses, maps):
        highest = np.full(BATCH, 30.0)
        if loss.constraint is None:  # within what the constraint allows
            highest = np.minimum(highest, 0.95 * features.constraint_capacity(loss, eps))
        task = rf.RulesAndFacts(0.03 * (highest / 0.03) ** share, eps)
        rows.append(_batch(f"{type(loss).__name__}, {type(features).__name__}", task, rf.Learner(loss, features, lam)))
    rows.append(_batch("Bayes-optimal", rf.RulesAndFacts(0.03 * 1000**share, eps), rf.BayesOptimal()))
    return timing.table(("learner", "us a point", "evaluations a point", "most", "largest residual"), rows)


def _batch(name: str, task: rf.RulesAndFacts, learner: rf.Learner | rf.BayesOptimal) -> tuple[str, ...]:
    sol = rf.solve(task, learner)
    taken = timing.best(lambda: rf.solve(task, learner), 3) / BATCH
    return (name, f"{1e6 * taken:.1f}", f"{sol.steps.mean():.1f}", f"{sol.steps.max()}", f"{sol.residual.max():.0e}")


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted.isdigit():
        print(json.dumps(diagram(int(wanted))))
    elif wanted == "batches":
        print(batches())
    else:
        print(text(diagrams()), batches(), sep="\n\n")
