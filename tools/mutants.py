"""Mutation test: make small wrong changes in raflib, one at a time, and count how many the tests notice.

    make mutants                                            # a sample over all modules and kinds
    .venv/bin/python tools/mutants.py --count 60 --module limits
    .venv/bin/python tools/mutants.py --mutant 0c932c8c     # one mutant: its diff and what the tests say

What is changed and what is not: `mutations.py`. The sample is drawn by the hash of each mutant's own words, evenly
over modules and kinds, so that it stays the same until those lines change. Each mutant is written into a copy of the
sources in a temporary folder, never here, and the tests of the theory and the doctests run until one fails, those
that killed before and the quickest first: the usual sample takes some eleven minutes of CPU time. A run beyond the
time limit counts as killed and is listed as such.

A survivor must be explained in tests/mutants.toml: its function, the line, what it becomes, and why no test can or
should notice. The script fails if less than 95 % are killed, if a survivor has no explanation, if an explanation fits
no mutant any more, or if the tests kill what is explained.

Why not a kept library: mutmut 3 changes neither the constants of a module nor properties, leaves out no factor, swaps
no min and max and takes no sample, and many of its mutants replace a value by None, which any test notices. Cosmic
Ray 8 could be taught the kinds by a plugin, but runs one mutant at a time in the working tree itself, or wants a
server per worker, has no balanced sample, and brings a database and a web stack. Mutatest 4 (mutatest2) samples, but
changes no number, no sign and no call.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple, TypeVar

import environment
from mutations import KINDS, Mutant, mutants_of
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(__file__).resolve().parent
MODULES = ("channel", "features", "observables", "margins", "limits", "losses")
#: What runs on a mutant until a test fails, and on those that are left.
TESTS = (("tests/theory", "raflib/{module}.py"), ("raflib",))
EXPLAINED = "tests/mutants.toml"
ENOUGH = 0.95
COUNT = 120
WORKERS = 2
#: A run may take this many times the unharmed one, and half a minute more: a busy machine is not a killed mutant.
PATIENCE = 4.0

_T = TypeVar("_T")


class Result(NamedTuple):
    """What became of a mutant: killed, timeout (killed too) or survived; by which test, in how many seconds."""

    mutant: Mutant
    fate: str
    killer: str
    seconds: float
    output: str


@dataclass(frozen=True)
class Explanation:
    """Why mutants that read like this survive."""

    module: str
    function: str
    source: str
    becomes: str
    why: str

    def fits(self, mutant: Mutant) -> bool:
        """Say whether this is about the mutant."""
        words = (mutant.module, mutant.function, mutant.before, mutant.after)
        return words == (self.module, self.function, self.source, self.becomes)


class ToolError(Exception):
    """The mutants cannot be judged; the message says why."""


# ---------------------------------------------------------------- which mutants


def all_mutants(root: Path, modules: Iterable[str]) -> list[Mutant]:
    """Return every mutant of these modules of raflib."""
    return [m for name in modules for m in mutants_of(source_of(root, name).read_text(encoding="utf-8"), name)]


def source_of(root: Path, module: str) -> Path:
    """Return a module's file."""
    return root / "raflib" / f"{module}.py"


def sample(mutants: Iterable[Mutant], count: int) -> list[Mutant]:
    """Return a sample that is even over modules, and within them over kinds, drawn by the mutants' own hashes."""
    cells: dict[str, dict[str, list[Mutant]]] = {}
    for mutant in sorted(mutants, key=lambda m: m.id):
        cells.setdefault(mutant.module, {kind: [] for kind in KINDS})[mutant.kind].append(mutant)
    return interleaved([interleaved(list(kinds.values())) for _, kinds in sorted(cells.items())])[:count]


def interleaved(rows: Sequence[Sequence[_T]]) -> list[_T]:
    """Return the first of every row, then the second of every row, ..."""
    missing = object()
    return [x for column in zip_longest(*rows, fillvalue=missing) for x in column if x is not missing]


def explanations(root: Path) -> list[Explanation]:
    """Read the explained survivors."""
    path = root / EXPLAINED
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []) if path.is_file() else []
    return [Explanation(**{name: " ".join(words.split()) for name, words in entry.items()}) for entry in entries]


# ---------------------------------------------------------------- what the tests say


