"""Where the time goes, and how far that is from the least that numpy and scipy need.

A solution needs some evaluations of the equations, an evaluation some values of special functions at each point, and
everything else is arithmetic over arrays and the overhead of calling numpy. This measures each.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import timing  # first: sets threads and paths

# isort: split
import numpy as np
import scipy.special

import raflib as rf

POINTS = 4096
TOP = 12
#: Functions of numpy that cost more than a few operations an element.
NUMPY = ("exp", "log", "log1p", "expm1", "sqrt", "logaddexp", "sort", "hypot", "arctan")


class Spent(dict[str, list[float]]):
    """Calls, elements and seconds by name of a special function."""

    @property
    def seconds(self) -> float:
        """Time in all of them."""
        return sum(entry[2] for entry in self.values())


@contextmanager
def watched() -> Iterator[Spent]:
    """Count and time every special function that raflib calls."""
    spent = Spent()

    def wrap(name: str, function):
        def timed(*arguments, **named):
            began = time.process_time()
            value = function(*arguments, **named)
            entry = spent.setdefault(name, [0, 0, 0.0])
            entry[0] += 1
            entry[1] += np.size(value)
            entry[2] += time.process_time() - began
            return value

        return timed

    special = {id(f): name for name, f in vars(scipy.special).items() if isinstance(f, np.ufunc)}
    with ExitStack() as stack:
        for name in NUMPY:
            stack.enter_context(mock.patch.object(np, name, wrap(name, getattr(np, name))))
        for module in [m for name, m in sys.modules.items() if name.startswith("raflib")]:
            for attribute, value in list(vars(module).items()):
                if isinstance(value, np.ufunc) and id(value) in special:
                    stack.enter_context(mock.patch.object(module, attribute, wrap(special[id(value)], value)))
        yield spent


def problems() -> dict[str, tuple[rf.RulesAndFacts, rf.Learner | rf.BayesOptimal]]:
    """Batches of 4096 points whose time is taken apart."""
    rng = np.random.default_rng(0)
    alpha, eps = 0.3 * 100 ** rng.uniform(0, 1, POINTS), rng.uniform(0.05, 0.95, POINTS)
    task, lam = rf.RulesAndFacts(alpha, eps), 10 ** rng.uniform(-3, 1, POINTS)
    kernel, features = rf.Kernel(0.8, 0.6), rf.RandomFeatures(0.8, 0.6, 2.0)
    return {
        "hinge, linear": (task, rf.Learner(rf.Hinge(), rf.Linear(), lam)),
        "hinge, kernel": (task, rf.Learner(rf.Hinge(), kernel, lam)),
        "hinge, random features": (task, rf.Learner(rf.Hinge(), features, lam)),
        "logistic, kernel": (task, rf.Learner(rf.Logistic(), kernel, lam)),
        "Bayes-optimal": (task, rf.BayesOptimal()),
    }


def per_call(run: Callable[[], object], calls: int) -> float:
    """Shortest CPU time of one call out of many, their results dropped at once, so that all stays in cache."""

    def repeated() -> None:
        for _ in range(calls):
            run()

    return timing.best(repeated, 9) / calls


def numpy_costs() -> str:
    """What arithmetic over arrays costs: nanoseconds an element in cache, and of a call on a single number."""
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 2, (2, POINTS))
    mask, some = a < b, np.flatnonzero(a < b)
    one = np.ones(1)
    runs = {
        "a * b": lambda: a * b,
        "a / b": lambda: a / b,
        "np.where(mask, a, b)": lambda: np.where(mask, a, b),
        "a[some]": lambda: a[some],
    }
    rows = [(name, f"{1e9 * per_call(run, 2000) / POINTS:.2f}") for name, run in runs.items()]
    rows.append(("a call, a * b of single numbers", f"{1e9 * per_call(lambda: one * one, 20_000):.0f}"))
    return timing.table(("numpy", "ns"), rows)


def anatomy() -> str:
    """Evaluations a point, special functions an evaluation and their share of the time, and the rest."""
    rows = []
    for name, (task, learner) in problems().items():
        sol = rf.solve(task, learner)
        evaluations = float(sol.steps.sum())
        whole = timing.best(lambda t=task, a=learner: rf.solve(t, a), 5)
        spent = min((_spent(task, learner) for _ in range(3)), key=lambda s: s.seconds)
        bare = spent.seconds
        faults = _page_faults(task, learner)
        most = sorted(spent.items(), key=lambda item: -item[1][2])[:4]
        rows.append(
            (
                name,
                f"{1e6 * whole / POINTS:.1f}",
                f"{evaluations / POINTS:.1f}",
                f"{1e9 * whole / evaluations:.0f}",
                f"{1e9 * bare / evaluations:.0f}",
                f"{100 * bare / whole:.0f} %",
                ", ".join(f"{f} {entry[1] / evaluations:.1f} ({100 * entry[2] / whole:.0f} %)" for f, entry in most),
                "" if faults is None else f"{faults}",
            )
        )
    head = (
        "learner", "us a point", "evaluations a point", "ns an evaluation", "of these special functions", "their share",
        "the dearest: values an evaluation (share of the time)", "page faults a solve",
    )  # fmt: skip
    told = [
        f"{row[0]}: were all but the special functions free, {100 / float(row[5].split()[0]):.1f} times faster."
        for row in rows
    ]
    return timing.table(head, rows) + "\n\n" + "\n".join(f"- {line}" for line in told)


def _spent(task: rf.RulesAndFacts, learner: rf.Learner | rf.BayesOptimal) -> Spent:
    with watched() as spent:
        rf.solve(task, learner)
    return spent


def _page_faults(task: rf.RulesAndFacts, learner: rf.Learner | rf.BayesOptimal) -> int | None:
    """Pages of memory that one solve has to ask the system for anew; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    rf.solve(task, learner)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def special_functions() -> str:
    """Nanoseconds a value of the special functions, at arguments such as the hinge's."""
    rng = np.random.default_rng(0)
    h, k = rng.normal(0, 2, POINTS), np.exp(rng.normal(0, 1, POINTS))
    runs = {
        "exp": lambda: np.exp(h),
        "expit": lambda: scipy.special.expit(h),
        "ndtr": lambda: scipy.special.ndtr(h),
        "log_ndtr": lambda: scipy.special.log_ndtr(h),
        "owens_t": lambda: scipy.special.owens_t(h, k),
    }
    rows = []
    for name, run in runs.items():
        taken = per_call(run, 50) / POINTS
        rows.append((name, f"{1e9 * taken:.1f}"))
    return timing.table(("function", "ns a value"), rows)


