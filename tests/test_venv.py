"""`make` on a machine without a usable Python says what to do in one line, and fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("sh", "cat", "cksum", "dirname", "rm", "pwd")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy what the script needs into a folder with a space in its name."""
    folder = tmp_path / "a clone"
    (folder / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "venv.sh", folder / "tools")
    (folder / "requirements.txt").write_text("")
    (folder / "pyproject.toml").write_text("")
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a path that holds the shell's tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def stub(path: Path, name: str, script: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(0o755)


def run(project: Path, path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": str(project), **more}
    return subprocess.run(
        ["sh", "tools/venv.sh"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert done.stderr.splitlines()[-1] == errors[0]
    for word in words:
        assert word in errors[0]


def test_no_python(project: Path, path: Path) -> None:
    assert_one_line(run(project, path), "no Python found", "install Python 3.11 or newer")


def test_too_old_a_python(project: Path, path: Path) -> None:
    old = 'case "$*" in *version_info*) exit 1;; *platform*) echo 3.8.10;; esac'
    stub(path, "python3", old)
    done = run(project, path)
    assert_one_line(done, "3.8.10", "too old", "install Python 3.11 or newer")
    assert not (project / ".venv").exists()


def test_a_python_that_was_named_but_does_not_run(project: Path, path: Path) -> None:
    assert_one_line(run(project, path, PYTHON="/nowhere/python3"), "/nowhere/python3")


def test_a_python_without_venv(project: Path, path: Path) -> None:
    stub(
        path,
        "python3",
        'case "$*" in *"-m venv"*) echo boom >&2; exit 1;; *platform*) echo P;; esac',
    )
    done = run(project, path)
    assert_one_line(done, "python3-venv")
    assert not (project / ".venv").exists()


def test_an_install_that_fails_is_tried_again_next_time(project: Path, path: Path) -> None:
    (project / "requirements.txt").write_text("./there-is-no-such-package\n")
    done = run(project, path, PYTHON=sys.executable)
    assert_one_line(done, "could not be installed", "run make again")
    assert not (project / ".venv" / ".installed").exists()


def test_a_ready_environment_is_left_alone_until_the_pins_change(project: Path, path: Path) -> None:
    first = run(project, path, PYTHON=sys.executable)
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stdout
    again = run(project, path, PYTHON=sys.executable)
    assert (again.returncode, again.stdout) == (0, "")
    (project / "requirements.txt").write_text("# changed\n")
    changed = run(project, path, PYTHON=sys.executable)
    assert changed.returncode == 0
    assert "installing" in changed.stdout
    assert "making .venv" not in changed.stdout


def test_make_stops_at_a_missing_python(project: Path, path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make on this machine")
    shutil.copy(ROOT / "Makefile", project)
    done = subprocess.run(
        [make, "book"],
        cwd=project,
        env={"PATH": f"{path}", "HOME": os.fspath(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "error: no Python found" in done.stderr
    assert "Traceback" not in done.stderr
