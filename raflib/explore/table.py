"""The solved control grid of an explorer, and what is seen and said in one of its states.

Every rendering looks its numbers up here. So every position of every slider is an exactly
solved point, nothing is interpolated, and all renderings say the same sentence about it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from raflib.explore.spec import (
    Array,
    Curve,
    Dot,
    Explorer,
    Mark,
    Note,
    Panel,
    Pins,
    Rule,
    State,
)
from raflib.explore.words import FIELD, UNSOLVED, format_number


# ------------------------------------------------------------------ the solved grid
@dataclass(frozen=True)
class Table:
    """Every number an explorer can show: its outputs on the whole control grid.

    Parameters
    ----------
    explorer : Explorer
        The declaration.
    codes : mapping of str to array of unsigned integers
        What the page stores. One axis per control, of length one where nothing depends on it.
    case : array of int
        Which reading applies, with axes as in `codes`.
    """

    explorer: Explorer
    codes: Mapping[str, NDArray[np.unsignedinteger]]
    case: NDArray[np.uint8]
    values: Mapping[str, Array] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        decoded = {o.name: o.decode(self.codes[o.name]) for o in self.explorer.outputs}
        object.__setattr__(self, "values", MappingProxyType(decoded))

    def at(self, name: str, state: State) -> float:
        """Value of the control or output `name` at one grid position."""
        return float(self._take(name, state, over=None))

    def along(self, name: str, state: State, over: str) -> Array:
        """Values of `name` while the control `over` runs through its grid."""
        return np.asarray(self._take(name, state, over=over), dtype=float)

    def _take(self, name: str, state: State, over: str | None) -> Array:
        controls = self.explorer.controls
        if name not in self.values:  # a control: its own grid
            control = self.explorer.control(name)
            numbers = np.asarray(control.values, dtype=float)
            if name == over:
                return numbers
            return np.asarray(numbers[state[name]])
        array = self.values[name]
        key = tuple(
            slice(None) if c.name == over else (state[c.name] if size > 1 else 0)
            for c, size in zip(controls, array.shape, strict=True)
        )
        picked = array[key]
        if over is not None and picked.size == 1:
            picked = np.broadcast_to(picked, (len(self.explorer.control(over).values),))
        return picked


def solve(explorer: Explorer) -> Table:
    """Run ``compute`` once for the whole control grid and keep what the page will store.

    Parameters
    ----------
    explorer : Explorer
        The declaration.

    Returns
    -------
    Table
        Cached: the second call for the same explorer costs nothing.

    Raises
    ------
    ValueError
        If ``compute`` leaves out an output, returns a shape that does not broadcast to the
        grid, a value outside its declared bounds, or a case without a template.
    """
    return _solve(explorer)


@cache
def _solve(explorer: Explorer) -> Table:
    return tabulate(explorer, explorer.compute(**open_grid(explorer)))


def open_grid(explorer: Explorer) -> dict[str, NDArray[np.generic]]:
    """Arrays that ``compute`` is called with: one per control, each along its own axis."""
    grids = np.ix_(*(np.asarray(c.values) for c in explorer.controls))
    return {c.name: grid for c, grid in zip(explorer.controls, grids, strict=True)}


def tabulate(explorer: Explorer, results: Mapping[str, NDArray[np.generic]]) -> Table:
    """Check what ``compute`` returned and round it to the stored decimals."""
    shape = tuple(len(c.values) for c in explorer.controls)

    def fitted(name: str) -> NDArray[np.generic]:
        if name not in results:
            raise ValueError(f"explorer {explorer.name!r}: compute returned no {name!r}")
        array = np.asarray(results[name])
        array = array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
        if any(n not in (1, m) for n, m in zip(array.shape, shape, strict=True)):
            raise ValueError(
                f"explorer {explorer.name!r}: {name!r} has shape {array.shape}, "
                f"which does not broadcast to the control grid {shape}"
            )
        return array

    codes = {o.name: o.encode(fitted(o.name)) for o in explorer.outputs}
    case = fitted("case") if "case" in results else np.zeros((1,) * len(shape), dtype=int)
    if not np.isin(case, np.arange(len(explorer.readings))).all():
        raise ValueError(
            f"explorer {explorer.name!r}: case must be one of 0..{len(explorer.readings) - 1}, "
            f"got {sorted(set(np.asarray(case).flat))}"
        )
    return Table(explorer, MappingProxyType(codes), case.astype(np.uint8))


# ------------------------------------------------------------------ what is seen in one state
@dataclass(frozen=True)
class Drawn:
    """One mark in one state: its points, and for a labelled mark its words and their side.

    ``dx`` is +1 where the words stand to the right of the point and -1 to the left; ``dy``
    is +1 above and -1 below.
    """

    x: Array
    y: Array
    text: str = ""
    dx: int = 1
    dy: int = 1


@dataclass(frozen=True)
class View:
    """Everything a rendering needs to show one state: the marks of each panel, and the reading."""

    panels: tuple[tuple[Drawn, ...], ...]
    reading: str


def view(table: Table, state: State) -> View:
    """Look up what is seen at one grid position. Pure; the page's script is its twin."""
    panels = tuple(_draw_panel(table, panel, state) for panel in table.explorer.panels)
    return View(panels, reading(table, state))


