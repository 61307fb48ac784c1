"""Take sphinx-thebe off the pages: they load no script that another machine would have to serve.

Jupyter Book loads that extension always. It adds its script twice, from a content delivery network,
which is a SyntaxError on every page, and writes a configuration into each. The book does not use
it: code runs live through the launch buttons.
"""

from __future__ import annotations

from sphinx.application import Sphinx

UNWANTED = "sphinx_thebe"
STYLE = "sphinx-thebe.css"


def setup(app: Sphinx) -> dict[str, bool]:
    """Undo what sphinx-thebe registered; Jupyter Book loads the local extensions after it."""
    unwanted = [
        listener.id
        for listeners in app.events.listeners.values()
        for listener in listeners
        if listener.handler.__module__.split(".")[0] == UNWANTED
    ]
    for listener_id in unwanted:
        app.disconnect(listener_id)
    app.registry.css_files = [entry for entry in app.registry.css_files if entry[0] != STYLE]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
