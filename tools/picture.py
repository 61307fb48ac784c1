"""Take the README's picture of an explorer, assets/explorer.png, from the built landing page.

Run `make book` first. The picture is of the page as a reader sees it, drawn twice as sharp.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright
from serve import BOOK, HOST, open_server

PICTURE = Path(__file__).resolve().parent.parent / "assets" / "explorer.png"
PAGE = "chapters/intro.html"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Open the page, wait until the explorer is drawn, and keep what it looks like."""
    chromium = os.environ.get("RAF_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("error: there is no chromium: install it or name one with RAF_CHROMIUM=/path")
    if not (BOOK / PAGE).is_file():
        sys.exit("error: there is no built book yet: run make book first")
    with open_server(BOOK, 0, quiet=True) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, device_scale_factor=2)
        page.goto(f"http://{HOST}:{server.server_port}/{PAGE}")
        explorer = page.locator("raf-explorer").first
        explorer.locator("canvas").first.wait_for()
        explorer.scroll_into_view_if_needed()
        page.wait_for_timeout(1000)
        explorer.screenshot(path=PICTURE)
        browser.close()
        server.shutdown()
    print(f"==> wrote {PICTURE.relative_to(PICTURE.parents[1])}")


if __name__ == "__main__":
    main()
