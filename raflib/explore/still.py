"""The still rendering: one matplotlib figure of one state, for print and for no scripts.

Examples
--------
>>> from raflib.explore import catalog, still, table
>>> explorer = catalog.get("hero")
>>> solved = table.solve(explorer)
>>> len(still.figure(solved, explorer.state()).axes) == len(explorer.panels)
True
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from raflib import plots
from raflib.explore.spec import Curve, Dot, Mark, Note, Panel, Rule, State
from raflib.explore.table import Drawn, Table, view
from raflib.explore.words import SYMBOL, format_number


def figure(table: Table, state: State, *, across: bool = False) -> Figure:
    """Draw one state.

    Parameters
    ----------
    table : Table
        The solved grid.
    state : mapping of str to int
        Grid position of every control.
    across : bool
        Panels side by side, for a wide screen; otherwise below each other, for print and phone.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot: nothing is shown twice and nothing needs closing.
    """
    panels = table.explorer.panels
    seen = view(table, state)
    rows, columns = (1, len(panels)) if across else (len(panels), 1)
    width, height = plots.PANEL_SIZE
    with plots.style():
        fig = Figure(figsize=(width * columns, height * rows))
        FigureCanvasAgg(fig)
        axes = fig.subplots(rows, columns, squeeze=False)
        for ax, panel, drawn in zip(axes.flat, panels, seen.panels, strict=True):
            _draw_panel(ax, panel, drawn)
    return fig


def png(table: Table, state: State, *, across: bool = False, dpi: int = 130) -> bytes:
    """One state as PNG with an opaque white background."""
    return _save(figure(table, state, across=across), "png", dpi)


def svg(table: Table, state: State) -> str:
    """One state as SVG: sharp in print at any size. Equal states give equal text."""
    return _save(figure(table, state), "svg", 72).decode()


def _save(fig: Figure, kind: str, dpi: int) -> bytes:
    buffer = BytesIO()
    with plots.style():
        metadata = {"Date": None} if kind == "svg" else None
        fig.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def _draw_panel(ax: Axes, panel: Panel, drawn: tuple[Drawn, ...]) -> None:
    ax.set(
        xscale="log" if panel.x_log else "linear",
        xlim=panel.x_range,
        ylim=panel.y_range,
        xlabel=_math(panel.x_label),
        ylabel=_math(panel.y_label),
    )
    ax.set_xticks(panel.x_ticks, [format_number(v, panel.x_format) for v in panel.x_ticks])
    ax.set_yticks(panel.y_ticks, [format_number(v, panel.y_format) for v in panel.y_ticks])
    ax.minorticks_off()
    for mark, points in zip(panel.marks, drawn, strict=True):
        _draw_mark(ax, panel, mark, points)
    if any(isinstance(m, Curve) and m.label for m in panel.marks):
        # Above the axes, where no curve can run through it in any state.
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.2)


def _math(text: str) -> str:
    """Set ``E_gen`` with a subscript."""
    return SYMBOL.sub(lambda m: rf"${m[1]}_{{\mathrm{{{m[2]}}}}}$" if m[1] else m[0], text)


def _draw_mark(ax: Axes, panel: Panel, mark: Mark, points: Drawn) -> None:
    colour = plots.COLOURS[mark.colour]
    match mark:
        case Curve():
            ax.plot(points.x, points.y, color=colour, linewidth=mark.width * 0.9,
                    linestyle=plots.linestyle(mark.dash),
                    label=_math(mark.label) or None)  # fmt: skip
            if mark.shade:
                ax.fill_betweenx(points.y, panel.x_range[0], points.x, zorder=0, linewidth=0,
                                 color=plots.COLOURS["shade"])  # fmt: skip
        case Dot():
            ax.plot(points.x, points.y, "o", color=colour, markersize=8,
                    markeredgecolor="white", markeredgewidth=1.2, zorder=5)  # fmt: skip
            _write(ax, points, points.x[0], points.y[0], 9 * points.dx, 8 * points.dy, colour)
        case Rule():
            ax.plot(points.x, points.y, color=colour, linewidth=1.2,
                    linestyle=plots.linestyle(mark.dash))  # fmt: skip
            _write(ax, points, points.x[1], points.y[1], 5 * points.dx, 4 * points.dy, colour)
        case Note():
            ax.text(mark.x, mark.y, mark.text, color=colour,
                    ha="center", va="center", fontsize=10.5)  # fmt: skip


def _write(ax: Axes, words: Drawn, x: float, y: float, dx: float, dy: float, colour: str) -> None:
    if not words.text or np.isnan(x) or np.isnan(y):
        return
    ax.annotate(
        words.text,
        (x, y),
        xytext=(dx, dy),
        textcoords="offset points",
        ha="left" if words.dx > 0 else "right",
        va="bottom" if words.dy > 0 else "top",
        color=colour,
        fontsize=10.5,
        zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
    )
