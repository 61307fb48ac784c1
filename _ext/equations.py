"""The index of equations: equation -> function -> test, from one table.

``{equation-index} Losses`` stands for the rows of ``chapters/appendix/equations.toml`` whose part is "Losses". A row
shows the formula (that of its first chapter equation, or of its first function's docstring), links to the equation in
every chapter, to the entries of the API reference, and to the tests where the repository has a public address.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from api_names import resolve
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

TABLE = Path("chapters/appendix/equations.toml")
#: A displayed equation with its label, on lines of their own, as CONTRIBUTING asks.
LABELLED = re.compile(r"^[ \t]*\$\$\n(?P<formula>(?:(?!\$\$).)*?)\n[ \t]*\$\$ \((?P<label>eq-[\w-]+)\)$", re.M | re.S)
#: A name of the library in inline code: `rf.Hinge().prox(u, V)` names Hinge.
NAMED = re.compile(r"`(?:rf|raflib)\.(\w+(?:\.\w+)*)")


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    part: str
    name: str
    functions: Sequence[str]
    tests: Sequence[str]
    chapters: Sequence[str] = ()


@dataclass(frozen=True)
class Equation:
    """A labelled equation of a chapter, with the names of raflib in the paragraph that follows it."""

    page: str
    formula: str
    names: frozenset[str]


def rows(root: Path) -> list[Row]:
    """Return the rows of the table; a key that is missing or unknown is an error."""
    stored = tomllib.loads((root / TABLE).read_text(encoding="utf-8"))
    return [Row(**row) for row in stored["equation"]]


def pages(root: Path) -> list[Path]:
    """Return the notebooks and Markdown pages of the book, without the index itself."""
    found = [path for kind in ("ipynb", "md") for path in (root / "chapters").rglob(f"*.{kind}")]
    return sorted(p for p in found if ".ipynb_checkpoints" not in p.parts and p.stem != TABLE.stem)


def words(page: Path) -> Iterator[str]:
    """Yield the Markdown of a page, cell by cell."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        yield text
        return
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "markdown":
            yield "".join(cell["source"])


def equations(root: Path) -> dict[str, Equation]:
    """Return every labelled equation of the chapters."""
    found: dict[str, Equation] = {}
    for page in pages(root):
        for text in words(page):
            for match in LABELLED.finditer(text):
                # What the text says of an equation ends with its paragraph, or with the next display.
                after = re.split(r"\n\s*\n|\$\$", text[match.end() :].lstrip("\n"), maxsplit=1)[0]
                names = frozenset(f"raflib.{name}" for name in NAMED.findall(after))
                name = page.relative_to(root).with_suffix("").as_posix()
                found[match["label"]] = Equation(name, textwrap.dedent(match["formula"]), names)
    return found


def docstring_formula(name: str) -> str:
    """Return the first displayed formula of a docstring, as lines that MathJax aligns; empty if there is none."""
    text = inspect.getdoc(resolve(name)) or ""
    match = re.search(r"^\.\. math::\n\n((?:    .*\n?|\n)+)", text, re.M)
    if match is None:
        return ""
    formula = textwrap.dedent(match[1]).strip()
    return f"\\begin{{aligned}}\n{formula}\n\\end{{aligned}}" if "&" in formula or r"\\" in formula else formula


def find_test(root: Path, test: str) -> int | None:
    """Return the line of a test such as ``theory/test_x.py::TestY::test_z``, or None if there is no such test."""
    path, *parts = test.split("::")
    file = root / "tests" / path
    if not file.is_file() or not parts or not parts[-1].startswith("test_"):
        return None
    body: list[ast.stmt] = ast.parse(file.read_text(encoding="utf-8")).body
    line = None
    for part in parts:
        inside = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part]
        if not inside:
            return None
        line, body = inside[0].lineno, inside[0].body
    return line


class EquationIndex(SphinxDirective):
    """The rows of one part of the table."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Write the table as Markdown and parse it."""
        root = Path(self.env.srcdir)
        known = equations(root)
        chosen = [row for row in rows(root) if row.part == self.arguments[0]]
        tests = {root / "tests" / test.split("::")[0] for row in chosen for test in row.tests}
        for source in (root / TABLE, *pages(root), *tests):
            self.env.note_dependency(str(source))
        if not chosen:
            raise self.error(f"{TABLE} has no row whose part is {self.arguments[0]!r}")
        lines = ["```{list-table}", ":header-rows: 1", ":class: equations", ":widths: 49 24 27", ""]
        lines += ["- - Equation", "  - In raflib", "  - Tests"]
        for row in chosen:
            lines += self.row(root, row, known)
        lines.append("```")
        holder = nodes.container()
        self.state.nested_parse(StringList(lines, source=str(TABLE)), self.content_offset, holder)
        return holder.children

    def row(self, root: Path, row: Row, known: dict[str, Equation]) -> Iterator[str]:
        """Yield the lines of one row of the list table."""
        formula = known[row.chapters[0]].formula if row.chapters else docstring_formula(row.functions[0])
        links = ", ".join(f"{Path(known[label].page).name} {{eq}}`{label}`" for label in row.chapters)
        yield f"- - **{row.name}**" + (f" ({links})" if links else "")
        yield ""
        # In the table a formula ends no sentence: its last full stop or comma goes.
        formula = re.sub(r"(?<!\\)\s*[.,;:]\s*((?:\\end\{\w+\}\s*)*)$", r"\n\1", formula).rstrip()
        yield from textwrap.indent(f"$$\n{formula}\n$$", "    ").split("\n")
        yield ""
        shown = [f"{{py:obj}}`{name.removeprefix('raflib.')} <{name}>`" for name in row.functions]
        yield "  - " + " <br> ".join(shown)
        yield "  - " + " ".join(self.test(root, test) for test in row.tests)

    def test(self, root: Path, test: str) -> str:
        """Return the name of a test, linked to its source where the repository has an address."""
        line = find_test(root, test)
        if line is None:
            raise self.error(f"{TABLE}: there is no test {test}")
        path, *parts = test.split("::")
        # The name can break after every underscore, and is copied without a trace of that.
        shown = f'<code class="docutils literal notranslate">{parts[-1].replace("_", "_<wbr>")}</code>'
        options = self.config.html_theme_options
        address, provider = options.get("repository_url"), options.get("repository_provider")
        if not address:
            return shown
        middle = {"gitlab": "-/blob", "bitbucket": "src"}.get(provider, "blob")
        anchor = f"lines-{line}" if provider == "bitbucket" else f"L{line}"
        link = f"{address}/{middle}/{options['repository_branch']}/tests/{path}#{anchor}"
        return f'<a class="reference external" href="{link}">{shown}</a>'


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("equation-index", EquationIndex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
