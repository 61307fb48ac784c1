"""What an explorer is: one declaration from which every rendering is made.

An :class:`Explorer` names its controls, the pure function that computes what is shown, the
panels that show it, and the sentences that read the current state aloud. It holds no drawing
code and no numbers: `table` fills the control grid with one batched call of ``compute``, and
the renderings are `live` (a kernel runs), `static` (the published page) and `still` (print).

The guide "how to add an explorer" is in :mod:`raflib.explore`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from raflib.explore.words import FIELD, format_number

Array: TypeAlias = NDArray[np.float64]
Compute: TypeAlias = Callable[..., Mapping[str, Array]]
State: TypeAlias = Mapping[str, int]
"""Name of each control -> position in its grid."""


# ------------------------------------------------------------------ controls
def log_grid(low: float, high: float, per_decade: int = 8) -> tuple[float, ...]:
    """Logarithmic grid of numbers with two significant digits.

    The numbers are rounded *before* anything is solved: the label of a slider position is
    then the exact parameter that was used.

    Parameters
    ----------
    low, high : float, in (0, inf)
        Ends of the grid, both included; low below high.
    per_decade : int, at least 1
        Points per factor of ten.

    Returns
    -------
    tuple of float
        The grid, ascending.

    Raises
    ------
    ValueError
        If low is not positive, or not below high.

    Examples
    --------
    >>> from raflib.explore.spec import log_grid
    >>> log_grid(1, 10, 4)
    (1.0, 1.8, 3.2, 5.6, 10.0)
    """
    if not 0 < low < high:
        raise ValueError(f"log_grid needs 0 < low < high, got low={low!r}, high={high!r}")
    count = round((np.log10(high) - np.log10(low)) * per_decade) + 1
    raw = np.logspace(np.log10(low), np.log10(high), count)
    return tuple(float(f"{value:.1e}") for value in raw)


@dataclass(frozen=True)
class Control:
    """One parameter the reader can move, or an axis that curves run along.

    Parameters
    ----------
    name : str
        Keyword under which ``compute`` receives the values.
    label : str
        What the parameter is, in words; also the accessible name of the slider.
    values : tuple of float or of str, at least two
        The grid. Strings make a choice (radio buttons), numbers a slider.
    default : float or str, in values
        Where it stands at first.
    symbol : str
        The symbol as plain text, e.g. ``"λ"``.
    format : str
        How values are written, in the mini-language of raflib.explore.words.format_number.
    labels : tuple of str, optional
        Written instead of the formatted values.
    hidden : bool
        True for an axis that curves run along and that has no slider of its own.

    Raises
    ------
    ValueError
        If there are fewer than two values, if they repeat, if the default is none of them, or if labels are too few.

    Examples
    --------
    >>> from raflib.explore.spec import Control, log_grid
    >>> Control("lam", "ridge strength", log_grid(0.1, 10, 1), default=1.0, symbol="λ").texts
    ('0.1', '1', '10')
    """

    name: str
    label: str
    values: tuple[float, ...] | tuple[str, ...]
    default: float | str
    symbol: str = ""
    format: str = ".2g"
    labels: tuple[str, ...] = ()
    hidden: bool = False

    def __post_init__(self) -> None:
        if self.name == "q":  # whose value the theme's script of the search page overwrites, on every page
            raise ValueError("control 'q': this is the name of the page's search field; take another")
        if len(self.values) < 2:
            raise ValueError(f"control {self.name!r}: needs at least two values")
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"control {self.name!r}: values repeat")
        if self.default not in self.values:
            raise ValueError(f"control {self.name!r}: default {self.default!r} is not one of {self.values}")
        if self.labels and len(self.labels) != len(self.values):
            raise ValueError(f"control {self.name!r}: {len(self.labels)} labels for {len(self.values)} values")

    @property
    def is_choice(self) -> bool:
        """True if the values are words, to be chosen rather than slid along."""
        return isinstance(self.values[0], str)

    @property
    def texts(self) -> tuple[str, ...]:
        """Each value as the reader sees it."""
        if self.labels:
            return self.labels
        return tuple(v if isinstance(v, str) else format_number(v, self.format) for v in self.values)

    def index(self, value: float | str) -> int:
        """Position of `value` in the grid; ValueError if it is not a grid value."""
        for i, candidate in enumerate(self.values):
            if candidate == value:
                return i
        raise ValueError(f"{self.name} must be one of {self.values}, got {value!r}")


# ------------------------------------------------------------------ what compute returns
@dataclass(frozen=True)
class Output:
    """One array that ``compute`` returns, and how finely the page stores it.

    Parameters
    ----------
    name : str
        Its key in what ``compute`` returns.
    low, high : float, in (-inf, inf)
        Bounds it obeys; a value outside them is a bug and raises.
    decimals : int, at least 0
        Decimals kept: the page is wrong by at most ``0.5 * 10**-decimals``.
    gaps : bool
        True if nan is a legitimate answer ("there is no such point here").

    Examples
    --------
    >>> from raflib.explore.spec import Output
    >>> Output("gen", high=0.5, decimals=4).dtype.name
    'uint16'
    """

    name: str
    low: float = 0.0
    high: float = 0.5
    decimals: int = 5
    gaps: bool = False

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """Smallest unsigned integer type that holds every code and one mark for nan."""
        count = round((self.high - self.low) * 10**self.decimals) + 1
        for name in ("u1", "u2", "u4"):
            if count < np.iinfo(name).max:
                return np.dtype("<" + name)
        raise ValueError(f"output {self.name!r}: {count} steps are too many; keep fewer decimals")

    @property
    def missing(self) -> int:
        """The code that stands for nan."""
        return int(np.iinfo(self.dtype).max)

    def encode(self, values: NDArray[np.generic]) -> NDArray[np.unsignedinteger]:
        """Round to the stored decimals and write as integers, nan as :attr:`missing`."""
        numbers = np.asarray(values, dtype=float)
        solved = ~np.isnan(numbers)
        slack = 0.5 * 10.0**-self.decimals
        wrong = solved & ((numbers < self.low - slack) | (numbers > self.high + slack))
        if wrong.any():
            raise ValueError(
                f"output {self.name!r} must lie in [{self.low}, {self.high}], got {numbers[wrong].flat[0]!r}"
            )
        codes = np.full(numbers.shape, self.missing, dtype=self.dtype)
        steps = np.rint((numbers[solved] - self.low) * 10**self.decimals)
        codes[solved] = np.clip(steps, 0, self.missing - 1)
        return codes

    def decode(self, codes: NDArray[np.unsignedinteger]) -> Array:
        """Turn codes back into numbers; the page does the same arithmetic in JavaScript."""
        numbers = self.low + codes.astype(float) / 10**self.decimals
        return np.where(codes == self.missing, np.nan, numbers)


# ------------------------------------------------------------------ what is drawn
Dash: TypeAlias = Literal["solid", "dashed", "dotted"]
Pins: TypeAlias = tuple[tuple[str, float | str], ...]


@dataclass(frozen=True)
class Curve:
    """A line: y against x while one control runs through its grid.

    Parameters
    ----------
    x, y : str
        Names of a control or an output.
    over : str
        The control that runs.
    colour : str
        A role of `raflib.plots.COLOURS`.
    label : str
        Name in the legend.
    dash : {"solid", "dashed", "dotted"}
        Line style.
    width : float, in (0, inf)
        Line width in points.
    shade : bool
        Whether to tint the area to its left.
    at : tuple of pairs
        Other controls pinned to fixed values, so that the curve stays while the reader moves, e.g.
        ``(("loss", "hinge"),)``.

    Examples
    --------
    >>> from raflib.explore.spec import Curve
    >>> Curve(x="lam", y="gen", over="lam", colour="rule").dash
    'solid'
    """

    x: str
    y: str
    over: str
    colour: str
    label: str = ""
    dash: Dash = "solid"
    width: float = 2.4
    shade: bool = False
    at: Pins = ()


@dataclass(frozen=True)
class Dot:
    """A marker at the reader's position, with a short template written beside it.

    Parameters
    ----------
    x, y : str
        Names of a control or an output.
    colour : str
        A role of `raflib.plots.COLOURS`.
    label : str
        Template such as ``"{gen:.1%}"``.
    at : tuple of pairs
        Controls pinned to fixed values.

    Examples
    --------
    >>> from raflib.explore.spec import Dot
    >>> Dot(x="lam", y="gen", colour="rule", label="{gen:.1%}").label
    '{gen:.1%}'
    """

    x: str
    y: str
    colour: str
    label: str = ""
    at: Pins = ()


@dataclass(frozen=True)
class Rule:
    """A thin vertical line where a control or output stands, with its name beside it.

    Parameters
    ----------
    x : str
        Name of the control or output. No line is drawn where it is nan.
    label : str
        Written beside the line.
    colour : str
        A role of `raflib.plots.COLOURS`.
    dash : {"solid", "dashed", "dotted"}
        Line style.

    Examples
    --------
    >>> from raflib.explore.spec import Rule
    >>> Rule(x="best", label="best ridge").dash
    'dashed'
    """

    x: str
    label: str
    colour: str = "quiet"
    dash: Dash = "dashed"


@dataclass(frozen=True)
class Note:
    """Fixed words at a fixed place, such as the name of a phase.

    Parameters
    ----------
    x, y : float, in (-inf, inf)
        Place, in the units of the axes.
    text : str
        The words.
    colour : str
        A role of `raflib.plots.COLOURS`.

    Examples
    --------
    >>> from raflib.explore.spec import Note
    >>> Note(x=1.0, y=0.4, text="all stored").colour
    'quiet'
    """

    x: float
    y: float
    text: str
    colour: str = "quiet"


Mark: TypeAlias = Curve | Dot | Rule | Note


@dataclass(frozen=True)
class Panel:
    """One pair of axes and what is drawn on it.

    Parameters
    ----------
    x_label, y_label : str
        With symbol and unit; ``E_gen`` is set with a subscript.
    x_range, y_range : tuple of float, in (-inf, inf)
        Fixed, so that the eye can compare states; in (0, inf) on a logarithmic axis.
    marks : tuple of Curve, Dot, Rule, Note
        Drawn in this order.
    x_ticks, y_ticks : tuple of float, in the range
        Where the axes carry numbers.
    x_format, y_format : str
        How these numbers are written, see raflib.explore.words.format_number.
    x_log : bool
        Logarithmic horizontal axis.
    drag_x, drag_y : str
        Controls that a pointer moves when it drags across, or up and down, in the panel.

    Examples
    --------
    >>> from raflib.explore.spec import Note, Panel
    >>> panel = Panel("load", "error", (0, 4), (0, 0.5), (Note(2, 0.4, "all stored"),), (0, 2, 4), (0, 0.5))
    >>> panel.across(1.0), panel.up(0.25)
    (0.25, 0.5)
    """

    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    marks: tuple[Mark, ...]
    x_ticks: tuple[float, ...]
    y_ticks: tuple[float, ...]
    x_format: str = ".2g"
    y_format: str = ".2g"
    x_log: bool = False
    drag_x: str = ""
    drag_y: str = ""

    def across(self, x: float) -> float:
        """Where `x` lies along the horizontal axis, 0 at the left end and 1 at the right."""
        low, high = self.x_range
        if self.x_log:
            return math.log(x / low) / math.log(high / low)
        return (x - low) / (high - low)

    def up(self, y: float) -> float:
        """Where `y` lies along the vertical axis, 0 at the bottom and 1 at the top."""
        low, high = self.y_range
        return (y - low) / (high - low)


# ------------------------------------------------------------------ the explorer
@dataclass(frozen=True)
class Explorer:
    """A declaration of everything a reader sees and can do.

    Parameters
    ----------
    name : str
        Lower-case identifier, unique in the catalog.
    title, question, answer : str
        What it is, the predict-then-move question, and the answer the chapter keeps folded.
    alt : str
        What is seen, for readers who do not see it.
    controls : tuple of Control
        Their order is the order of the grid's axes.
    outputs : tuple of Output
        What ``compute`` returns.
    panels : tuple of Panel
        One or two.
    compute : function
        Called as ``compute(**grids)``, it gets one array per control, shaped to broadcast against the
        others, and returns the outputs (and ``case``) as arrays that broadcast to the whole
        grid. Pure: no state, no drawing, no randomness.
    readings : tuple of str
        Templates of the sentence about the current state. The integer output ``case``
        chooses among them; with a single template it may be left out. ``{gen:.1%}`` is an
        output at the reader's position, ``{lam}`` a control as its slider shows it.

    Raises
    ------
    ValueError
        If the name is none, if a name is declared twice, or if something is named that is neither control nor output.

    Examples
    --------
    >>> from raflib.explore import catalog
    >>> explorer = catalog.get("tradeoff")
    >>> [control.name for control in explorer.sliders][:2], explorer.name
    (['alpha', 'eps'], 'tradeoff')
    """

    name: str
    title: str
    question: str
    answer: str
    alt: str
    controls: tuple[Control, ...]
    outputs: tuple[Output, ...]
    panels: tuple[Panel, ...]
    compute: Compute
    readings: tuple[str, ...]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"explorer name must be a lower-case identifier, got {self.name!r}")
        known = [c.name for c in self.controls] + [o.name for o in self.outputs]
        for name in known:
            if known.count(name) > 1:
                raise ValueError(f"explorer {self.name!r}: {name!r} is declared twice")
        for name in self._names_used():
            if name not in known:
                raise ValueError(f"explorer {self.name!r}: {name!r} is neither control nor output")
        for mark in (m for p in self.panels for m in p.marks if isinstance(m, Curve | Dot)):
            for name, value in mark.at:
                self.control(name).index(value)
            if isinstance(mark, Curve):
                self.control(mark.over)
        for name in (n for p in self.panels for n in (p.drag_x, p.drag_y) if n):
            self.control(name)

    def _names_used(self) -> list[str]:
        names = [m[1] for text in self.readings for m in FIELD.finditer(text)]
        for mark in (m for p in self.panels for m in p.marks):
            if isinstance(mark, Curve | Dot | Rule):
                names.append(mark.x)
            if isinstance(mark, Curve | Dot):
                names.append(mark.y)
            if isinstance(mark, Dot):
                names += [m[1] for m in FIELD.finditer(mark.label)]
        return names

    def control(self, name: str) -> Control:
        """The control of that name; ValueError if there is none."""
        for control in self.controls:
            if control.name == name:
                return control
        raise ValueError(
            f"explorer {self.name!r} has no control {name!r}; it has {', '.join(c.name for c in self.controls)}"
        )

    @property
    def sliders(self) -> tuple[Control, ...]:
        """The controls a reader can move."""
        return tuple(c for c in self.controls if not c.hidden)

    def state(self, **values: float | str) -> dict[str, int]:
        """Grid position of the given control values; the others stand at their default.

        Raises
        ------
        ValueError
            If a control is unknown or a value is not on its grid.
        """
        for name in values:
            self.control(name)
        return {c.name: c.index(values.get(c.name, c.default)) for c in self.controls}