def reading(table: Table, state: State) -> str:
    """Say in one sentence what the state shows; :data:`UNSOLVED` if a needed value is nan."""
    key = tuple(
        state[c.name] if size > 1 else 0 for c, size in zip(table.explorer.controls, table.case.shape, strict=True)
    )
    text = render(table, table.explorer.readings[int(table.case[key])], state)
    return UNSOLVED if text is None else text


def render(table: Table, template: str, state: State) -> str | None:
    """Fill a template; None if one of its values is nan."""
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        name, spec = match[1], match[2]
        if name not in table.values:
            return table.explorer.control(name).texts[state[name]]
        number = table.at(name, state)
        if np.isnan(number):
            missing = True
            return ""
        return format_number(number, spec or ".3g")

    text = FIELD.sub(fill, template)
    return None if missing else text


def _draw_panel(table: Table, panel: Panel, state: State) -> tuple[Drawn, ...]:
    drawn = [_draw(table, panel, mark, state) for mark in panel.marks]
    dots = [i for i, m in enumerate(panel.marks) if isinstance(m, Dot) and m.label]
    heights = [float(drawn[i].y[0]) for i in dots if not math.isnan(drawn[i].y[0])]
    for i in dots:
        drawn[i] = _place_words(panel, drawn[i], max(heights, default=math.nan))
    return tuple(drawn)


def _place_words(panel: Panel, dot: Drawn, top: float) -> Drawn:
    """Words go above the highest dot and below the others, so that they keep apart."""
    x, y = float(dot.x[0]), float(dot.y[0])
    if math.isnan(y):
        return dot
    dx = -1 if panel.across(x) > 0.5 else 1
    dy = 1 if y >= top else -1
    if dy < 0 and panel.up(y) < 0.12:
        # No room below: above, and on the other side if the highest dot's words are there.
        crowded = panel.up(top) - panel.up(y) < 0.15 and panel.across(x) > 0.15
        dx, dy = (-dx if crowded else dx), 1
    return Drawn(dot.x, dot.y, dot.text, dx, dy)


def _draw(table: Table, panel: Panel, mark: Mark, state: State) -> Drawn:
    match mark:
        case Curve():
            at = _pinned(table, mark.at, state)
            return Drawn(table.along(mark.x, at, mark.over), table.along(mark.y, at, mark.over))
        case Dot():
            at = _pinned(table, mark.at, state)
            x, y = table.at(mark.x, at), table.at(mark.y, at)
            if math.isnan(x) or math.isnan(y):
                return Drawn(np.array([np.nan]), np.array([np.nan]))
            text = render(table, mark.label, at) or ""
            return Drawn(np.array([x]), np.array([y]), text)
        case Rule():
            x = table.at(mark.x, state)
            side = -1 if panel.across(x) > 0.5 else 1  # nan is not above anything
            ends = np.asarray(panel.y_range, dtype=float)
            return Drawn(np.full(2, x), ends, mark.label, side, -1)
        case Note():
            return Drawn(np.array([mark.x]), np.array([mark.y]), mark.text)


def _pinned(table: Table, pins: Pins, state: State) -> State:
    if not pins:
        return state
    return {**state, **{name: table.explorer.control(name).index(value) for name, value in pins}}


def strides(shape: Sequence[int]) -> list[int]:
    """Steps between neighbours in the flattened array, zero along axes of length one."""
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step if size > 1 else 0)
        step *= size
    return steps[::-1]
