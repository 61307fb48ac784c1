"""Times that a busy machine disturbs least: CPU time, the best of several repeats, those of rivals taken in turns.

All that is compared runs on one thread, so that on an idle machine CPU time is the time on the clock.
Importing this module first keeps numerical libraries on one thread and finds the raflib beside this folder.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


def seconds(run: Callable[[], object]) -> float:
    """CPU time of one call."""
    began = time.process_time()
    run()
    return time.process_time() - began


def best(run: Callable[[], object], repeats: int) -> float:
    """Shortest of several calls, after one that warms up."""
    run()
    return min(seconds(run) for _ in range(repeats))


def in_turns(*runs: Callable[[], object], repeats: int) -> list[float]:
    """Shortest time of each, taken in turns, so that a slow minute of the machine slows all of them."""
    times = [[seconds(run) for run in runs] for _ in range(repeats)]
    return [min(column) for column in zip(*times, strict=True)]


def child(*arguments: str) -> list[str]:
    """Command of a fresh Python that runs a script of this folder or a statement."""
    return [sys.executable, *arguments]


def child_environment() -> dict[str, str]:
    """Environment in which a fresh Python finds raflib."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Markdown table; all columns but the first are numbers and stand right."""
    widths = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]

    def line(cells: tuple[str, ...]) -> str:
        first = cells[0].ljust(widths[0])
        return "| " + " | ".join([first, *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (w + 1) + ":" for w in widths[1:])]) + "|"
    return "\n".join([line(head), rule, *(line(row) for row in rows)])
