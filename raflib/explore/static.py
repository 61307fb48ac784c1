"""The static rendering: a piece of HTML that moves without a kernel.

:func:`html` returns one ``<raf-explorer>`` element. It holds the still picture (what print
and readers without scripts see), the figures as Bokeh documents, and the whole solved grid
as small integers. ``assets/explorer.js`` brings it to life; the Sphinx extension
``_ext/explorers.py`` puts that script, its style sheet and Bokeh's own script on the pages
that hold an explorer, and on no others.
"""

from __future__ import annotations

import base64
import json
import math
from html import escape
from typing import Any
from urllib.parse import quote

from bokeh.core.properties import value
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, FixedTicker, Range1d
from bokeh.plotting import figure

from raflib import plots
from raflib.explore import still
from raflib.explore.spec import Control, Curve, Dot, Mark, Note, Panel, Rule, State
from raflib.explore.table import Drawn, Table, strides, view
from raflib.explore.words import SYMBOL, UNBROKEN, UNSOLVED, format_number

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
"""Type inside the figures: the page's own, nothing to load."""

_HEIGHT = {1: 300, 2: 260}
"""Height of a panel in CSS pixels, by number of panels."""


def html(table: Table) -> str:
    """Write an explorer as one self-describing HTML element.

    Parameters
    ----------
    table : Table
        The solved grid.

    Returns
    -------
    str
        Plain text escapes everything it should; the element carries no script of its own.
    """
    explorer = table.explorer
    start = explorer.state()
    picture = "data:image/svg+xml," + quote(still.svg(table, start), safe=" =:/,;'()")
    reading = view(table, start).reading
    payload = json.dumps(data(table), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    payload = payload.replace("</", "<\\/").replace("<!--", "<\\u0021--")
    return "\n".join(
        [
            f'<raf-explorer name="{escape(explorer.name)}">',
            f'<p class="raf-title">{escape(explorer.title)}</p>',
            f'<p class="raf-question"><b>Predict, then move.</b> {rich(explorer.question)}</p>',
            '<div class="raf-stage"></div>',
            f'<img class="raf-still" src="{picture}" alt="{escape(explorer.alt)}">',
            f'<p class="raf-reading">{rich(reading)}</p>',
            f'<p class="raf-print">{rich(defaults(table))} {rich(reading)}</p>',
            '<p class="raf-asleep">This is a still picture; with scripts on, sliders move it.</p>',
            f'<script type="application/json">{payload}</script>',
            "</raf-explorer>",
        ]
    )


def rich(text: str) -> str:
    """Escape, set Greek letters in italics and ``E_gen`` with a subscript, keep "λ = 1" whole."""
    return SYMBOL.sub(
        lambda m: f"<i>{m[1]}</i><sub>{m[2]}</sub>" if m[1] else f"<i>{m[0]}</i>",
        escape(UNBROKEN.sub("\u00a0\\1\u00a0", text)),
    )


def defaults(table: Table) -> str:
    """Say which state the still picture shows."""
    state = table.explorer.state()
    parts = [f"{c.symbol or c.label} = {c.texts[state[c.name]]}" for c in table.explorer.sliders]
    return "Shown: " + ", ".join(parts) + "."


def data(table: Table) -> dict[str, Any]:
    """Everything the page's script needs, as plain JSON."""
    explorer = table.explorer
    arrays: dict[str, Any] = {}
    for output in explorer.outputs:
        codes = table.codes[output.name]
        arrays[output.name] = {
            "type": codes.dtype.str[1:],
            "strides": strides(codes.shape),
            "low": output.low,
            "scale": 10**output.decimals,
            "data": base64.b64encode(codes.tobytes()).decode(),
        }
    return {
        "name": explorer.name,
        "alt": explorer.alt,
        "controls": [_control(c) for c in explorer.controls],
        "arrays": arrays,
        "case": {
            "strides": strides(table.case.shape),
            "data": base64.b64encode(table.case.tobytes()).decode(),
        },
        "readings": list(explorer.readings),
        "unsolved": UNSOLVED,
        "panels": [_panel(table, i) for i in range(len(explorer.panels))],
    }


def _control(control: Control) -> dict[str, Any]:
    return {
        "name": control.name,
        "label": control.label,
        "symbol": control.symbol,
        "texts": list(control.texts),
        "values": None if control.is_choice else list(control.values),
        "start": control.index(control.default),
        "hidden": control.hidden,
    }


# ------------------------------------------------------------------ figures
def _panel(table: Table, index: int) -> dict[str, Any]:
    panel = table.explorer.panels[index]
    return {
        "x_label": panel.x_label,
        "y_label": panel.y_label,
        "x_range": list(panel.x_range),
        "y_range": list(panel.y_range),
        "x_log": panel.x_log,
        "drag_x": panel.drag_x,
        "drag_y": panel.drag_y,
        "marks": [_mark(table, mark) for mark in panel.marks],
        "legend": [
            {"label": m.label, "colour": plots.COLOURS[m.colour], "dash": m.dash}
            for m in panel.marks
            if isinstance(m, Curve) and m.label
        ],
        "figure": json_item(bokeh_figure(table, index, table.explorer.state())),
    }


def _mark(table: Table, mark: Mark) -> dict[str, Any]:
    about: dict[str, Any] = {"kind": type(mark).__name__}
    if isinstance(mark, Curve | Dot | Rule):
        about["x"] = mark.x
    if isinstance(mark, Curve | Dot):
        about["y"] = mark.y
        about["at"] = {n: table.explorer.control(n).index(v) for n, v in mark.at}
    if isinstance(mark, Curve):
        about["over"] = mark.over
    if isinstance(mark, Dot | Rule):
        about["label"] = mark.label
    return about


def bokeh_figure(table: Table, index: int, state: State) -> Any:
    """Bokeh figure of one panel; mark number i draws from the data source named ``mark-i``."""
    panel = table.explorer.panels[index]
    plot = _axes(panel, _HEIGHT[len(table.explorer.panels)])
    for i, (mark, drawn) in enumerate(zip(panel.marks, view(table, state).panels[index], strict=True)):
        source = ColumnDataSource(data=columns(mark, drawn), name=f"mark-{i}")
        _add(plot, panel, mark, source)
    return plot


def columns(mark: Mark, drawn: Drawn) -> dict[str, list[Any]]:
    """Data-source columns of one mark; ``explorer.js`` builds the same ones."""
    points: dict[str, list[Any]] = {
        "x": [_number(v) for v in drawn.x],
        "y": [_number(v) for v in drawn.y],
    }
    match mark:
        case Dot():
            points |= _words([drawn.text], drawn.dx, 9 * drawn.dx, -13 * drawn.dy)
        case Rule():
            points |= _words(["", drawn.text], drawn.dx, 5 * drawn.dx, 15)
    return points


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _words(text: list[str], side: int, dx: int, dy: int) -> dict[str, list[Any]]:
    n = len(text)
    align = "left" if side > 0 else "right"
    return {"text": text, "align": [align] * n, "dx": [dx] * n, "dy": [dy] * n}


def _axes(panel: Panel, height: int) -> Any:
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="log" if panel.x_log else "linear",
        x_range=Range1d(start=panel.x_range[0], end=panel.x_range[1]),
        y_range=Range1d(start=panel.y_range[0], end=panel.y_range[1]),
        toolbar_location=None,
        tools="",
        background_fill_color="white",
        border_fill_color="white",
        outline_line_color=None,
        min_border_left=44,
        min_border_right=12,
        min_border_top=6,
        min_border_bottom=26,
    )
    # The names of the axes are HTML around the figure: they wrap, zoom and take subscripts.
    for axis, grid, ticks, form in (
        (plot.xaxis, plot.xgrid, panel.x_ticks, panel.x_format),
        (plot.yaxis, plot.ygrid, panel.y_ticks, panel.y_format),
    ):
        ticker = FixedTicker(ticks=list(ticks))
        axis.ticker = ticker
        axis.major_label_overrides = {v: format_number(v, form) for v in ticks}
        axis.axis_label = None
        axis.axis_line_color = "#8A8A8A"
        axis.major_tick_line_color = "#8A8A8A"
        axis.major_tick_in = 0
        axis.major_tick_out = 4
        axis.major_label_text_font = FONT
        axis.major_label_text_font_size = "13px"
        axis.major_label_text_color = "#444444"
        grid.ticker = ticker
        grid.grid_line_color = "#E8E8E8"
    return plot


