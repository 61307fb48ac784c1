"""Say how long each notebook took, and complain about one that a reader would have to wait for.

A chapter runs in under 45 s on two cores. Over that is reported; over twice that is a warning,
and so an error of the build (the factor leaves room for a slower or busier machine).
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)


def report(app: Sphinx, error: Exception | None) -> None:
    """Log one line per notebook, and warn about the slow ones."""
    if error is not None:
        return
    limit = app.config.notebook_seconds
    metadata = getattr(app.env, "nb_metadata", {})
    for page in sorted(metadata):
        run = metadata[page].get("exec_data")
        if not run or run.get("runtime") is None:
            continue
        seconds = run["runtime"]
        LOGGER.info("run time: %-32s %5.1f s", page, seconds)
        if seconds > 2 * limit:
            LOGGER.warning("%s takes %.0f s to run, more than twice the limit of %g s", page, seconds, limit)
        elif seconds > limit:
            LOGGER.info("run time: %s is over the limit of %g s: make it lighter", page, limit)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_config_value("notebook_seconds", 45.0, "", types=[int, float])
    app.connect("build-finished", report)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
