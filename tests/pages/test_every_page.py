"""What holds on every page of the built book, on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
import yaml
from launch_links import find_branch, find_repository
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]


def toc_pages() -> list[str]:
    """Return the pages of the table of contents, as paths of the built book."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def files(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                yield from files(value)
        elif isinstance(node, list):
            for value in node:
                yield from files(value)

    return [f"{name}.html" for name in files(toc)]


PAGES = toc_pages()
NOTEBOOKS = [page for page in PAGES if (ROOT / page).with_suffix(".ipynb").is_file()]
EVERY_PAGE = pytest.mark.parametrize("path", PAGES)


class Loads(HTMLParser):
    """Collect what a page loads by itself (not what it links to) and its inline scripts."""

    LOADING: ClassVar = {
        "script": ("src",),
        "img": ("src", "srcset"),
        "iframe": ("src",),
        "source": ("src", "srcset"),
        "video": ("src", "poster"),
        "audio": ("src",),
        "embed": ("src",),
        "object": ("data",),
        "link": ("href",),
        "input": ("src",),
    }
    # Links that only tell another program where something is.
    NOT_LOADED: ClassVar = {
        "canonical",
        "next",
        "prev",
        "search",
        "index",
        "author",
        "license",
        "alternate",
    }

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "link" and set(given.get("rel", "").split()) <= self.NOT_LOADED:
            return
        for name in self.LOADING.get(tag, ()):
            if name in given:
                parts = given[name].split(", ") if name == "srcset" else [given[name]]
                self.addresses += [part.split()[0] for part in parts if part.strip()]


def test_no_page_loads_from_another_host(book: Path) -> None:
    pages = sorted(book.rglob("*.html"))
    assert len(pages) >= len(PAGES)
    outside = [
        f"{page.relative_to(book)}: {address}"
        for page in pages
        for address in Loads(page.read_text(encoding="utf-8")).addresses
        if urlsplit(address).scheme not in {"", "data"} or urlsplit(address).netloc
    ]
    assert outside == []


def test_no_style_loads_from_another_host(book: Path) -> None:
    pattern = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')\s]+)""")
    outside = [
        f"{style.relative_to(book)}: {address}"
        for style in sorted(book.rglob("*.css"))
        for address in pattern.findall(style.read_text(encoding="utf-8"))
    ]
    assert outside == []


def test_no_page_brings_thebe_requirejs_or_the_widget_manager(book: Path) -> None:
    unwanted = re.compile(r"thebe|require(?:\.min)?\.js|html-manager|unpkg|jsdelivr|cdnjs", re.I)
    found = {
        f"{page.relative_to(book)}: {match[0]}"
        for page in book.rglob("*.html")
        for match in unwanted.finditer(
            " ".join(re.findall(r"<script.*?</script>", page.read_text(encoding="utf-8"), re.S))
        )
    }
    assert found == set()


@EVERY_PAGE
@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_sound(visit: Callable, path: str, width: int) -> None:
    seen = visit(path, width)
    page = seen.page
    # Bring every lazily drawn part into view once.
    page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(200)
    seen.check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page is too wide"
    assert page.locator("mjx-merror").count() == 0, "an equation is not understood"
    # MathJax prints a command that it does not know in red instead.
    assert page.locator('mjx-math [style*="color: red"]').count() == 0, "an unknown command"
    assert page.locator("article .problematic, article .system-message").count() == 0
    assert page.locator("article h1").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"
    broken = page.evaluate("() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
    assert broken == []


@EVERY_PAGE
def test_images_say_what_is_seen(visit: Callable, path: str) -> None:
    images = visit(path).page.locator("article img")
    alts = [(images.nth(i).get_attribute("alt") or "") for i in range(images.count())]
    # Without an alt text of its own, an image is given its file's name by the builder.
    poor = [alt for alt in alts if len(alt) < 20 or re.search(r"\.(png|svg|jpe?g|gif)$", alt)]
    assert poor == []


@EVERY_PAGE
def test_figures_stay_on_a_white_ground_in_the_dark(visit: Callable, path: str) -> None:
    page = visit(path).page
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    grounds = page.evaluate(
        "() => [...document.querySelectorAll('article img')].map(i => getComputedStyle(i).backgroundColor)"
    )
    assert set(grounds) <= {"rgb(255, 255, 255)"}


@EVERY_PAGE
def test_links_inside_the_book_lead_somewhere(book: Path, path: str) -> None:
    html = (book / path).read_text(encoding="utf-8")
    dead = []
    for link in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', html):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or not parts.path:
            continue
        if not ((book / path).parent / parts.path).resolve().exists():
            dead.append(link)
    assert dead == []


@EVERY_PAGE
def test_page_reads_from_the_disk(browser: Browser, book: Path, path: str) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((book / path).as_uri())
    page.evaluate("() => window.MathJax?.startup?.promise ?? Promise.resolve()")
    headings = page.locator("article h1").count()
    page.close()
    assert headings == 1
    assert errors == []


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_buttons_lead_to_the_repository_or_are_left_out(book: Path, path: str) -> None:
    setting = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]
    repository, _ = find_repository(ROOT, setting["config"]["launch_repository"])
    html = (book / path).read_text(encoding="utf-8")
    launch = re.findall(r'href="(https://(?:mybinder\.org|colab\.[^/"]+)/[^"]*)"', html)
    edit = re.findall(r'href="([^"]*/(?:-/)?edit/[^"]*)"', html)
    if repository is None:
        assert launch == []
        assert edit == []
        return
    source = str(Path(path).with_suffix(".ipynb"))
    expected = {"github": 2, "gitlab": 1}.get(repository.provider, 0)
    assert len(launch) == expected
    assert all(link.endswith(source) and find_branch(ROOT) in link for link in launch)
    assert repository.url in html


def test_the_launch_buttons_are_on_notebooks_only(book: Path) -> None:
    for path in set(PAGES) - set(NOTEBOOKS):
        html = (book / path).read_text(encoding="utf-8")
        assert "mybinder.org/v2" not in html, path
        assert "colab.research" not in html, path


def test_search_finds_a_word(visit: Callable) -> None:
    seen = visit("search.html?q=generalize")
    seen.page.wait_for_selector("#search-results li", timeout=20_000)
    seen.check()
