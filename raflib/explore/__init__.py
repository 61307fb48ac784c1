r"""Explorers: figures with controls, that move in a notebook and on the published page.

In a chapter, one cell shows an explorer::

    from raflib import explore
    explore.show("tradeoff")

The same cell gives sliders backed by the kernel in JupyterLab (*live*), a figure that moves
without a kernel on the published page (*static*), and one picture in print (*still*).

How to add an explorer
----------------------
1. **Write the compute function** in a file of its own in
   ``raflib/explore/catalog/``. It takes one array per
   control, already shaped to broadcast, makes *one* batched call of ``rf.solve`` with
   ``on_failure="nan"``, and returns a dictionary of arrays. No loops, no state, no drawing::

       def noise_compute(alpha, eps, lam):
           learner = rf.Learner(rf.Square(), rf.Linear(), lam)
           solution = rf.solve(rf.RulesAndFacts(alpha, eps), learner, on_failure="nan")
           return {"gen": rf.generalization_error(solution)}

   An array that does not depend on a control may have length one along its axis. A point
   that was not solved stays nan: it is drawn as a gap and the reading says so.

2. **Declare the controls**: name, words, grid, default, symbol. Every grid value is solved
   exactly as labelled, so give round numbers (`spec.log_grid` rounds). Strings make a choice.
   ``hidden=True`` makes an axis that curves run along and that has no slider.

3. **Declare the outputs** with their bounds and the decimals the page keeps. A value outside
   its bounds raises: a wrong formula does not reach the page.

4. **Declare the panels**: ranges are fixed, marks are `Curve`, `Dot`, `Rule` and `Note`,
   colours are roles of `raflib.plots.COLOURS`.

5. **Write the words**: a title; a predict-then-move *question* that only moving answers; its
   *answer*, which the chapter folds; *alt* text that says what is seen; and the *reading*, a
   sentence about the current state. If what there is to say differs between regions, let
   compute return an integer array ``case`` that picks the template.

6. **Add it to** ``CATALOG`` in ``catalog/__init__.py``. The tests then sweep its
   whole grid, and, once a chapter shows it, drive it in a browser. Add a test that asserts
   the numbers in its answer.

Keep the grid below some 100,000 points: the page carries two bytes per number, and a test
holds the compressed data of one explorer below 400 kB.
"""

from __future__ import annotations

import base64
import importlib.util
import os
from dataclasses import dataclass
from typing import Any

from raflib.explore.spec import Explorer
from raflib.explore.table import reading, solve

__all__ = ["Shown", "show"]

PAGE_VARIABLE = "RAFLIB_EXPLORE"
"""Environment variable; the Sphinx extension sets it to ``page`` while the book is built."""


@dataclass(frozen=True)
class Shown:
    """What a cell ends with: an explorer that displays itself as its surroundings allow.

    Parameters
    ----------
    explorer : Explorer
        The declaration.

    Examples
    --------
    >>> from raflib import explore
    >>> explore.show("tradeoff")                       # in a notebook sliders and a figure, here its words
    The linear trade-off. At λ = 1 ...
    """

    explorer: Explorer

    def __repr__(self) -> str:
        table = solve(self.explorer)
        return f"{self.explorer.title}. {reading(table, self.explorer.state())}"

    def _repr_mimebundle_(
        self,
        include: object = None,
        exclude: object = None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Bundle for the front end: it shows the richest kind it knows."""
        from raflib.explore import still

        table = solve(self.explorer)
        picture = still.png(table, self.explorer.state())
        bundle: dict[str, Any] = {
            "text/plain": repr(self),
            "image/png": base64.b64encode(picture).decode(),
        }
        if os.environ.get(PAGE_VARIABLE) == "page":
            # A page has no kernel, so no widget is made: nothing would drive it, and its
            # saved state would only weigh on the page.
            from raflib.explore import static

            bundle["text/html"] = static.html(table)
        elif importlib.util.find_spec("ipywidgets") is not None:
            from raflib.explore import live

            # The widget brings the other half of its bundle: its view, and the reference
            # by which the front end finds the model.
            widget_bundle = live.widget(table)._repr_mimebundle_()
            bundle = {**widget_bundle, **bundle}
        return bundle, {"image/png": {"alt": self.explorer.alt}}


def show(name: str | Explorer) -> Shown:
    """Show an explorer; meant as the last line of a cell.

    Parameters
    ----------
    name : str or Explorer
        A name of the catalog, or a declaration of your own.

    Returns
    -------
    Shown
        Displays itself: live under a kernel, static on the published page, still in print.

    Raises
    ------
    ValueError
        If the catalog has no explorer of that name.

    Examples
    --------
    >>> from raflib import explore
    >>> explore.show("tradeoff").explorer.name
    'tradeoff'
    """
    if isinstance(name, Explorer):
        return Shown(name)
    from raflib.explore import catalog

    return Shown(catalog.get(name))
