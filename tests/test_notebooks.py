"""The form of the notebooks: what a finished chapter has, as far as a test can see it."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import notebooks
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = notebooks.notebooks(ROOT)
# The chapters of a part carry an explorer and exercises; the pages beside them need not.
IN_A_PART = [p for p in CHAPTERS if p.parent.name not in {"chapters", "appendix"}]


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda p: str(p.relative_to(ROOT)))


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def source(path: Path, kind: str) -> str:
    return "\n\n".join(cell.source for cell in cells(path, kind))


def test_there_are_notebooks() -> None:
    assert CHAPTERS
    assert IN_A_PART


@each(CHAPTERS)
def test_stored_in_the_one_form(path: Path) -> None:
    stored = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(stored, as_version=4)
    nbformat.validate(notebook)
    wanted = notebooks.text(notebooks.normalise(nbformat.reads(stored, as_version=4)))
    assert stored == wanted, "run: .venv/bin/python tools/notebooks.py"


@each(CHAPTERS)
def test_begins_with_its_title(path: Path) -> None:
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    titles = re.findall(r"^# ", source(path, "markdown"), re.M)
    assert len(titles) == 1


@each(CHAPTERS)
def test_no_cell_is_let_off(path: Path) -> None:
    excused = {"raises-exception", "nbval-skip", "nbval-raises-exception", "skip-execution"}
    for cell in cells(path, "code"):
        assert not excused & set(cell.metadata.get("tags", []))
        assert "NBVAL_SKIP" not in cell.source
        assert "NBVAL_IGNORE_OUTPUT" not in cell.source


@each(CHAPTERS)
def test_checks_what_it_shows(path: Path) -> None:
    assert re.search(r"^\s*assert |\bcheck\w*\(", source(path, "code"), re.M)


@each(CHAPTERS)
def test_hides_no_warning(path: Path) -> None:
    code = source(path, "code")
    assert "filterwarnings" not in code
    assert "simplefilter" not in code
    assert "%%capture" not in code


@each(CHAPTERS)
def test_nothing_is_left_to_do(path: Path) -> None:
    text = source(path, "markdown") + source(path, "code")
    assert re.findall(r"\b(?:TODO|FIXME|XXX|TBD)\b|(?i:coming soon|placeholder|lorem ipsum)", text) == []


@each(CHAPTERS)
def test_equations_read_well_in_every_viewer(path: Path) -> None:
    text = source(path, "markdown")
    assert "{math}" not in text, "write $$ ... $$ (label)"
    assert not re.search(r"\\newcommand|\\def\\", text), "JupyterLab and Colab do not know macros"


@each(CHAPTERS)
def test_pictures_come_from_here(path: Path) -> None:
    text = source(path, "markdown")
    assert re.findall(r"!\[[^\]]*\]\(https?://[^)]+\)", text) == []
    assert re.findall(r"<(?:img|script|iframe|link)[^>]+https?://", text) == []


@each(CHAPTERS)
def test_figures_are_named_described_and_captioned(path: Path) -> None:
    for cell in cells(path, "code"):
        book = cell.metadata.get("mystnb", {})
        if "figure" in book or "image" in book:
            assert len(book["image"]["alt"]) >= 40, cell.source[:60]
            assert book["figure"]["caption"].strip()
            assert re.fullmatch(r"fig-[a-z0-9-]+", book["figure"]["name"])
        elif re.search(r"\bplt\.show\(\)", cell.source):
            pytest.fail(f"a figure without alt text and caption: {cell.source[:60]!r}")


def test_figure_names_are_used_once() -> None:
    names = [
        cell.metadata["mystnb"]["figure"]["name"]
        for path in CHAPTERS
        for cell in cells(path, "code")
        if "figure" in cell.metadata.get("mystnb", {})
    ]
    assert len(names) == len(set(names))


@each(IN_A_PART)
def test_exercises_have_solutions(path: Path) -> None:
    text = source(path, "markdown")
    exercises = re.findall(r"\{exercise(?:-start)?\}[^\n]*\n(?::\w+:[^\n]*\n)*?:label: (\S+)", text)
    solutions = re.findall(r"\{solution(?:-start)?\} (\S+)", text)
    assert 4 <= len(exercises) <= 8
    assert sorted(exercises) == sorted(solutions)
    assert len(re.findall(r"\bhint\b", text, re.I)) >= len(exercises)


@each(IN_A_PART)
def test_has_an_explorer_and_a_question_that_it_answers(path: Path) -> None:
    assert re.search(r"\bexplore\.show\(", source(path, "code"))
    assert re.search(r"predict", source(path, "markdown"), re.I)


@each(IN_A_PART)
def test_cites_its_sources(path: Path) -> None:
    bibliography = (ROOT / "chapters" / "references.bib").read_text(encoding="utf-8")
    known = set(re.findall(r"^@\w+\{([^,\s]+),", bibliography, re.M))
    cited = {
        key.strip()
        for group in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", source(path, "markdown"))
        for key in group.split(",")
    }
    assert cited
    assert cited <= known


def test_the_bibliography_is_sorted_and_every_entry_can_be_found() -> None:
    text = (ROOT / "chapters" / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{([^,\s]+),(.*?)^\}", text, re.M | re.S)
    keys = [key for key, _ in entries]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys))
    for key, body in entries:
        assert re.search(r"^\s*(?:doi|eprint|isbn|url)\s*=", body, re.M | re.I), key


def test_the_first_page_is_a_notebook_in_words() -> None:
    text = (ROOT / "chapters" / "intro.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---")[1])
    assert front["kernelspec"]["name"] == "python3"
    assert "explore.show(" in text
    assert text.count("\n# ") == 1
