"""All z-scores of many comparisons: one table, and what chance alone would have made of the same runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from .. import validation
from ..learner import Learner
from ..overlaps import Array
from .agreement import Agreement
from .estimate import estimate

#: Observables in the order of the columns: key, as HTML, as plain text.
_COLUMNS = (
    ("generalization_error", "<i>E</i><sub>gen</sub>", "E_gen"),
    ("memorization_error", "<i>E</i><sub>mem</sub>", "E_mem"),
    ("training_error", "<i>E</i><sub>train</sub>", "E_train"),
    ("training_loss", "loss", "loss"),
    ("m", "<i>m</i>", "m"),
    ("q", "<i>q</i>", "q"),
)
_EXACT, _NOTHING = "=", "–"
_CELL = "padding:0.15rem 0.3rem;text-align:right;white-space:nowrap"
_HEADING = "padding:0.5rem 0.3rem 0.15rem;text-align:left;font-weight:normal"


@dataclass(frozen=True)
class Scores:
    """The z-scores of several agreements; in a notebook, a table.

    Attributes
    ----------
    agreements : sequence of Agreement
        Independent of each other: no two have a seed in common.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> task, learner = rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), lam=np.array([0.5, 2.0]))
    >>> scores = rf.finite.Scores([rf.finite.agreement(task, learner, d=60, seeds=5, n_jobs=1, progress=False)])
    >>> scores.points, scores.z.shape, bool(np.all(np.abs(scores.z) < 4))
    (2, (12,), True)
    >>> print(str(scores).splitlines()[0])
    Square, Linear: α = 1, ε = 0.3, d = 60, 5 seeds from 0
    """

    agreements: Sequence[Agreement]

    @property
    def points(self) -> int:
        """Number of parameter points.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.finite.Scores([]).points
        0
        """
        return sum(np.size(held.z["m"]) for held in self.agreements)

    @property
    def z(self) -> Array:
        """All z-scores that there are, one after another.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.finite.Scores([]).z.size
        0
        """
        found = [np.ravel(z)[scored] for _, _, z, scored in self._each()]
        return np.concatenate([np.zeros(0), *found])

    @property
    def exact(self) -> int:
        """Number of observables that agree to rounding and so have no z-score.

        Examples
        --------
        >>> import raflib as rf
        >>> task, learner = rf.RulesAndFacts(0.5, 0.3), rf.Learner(rf.MinNorm(), rf.Linear(), lam=1.0)
        >>> rf.finite.Scores([rf.finite.agreement(task, learner, d=40, seeds=3, n_jobs=1, progress=False)]).exact
        3
        """
        return sum(
            int((np.isnan(np.ravel(z)) & ~np.isnan(np.ravel(held.measured[key].mean))).sum())
            for held, key, z, _ in self._each()
        )

    def chance(self, draws: int = 1000, rng: np.random.Generator | int = 0) -> Array:
        r"""Return the z-scores that these runs would have shown if the theory were exact.

        .. math::

            o_s &\to \bar o + \sigma_s\,(o_s - \bar o), \\
            \sigma_s &= \pm1, \qquad \bar o = \frac1S\sum_s o_s,

        with one coin for each seed, the same for all observables and all points of a path. What is random in the mean
        over seeds stays: its size, its correlations along a path and among observables, and that the standard error is
        itself an estimate from S values. What is systematic goes: :math:`\bar o` is taken for the truth.

        Parameters
        ----------
        draws : int, at least 1
            Repetitions.
        rng : numpy.random.Generator or int, at least 0
            Generator of the coins, or the seed of one.

        Returns
        -------
        array, shape (draws, number of z-scores)
            In the order of ``z``. A column is nan where all seeds gave one value.

        Raises
        ------
        ValueError
            If draws < 1.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> task, learner = rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), lam=1.0)
        >>> scores = rf.finite.Scores([rf.finite.agreement(task, learner, d=60, seeds=20, n_jobs=1, progress=False)])
        >>> bool(abs(scores.chance(draws=4000).std() - 1.0) < 0.1)
        True
        """
        draws = validation.integer("draws", draws, 1)
        generator = validation.generator("rng", rng)
        columns = [np.zeros((draws, 0))]
        for held in self.agreements:
            coins = generator.choice((-1.0, 1.0), size=(draws, len(held.seeds)))
            for _, key, _, scored in Scores([held])._each():
                values = held.measured[key].values.reshape(len(held.seeds), -1)[:, scored]
                apart = values - estimate(values).mean
                flipped = estimate(np.moveaxis(coins[:, :, None] * apart, 1, 0))
                with np.errstate(invalid="ignore"):
                    columns.append(np.asarray(flipped.mean / flipped.stderr))
        return np.concatenate(columns, axis=1)

    def _each(self) -> Iterator[tuple[Agreement, str, float | Array, NDArray[np.bool_]]]:
        """Yield agreement, observable, z and where there is a z, in the order of all results."""
        for held in self.agreements:
            for key, _, _ in _COLUMNS:
                if key in held.z:
                    yield held, key, held.z[key], ~np.isnan(np.ravel(held.z[key]))

    def __str__(self) -> str:
        lines = []
        for held in self.agreements:
            lines.append(f"{held.name}: {_where(held)}")
            lines.append(f"{'λ':>8}" + "".join(f"{text:>9}" for _, _, text in _COLUMNS))
            lines += [f"{lam:>8}" + "".join(f"{cell:>9}" for cell in cells) for lam, cells in _rows(held)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="{_CELL}">{html}</th>' for _, html, _ in _COLUMNS)
        parts = [
            '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;margin:0">',
            '<caption style="caption-side:top;text-align:left">Standard errors between the mean over seeds and the '
            f"theory. Bold: more than 2. {_EXACT} equal to rounding. {_NOTHING} not defined.</caption>",
            f'<thead><tr><th scope="col" style="{_CELL}"><i>λ</i></th>{head}</tr></thead>',
        ]
        for held in self.agreements:
            parts.append(
                f'<tbody><tr><th colspan="{1 + len(_COLUMNS)}" scope="rowgroup" style="{_HEADING}">'
                f"<b>{escape(held.name)}</b> {escape(_where(held))}</th></tr>"
            )
            for lam, cells in _rows(held):
                shown = "".join(f'<td style="{_CELL}">{_emphasis(cell)}</td>' for cell in cells)
                parts.append(f'<tr><th scope="row" style="{_CELL};font-weight:normal">{lam}</th>{shown}</tr>')
            parts.append("</tbody>")
        return "".join([*parts, "</table>"])


def _where(held: Agreement) -> str:
    """Return what the points of an agreement have in common, in words."""
    inputs = "" if held.inputs == "gaussian" else f", {held.inputs} inputs"
    seeds = f"{len(held.seeds)} seeds from {min(held.seeds)}"
    return f"α = {_range(held.task.alpha)}, ε = {_range(held.task.eps)}, d = {held.d}, {seeds}{inputs}"


def _range(value: float | Array) -> str:
    low, high = float(np.min(value)), float(np.max(value))
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _rows(held: Agreement) -> Iterator[tuple[str, list[str]]]:
    """Yield what tells a point from the others, lam at least, and its z-scores, as text."""
    shape = np.shape(held.z["m"])
    varying = {"α": held.task.alpha, "ε": held.task.eps}
    labels = {name: np.broadcast_to(value, shape).ravel() for name, value in varying.items() if np.size(value) > 1}
    lam = np.broadcast_to(_lam(held), shape).ravel()
    for point in range(lam.size):
        cells = []
        for key, _, _ in _COLUMNS:
            z = float(np.ravel(held.z[key])[point]) if key in held.z else np.nan
            if not np.isnan(z):
                cells.append(f"{z:.1f}".replace("-", "−"))
            else:
                there = key in held.z and not np.isnan(np.ravel(held.measured[key].mean)[point])
                cells.append(_EXACT if there else _NOTHING)
        parts = [f"{name} = {values[point]:g}" for name, values in labels.items()]
        yield ", ".join([*parts, _NOTHING if np.isnan(lam[point]) else f"{lam[point]:g}"]), cells


def _lam(held: Agreement) -> float | Array:
    """Return lam, nan where it has no meaning."""
    if isinstance(held.learner, Learner) and held.learner.loss.constraint is not None:
        return held.learner.lam
    return np.nan


def _emphasis(cell: str) -> str:
    return f"<b>{cell}</b>" if cell not in (_EXACT, _NOTHING) and abs(float(cell.replace("−", "-"))) > 2.0 else cell