def batch_sizes() -> str:
    """Time a point against the size of the batch, kernel hinge: where the overhead of calls ends."""
    rng = np.random.default_rng(0)
    rows = []
    for size in (1, 10, 100, 1000, 4096, 10_000, 100_000):
        task = rf.RulesAndFacts(0.3 * 100 ** rng.uniform(0, 1, size), rng.uniform(0.05, 0.95, size))
        learner = rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 10 ** rng.uniform(-3, 1, size))
        taken = timing.best(lambda t=task, a=learner: rf.solve(t, a), 3 if size > 10_000 else 7)
        rows.append((f"{size}", f"{1e3 * taken:.2f}", f"{1e6 * taken / size:.1f}"))
    return timing.table(("points in the batch", "ms", "us a point"), rows)


def profile(name: str) -> str:
    """The dozen functions of raflib in which most time is spent, calls of numpy included."""
    task, learner = problems()[name]
    rf.solve(task, learner)
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(5):
        rf.solve(task, learner)
    profiler.disable()
    stats = pstats.Stats(profiler)
    whole = stats.total_tt
    own: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
    for (file, _, function), (_, calls, spent, _, _) in stats.stats.items():
        label = f"{Path(file).name} {function}" if "raflib" in file else function
        own[label][0] += calls
        own[label][1] += spent
    most = sorted(own.items(), key=lambda item: -item[1][1])[:TOP]
    rows = [(label, f"{calls / 5:.0f}", f"{100 * spent / whole:.1f} %") for label, (calls, spent) in most]
    return timing.table((f"function ({name})", "calls a solve", "own time"), rows)


if __name__ == "__main__":
    print(anatomy(), special_functions(), numpy_costs(), sep="\n\n")
    print("", "Kernel hinge by the size of the batch:", "", batch_sizes(), sep="\n")
    for name in problems():
        print("", profile(name), sep="\n")
