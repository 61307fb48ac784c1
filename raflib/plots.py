r"""Figures of the book: arrays in, Axes out, one style.

Every figure of the book, and the still picture of every explorer, goes through this
module, so that a colour means the same thing on every page:

========== ============================= =======================================
name       colour                        stands for
========== ============================= =======================================
``rule``   blue                          the rule: generalization error
``fact``   vermilion                     the facts: memorization error
``square`` green                         the square loss (ridge regression)
``hinge``  purple                        the hinge loss (support vector machine)
``here``   black                         where the reader stands
``quiet``  grey                          references: chance, optimum, boundary
========== ============================= =======================================

Readers with any common form of colour blindness can tell the colours of one figure apart (a
test holds them to that), and line styles differ as well, so nothing rests on colour alone.
The background is opaque white: the figure stays readable on a dark page.

Examples
--------
>>> import numpy as np
>>> from raflib import plots
>>> with plots.style():
...     fig, ax = plots.subplots()
...     lam = np.logspace(-3, 1, 5)
...     _ = plots.errors(ax, lam, gen=[.31, .3, .29, .3, .4], mem=[0, .01, .1, .3, .45])
...     _ = ax.set(xscale="log", xlabel=r"ridge strength $\lambda$")
>>> ax.get_ylabel()
'error'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "rule": "#0072B2",
        "fact": "#C44E00",
        "square": "#00805C",
        "hinge": "#6F2C91",
        "here": "#1A1A1A",
        "quiet": "#666666",
        "shade": "#E6F0F6",
    }
)
"""Role -> colour. Each has contrast of at least 4.5:1 on white,
so that text may be set in it too (``shade`` is for areas only)."""

DASHES: Mapping[str, tuple[float, ...]] = MappingProxyType({"solid": (), "dashed": (6.0, 3.0), "dotted": (1.5, 2.5)})
"""Line style -> on/off lengths in points, shared by matplotlib and the page."""


def linestyle(dash: str) -> str | tuple[float, tuple[float, ...]]:
    """Return matplotlib's line style of a name.

    Parameters
    ----------
    dash : {"solid", "dashed", "dotted"}
        A name of `raflib.plots.DASHES`.

    Returns
    -------
    str or tuple
        What matplotlib takes as ``linestyle``.

    Raises
    ------
    ValueError
        If there is no such name.

    Examples
    --------
    >>> from raflib import plots
    >>> plots.linestyle("solid"), plots.linestyle("dashed")
    ('-', (0.0, (6.0, 3.0)))
    """
    if dash not in DASHES:
        raise ValueError(f"dash must be one of {', '.join(DASHES)}, got {dash!r}")
    return (0.0, DASHES[dash]) if DASHES[dash] else "-"


PANEL_SIZE = (6.0, 3.7)
"""Width and height of one panel in inches: 11-point type then stays legible on a phone."""

_STYLE: Mapping[Any, Any] = MappingProxyType(
    {
        "figure.figsize": PANEL_SIZE,
        "figure.facecolor": "white",
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "white",
        "savefig.transparent": False,
        "figure.dpi": 110,
        "savefig.dpi": 160,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "mathtext.fontset": "dejavusans",
        "font.size": 11,
        "axes.titlesize": 11.5,
        "axes.labelsize": 11.5,
        "axes.facecolor": "white",
        "axes.edgecolor": "#8A8A8A",
        "axes.linewidth": 0.9,
        "axes.labelcolor": "#1A1A1A",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=[COLOURS[k] for k in ("rule", "fact", "square", "hinge", "here")]),
        "grid.color": "#E5E5E5",
        "grid.linewidth": 0.8,
        "xtick.color": "#444444",
        "ytick.color": "#444444",
        "xtick.labelsize": 10.5,
        "ytick.labelsize": 10.5,
        "legend.frameon": False,
        "legend.fontsize": 10.5,
        "lines.linewidth": 2.2,
        "lines.scale_dashes": False,  # DASHES are lengths, not multiples of the width
        "lines.markersize": 5.5,
        "errorbar.capsize": 2.5,
        # Text stays text in SVG; ids are reproducible, so equal builds give equal files.
        "svg.fonttype": "path",
        "svg.hashsalt": "raflib",
    }
)


@contextmanager
def style() -> Iterator[None]:
    """Switch to the book's figure style inside a ``with`` block.

    Yields
    ------
    None
        The previous settings come back at the end of the block.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> from raflib import plots
    >>> with plots.style():
    ...     mpl.rcParams["axes.spines.top"]
    False
    """
    with mpl.rc_context(dict(_STYLE)):
        yield


def use_style() -> None:
    """Switch to the book's figure style for the rest of the session (one line per notebook).

    Examples
    --------
    >>> import matplotlib as mpl
    >>> from raflib import plots
    >>> with mpl.rc_context():                                    # so that this example leaves no trace
    ...     plots.use_style()
    ...     mpl.rcParams["savefig.facecolor"]
    'white'
    """
    mpl.rcParams.update(dict(_STYLE))


def subplots(
    nrows: int = 1, ncols: int = 1, *, size: tuple[float, float] = PANEL_SIZE, **kwargs: Any
) -> tuple[Figure, Any]:
    """Make a figure whose panels have the size that stays legible on a phone.

    Parameters
    ----------
    nrows, ncols : int, at least 1
        Number of panels down and across.
    size : tuple of float, in (0, inf)
        Width and height of one panel, in inches.
    **kwargs : object
        Passed to matplotlib.pyplot.subplots, e.g. ``sharex=True``.

    Returns
    -------
    fig : matplotlib.figure.Figure
        The figure.
    ax : Axes or array of Axes
        One for each panel, as matplotlib.pyplot.subplots returns them.

    Examples
    --------
    >>> from raflib import plots
    >>> fig, axes = plots.subplots(1, 2)
    >>> fig.get_size_inches().tolist(), axes.shape
    ([12.0, 3.7], (2,))
    """
    import matplotlib.pyplot as plt

    with style():
        width, height = size
        fig, ax = plt.subplots(nrows, ncols, figsize=(width * ncols, height * nrows), **kwargs)
    return fig, ax


def errors(
    ax: Axes,
    x: ArrayLike,
    *,
    gen: ArrayLike | None = None,
    mem: ArrayLike | None = None,
    label: str = "",
    dash: str = "solid",
) -> Axes:
    """Draw the generalization error, the memorization error, or both, against a parameter.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array_like, shape (n,)
        The parameter that varies.
    gen, mem : array_like, shape (n,), in [0, 1/2], optional
        Generalization and memorization error.
    label : str
        Appended to the legend entries, e.g. ``"hinge"``.
    dash : {"solid", "dashed", "dotted"}
        Line style.

    Returns
    -------
    Axes
        The same ``ax``, with a y axis from 0 to 1/2 labelled "error".

    Raises
    ------
    ValueError
        If there is no such line style.

    Examples
    --------
    >>> from raflib import plots
    >>> fig, ax = plots.subplots()
    >>> [line.get_label()[:14] for line in plots.errors(ax, [1, 2], gen=[0.3, 0.2], mem=[0.1, 0.2]).lines]
    ['generalization', 'memorization $']
    """
    extra = f" ({label})" if label else ""
    line: dict[str, Any] = {"linestyle": linestyle(dash)}
    if gen is not None:
        name = rf"generalization $E_{{\mathrm{{gen}}}}${extra}"
        ax.plot(np.asarray(x), np.asarray(gen), color=COLOURS["rule"], label=name, **line)
    if mem is not None:
        name = rf"memorization $E_{{\mathrm{{mem}}}}${extra}"
        ax.plot(np.asarray(x), np.asarray(mem), color=COLOURS["fact"], label=name, **line)
    ax.set(ylabel="error", ylim=(-0.01, 0.51))
    return ax


def points(
    ax: Axes,
    x: ArrayLike,
    mean: ArrayLike,
    sem: ArrayLike,
    *,
    colour: str = "here",
    label: str = "",
) -> Axes:
    """Draw simulated points with error bars of one standard error.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x, mean, sem : array_like, shape (n,)
        Position, mean over seeds, and standard error of that mean.
    colour : str
        A role of `raflib.plots.COLOURS`.
    label : str
        Legend entry.

    Returns
    -------
    Axes
        The same ``ax``.

    Examples
    --------
    >>> from raflib import plots
    >>> fig, ax = plots.subplots()
    >>> len(plots.points(ax, [1.0, 2.0], mean=[0.3, 0.2], sem=[0.01, 0.02]).containers)
    1
    """
    ax.errorbar(
        np.asarray(x),
        np.asarray(mean),
        yerr=np.asarray(sem),
        fmt="o",
        color=COLOURS[colour],
        markerfacecolor="white",
        markeredgewidth=1.4,
        elinewidth=1.2,
        label=label or None,
        zorder=3,
    )
    return ax


def tradeoff(ax: Axes, gen: ArrayLike, mem: ArrayLike, *, colour: str = "here", label: str = "") -> Axes:
    """Draw memorization error against generalization error, traced by a third parameter.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    gen, mem : array_like, shape (n,), in [0, 1/2]
        The two errors along the curve.
    colour : str
        A role of `raflib.plots.COLOURS`.
    label : str
        Legend entry.

    Returns
    -------
    Axes
        The same ``ax``; the best learner would sit in its lower left corner.

    Examples
    --------
    >>> from raflib import plots
    >>> fig, ax = plots.subplots()
    >>> plots.tradeoff(ax, gen=[0.3, 0.2], mem=[0.0, 0.2]).get_xlabel()[:20]
    'generalization error'
    """
    ax.plot(np.asarray(gen), np.asarray(mem), color=COLOURS[colour], label=label or None)
    ax.set(
        xlabel=r"generalization error $E_{\mathrm{gen}}$",
        ylabel=r"memorization error $E_{\mathrm{mem}}$",
    )
    return ax


def reference(ax: Axes, *, x: float | None = None, y: float | None = None, label: str = "") -> Axes:
    """Draw a thin dashed reference line, vertical or horizontal, with its name.

    Parameters
    ----------
    ax : Axes
        Where to draw. Set its limits first: the name is placed relative to them.
    x, y : float, in (-inf, inf), optional
        Exactly one of them: where the vertical, or the horizontal, line stands.
    label : str
        Written beside the line.

    Returns
    -------
    Axes
        The same ``ax``.

    Raises
    ------
    ValueError
        If both or neither of x and y are given.

    Examples
    --------
    >>> from raflib import plots
    >>> fig, ax = plots.subplots()
    >>> [text.get_text() for text in plots.reference(ax, y=0.5, label="chance").texts]
    ['chance']
    """
    if (x is None) == (y is None):
        raise ValueError(f"reference: give exactly one of x and y, got x={x!r}, y={y!r}")
    grey: dict[str, Any] = {
        "color": COLOURS["quiet"],
        "linewidth": 1.2,
        "linestyle": linestyle("dashed"),
    }
    text: dict[str, Any] = {"color": COLOURS["quiet"], "fontsize": 10, "clip_on": True}
    if x is not None:
        ax.axvline(x, **grey)
        spot = ax.get_xaxis_transform()
        ax.annotate(label, (x, 1.0), xycoords=spot, xytext=(4, -3), textcoords="offset points",
                    va="top", ha="left", **text)  # fmt: skip
    if y is not None:
        ax.axhline(y, **grey)
        spot = ax.get_yaxis_transform()
        ax.annotate(label, (1.0, y), xycoords=spot, xytext=(-3, 3), textcoords="offset points",
                    va="bottom", ha="right", **text)  # fmt: skip
    return ax
