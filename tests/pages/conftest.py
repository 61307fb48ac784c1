"""A browser on the built book: served on 127.0.0.1, with no other host within reach.

Without a current build or without a Chromium these tests are skipped and say why; with
RAF_REQUIRE_PAGES=1, which `.ci/run` sets, that is an error instead.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from build_book import why_not_current
from playwright.sync_api import Browser, Locator, Page, Playwright, Route, expect, sync_playwright
from serve import HOST, open_server

from raflib.explore.spec import Explorer

# What the tests of explorers share is imported by name, whatever folder pytest runs in.
sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {1280: 900, 390: 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that `-m "not pages"` leaves them out."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.pages)


def unavailable(reason: str) -> None:
    """Skip with the reason, or fail where the pages have to be tested."""
    if os.environ.get("RAF_REQUIRE_PAGES") == "1":
        pytest.fail(f"the built pages must be tested (RAF_REQUIRE_PAGES=1), but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def book() -> Path:
    """Return the folder of the built book, which is of the sources as they are now."""
    reason = why_not_current(ROOT)
    if reason:
        unavailable(reason)
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def address(book: Path) -> Iterator[str]:
    """Serve the book on a free port of this machine and return its address."""
    with open_server(book, 0, quiet=True) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start Playwright once for a worker."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(book: Path, playwright: Playwright) -> Iterator[Browser]:
    """Start the Chromium named by RAF_CHROMIUM, or the one on the path."""
    named = os.environ.get("RAF_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        unavailable("there is no Chromium: install one or name it with RAF_CHROMIUM=/path")
    started = playwright.chromium.launch(executable_path=found, args=FLAGS)
    yield started
    started.close()


@dataclass
class Visit:
    """A page of the book in a browser, and what went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Fail if the page logged an error, missed a file or asked another host for anything."""
        assert self.outside == [], "the page asks other hosts"
        assert self.missing == [], "files of the page are missing"
        assert self.errors == [], "the page logs errors"


def wait_until_drawn(page: Page) -> None:
    """Wait until MathJax, where the page has it, has typeset everything."""
    page.wait_for_load_state("load")
    page.evaluate(
        "() => window.MathJax?.startup?.promise ?? Promise.resolve()",
    )


def open_page(browser: Browser, address: str, path: str, width: int, typeset: bool = True, **context: object) -> Visit:
    """Open a page of the book, by its path, at a width of the window, and note what goes wrong on it."""
    page = browser.new_page(viewport={"width": width, "height": WIDTHS[width]}, **context)
    seen = Visit(page)

    def keep_inside(route: Route) -> None:
        url = route.request.url
        if "/mathjax/" in url and not typeset:
            route.fulfill(body="", content_type="text/javascript")
        elif url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            seen.outside.append(url)
            route.abort()

    page.route("**/*", keep_inside)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on(
        "console",
        lambda message: seen.errors.append(message.text) if message.type in {"error", "warning"} else None,
    )
    page.on(
        "response",
        lambda answer: seen.missing.append(answer.url) if answer.status >= 400 else None,
    )
    page.goto(f"{address}/{path}")
    wait_until_drawn(page)
    return seen


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a page of the book, by its path, at a width of the window."""
    opened: list[Visit] = []

    def go(path: str, width: int = 1280, **context: object) -> Visit:
        opened.append(open_page(browser, address, path, width, **context))
        return opened[-1]

    yield go
    for seen in opened:
        seen.page.close()


@pytest.fixture(scope="session")
def where(book: Path) -> dict[str, str]:
    """Name of each explorer on the built pages -> the page that shows it."""
    found: dict[str, str] = {}
    for page in sorted(book.rglob("*.html")):
        for name in re.findall(r'<raf-explorer name="(\w+)"', page.read_text(encoding="utf-8")):
            found[name] = page.relative_to(book).as_posix()
    return found


class ExplorerPages:
    """The page of one explorer at each width, opened once: a long chapter takes seconds to typeset."""

    def __init__(self, browser: Browser, address: str, where: dict[str, str]) -> None:
        self._browser, self._address, self._where = browser, address, where
        self._name = ""
        self._open: dict[int, Visit] = {}

    def __call__(self, explorer: Explorer, width: int = 1280) -> tuple[Visit, Locator]:
        """Return the page, as a reader finds it, and the explorer on it, alive and in the window."""
        if explorer.name != self._name:
            self.close()
            self._name = explorer.name
        if width in self._open:
            seen = self._open[width]
            element = self._element(seen)
            self._as_found(seen.page, element, width)
        else:
            assert explorer.name in self._where, f"no built page shows the explorer {explorer.name!r}"
            # A phone has two dots of the screen to a pixel. On a wide screen formulas, seconds of work in a long
            # chapter, are left as they are: they are tested page by page, and here on the phone.
            phone = width < 500
            path = self._where[explorer.name]
            seen = open_page(
                self._browser, self._address, path, width, typeset=phone, device_scale_factor=2 if phone else 1
            )
            self._open[width] = seen
            element = self._element(seen)
        expect(element).to_have_class(re.compile("raf-alive"))
        element.scroll_into_view_if_needed()
        return seen, element

    def _element(self, seen: Visit) -> Locator:
        return seen.page.locator(f'raf-explorer[name="{self._name}"]')

    def _as_found(self, page: Page, element: Locator, width: int) -> None:
        """Undo what an earlier test did to the page."""
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        page.emulate_media(media="screen")
        page.mouse.move(0, 0)
        page.evaluate(
            """() => {
                document.documentElement.dataset.theme = "light";
                document.activeElement?.blur();
                window.scrollTo(0, 0);
            }"""
        )
        element.evaluate("e => e.moveTo(e.table.start())")

    def close(self) -> None:
        """Close the pages of the explorer that was looked at last."""
        for seen in self._open.values():
            seen.page.close()
        self._open.clear()


@pytest.fixture(scope="session")
def opened(browser: Browser, address: str, where: dict[str, str]) -> Iterator[ExplorerPages]:
    """Return a function that gives the page of an explorer, at a width, and the explorer, alive."""
    pages = ExplorerPages(browser, address, where)
    yield pages
    pages.close()
