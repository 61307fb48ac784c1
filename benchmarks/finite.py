"""Finite-size learners beside loops over scikit-learn: time and peak memory, each rival in a process of its own.

`python benchmarks/finite.py` prints Markdown, and ends with an error if a promise is not kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import timing  # first: sets threads and paths

# isort: split
import numpy as np

import raflib as rf

ETA, EPS, NEW = 0.5, 0.3, 2000
#: Learner, inputs' dimension, load, seeds, path of lam, ratio of times that is promised.
CASES = {
    "kernel ridge, RBF": (1000, 2.0, 4, np.geomspace(1e-3, 1.0, 30), 2.0),
    "ridge, inputs": (1000, 2.0, 1, np.geomspace(1e-3, 1e2, 30), 2.0),
    "SVM, RBF": (1000, 2.0, 2, np.array([0.01, 0.1, 1.0]), 1.0),
    "SVM, inputs": (500, 2.0, 2, np.array([0.03, 0.1, 1.0]), 1.0),
    "SVM, inputs, small lam": (200, 4.0, 2, np.array([0.003, 0.01, 0.03]), 1.0),
}
RIVALS = ("raflib", "loop", "loop, kernel kept")
#: How far the errors of two rivals may differ, beside the noise of new inputs: by a kernel's constant direction and an
#: SVM's intercept, which raflib leaves out.
APART = 0.02


def raflib(name: str) -> dict[str, list[float]]:
    """Both errors along the path, by one call."""
    d, alpha, seeds, lam, _ = CASES[name]
    loss = rf.Square() if "ridge" in name else rf.Hinge()
    settings = {"d": d, "seeds": seeds, "inputs": "sphere", "test_size": NEW, "n_jobs": 1, "progress": False}
    if "RBF" in name:
        kernel = rf.finite.RBFKernel(ETA)
        run = rf.simulate(
            rf.RulesAndFacts(alpha, EPS), rf.Learner(loss, kernel.equivalent, lam), actual=kernel, **settings
        )
    else:
        run = rf.simulate(rf.RulesAndFacts(alpha, EPS), rf.Learner(loss, rf.Linear(), lam), **settings)
    return {"gen": run.generalization_error.mean.tolist(), "mem": run.memorization_error.mean.tolist()}


def loop(name: str, kept: bool) -> dict[str, list[float]]:
    """The same by a loop over seeds and lam; ``kept`` computes the kernel matrix once for each seed."""
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.metrics.pairwise import linear_kernel, rbf_kernel
    from sklearn.svm import SVC

    d, alpha, seeds, lam, _ = CASES[name]
    kernel, gamma = ("rbf", ETA / d) if "RBF" in name else ("linear", 1.0)
    gen, mem = np.empty((2, seeds, lam.size))
    for seed in range(seeds):
        data = rf.RulesAndFacts(alpha, EPS).sample(d, seed, inputs="sphere")
        scale = 1.0 if kernel == "rbf" else 1.0 / np.sqrt(d)
        X, new = scale * data.X, rf.task.draw_inputs(NEW, d, np.random.default_rng(100 + seed), "sphere")
        rule, new = np.sign(new @ data.teacher), scale * new
        if kept:
            between = (lambda a, b: rbf_kernel(a, b, gamma)) if kernel == "rbf" else linear_kernel
            K, K_new = between(X, X), between(new, X)
        for i, value in enumerate(lam):
            kind = {"kernel": "precomputed" if kept else kernel, "gamma": gamma}
            model = KernelRidge(alpha=value, **kind) if "ridge" in name else SVC(C=1 / value, **kind)
            model.fit(K if kept else X, data.y)
            fields = model.predict(K_new if kept else new)
            stored = model.predict(K[data.is_fact] if kept else X[data.is_fact])
            gen[seed, i] = np.mean(fields * rule <= 0)
            mem[seed, i] = np.mean(stored * data.y[data.is_fact] <= 0)
    return {"gen": gen.mean(axis=0).tolist(), "mem": mem.mean(axis=0).tolist()}


def child(name: str, rival: str) -> None:
    """Print what one rival needs for one case, and its errors."""
    import sklearn.kernel_ridge
    import sklearn.svm  # noqa: F401 - imports are in nobody's time
    from scaling import peak_megabytes

    work: Callable[[], dict[str, list[float]]] = (
        (lambda: raflib(name)) if rival == "raflib" else (lambda: loop(name, rival != "loop"))
    )
    before, began = peak_megabytes(), time.process_time()
    errors = work()
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "before": before, "peak": peak_megabytes(), **errors}))


def measure(repeats: int = 1) -> dict[str, dict[str, dict]]:
    """Best time of each rival in each case, in turns; a loop takes up to a minute, far beyond the noise of one run."""
    results: dict[str, dict[str, dict]] = {}
    for name in CASES:
        best: dict[str, dict] = {}
        for _ in range(repeats):
            for rival in RIVALS:
                command = timing.child(str(Path(__file__)), name, rival)
                done = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, text=True, env=timing.child_environment()
                )
                found = json.loads(done.stdout)
                if rival not in best or found["seconds"] < best[rival]["seconds"]:
                    best[rival] = found
        results[name] = best
    return results


def text(results: dict[str, dict[str, dict]]) -> str:
    """Times, ratios and peak memory."""
    rows = []
    for name, (d, alpha, seeds, lam, promised) in CASES.items():
        ours, plain, kept = (results[name][rival] for rival in RIVALS)
        rows.append(
            (
                name,
                f"{round(alpha * d)}",
                f"{lam.size} x {seeds}",
                *(f"{found['seconds']:.1f}" for found in (ours, plain, kept)),
                f"{plain['seconds'] / ours['seconds']:.1f}x",
                f"{promised:g}x",
                f"{kept['seconds'] / ours['seconds']:.1f}x",
                *(f"{found['peak']:.0f}" for found in (ours, plain, kept)),
            )
        )
    head = ("learner", "n", "lam x seeds", "raflib, s", "loop, s", "kernel kept, s", "ratio", "promised", "to kept")
    return timing.table((*head, "raflib, MB", "loop, MB", "kernel kept, MB"), rows)


def missed(results: dict[str, dict[str, dict]]) -> list[str]:
    """Promises that are not kept, and errors that disagree."""
    found = []
    for name, (_, _, seeds, _, promised) in CASES.items():
        ours, plain, _ = (results[name][rival] for rival in RIVALS)
        ratio = plain["seconds"] / ours["seconds"]
        if ratio < promised:
            found.append(f"{name}: {ratio:.2f}x the loop over scikit-learn, promised {promised:g}x")
        if ours["peak"] > plain["peak"]:
            found.append(
                f"{name}: {ours['peak']:.0f} MB at the peak, the loop over scikit-learn {plain['peak']:.0f} MB"
            )
        for error in ("gen", "mem"):
            apart = float(np.max(np.abs(np.array(ours[error]) - plain[error])))
            if apart > APART + 4 * np.sqrt(0.25 / (NEW * seeds)):
                found.append(f"{name}: E_{error} differs from the loop's by {apart:.3f}")
    return found


def main() -> int:
    """Measure and print; 1 if a promise is not kept."""
    if len(sys.argv) > 1:
        child(*sys.argv[1:])
        return 0
    results = measure()
    print(text(results))
    broken = missed(results)
    for line in broken:
        print(f"error: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