class Runner:
    """Copies of the sources, and the tests that run in them, most telling first."""

    def __init__(self, root: Path, folder: Path, workers: int) -> None:
        self.workers = workers
        self.free: queue.Queue[Path] = queue.Queue()
        unwanted = shutil.ignore_patterns(".*", "_build", "__pycache__", "node_modules", "*.pyc")
        for number in range(workers):
            shutil.copytree(root, folder / f"copy{number}", ignore=unwanted)
            self.free.put(folder / f"copy{number}")
        # CI: the same examples in every run. No plugins and kept bytecode: pytest starts in half the time.
        self.variables = environment.prepared(
            CI="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
        )
        self.variables.pop("PYTHONDONTWRITEBYTECODE", None)
        self.seconds: dict[str, float] = {}
        self.limit = float("inf")
        self.kills: dict[str, Counter[str]] = {}
        self.live: set[subprocess.Popen[str]] = set()
        self.lock = threading.Lock()

    def baseline(self) -> float:
        """Run all tests on the unharmed sources, which must pass; return the seconds it took."""
        copy = self.free.get()
        started = time.monotonic()
        _, record, output = self._pytest(copy, [test for tests in TESTS for test in tests if "{" not in test], [])
        taken = time.monotonic() - started
        self.free.put(copy)
        if record.get("failed") or not record.get("seconds"):
            raise ToolError(f"the tests do not pass on the unharmed sources: mend that first\n{output[-3000:]}")
        if not Path(record["raflib"]).is_relative_to(copy):
            raise ToolError(f"the tests import {record['raflib']}, not the copy that is to be changed")
        self.seconds, self.limit = record["seconds"], 30.0 + PATIENCE * taken
        return taken

    def judge(self, mutant: Mutant) -> Result:
        """Run the tests on a mutant until one fails."""
        copy = self.free.get()
        path = source_of(copy, mutant.module)
        source = path.read_text(encoding="utf-8")
        _write(path, mutant.apply(source))
        started = time.monotonic()
        try:
            for tests in TESTS:
                named = [test.format(module=mutant.module) for test in tests]
                fate, record, output = self._pytest(copy, named, self._order(mutant.module), "-x")
                if fate != "survived":
                    break
        finally:
            _write(path, source)
            self.free.put(copy)
        killer = next(iter(record.get("failed", [])), "")
        with self.lock:
            self.kills.setdefault(mutant.module, Counter())[killer] += 1
        return Result(mutant, fate, killer, time.monotonic() - started, output)

    def stop(self) -> None:
        """End the runs that are under way."""
        for process in list(self.live):
            _end(process)

    def _order(self, module: str) -> list[str]:
        """Return the tests, by how often they killed a mutant of this module, then by how quick they are."""
        with self.lock:
            kills = self.kills.get(module, Counter())
            return sorted(self.seconds, key=lambda test: (-kills[test], self.seconds[test]))

    def _pytest(self, copy: Path, tests: list[str], order: list[str], *options: str) -> tuple[str, dict, str]:
        """Run the tests in a copy; return killed, timeout or survived, the record of the run and what it printed."""
        place, record = copy / ".order.json", copy / ".record.json"
        place.write_text(json.dumps(order), encoding="utf-8")
        record.unlink(missing_ok=True)
        variables = {
            **self.variables,
            "RAF_TESTS_ORDER": str(place),
            "RAF_TESTS_RECORD": str(record),
            "PYTHONPATH": os.pathsep.join((str(copy), str(TOOLS))),
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "killers_first", *options]
        process = subprocess.Popen(
            [*command, *tests], cwd=copy, env=variables, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.live.add(process)
        try:
            output, _ = process.communicate(timeout=None if self.limit == float("inf") else self.limit)
        except subprocess.TimeoutExpired:
            _end(process)
            return "timeout", {}, process.communicate()[0]
        finally:
            self.live.discard(process)
        found = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
        if process.returncode > 2:  # 1: a test failed; 2: a file of tests could not be imported; below 0: a crash
            raise ToolError(f"pytest could not run (exit code {process.returncode})\n{output[-3000:]}")
        return ("killed" if process.returncode else "survived"), found, output


def _write(path: Path, source: str) -> None:
    """Write a module, and remove its bytecode: Python would take one of the same second and size for this source."""
    path.write_text(source, encoding="utf-8")
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a run and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def judge_all(runner: Runner, mutants: Sequence[Mutant]) -> list[Result]:
    """Judge the mutants side by side, with a bar."""
    found: list[Result] = []
    with ThreadPoolExecutor(runner.workers) as pool:
        waiting = [pool.submit(runner.judge, mutant) for mutant in mutants]
        try:
            with tqdm(total=len(mutants), unit="mutant") as bar:
                for done in as_completed(waiting):
                    found.append(done.result())
                    if found[-1].fate != "killed":
                        bar.write(f"{found[-1].fate}: {found[-1].mutant}")
                    fates = Counter(result.fate for result in found)
                    bar.set_postfix(survived=fates["survived"], timeout=fates["timeout"], refresh=False)
                    bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            runner.stop()
            raise
    return sorted(found, key=lambda result: mutants.index(result.mutant))


# ---------------------------------------------------------------- the report


def diff(root: Path, mutant: Mutant) -> str:
    """Return the change as a unified diff."""
    path = source_of(root, mutant.module)
    source = path.read_text(encoding="utf-8")
    name = path.relative_to(root).as_posix()
    pair = (text.splitlines(keepends=True) for text in (source, mutant.apply(source)))
    return "".join(difflib.unified_diff(*pair, fromfile=name, tofile=f"{name} ({mutant.kind})", n=2))


def entry(mutant: Mutant) -> str:
    """Return what explains a survivor, without the reason."""
    words = {"module": mutant.module, "function": mutant.function, "source": mutant.before, "becomes": mutant.after}
    # A JSON string is a TOML string too.
    return "\n".join(
        [
            "[[survivor]]",
            *(f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in (words | {"why": ""}).items()),
        ]
    )


def table(results: Sequence[Result], by: str) -> str:
    """Return counts by module or by kind."""
    fates = ("killed", "timeout", "survived")
    lines = [f"{by:12} {'mutants':>8} " + " ".join(f"{fate:>8}" for fate in fates) + f" {'killed %':>9}"]
    names = list(dict.fromkeys(getattr(result.mutant, by) for result in results))
    for name in [*sorted(names), "all"]:
        counts = Counter(r.fate for r in results if name in (getattr(r.mutant, by), "all"))
        share = 100 * (1 - counts["survived"] / counts.total())
        lines.append(f"{name:12} {counts.total():8} " + " ".join(f"{counts[f]:8}" for f in fates) + f" {share:9.1f}")
    return "\n".join(lines)


def verdict(results: Sequence[Result], explained: Sequence[Explanation], known: Sequence[Mutant]) -> list[str]:
    """Return what is wrong: too few killed, a survivor without explanation, an explanation that does not hold."""
    wrong = []
    survived = [result.mutant for result in results if result.fate == "survived"]
    killed = [result for result in results if result.fate != "survived"]
    if len(killed) < ENOUGH * len(results):
        wrong.append(f"{len(killed)} of {len(results)} mutants are killed: less than {ENOUGH:.0%}")
    for mutant in survived:
        if not any(explanation.fits(mutant) for explanation in explained):
            wrong.append(f"{mutant.id} survives unexplained: write a test that kills it, or say why in {EXPLAINED}")
    for explanation in explained:
        where = f"{EXPLAINED}: {explanation.module}, {explanation.function}: {explanation.becomes}"
        if not any(explanation.fits(mutant) for mutant in known):
            wrong.append(f"{where}: fits no mutant any more: remove it")
        for result in killed:
            if explanation.fits(result.mutant) and result.fate == "killed":
                wrong.append(f"{where}: the tests do kill it ({result.killer}): remove it")
    return wrong


def report(root: Path, results: Sequence[Result], explained: Sequence[Explanation], known: Sequence[Mutant]) -> int:
    """Print the tables, every survivor with its diff, and what is wrong; return the exit code."""
    for result in results:
        if result.fate == "timeout":
            print(f"\n==> {result.mutant.id} counts as killed: no end after {result.seconds:.0f} s")
            print(diff(root, result.mutant))
        if result.fate == "survived":
            why = next((e.why for e in explained if e.fits(result.mutant)), "")
            print(f"\n==> {result.mutant.id} survives: {why or 'not explained'}\n{diff(root, result.mutant)}")
            print("" if why else f"{entry(result.mutant)}\n")
    print(f"\n{table(results, 'module')}\n\n{table(results, 'kind')}\n")
    wrong = verdict(results, explained, known)
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    print(f"==> {len(wrong)} things to mend" if wrong else "==> enough killed, every survivor explained", flush=True)
    return 1 if wrong else 0


def main(words: Sequence[str] | None = None) -> int:
    """Draw the sample, judge it, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=COUNT, help=f"how many mutants ({COUNT}); 0 for all")
    parser.add_argument("--module", action="append", choices=MODULES, help="only this module; may be repeated")
    parser.add_argument("--mutant", action="append", metavar="ID", help="only this one, with its diff and the tests'")
    parser.add_argument("--list", action="store_true", help="list the mutants and do nothing")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"runs side by side ({WORKERS})")
    asked = parser.parse_args(words)
    known = all_mutants(ROOT, MODULES)
    inside = [mutant for mutant in known if mutant.module in (asked.module or MODULES)]
    if asked.mutant:
        chosen = [mutant for mutant in known if mutant.id in asked.mutant]
        if len(chosen) < len(set(asked.mutant)):
            parser.error(f"no mutant {sorted(set(asked.mutant) - {mutant.id for mutant in chosen})}: see --list")
    else:
        chosen = sample(inside, asked.count or len(inside))
    if asked.list:
        for mutant in chosen:
            print(mutant)
        return 0
    print(f"==> {len(chosen)} of {len(known)} mutants; first the tests on the unharmed sources", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the copies go and the runs end then too
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        runner = Runner(ROOT, Path(folder), asked.workers)
        try:
            taken = runner.baseline()
            print(f"==> they pass in {taken:.0f} s; a mutant's run ends after {runner.limit:.0f} s", flush=True)
            results = judge_all(runner, chosen)
        except ToolError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    for result in results if asked.mutant else ():
        print(f"\n==> {result.mutant.id}: {result.fate} {result.killer}\n{diff(ROOT, result.mutant)}")
        print(result.output[-5000:])
    return report(ROOT, results, explanations(ROOT), known)


if __name__ == "__main__":
    sys.exit(main())
