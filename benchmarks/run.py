"""Speed, memory and soundness of raflib, beside plain solvers and loops over scikit-learn in one run: `make bench`.

Prints Markdown; `--record` writes it to benchmarks/results.md too. Ends with an error if a point of the hard box fails
or a promise of benchmarks/README.md is not kept. What each number means is told there.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

import timing  # first: sets threads and paths

# isort: split
import box
import compare
import finite
import numpy as np
import scaling
import scipy

HERE = Path(__file__).parent


def _process_seconds(arguments: list[str], environment: dict[str, str], repeats: int) -> float:
    """Shortest wall time of a fresh Python process."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run(
            timing.child(*arguments), check=True, cwd=HERE, env={**timing.child_environment(), **environment}
        )
        times.append(time.perf_counter() - began)
    return min(times)


def _of(*script: str) -> str:
    """What a script of this folder prints in a process of its own, whose memory nothing has stirred before."""
    command = timing.child(*script)
    done = subprocess.run(
        command, check=True, cwd=HERE, stdout=subprocess.PIPE, text=True, env=timing.child_environment()
    )
    return done.stdout.strip()


def cold_start() -> str:
    """Fresh processes: the import alone, and import plus a 60-point curve, both ways."""
    bare = _process_seconds(["-c", "import numpy"], {}, 5)
    imported = _process_seconds(["-c", "import raflib"], {}, 5)
    ours = _process_seconds(["cold.py", "raflib"], {}, 5)
    cached = _process_seconds(["cold.py", "baseline"], {}, 5)
    with tempfile.TemporaryDirectory() as empty:

        def uncached() -> float:
            shutil.rmtree(empty, ignore_errors=True)
            return _process_seconds(["cold.py", "baseline"], {"NUMBA_CACHE_DIR": empty}, 1)

        compiled = min(uncached() for _ in range(3))
    return timing.table(
        ("a fresh Python process", "s"),
        [
            ("import numpy", f"{bare:.2f}"),
            ("import raflib", f"{imported:.2f}"),
            ("a 60-point curve by raflib", f"{ours:.2f}"),
            ("the same by the careful numba baseline, compiled before", f"{cached:.2f}"),
            ("the same, to be compiled", f"{compiled:.2f}"),
        ],
    )


def _boxes() -> tuple[str, list[str], list[str]]:
    """Solve the hard box; a table, all failures, and those of points that were promised."""
    outcomes = box.whole()
    rows = [
        (
            name,
            f"{o.points}",
            f"{o.excluded}",
            f"{len(o.failures)}",
            f"{o.largest_residual:.1e}",
            f"{o.seconds:.1f}",
        )
        for name, o in outcomes.items()
    ]
    table = timing.table(("points", "solved", "left out", "failed", "largest residual", "s"), rows)
    failures = {
        name: [f"{name}: {f.point} residual={f.residual:.2g}" for f in o.failures] for name, o in outcomes.items()
    }
    return table, [*chain(*failures.values())], [*chain(*(failures[name] for name in box.PROMISED))]


def _machine() -> str:
    """What the numbers were measured on, and how busy it was."""
    load = f" Load at the start: {os.getloadavg()[0]:.1f}." if hasattr(os, "getloadavg") else ""
    return (
        f"{datetime.date.today().isoformat()}, {platform.system()} on {platform.machine()}, {os.cpu_count()} cores, "
        f"one thread used; Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}.{load}"
    )


def main() -> int:
    """Run everything; 1 if something that is promised does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the results to benchmarks/results.md too")
    record = parser.parse_args().record
    written = []

    def say(text: str) -> None:
        print(text, end="\n\n", flush=True)
        written.append(text)

    say("# Results of one run")
    say("Written by `benchmarks/run.py --record`; benchmarks/README.md says what each number means.")
    say(_machine())

    say("## The hard box")
    table, failures, missed = _boxes()
    say(table)
    if failures:
        say("\n".join(["Points that failed:", "", *(f"- {line}" for line in failures)]))

    say("## Beside plain scalar solvers")
    rows = [row for case in compare.cases() for row in compare.compare(case)]
    say(compare.text(rows))
    missed += [
        f"{row.name}: {row.ratio:.0f}x the plain baseline, promised {row.required:.0f}x"
        for row in rows
        if row.required is not None and row.ratio < row.required
    ]

    say("## Phase diagrams: kernel hinge, eps by alpha")
    results = scaling.diagrams()
    say(scaling.text(results))
    missed += scaling.missed(results)

    say(f"## Every learner, in batches of {scaling.BATCH}")
    say(_of("scaling.py", "batches"))

    say("## Finite learners beside loops over scikit-learn")
    found = finite.measure()
    say(finite.text(found))
    missed += finite.missed(found)

    say("## Cold start")
    say(cold_start())

    say("## Where the time goes")
    say(_of("limit.py"))

    if record:
        (HERE / "results.md").write_text("\n\n".join(written) + "\n", encoding="utf-8")
    for line in missed:
        print(f"error: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
