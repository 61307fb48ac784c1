"""The built API reference and index of equations: every link arrives, nothing is wider than its column."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import equations
import pytest
from api_names import PAGE, entries

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = entries((ROOT / PAGE).read_text(encoding="utf-8"))
API = PAGE.with_suffix(".html").as_posix()
INDEX = equations.TABLE.with_suffix(".html").as_posix()


def anchors(html: str) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', html))


def test_every_public_name_has_its_place_on_the_page(book: Path) -> None:
    assert set(ENTRIES) <= anchors((book / API).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [API, INDEX])
def test_links_arrive_at_a_place_that_exists(book: Path, path: str) -> None:
    html, known = (book / path).read_text(encoding="utf-8"), {}
    dead = []
    article = html.split("<article", 1)[1].split("</article>", 1)[0]
    links = {link for link in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', article) if not urlsplit(link).scheme}
    assert links
    for link in links:
        parts = urlsplit(link)
        target = ((book / path).parent / parts.path).resolve() if parts.path else book / path
        if target not in known:
            known[target] = anchors(target.read_text(encoding="utf-8")) if target.is_file() else None
        if known[target] is None or (parts.fragment and unquote(parts.fragment) not in known[target]):
            dead.append(link)
    assert dead == []


def test_rows_of_the_index_lead_to_chapters_and_to_the_reference(book: Path) -> None:
    html = (book / INDEX).read_text(encoding="utf-8")
    links = set(re.findall(r'<a\b[^>]*\bhref="([^"]+)"', html))
    shown = equations.equations(ROOT)
    for row in equations.rows(ROOT):
        for name in row.functions:
            assert f"api.html#{name}" in links, row.name
        for label in row.chapters:
            page = Path(shown[label].page)
            anchor = f"{page.name}.html#equation-{label.lower()}"
            assert any(link.endswith(anchor) for link in links), label
        for test in row.tests:
            assert test.split("::")[-1].replace("_", "_<wbr>") in html


@pytest.mark.parametrize("path", [API, INDEX])
def test_formulas_are_typeset_and_a_phone_shows_them_whole(visit: Callable, path: str) -> None:
    page = visit(path, 390).page
    assert page.locator("article mjx-container").count() > 40
    wide = page.evaluate(
        """() => [...document.querySelectorAll('article div.math')]
            .filter(box => box.querySelector('mjx-math').getBoundingClientRect().width > box.clientWidth + 4)
            .map(box => box.textContent.slice(0, 60))"""
    )
    assert wide == []


def test_signatures_stay_on_the_page(visit: Callable) -> None:
    for width in (1280, 390):
        page = visit(API, width).page
        wide = page.evaluate(
            """() => [...document.querySelectorAll('dt.sig')]
                .filter(sig => sig.scrollWidth > sig.clientWidth + 1).map(sig => sig.id)"""
        )
        assert wide == []


def test_source_of_a_name_is_one_click_away(book: Path) -> None:
    html = (book / API).read_text(encoding="utf-8")
    sources = set(re.findall(r'href="([^"]*_modules/[^"#]+)', html))
    assert any(link.endswith("_modules/raflib/losses.html") for link in sources)
    assert [link for link in sources if not ((book / API).parent / link).resolve().is_file()] == []
