"""Take the README's picture of an explorer, from the built book, into assets/explorer.png.

Run it by hand after `make book` when the landing page's explorer has changed:
`.venv/bin/python tools/explorer_picture.py`. It needs a Chromium, on the path or in RAF_CHROMIUM.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from serve import BOOK, HOST, open_server

PICTURE = Path(__file__).resolve().parent.parent / "assets" / "explorer.png"
PAGE = "chapters/intro.html"
# A kernel learner at the ridge that is best for the rule: it errs on few facts.
STATE = {"gamma": 4, "lam": 29}


def take(address: str, chromium: str) -> bytes:
    """Return a screenshot of the landing page's explorer."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1200}, device_scale_factor=2)
        page.goto(f"{address}/{PAGE}")
        element = page.locator("raf-explorer.raf-alive")
        element.evaluate("async (e, state) => { e.moveTo(state); await e.ready; }", STATE)
        page.wait_for_timeout(500)
        shot = element.screenshot()
        browser.close()
    return shot


def main() -> int:
    """Write the picture with a palette of 128 colours: a third of the size, and no difference to see."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    chromium = os.environ.get("RAF_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        print("error: there is no Chromium: install one or name it with RAF_CHROMIUM=/path", file=sys.stderr)
        return 1
    if not (BOOK / PAGE).is_file():
        print("error: there is no built book yet: run make book first", file=sys.stderr)
        return 1
    with open_server(BOOK, 0, quiet=True) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shot = take(f"http://{HOST}:{server.server_port}", chromium)
        server.shutdown()
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(128).save(PICTURE, optimize=True)
    print(f"==> wrote {PICTURE.relative_to(Path.cwd())} ({PICTURE.stat().st_size // 1024} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
