"""What the tests of the explorers on the built pages share: which they are, and what one draws and says."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator

from raflib.explore.catalog import CATALOG
from raflib.explore.spec import Control

# With this scope pytest runs all tests of one explorer before those of the next: they share its pages.
EVERY = pytest.mark.parametrize("explorer", CATALOG.values(), ids=CATALOG, scope="module")
WIDTH = pytest.mark.parametrize("width", [1280, 390])


def shown(element: Locator) -> list[list[dict | None]]:
    """What the figures draw now: the columns of every data source, as JSON."""
    return element.evaluate(
        """async (e) => {
            await e.ready;
            const plain = (v) => (typeof v === "number" && !Number.isFinite(v) ? null : v);
            return e.sources.map((panel) => panel.map((source) => source && Object.fromEntries(
                Object.entries(source.data).map(([key, column]) => [key, Array.from(column, plain)]))));
        }"""
    )


def said(element: Locator) -> str:
    return element.locator(".raf-reading").inner_text().replace("\u00a0", " ")


def slider(element: Locator, control: Control) -> Locator:
    return element.get_by_role("slider", name=f"{control.label} {control.symbol}".strip(), exact=True)
