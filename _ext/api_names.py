"""The API reference: one directive that lists the public names of some modules from their docstrings.

``.. api-names:: raflib.losses`` stands for every public name that is defined in that module (`NAMESPACES` says what is
public), so that a new name is on the page at once. ``:also:`` adds names that are public under their module's path
only, such as protocols; ``:bare:`` leaves out their methods. A table with one line per name comes first, then the
entries, which autodoc and numpydoc make.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from raflib.features import FeatureMap
from raflib.losses import Loss, SmoothLoss

#: What every loss, or every feature map, has is described once, in the entry of its protocol.
PROTOCOLS: tuple[type, ...] = (Loss, SmoothLoss, FeatureMap)
#: What a reader types before a public name; each says in its ``__all__`` which names are public.
NAMESPACES = ("raflib", "raflib.finite", "raflib.explore")
PAGE = Path("chapters/appendix/api.md")
#: A directive in the source of the page, with its options.
DIRECTIVE = re.compile(
    r"^\.\. api-names::(?P<modules>.*(?:\n      .*)*)\n(?P<options>(?:   :.*\n(?:      .*\n)*)*)", re.M
)


def all_public() -> dict[str, Any]:
    """Return every public name with what it stands for; one that is in two namespaces is that of the shorter."""
    found: dict[str, Any] = {}
    for namespace in NAMESPACES:
        package = importlib.import_module(namespace)
        for name in package.__all__:
            thing = getattr(package, name)
            if not any(thing is other for other in found.values()):
                found[f"{namespace}.{name}"] = thing
    return found


def public_names(module: str) -> list[str]:
    """Return the full names of what is public of a module, in the order of its source."""
    order = list(vars(importlib.import_module(module)))
    mine = [name for name, thing in all_public().items() if getattr(thing, "__module__", None) == module]
    return sorted(mine, key=lambda name: order.index(name.rpartition(".")[2]))


def resolve(name: str) -> Any:
    """Return the object with a full name such as ``raflib.Kernel.rbf`` or ``raflib.losses.Loss``.

    ``raflib.solve`` is the function, not the module that it shadows.
    """
    above, _, last = name.rpartition(".")
    parent, _, name_of_class = above.rpartition(".")
    owner = getattr(importlib.import_module(parent), name_of_class, None) if parent else None
    return getattr(owner if inspect.isclass(owner) else importlib.import_module(above), last)


def members(cls: type) -> list[str]:
    """Return the public methods and properties of a class that no protocol describes already."""
    known: set[str] = set()
    for protocol in PROTOCOLS:
        wanted = {name for name in vars(protocol) if not name.startswith("_")}
        if cls not in PROTOCOLS and wanted <= set(dir(cls)):
            known |= wanted
    # The fields of a named tuple are descriptors, but not properties: the docstring of the class has them.
    kinds = (property, classmethod, staticmethod)
    return [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_") and name not in known and (inspect.isfunction(value) or isinstance(value, kinds))
    ]


def entry(name: str, bare: bool) -> Iterator[str]:
    """Yield the lines of reStructuredText that make one entry."""
    thing = resolve(name)
    if inspect.isclass(thing):
        yield f".. auto{'exception' if issubclass(thing, BaseException) else 'class'}:: {name}"
        if not bare and (chosen := members(thing)):
            yield f"   :members: {', '.join(chosen)}"
            yield "   :member-order: bysource"
    elif inspect.isfunction(thing):
        yield f".. autofunction:: {name}"
    else:
        yield f".. autodata:: {name}"
        yield "   :no-value:"
    yield ""


def documented(page: str) -> dict[str, bool]:
    """Return the names that the source of the page lists, and whether without their methods."""
    found: dict[str, bool] = {}
    for match in DIRECTIVE.finditer(page):
        names = [name for module in match["modules"].split() for name in public_names(module)]
        also = re.search(r"^   :also:(.*(?:\n      .*)*)", match["options"], re.M)
        names += also[1].split() if also else []
        for name in names:
            if name in found:
                raise ValueError(f"{PAGE} lists {name} twice")
            found[name] = "   :bare:" in match["options"]
    return found


def entries(page: str) -> dict[str, Any]:
    """Return everything that has an entry on the page, methods and properties included, by its full name."""
    found: dict[str, Any] = {}
    for name, bare in documented(page).items():
        thing = found[name] = resolve(name)
        if inspect.isclass(thing) and not bare:
            found |= {f"{name}.{member}": getattr(thing, member) for member in members(thing)}
    return found


class ApiNames(SphinxDirective):
    """List the public names of the modules that are its arguments."""

    optional_arguments = 100
    option_spec: ClassVar = {"also": directives.unchanged, "bare": directives.flag}

    def run(self) -> list[nodes.Node]:
        """Write table and entries as reStructuredText and parse them."""
        names = [name for module in self.arguments for name in public_names(module)]
        names += self.options.get("also", "").split()
        lines = [".. autosummary::", "   :nosignatures:", "", *(f"   ~{name}" for name in names), ""]
        for name in names:
            lines += entry(name, "bare" in self.options)
        holder = nodes.container()
        self.state.nested_parse(
            StringList(lines, source=self.get_source_info()[0]),
            self.content_offset,
            holder,
        )
        return holder.children


def bare_signature(_app: Sphinx, what: str, _name: str, thing: Any, *_rest: object) -> tuple[str, str] | None:
    """Leave out the signature of what a reader does not call: protocols, and results, which have attributes."""
    if what != "class":
        return None
    made_by_raflib = "\nAttributes\n---" in (inspect.getdoc(thing) or "")
    return ("", "") if made_by_raflib or getattr(thing, "_is_protocol", False) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("api-names", ApiNames)
    app.connect("autodoc-process-signature", bare_signature, priority=400)  # numpydoc answers at 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
