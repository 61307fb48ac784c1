"""A browser on the built book: served on 127.0.0.1, with no other host within reach.

Without a current build or without a Chromium these tests are skipped and say why; with
RAF_REQUIRE_PAGES=1, which `.ci/run` sets, that is an error instead.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from build_book import why_not_current
from playwright.sync_api import Browser, Page, Playwright, Route, sync_playwright
from serve import HOST, open_server

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


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a page of the book, by its path, at a width of the window."""
    opened: list[Page] = []

    def go(path: str, width: int = 1280, **context: object) -> Visit:
        page = browser.new_page(viewport={"width": width, "height": WIDTHS[width]}, **context)
        opened.append(page)
        seen = Visit(page)

        def keep_inside(route: Route) -> None:
            url = route.request.url
            if url.startswith((address, "data:", "blob:")):
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

    yield go
    for page in opened:
        page.close()
