"""The index of equations: what it names exists, and nothing that belongs in it is missing."""

from __future__ import annotations

import re
from pathlib import Path

import equations
import pytest
from api_names import PAGE, entries
from equations import LABELLED, NAMED, TABLE, Row, docstring_formula, find_test

ROOT = Path(__file__).resolve().parent.parent
ROWS = equations.rows(ROOT)
EQUATIONS = equations.equations(ROOT)
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


ENTRIES = entries((ROOT / PAGE).read_text(encoding="utf-8"))


# ---------------------------------------------------------------- what is named exists


@each_row
def test_functions_have_an_entry_in_the_reference(row: Row) -> None:
    assert row.functions
    assert [name for name in row.functions if name not in ENTRIES] == []


@each_row
def test_tests_exist_and_use_the_functions(row: Row) -> None:
    assert row.tests
    assert [test for test in row.tests if find_test(ROOT, test) is None] == []
    files = {test.split("::")[0] for test in row.tests}
    code = "\n".join((ROOT / "tests" / file).read_text(encoding="utf-8") for file in files)
    used = set(re.findall(r"\w+", code))
    assert any(name.rpartition(".")[2] in used for name in row.functions)


@each_row
def test_chapter_equations_exist_and_there_is_a_formula_to_show(row: Row) -> None:
    assert [label for label in row.chapters if label not in EQUATIONS] == []
    assert row.chapters or docstring_formula(row.functions[0])


def test_rows_are_told_apart_and_stand_on_the_page() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))
    page = (ROOT / TABLE).with_suffix(".md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\{equation-index\} (.+)$", page, re.M)
    assert shown == list(dict.fromkeys(row.part for row in ROWS)), "each part once, in the order of the table"
    assert shown == re.findall(r"^## (.+)$", page, re.M)


# ---------------------------------------------------------------- nothing is missing


def covers(row: Row, named: str) -> bool:
    """Whether a row has a function of that name, or any of a module of that name; `Square.prox` is in `Square`."""
    return any(name == named or name.startswith(f"{named}.") or named.startswith(f"{name}.") for name in row.functions)


def test_equations_whose_text_names_the_library_are_in_the_table() -> None:
    missing = {
        f"{equation.page}: {label} names {name}"
        for label, equation in EQUATIONS.items()
        for name in equation.names
        if not any(label in row.chapters and covers(row, name) for row in ROWS)
    }
    assert not missing, f"add to {TABLE} a row with the equation, the function and a test, or to the row it belongs to"


def test_public_names_with_a_formula_are_in_the_table() -> None:
    with_formula = {name for name, thing in ENTRIES.items() if callable(thing) and docstring_formula(name)}
    missing = with_formula - {name for row in ROWS for name in row.functions}
    assert not missing, f"add to {TABLE} a row with the function and a test"


# ---------------------------------------------------------------- the parts of the machinery


def test_labels_and_names_are_read_as_chapters_write_them() -> None:
    text = "$$\n  a = b\n$$ (eq-x-one)\n\nThis is `rf.Hinge().prox(u, V)`,\nor `raflib.channel`.\n\n`rf.solve`\n"
    (match,) = LABELLED.finditer(text)
    assert match["label"] == "eq-x-one"
    assert match["formula"].strip() == "a = b"
    assert NAMED.findall(text) == ["Hinge", "channel", "solve"]


def test_every_label_of_the_chapters_is_read() -> None:
    # The loosest pattern there is, so that no equation escapes the strict one.
    text = "\n".join(words for page in equations.pages(ROOT) for words in equations.words(page))
    assert set(re.findall(r"\((eq-[\w-]+)\)\s*$", text, re.M)) == set(EQUATIONS)


def test_paragraph_after_an_equation_ends_at_the_next_blank_line() -> None:
    assert EQUATIONS["eq-model-mem"].names == {"raflib.memorization_error"}
    assert EQUATIONS["eq-model-qhat"].names == set()


@pytest.mark.parametrize(
    "test",
    [
        "theory/test_nothing.py::test_it",
        "theory/test_bayes.py",
        "theory/test_bayes.py::test_nothing",
        "theory/test_bayes.py::TestNothing::test_recorded_values",
        "theory/test_margins.py::TestThreshold",
        "theory/references.py::expectations",
    ],
)
def test_a_test_that_is_none_is_found_out(test: str) -> None:
    assert find_test(ROOT, test) is None


def test_a_test_is_found_at_its_line() -> None:
    line = find_test(ROOT, "theory/test_margins.py::TestThreshold::test_known_capacities")
    assert line is not None
    source = (ROOT / "tests/theory/test_margins.py").read_text(encoding="utf-8").splitlines()
    assert source[line - 1].strip().startswith("def test_known_capacities")


def test_formula_of_a_docstring() -> None:
    assert docstring_formula("raflib.gibbs_error") == r"E_\text{Gibbs} = \frac1\pi\arccos q"
    assert docstring_formula("raflib.Hinge").startswith("\\begin{aligned}\n\\ell(x) &= ")
    assert docstring_formula("raflib.Kernel.rbf").endswith("\\end{aligned}")
    assert docstring_formula("raflib.stamp") == ""