def _add(plot: Any, panel: Panel, mark: Mark, source: ColumnDataSource) -> None:
    colour = plots.COLOURS[mark.colour]
    match mark:
        case Curve():
            if mark.shade:
                plot.harea(x1=panel.x_range[0], x2="x", y="y", source=source, level="underlay",
                           fill_color=plots.COLOURS["shade"])  # fmt: skip
            # Round ends are longer than the line by its width: they would fill the gaps.
            cap = "round" if mark.dash == "solid" else "butt"
            plot.line("x", "y", source=source, color=colour, width=mark.width, line_cap=cap,
                      line_dash=dash(mark.dash))  # fmt: skip
        case Dot():
            plot.scatter("x", "y", source=source, size=11, fill_color=colour, line_color="white",
                         line_width=1.5, level="overlay")  # fmt: skip
            _text(plot, source, colour, weight="bold")
        case Rule():
            plot.line("x", "y", source=source, color=colour, width=1.3,
                      line_dash=dash(mark.dash))  # fmt: skip
            _text(plot, source, colour)
        case Note():
            plot.text(mark.x, mark.y, text=[mark.text], **_type(colour),
                      text_align="center", text_baseline="middle")  # fmt: skip


def _text(plot: Any, source: ColumnDataSource, colour: str, weight: str = "normal") -> None:
    plot.text("x", "y", text="text", x_offset="dx", y_offset="dy", source=source, **_type(colour),
              text_font_style=weight, text_align="align",
              text_baseline="middle" if weight == "bold" else "alphabetic",
              background_fill_color="white", background_fill_alpha=0.75,
              level="overlay")  # fmt: skip


def _type(colour: str) -> dict[str, Any]:
    return {"text_color": colour, "text_font": value(FONT), "text_font_size": "13px"}


def dash(name: str) -> list[int]:
    """Line style as Bokeh wants it, in pixels of 1/96 inch."""
    return [round(n * 96 / 72) for n in plots.DASHES[name]]
