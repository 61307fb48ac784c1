"""The API reference: every public name is on its page, and its docstring says all that a caller needs."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import inspect
import io
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import equations
import pytest
from api_names import PAGE, PROTOCOLS, all_public, bare_signature, documented, entries, public_names, resolve
from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives
from numpydoc import docscrape_sphinx
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import Validator, validate

import raflib
from raflib.gaussian import tilted_mean

ROOT = Path(__file__).resolve().parent.parent
PAGE_TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
LISTED = documented(PAGE_TEXT)
THINGS = entries(PAGE_TEXT)

#: numpydoc's checks that do not fit, with the reason. All others hold for every name on the page.
LEFT_OUT = {
    "ES01": "a name whose one line says it all needs no second paragraph",
    "SA01": "the page groups what belongs together; 'see also' would repeat the group",
    "SS05": "takes the s of a plural ('Margins at which ...') for that of a verb",
}
#: Of a method of a protocol: what u, V, conjugates and lam are is said once, in the docstring of the protocol.
SAID_BY_THE_PROTOCOL = {"PR01", "RT01", "EX01"}
#: Of a property: what it is, its line says.
SAID_BY_THE_LINE = {"EX01", "RT01"}


#: What has a docstring of its own; constants are described beside their value.
DESCRIBED = {name: x for name, x in THINGS.items() if callable(x) or isinstance(x, property)}
each = pytest.mark.parametrize("name", DESCRIBED)


def owner(name: str) -> type | None:
    """Return the class of a method, None for a function or a class."""
    above = THINGS.get(name.rpartition(".")[0])
    return above if inspect.isclass(above) else None


def returned_by_raflib(thing: Any) -> bool:
    """Whether a class is a result, which has attributes; a reader does not construct it."""
    return inspect.isclass(thing) and bare_signature(None, "class", "", thing) is not None and thing not in PROTOCOLS


# ---------------------------------------------------------------- the page


def test_every_public_name_is_on_the_page() -> None:
    assert {f"raflib.{name}" for name in raflib.__all__} <= set(all_public())
    missing = {name: thing.__module__ for name, thing in all_public().items() if name not in LISTED}
    assert missing == {}, f"no section of {PAGE} has these modules: add them to a directive api-names there"


def test_a_new_name_of_a_listed_module_is_on_the_page_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    before = public_names("raflib.gaussian")
    monkeypatch.setattr(raflib, "tilted_mean", tilted_mean, raising=False)
    monkeypatch.setattr(raflib, "__all__", [*raflib.__all__, "tilted_mean"])
    assert set(public_names("raflib.gaussian")) - set(before) == {"raflib.tilted_mean"}


def test_a_name_listed_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"lists raflib\.RulesAndFacts twice"):
        documented(".. api-names:: raflib.task\n\n.. api-names::\n   :also: raflib.RulesAndFacts\n")


def has_entry(name: str) -> bool:
    """Whether a name, what it is an attribute of, or what is in a module of that name has an entry."""
    if any(x == name or x.startswith(f"{name}.") or name.startswith(f"{x}.") for x in THINGS):
        return True
    try:  # a longer path to the same thing
        return any(resolve(name) is thing for thing in THINGS.values())
    except (ImportError, AttributeError):
        return False


def test_names_that_the_chapters_use_are_on_the_page() -> None:
    named = {
        (page.relative_to(ROOT).as_posix(), f"raflib.{name}")
        for page in equations.pages(ROOT)
        for text in equations.words(page)
        for name in equations.NAMED.findall(text)
    }
    missing = {(page, name) for page, name in named if not has_entry(name)}
    assert not missing, f"give them an entry with :also: in {PAGE}"
    assert has_entry("raflib.finite.training.train")
    assert not has_entry("raflib.finite.training.train_path")
    assert not has_entry("raflib.nothing.at_all")


# ---------------------------------------------------------------- the docstrings


@each
def test_numpydoc_finds_nothing_to_mend(name: str) -> None:
    thing = THINGS[name]
    left_out = set(LEFT_OUT)
    if owner(name) in PROTOCOLS:
        left_out |= SAID_BY_THE_PROTOCOL
    if isinstance(thing, property):
        left_out |= SAID_BY_THE_LINE
    if thing in PROTOCOLS or returned_by_raflib(thing):
        left_out |= {"PR01"}  # no reader makes one; the fields of a result are attributes (the next test)
    found = validate(get_doc_object(thing.fget if isinstance(thing, property) else thing))["errors"]
    assert [f"{code}: {text}" for code, text in found if code not in left_out] == []


@each
def test_a_result_describes_each_of_its_fields(name: str) -> None:
    thing = THINGS[name]
    if not returned_by_raflib(thing):
        return
    fields = [f.name for f in dataclasses.fields(thing)] if dataclasses.is_dataclass(thing) else list(thing._fields)
    described = get_doc_object(thing)["Attributes"]
    assert [part for entry in described for part in entry.name.split(", ")] == fields
    assert all(entry.type and " ".join(entry.desc).endswith(".") for entry in described)


@each
def test_numbers_have_their_range_or_shape(name: str) -> None:
    doc = get_doc_object(THINGS[name])
    number = re.compile(r"\b(?:float|int|array)\b")
    said = re.compile(r",? (?:in|at least|not|shape) |^\{")
    entries = [entry for entry in doc["Parameters"] if number.search(entry.type)]
    assert [f"{entry.name} : {entry.type}" for entry in entries if not said.search(entry.type)] == []


@each
def test_has_an_example_that_computes(name: str) -> None:
    if owner(name) in PROTOCOLS or isinstance(THINGS[name], property):
        return
    lines = get_doc_object(THINGS[name])["Examples"]
    code = [line for line in lines if line.lstrip().startswith(">>> ")]
    shown = [line for line in lines if line.strip() and not line.lstrip().startswith((">>> ", "... "))]
    assert len(code) >= 2, "import what the example needs, then use it"
    assert shown, "an example shows what comes out"
    assert "import" in code[0]


@each
def test_formulas_are_mathematics_with_a_source(name: str) -> None:
    text = inspect.getdoc(THINGS[name]) or ""
    literals = [literal for literal in re.findall(r"``(.+?)``", text, re.S) if "rf." not in literal]
    formulas = [literal for literal in literals if re.search(r"\s=\s(?!=)", literal)]
    assert formulas == [], "a formula stands in .. math:: or :math:"
    if ".. math::" in text and owner(name) is None:
        assert "References\n----------" in text


class Skipped(Directive):
    """What Sphinx knows and docutils does not, with its content left out."""

    has_content, optional_arguments, final_argument_whitespace = True, 1, True

    def run(self) -> list[nodes.Node]:
        return []


@each
def test_reads_as_restructuredtext(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A bar around |x| is a substitution, a lone asterisk the start of emphasis: an error of the page, seen here first.
    thing = THINGS[name].fget if isinstance(THINGS[name], property) else THINGS[name]
    text = str(docscrape_sphinx.get_doc_object(thing, config={"show_class_members": False}))
    monkeypatch.setitem(directives._directives, "only", Skipped)
    strict = {"report_level": 2, "halt_level": 2, "warning_stream": io.StringIO()}
    publish_doctree(text, settings_overrides=strict)


@each
def test_names_in_single_backticks_lead_to_an_entry(name: str) -> None:
    # The same names are links on the page; here a dead one shows without a build.
    text = re.sub(r"``.+?``|:\w+:`.+?`", "", inspect.getdoc(THINGS[name]) or "", flags=re.S)
    parts = name.split(".")
    scopes = ["", *(".".join(parts[:n]) + "." for n in range(1, len(parts) + 1))]
    links = [link.rpartition("<")[2].strip("<>") for link in re.findall(r"`([^`]+)`", text)]
    assert [link for link in links if not any(scope + link in THINGS for scope in scopes)] == []
    if name not in LISTED:
        return
    # The first line is shown in a table too, where nothing says which module a short name is of.
    first = re.sub(r"``.+?``|:\w+:`.+?`", "", (inspect.getdoc(THINGS[name]) or "").split("\n\n")[0])
    assert [link for link in re.findall(r"`([^`]+)`", first) if link not in THINGS] == []


# ---------------------------------------------------------------- what is raised


def functions_of(thing: Any) -> list[Callable[..., Any]]:
    """Return the code behind a public name: the function, or what runs when an instance is made."""
    if isinstance(thing, property):
        return [thing.fget] if thing.fget else []
    if inspect.isclass(thing):
        return [vars(thing)["__post_init__"]] if "__post_init__" in vars(thing) else []
    return [thing.__func__ if inspect.ismethod(thing) else thing]


def used(function: Callable[..., Any], cls: type | None) -> Iterator[Any]:
    """Yield the functions of raflib that a function names, and the classes of raflib that it calls."""
    function = inspect.unwrap(function)
    known = {**vars(builtins), **function.__globals__}
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):  # imports inside the function
        if isinstance(node, ast.ImportFrom) and node.level:
            module = __import__(f"{known['__package__']}.{node.module}", fromlist=["x"])
            known |= {alias.name: getattr(module, alias.name) for alias in node.names}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        thing: Any = None
        if isinstance(node, ast.Name):
            thing = known.get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            base = known.get(node.value.id)
            if isinstance(base, ModuleType):
                thing = getattr(base, node.attr, None)
            elif node.value.id in {"self", "cls"} and cls is not None:
                thing = inspect.getattr_static(cls, node.attr, None)
                thing = getattr(thing, "fget", None) or getattr(thing, "__func__", None) or thing
        if not getattr(thing, "__module__", "").startswith("raflib"):
            continue
        # A lambda's source is that of the statement around it, which need not be one by itself.
        is_function = inspect.isfunction(thing) and thing.__name__ != "<lambda>"
        if is_function or (inspect.isclass(thing) and id(node) in called):
            yield thing


def raised(thing: Any, cls: type | None = None, seen: set[Any] | None = None) -> set[str]:
    """Return the exceptions that a name raises by itself or through the functions of raflib that it uses."""
    seen = set() if seen is None else seen
    found: set[str] = set()
    for function in functions_of(thing):
        if function in seen:
            continue
        seen.add(function)
        home = thing if inspect.isclass(thing) else cls
        source = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
        for node in ast.walk(source):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                kind = vars(builtins).get(
                    name := ast.unparse(node.exc.func), inspect.unwrap(function).__globals__.get(name)
                )
                found |= {name} if inspect.isclass(kind) else set()  # a function may return the exception
        for other in used(function, home):
            found |= raised(other, home if not inspect.isclass(other) else None, seen)
    return found


def test_what_is_raised_is_found_through_calls() -> None:
    assert raised(raflib.generalization_error) == set()
    assert raised(raflib.memorization_error) == {"ValueError"}  # by a private function of a private function
    assert raised(raflib.RulesAndFacts) == {"ValueError"}  # by __post_init__
    assert "ConvergenceError" in raised(raflib.rate)
    assert "SimulationError" in raised(raflib.simulate)  # by what the worker processes run


@each
def test_says_what_it_raises(name: str) -> None:
    if owner(name) in PROTOCOLS or isinstance(THINGS[name], property):
        return  # a protocol raises nothing, and a property takes nothing that it could refuse
    said = {entry.type or entry.name for entry in get_doc_object(THINGS[name])["Raises"]}
    # TypeError guards against what only the library itself could pass on; wrong input of a reader is a ValueError.
    assert raised(THINGS[name], owner(name)) - said - {"TypeError"} == set()


# ---------------------------------------------------------------- these tests themselves


def test_a_poor_docstring_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    poor = """Error of something

    ``E = x / y``

    Parameters
    ----------
    solution : float
        a number
    """
    monkeypatch.setattr(raflib.generalization_error, "__doc__", poor)
    codes = {code for code, _ in validate(get_doc_object(raflib.generalization_error))["errors"]}
    assert {"SS03", "PR08", "PR09", "RT01", "EX01"} <= codes
    assert Validator(get_doc_object(raflib.generalization_error)).doc_parameters
    for test in (
        test_numpydoc_finds_nothing_to_mend,
        test_numbers_have_their_range_or_shape,
        test_has_an_example_that_computes,
        test_formulas_are_mathematics_with_a_source,
    ):
        with pytest.raises(AssertionError):
            test("raflib.generalization_error")
