"""The build says how long each notebook took and fails on one that is far too slow."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import run_time


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    logger = SimpleNamespace(
        info=lambda text, *values: lines.append((logging.INFO, text % values)),
        warning=lambda text, *values: lines.append((logging.WARNING, text % values)),
    )
    monkeypatch.setattr(run_time, "LOGGER", logger)
    return lines


def built(**seconds: float | None) -> SimpleNamespace:
    metadata = {page: {"exec_data": {"runtime": taken}} for page, taken in seconds.items()}
    metadata["a_page_without_code"] = {}
    return SimpleNamespace(config=SimpleNamespace(notebook_seconds=45.0), env=SimpleNamespace(nb_metadata=metadata))


def test_every_run_time_is_said(said: list[tuple[int, str]]) -> None:
    run_time.report(built(model=12.34, linear=44.0), None)
    assert [level for level, _ in said] == [logging.INFO, logging.INFO]
    assert "linear" in said[0][1]
    assert "12.3 s" in said[1][1]


def test_over_the_limit_is_named(said: list[tuple[int, str]]) -> None:
    run_time.report(built(model=46.0), None)
    assert "over the limit of 45 s" in said[-1][1]
    assert {level for level, _ in said} == {logging.INFO}


def test_over_twice_the_limit_is_a_warning_and_so_an_error_of_the_build(said: list[tuple[int, str]]) -> None:
    run_time.report(built(model=91.0), None)
    assert said[-1] == (logging.WARNING, "model takes 91 s to run, more than twice the limit of 45 s")


def test_a_failed_build_says_nothing_more(said: list[tuple[int, str]]) -> None:
    run_time.report(built(model=91.0), RuntimeError("failed"))
    run_time.report(built(model=None), None)
    assert said == []
