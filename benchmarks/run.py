"""Speed and memory of raflib, side by side with a plain scalar baseline in the same run: `make bench`.

Times are medians of repeated runs on one thread. Only ratios mean anything across machines.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from baseline import solve_grid

import raflib as rf

HERE = Path(__file__).parent
ALPHA = np.geomspace(0.3, 30, 10)[:, None, None]
EPS = np.array([0.05, 0.2, 0.5, 0.9])[None, :, None]
LAM = np.geomspace(1e-3, 10, 8)[None, None, :]
POINTS = ALPHA.size * EPS.size * LAM.size


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Median wall time of ``run`` over ``repeats``, after one warm-up."""
    run()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def process_seconds(arguments: list[str], environment: dict[str, str], repeats: int = 5) -> float:
    """Median wall time of a fresh Python process."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, cwd=HERE, env={**os.environ, **environment})
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def grid(name: str, mu1: float, mu_star: float) -> None:
    """The 320-point grid: raflib, and both baselines over all points and over those where they converge."""
    features = rf.Linear() if mu_star == 0 else rf.Kernel(mu1, mu_star)
    learner, task = rf.Learner(rf.Hinge(), features, LAM), rf.RulesAndFacts(ALPHA, EPS)
    sol = rf.solve(task, learner)
    ours = median_seconds(lambda: rf.solve(task, learner), 15) / POINTS
    print(f"{name}: raflib {1e6 * ours:.1f} us a point, largest residual {sol.residual.max():.1e}")
    for careful in (False, True):
        began = time.perf_counter()
        reference = solve_grid(ALPHA, EPS, LAM, mu1, mu_star, careful)
        whole = (time.perf_counter() - began) / POINTS
        finished = np.array([point[4] for point in reference])
        subset = [np.broadcast_to(x, sol.m.shape).ravel()[finished] for x in (ALPHA, EPS, LAM)]
        part = median_seconds(lambda s=subset, c=careful: solve_grid(*s, mu1, mu_star, c), 3) / finished.sum()
        overlaps = np.array([point[:3] for point in reference])
        apart = np.abs(overlaps / np.stack([sol.m, sol.q, sol.V], axis=-1).reshape(-1, 3) - 1)[finished]
        print(
            f"  {'careful' if careful else 'plain':8s} baseline {1e6 * whole:8.0f} us a point, {whole / ours:7.1f}x; "
            f"where it converges {1e6 * part:6.0f} us, {part / ours:5.1f}x; {int((~finished).sum())} of {POINTS} "
            f"points fail, largest error of the others {np.max(apart):.0e}"
        )


def hard_box(points: int = 3000) -> None:
    """Random points of the whole parameter box: how many fail, and the largest residual."""
    rng = np.random.default_rng(0)
    alpha, eps = 10 ** rng.uniform(-3, 5, points), rng.uniform(0, 1, points)
    lam = np.where(rng.random(points) < 0.1, 0.0, 10 ** rng.uniform(-6, 4, points))
    kernel = rf.Kernel.from_angle(rng.uniform(0, np.pi / 2, points))
    for loss, features in ((rf.Hinge(), rf.Linear()), (rf.Hinge(), kernel), (rf.Square(), rf.Linear())):
        began = time.perf_counter()
        sol = rf.solve(rf.RulesAndFacts(alpha, eps), rf.Learner(loss, features, lam), on_failure="nan")
        seconds = time.perf_counter() - began
        print(
            f"{type(loss).__name__ + ' ' + type(features).__name__:24s} {points} random points: "
            f"{int((~sol.converged).sum())} failed, largest residual {np.nanmax(sol.residual):.1e}, "
            f"{1e6 * seconds / points:.0f} us a point"
        )


def diagrams() -> None:
    """Phase diagrams of growing size: how time and memory grow."""
    for side in (50, 100, 200, 400):
        task = rf.RulesAndFacts(np.geomspace(0.3, 30, side), np.linspace(0.01, 1, side)[:, None])
        learner = rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.1)
        seconds = median_seconds(lambda task=task, learner=learner: rf.solve(task, learner), 3)
        tracemalloc.start()
        rf.solve(task, learner)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(
            f"{side:4d} x {side:<4d} {seconds:8.3f} s {1e6 * seconds / side**2:8.1f} us a point {peak / 2**20:8.1f} MiB"
        )


def cold_start() -> None:
    """Fresh processes: the import alone, and import plus a 60-point curve, both ways."""
    # A fresh process finds raflib as an installed package or beside this folder.
    os.environ["PYTHONPATH"] = str(HERE.parent)
    bare = process_seconds(["-c", "import numpy"], {})
    imported = process_seconds(["-c", "import raflib"], {})
    ours = process_seconds(["cold.py", "raflib"], {})
    cached = process_seconds(["cold.py", "baseline"], {})
    with tempfile.TemporaryDirectory() as empty:

        def uncached() -> float:
            shutil.rmtree(empty, ignore_errors=True)
            return process_seconds(["cold.py", "baseline"], {"NUMBA_CACHE_DIR": empty}, repeats=1)

        compiled = statistics.median([uncached() for _ in range(3)])
    print(f"import numpy {bare:.2f} s, import raflib {imported:.2f} s")
    print(
        f"to the first 60-point curve: raflib {ours:.2f} s, baseline {compiled:.2f} s (compiled before: {cached:.2f} s)"
    )
    print(f"ratio {compiled / ours:.1f}x (compiled before: {cached / ours:.1f}x)")


if __name__ == "__main__":
    print(f"{POINTS}-point grid, time per point and its ratio to raflib's")
    solve_grid(1.0, 0.5, 1.0, 1.0, 0.0, True)  # compiles
    grid("linear hinge", 1.0, 0.0)
    grid("kernel hinge", 0.8, 0.6)
    task, lam = rf.RulesAndFacts(2.0, 0.3), np.geomspace(1e-3, 10, 60)
    for features in (rf.Linear(), rf.Kernel(0.8, 0.6)):
        curve = median_seconds(lambda f=features: rf.solve(task, rf.Learner(rf.Hinge(), f, lam)), 21)
        print(f"warm 60-point curve, {type(features).__name__}: {1e3 * curve:.1f} ms")
    print("\ncold start")
    cold_start()
    print("\nrandom points of the box")
    hard_box()
    print("\nphase diagrams, kernel hinge")
    diagrams()
