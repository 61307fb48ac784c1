"""The live rendering: ipywidgets and matplotlib, under a running kernel.

A thin shell: :func:`frame` is an ordinary function from a state to HTML, and the widget only
calls it when a control moves. The tests call it over the control grid, because an exception
in a widget callback is swallowed by the kernel and would otherwise go unseen.
"""

from __future__ import annotations

import base64
from html import escape
from typing import Any

import ipywidgets as widgets

from raflib.explore import still
from raflib.explore.spec import Control, State
from raflib.explore.table import Table, reading


def frame(table: Table, state: State) -> str:
    """Picture and reading of one state, as HTML.

    Parameters
    ----------
    table : Table
        The solved grid.
    state : mapping of str to int
        Grid position of every control.

    Returns
    -------
    str
        An ``<img>`` with alt text, and the reading below it.
    """
    across = len(table.explorer.panels) > 1
    picture = base64.b64encode(still.png(table, state, across=across, dpi=100)).decode()
    alt = escape(table.explorer.alt)
    return (
        f'<img src="data:image/png;base64,{picture}" alt="{alt}" style="max-width:100%">'
        f'<p style="max-width:46em;line-height:1.4">{escape(reading(table, state))}</p>'
    )


def widget(table: Table) -> widgets.VBox:
    """Sliders and choices with the picture they move.

    Parameters
    ----------
    table : Table
        The solved grid.

    Returns
    -------
    ipywidgets.VBox
        Its children: the question, the controls, the picture.
    """
    explorer = table.explorer
    picture = widgets.HTML(frame(table, explorer.state()))
    movers = {c.name: _mover(c) for c in explorer.sliders}

    def redraw(_change: Any = None) -> None:
        moved = {name: mover.index for name, mover in movers.items()}
        picture.value = frame(table, {**explorer.state(), **moved})

    def reset(_button: Any) -> None:
        for control in explorer.sliders:
            movers[control.name].index = control.index(control.default)

    for mover in movers.values():
        mover.observe(redraw, names="index")
    button = widgets.Button(description="Reset", tooltip="Reset all controls")
    button.on_click(reset)
    heading = widgets.HTML(f"<b>{escape(explorer.title)}</b><br><i>Predict, then move.</i> {escape(explorer.question)}")
    columns = widgets.Layout(grid_template_columns="repeat(auto-fit, minmax(24em, 1fr))", grid_gap="0 2em")
    controls = widgets.GridBox([*movers.values(), button], layout=columns)
    return widgets.VBox([heading, controls, picture])


def _mover(control: Control) -> Any:
    options = list(zip(control.texts, range(len(control.texts)), strict=True))
    # ipywidgets 8 has no aria-label for a slider: its description is what is read out.
    about: dict[str, Any] = {
        "options": options,
        "description": f"{control.label} {control.symbol}".strip(),
        "index": control.index(control.default),
        "layout": widgets.Layout(width="auto"),
    }
    if control.is_choice:
        return widgets.ToggleButtons(style={"description_width": "14em", "button_width": "6em"}, **about)
    return widgets.SelectionSlider(style={"description_width": "14em"}, continuous_update=True, **about)
