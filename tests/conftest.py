"""Settings that all tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import matplotlib
import pytest

ROOT = Path(__file__).resolve().parent.parent
# The local Sphinx extensions and the scripts behind the Makefile are tested too.
sys.path += [str(ROOT / "_ext"), str(ROOT / "tools")]

matplotlib.use("Agg")

# No deadline: on a busy machine a first call can take long. On a server the examples are the same
# in every run, so that a red build can be reproduced; elsewhere new ones are tried each time.
hypothesis.settings.register_profile("book", deadline=None)
hypothesis.settings.register_profile("server", deadline=None, derandomize=True)
hypothesis.settings.load_profile("server" if os.environ.get("CI") else "book")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the repository."""
    return ROOT
