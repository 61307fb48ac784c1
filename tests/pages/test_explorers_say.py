"""Explorers in a real browser say and draw what Python says and draws, to the eye and to a screen reader."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import numpy as np
from explorer_page import EVERY, shown, slider
from playwright.sync_api import expect

from raflib.explore import static, table
from raflib.explore.spec import Explorer


@EVERY
def test_every_sentence_is_the_one_python_says(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    solved = table.solve(explorer)
    names = [c.name for c in explorer.controls]
    sizes = [1 if c.hidden else len(c.values) for c in explorer.controls]
    grid = [dict(zip(names, indices, strict=True)) for indices in itertools.product(*map(range, sizes))]
    if len(grid) > 15_000:  # tests/test_explore.py goes through all of them, in Python alone
        grid = random.Random(3).sample(grid, 15_000)
    on_page = element.evaluate("(e, states) => states.map((s) => e.table.reading(s))", grid)
    assert on_page == [table.reading(solved, state) for state in grid]


@EVERY
def test_every_mark_is_where_python_draws_it(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    solved = table.solve(explorer)
    rng = np.random.default_rng(7)
    picked = [{c.name: int(rng.integers(len(c.values))) for c in explorer.controls} for _ in range(300)]
    on_page = element.evaluate(
        """(e, states) => states.map((s) => e.table.spec.panels.map((p) => e.table.draw(p, s)))""", picked
    )
    for state, panels in zip(picked, on_page, strict=True):
        for panel, drawn, marks in zip(explorer.panels, table.view(solved, state).panels, panels, strict=True):
            expected = [static.columns(m, d) for m, d in zip(panel.marks, drawn, strict=True)]
            for mark, want, got in zip(panel.marks, expected, marks, strict=True):
                assert got is None or got == want, (state, mark)


@EVERY
def test_the_figures_hold_what_the_state_shows(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    solved = table.solve(explorer)
    state = {c.name: (0 if c.hidden else len(c.values) // 3) for c in explorer.controls}
    element.evaluate("(e, state) => e.moveTo(state)", state)
    for panel, drawn, got in zip(explorer.panels, table.view(solved, state).panels, shown(element), strict=True):
        for mark, points, columns in zip(panel.marks, drawn, got, strict=True):
            if columns is not None:
                assert columns == static.columns(mark, points), mark


@EVERY
def test_controls_have_names_and_the_figures_have_words(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    for control in explorer.sliders:
        if control.is_choice:
            group = element.get_by_role("group", name=control.label)
            expect(group.get_by_role("radio")).to_have_count(len(control.values))
        else:
            one = slider(element, control)
            expect(one).to_have_count(1)
            expect(one).to_have_attribute("aria-valuetext", control.texts[control.index(control.default)])
            expect(one).to_have_attribute("max", str(len(control.values) - 1))
    figures = element.get_by_role("img", name=explorer.alt)
    expect(figures).to_have_count(len(explorer.panels))
    expect(element.get_by_role("status")).to_have_attribute("aria-live", "polite")
