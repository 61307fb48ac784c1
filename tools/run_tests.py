"""Run every test in one pytest call: the library, its doctests, the notebooks, the built pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import environment

ROOT = Path(__file__).resolve().parent.parent


def command(*more: str) -> list[str]:
    """Return the call: notebooks cell by cell in this environment, one worker per file."""
    return [
        sys.executable,
        "-m",
        "pytest",
        "--nbval-lax",
        "--nbval-current-env",
        "--nbval-cell-timeout=120",
        "--dist=loadfile",
        *more,
        "tests",
        "raflib",
        "chapters",
    ]


def main() -> int:
    """Run the tests; more words on the command line go to pytest."""
    # Files run side by side; the linear algebra of each keeps to one core.
    variables = environment.prepared(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    return subprocess.run(command(*sys.argv[1:]), cwd=ROOT, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
