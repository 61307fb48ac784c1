"""When a rebuild runs the notebooks again, and when a built book counts as current."""

from __future__ import annotations

from pathlib import Path

import pytest
from build_book import EXECUTED, PAGES, SOURCES, clear_stale, fingerprint, why_not_current


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("raflib", "_ext", "assets", "chapters"):
        (tmp_path / name).mkdir()
    for name in (
        "raflib/solve.py",
        "_ext/offline.py",
        "assets/book.css",
        "chapters/references.bib",
        "chapters/intro.md",
        "requirements.txt",
        "_config.yml",
        "_toc.yml",
    ):
        (tmp_path / name).write_text(name)
    return tmp_path


def built(project: Path) -> Path:
    """Leave what a successful build leaves."""
    build = project / "_build"
    for folder in ("html", ".doctrees", ".jupyter_cache"):
        (build / folder).mkdir(parents=True)
    (build / "html" / "index.html").write_text("")
    (build / "executed.key").write_text(fingerprint(project, EXECUTED))
    (build / "pages.key").write_text(fingerprint(project, PAGES))
    (build / "sources.key").write_text(fingerprint(project, SOURCES))
    return build


def clear(project: Path) -> str:
    return clear_stale(project / "_build", fingerprint(project, EXECUTED), fingerprint(project, PAGES))


def test_nothing_changed(project: Path) -> None:
    build = built(project)
    assert "only what changed" in clear(project)
    assert (build / "html").is_dir()
    assert why_not_current(project) == ""


@pytest.mark.parametrize("name", ["raflib/solve.py", "requirements.txt", "raflib/new.py"])
def test_a_change_in_the_library_or_the_pins_runs_every_notebook(project: Path, name: str) -> None:
    build = built(project)
    (project / name).write_text("changed")
    assert "every notebook runs again" in clear(project)
    assert not build.exists()


def test_a_file_that_is_gone_counts_as_a_change(project: Path) -> None:
    build = built(project)
    (project / "raflib" / "solve.py").unlink()
    clear(project)
    assert not build.exists()


def test_what_python_caches_does_not_count(project: Path) -> None:
    build = built(project)
    (project / "raflib" / "__pycache__").mkdir()
    (project / "raflib" / "__pycache__" / "solve.pyc").write_text("cache")
    clear(project)
    assert (build / "html").is_dir()


@pytest.mark.parametrize("name", ["_config.yml", "_ext/offline.py", "assets/book.css"])
def test_a_change_of_settings_keeps_the_results(project: Path, name: str) -> None:
    build = built(project)
    (project / name).write_text("changed")
    assert "every page is written again" in clear(project)
    assert (build / ".jupyter_cache").is_dir()
    assert not (build / "html").exists()
    assert not (build / ".doctrees").exists()


def test_after_a_failed_build_every_page_is_read_again(project: Path) -> None:
    build = built(project)
    (build / "pages.key").unlink()
    clear(project)
    assert not (build / ".doctrees").exists()


def test_a_book_of_older_sources_is_not_current(project: Path) -> None:
    assert "no built book" in why_not_current(project)
    built(project)
    (project / "chapters" / "intro.md").write_text("changed")
    assert "not of these sources" in why_not_current(project)
