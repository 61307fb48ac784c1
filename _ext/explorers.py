"""Bring explorers to life on the pages that hold one, and leave every other page alone.

A page with a ``<raf-explorer>`` gets Bokeh's own script, copied from the installed package (no
content delivery network), and ``explorer.js`` and ``explorer.css`` from the book's assets.
While the book is built, ``raflib.explore.show`` is told to write pages, not widgets.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import bokeh
from docutils import nodes
from sphinx.application import Sphinx

BOKEH_SOURCE = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
# The version is in the name: a reader's browser never runs an old script on a new figure.
BOKEH_SCRIPT = f"bokeh-{bokeh.__version__}.min.js"
ELEMENT = "<raf-explorer"


def has_explorer(doctree: nodes.document | None) -> bool:
    """Whether a page shows an explorer."""
    if doctree is None:
        return False
    return any(ELEMENT in raw.astext() for raw in doctree.findall(nodes.raw))


def add_scripts(app: Sphinx, _page: str, _template: str, _context: dict[str, Any], doctree: nodes.document) -> None:
    """Add the scripts and the style to a page that shows an explorer."""
    if not has_explorer(doctree):
        return
    copied = Path(app.outdir) / "_static" / BOKEH_SCRIPT
    if not copied.exists():
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(BOKEH_SOURCE, copied)
    app.add_js_file(BOKEH_SCRIPT, loading_method="defer")
    app.add_js_file("explorer.js", loading_method="defer")
    app.add_css_file("explorer.css")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension; the kernels that run the notebooks inherit the environment."""
    os.environ["RAFLIB_EXPLORE"] = "page"
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
