"""Explorers on the built pages: where they are, what they load, and what one does that is alone on a page."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import bokeh
import numpy as np
from explorer_page import said, shown, slider
from playwright.sync_api import Browser, Page, expect

from raflib.explore import static, table
from raflib.explore.catalog import CATALOG
from raflib.explore.spec import Control, Curve, Dot, Explorer, Output, Panel
from raflib.explore.words import UNSOLVED, format_number

ROOT = Path(__file__).resolve().parents[2]


def test_the_landing_page_and_both_raf_chapters_have_an_explorer(where: dict[str, str]) -> None:
    chapters = {"chapters/intro.html", "chapters/raf/model.html", "chapters/raf/linear.html"}
    assert chapters <= set(where.values())
    assert set(where) == set(CATALOG), "an explorer of the catalog is on no page"


def test_bokeh_is_loaded_only_where_there_is_an_explorer(book: Path) -> None:
    for page in book.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        scripts = re.findall(r'<script[^>]*src="([^"]+)"', html)
        styles = re.findall(r'<link[^>]*href="([^"]+)"', html)
        loaded = [s for s in scripts + styles if "bokeh" in s or "explorer" in s]
        if "<raf-explorer" in html:
            assert len(loaded) == 3, (page, loaded)
            for address in loaded:
                assert (page.parent / address.partition("?")[0]).is_file(), address
        else:
            assert loaded == [], page
        assert "widget-state" not in html, f"{page} carries the state of a widget without a kernel"


def test_bokeh_is_the_installed_one(book: Path) -> None:
    (copied,) = book.glob("_static/bokeh*.js")
    installed = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
    assert copied.read_bytes() == installed.read_bytes()


def test_numbers_are_written_alike(opened: Callable) -> None:
    _, element = opened(CATALOG["hero"])
    rng = np.random.default_rng(11)
    numbers = np.concatenate(
        [
            rng.uniform(-1, 1, 2000) * 10.0 ** rng.integers(-9, 9, 2000),
            np.round(rng.uniform(0, 1, 2000), 5),  # what the page holds
            np.arange(-40, 41) / 8,  # ties: exact in binary
            [0.0, 9.995, 99.95, 0.99995, 0.0001, 0.00001, 99999.5, 123456.0],
        ]
    ).tolist()
    specs = [".0f", ".1f", ".2f", ".5f", ".1g", ".2g", ".3g", ".6g", ".0%", ".1%", ".3%"]
    on_page = element.evaluate(
        "(e, [numbers, specs]) => specs.map((s) => numbers.map((v) => e.constructor.formatNumber(v, s)))",
        [numbers, specs],
    )
    for spec, column in zip(specs, on_page, strict=True):
        for number, text in zip(numbers, column, strict=True):
            assert text == format_number(number, spec), (number, spec)


# ------------------------------------------------------------------ alone on a page
def _with_a_hole(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    return {"out": np.where(a == 2.0, np.nan, a * b / 10)}


HOLE = Explorer(
    name="hole",
    title="A point that was not solved",
    question="What is at 2?",
    answer="Nothing.",
    alt="A line with a gap.",
    controls=(Control("a", "first", (0.0, 1.0, 2.0, 3.0), 1.0), Control("b", "second", (1.0, 2.0), 1.0)),
    outputs=(Output("out", 0.0, 1.0),),
    panels=(
        Panel(
            "a",
            "out",
            (0.0, 3.0),
            (0.0, 1.0),
            (Curve("a", "out", over="a", colour="rule"), Dot("a", "out", colour="rule", label="{out:.2f}")),
            x_ticks=(0.0, 3.0),
            y_ticks=(0.0, 1.0),
        ),
    ),
    compute=_with_a_hole,
    readings=("At {a} it is {out:.2f}.",),
)


def alone(browser: Browser, explorer: Explorer) -> Page:
    """Open a blank page that holds nothing but one explorer."""
    page = browser.new_page(viewport={"width": 800, "height": 800})
    scripts = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js", ROOT / "assets" / "explorer.js"
    page.set_content(f"<!doctype html><title>one</title><body>{static.html(table.solve(explorer))}</body>")
    for script in scripts:
        page.add_script_tag(path=script)
    return page


def test_an_unsolved_point_is_a_gap_and_never_a_number(browser: Browser) -> None:
    page = alone(browser, HOLE)
    element = page.locator("raf-explorer")
    expect(element).to_have_class(re.compile("raf-alive"))
    assert said(element) == "At 1 it is 0.10."
    slider(element, HOLE.controls[0]).press("ArrowRight")
    assert said(element) == UNSOLVED
    curve, dot = shown(element)[0]
    assert curve["y"] == [0.0, 0.1, None, 0.3]
    assert dot["y"] == [None]
    assert dot["text"] == [""]
    slider(element, HOLE.controls[0]).press("ArrowRight")
    assert said(element) == "At 3 it is 0.30."
    page.close()


def test_two_explorers_on_one_page_do_not_disturb_each_other(browser: Browser) -> None:
    choice = Control("c", "colour", ("red", "green"), "red")

    def out(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> dict[str, np.ndarray]:
        return {"out": a * b / 10 + (c == "green") * 0.1}

    twin = dataclasses.replace(HOLE, controls=(*HOLE.controls, choice), compute=out)
    page = browser.new_page()
    fragment = static.html(table.solve(twin))
    page.set_content(f"<!doctype html><title>two</title><body>{fragment}{fragment}</body>")
    page.add_script_tag(path=Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js")
    page.add_script_tag(path=ROOT / "assets" / "explorer.js")
    page.add_script_tag(path=ROOT / "assets" / "explorer.js")  # a second copy of the script does no harm
    first, second = page.locator("raf-explorer").all()
    expect(second).to_have_class(re.compile("raf-alive"))
    before = said(second)
    first.get_by_text("green", exact=True).click()
    slider(first, HOLE.controls[0]).press("ArrowLeft")
    assert said(first) == "At 0 it is 0.10."
    assert said(second) == before
    expect(second.get_by_role("radio", name="red", exact=True)).to_be_checked()
    page.close()


def test_picture_of_the_readme_is_of_the_hero() -> None:
    picture = ROOT / "assets" / "explorer.png"
    head = picture.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = (int.from_bytes(head[i : i + 4], "big") for i in (16, 20))
    assert width >= 1200
    assert 0.5 < height / width < 1.5
