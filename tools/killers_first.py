"""A pytest plugin for `make mutants`: tests in a given order, and a record of what they took and which failed.

`RAF_TESTS_ORDER` names a JSON file, a list of test ids: those come first, in this order. `RAF_TESTS_RECORD` names the
file that is written: the seconds of each test, the tests that failed, and the file that `import raflib` found.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

_seconds: dict[str, float] = {}
_failed: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests; one that the list does not name goes to the end."""
    path = os.environ.get("RAF_TESTS_ORDER")
    if path:
        place = {name: i for i, name in enumerate(json.loads(Path(path).read_text(encoding="utf-8")))}
        items.sort(key=lambda item: place.get(item.nodeid, len(place)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the seconds of setup, call and teardown, and keep what failed."""
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration
    if report.failed:
        _failed.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file that cannot be imported fails as a test does."""
    if report.failed:
        _failed.append(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write the record."""
    found = getattr(sys.modules.get("raflib"), "__file__", "") or ""
    record = {"seconds": _seconds, "failed": _failed, "raflib": found}
    Path(os.environ["RAF_TESTS_RECORD"]).write_text(json.dumps(record), encoding="utf-8")
