"""Keep the pages free of scripts that other machines would have to serve.

Jupyter Book always loads sphinx-thebe, whose script comes from a content delivery network and
throws a SyntaxError because it is added twice. The book does not use it: live code runs through
the launch buttons.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

THEBE = ("sphinx-thebe", "thebe@", "THEBE_JS_URL")


def is_thebe(script: object) -> bool:
    """Whether a script of a page belongs to sphinx-thebe, by its file name or its inline body."""
    name = str(getattr(script, "filename", None) or script)
    body = str(getattr(script, "attributes", {}).get("body") or "")
    return any(mark in name or mark in body for mark in THEBE)


def drop_thebe(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """Take sphinx-thebe's scripts and style out of a page."""
    for kind in ("script_files", "css_files"):
        context[kind] = [entry for entry in context.get(kind, []) if not is_thebe(entry)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
