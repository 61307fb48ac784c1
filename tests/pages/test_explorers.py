"""Explorers in a real browser: they move, they say what Python says, and they stay at home."""

from __future__ import annotations

import dataclasses
import itertools
import random
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import bokeh
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from raflib.explore import static, table
from raflib.explore.catalog import CATALOG
from raflib.explore.spec import Control, Curve, Dot, Explorer, Output, Panel
from raflib.explore.words import UNSOLVED, format_number

ROOT = Path(__file__).resolve().parents[2]
EVERY = pytest.mark.parametrize("explorer", CATALOG.values(), ids=CATALOG)
WIDTH = pytest.mark.parametrize("width", [1280, 390])


@pytest.fixture(scope="session")
def where(book: Path) -> dict[str, str]:
    """Name of each explorer on the built pages -> the page that shows it."""
    found: dict[str, str] = {}
    for page in sorted(book.rglob("*.html")):
        for name in re.findall(r'<raf-explorer name="(\w+)"', page.read_text(encoding="utf-8")):
            found[name] = page.relative_to(book).as_posix()
    return found


@pytest.fixture
def opened(visit: Callable, where: dict[str, str]) -> Callable:
    """Return a function that opens the page of an explorer and waits until it is alive."""

    def go(explorer: Explorer, width: int = 1280, **context: object) -> tuple[object, Locator]:
        assert explorer.name in where, f"no built page shows the explorer {explorer.name!r}"
        seen = visit(where[explorer.name], width, **context)
        element = seen.page.locator(f'raf-explorer[name="{explorer.name}"]')
        expect(element).to_have_class(re.compile("raf-alive"))
        element.scroll_into_view_if_needed()
        return seen, element

    return go


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


# ------------------------------------------------------------------ where they are
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


# ------------------------------------------------------------------ they move
@EVERY
def test_every_control_moves_by_keyboard(opened: Callable, explorer: Explorer) -> None:
    seen, element = opened(explorer)
    page: Page = seen.page
    for control in explorer.sliders:
        before, words = shown(element), said(element)
        if control.is_choice:
            chosen = element.get_by_role("radio", name=control.texts[control.index(control.default)], exact=True)
            chosen.focus()
            page.keyboard.press("ArrowRight")
            other = control.texts[(control.index(control.default) + 1) % len(control.texts)]
            expect(element.get_by_role("radio", name=other, exact=True)).to_be_checked()
        else:
            moved = slider(element, control)
            moved.focus()
            # Two steps: a neighbour's number may round to the same words.
            last = control.index(control.default) == len(control.values) - 1
            for _ in range(2):
                page.keyboard.press("ArrowLeft" if last else "ArrowRight")
            index = control.index(control.default) + (-2 if last else 2)
            index = min(index, len(control.values) - 1)
            expect(moved).to_have_attribute("aria-valuetext", control.texts[index])
        assert shown(element) != before, f"{control.name} changes nothing that is drawn"
        assert said(element) != words, f"{control.name} does not change the sentence"
    # The sentence is announced once the reader pauses.
    expect(element.get_by_role("status")).to_have_text(element.locator(".raf-reading").inner_text())
    element.get_by_role("button", name="Reset").click()
    solved = table.solve(explorer)
    assert said(element) == table.reading(solved, explorer.state())
    seen.check()


@EVERY
@WIDTH
def test_every_slider_moves_by_mouse(opened: Callable, explorer: Explorer, width: int) -> None:
    seen, element = opened(explorer, width)
    page: Page = seen.page
    for control in explorer.sliders:
        if control.is_choice:
            other = next(t for t in control.texts if t != control.default)
            element.locator(".raf-options").get_by_text(other, exact=True).click()
            expect(element.get_by_role("radio", name=other, exact=True)).to_be_checked()
            continue
        before = shown(element)
        thumb = slider(element, control)
        thumb.scroll_into_view_if_needed()
        box = thumb.bounding_box()
        start = control.index(control.default) / (len(control.values) - 1)
        target = 0.95 if start < 0.5 else 0.05
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 10 + start * (box["width"] - 20), middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, middle, steps=5)
        page.mouse.move(box["x"] + target * box["width"], middle, steps=5)
        page.mouse.up()
        value = int(thumb.input_value())
        assert abs(value / (len(control.values) - 1) - target) < 0.15, control.name
        assert shown(element) != before, control.name
    seen.check()


@EVERY
def test_the_figure_itself_can_be_dragged(opened: Callable, explorer: Explorer) -> None:
    seen, element = opened(explorer)
    page: Page = seen.page
    for index, panel in enumerate(explorer.panels):
        if not panel.drag_x:
            continue
        plot = element.locator(".raf-plot").nth(index)
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 13, box["y"] + 12, steps=4)
        page.mouse.up()
        for name, expected in ((panel.drag_x, -1), (panel.drag_y, -1)):
            if name:
                control = explorer.control(name)
                expect(slider(element, control)).to_have_attribute("aria-valuetext", control.texts[expected])
        # Without the button pressed nothing follows the pointer.
        before = shown(element)
        page.mouse.move(box["x"] + 80, box["y"] + 100)
        assert shown(element) == before
    seen.check()


# ------------------------------------------------------------------ they say what Python says
@EVERY
def test_every_sentence_is_the_one_python_says(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    solved = table.solve(explorer)
    names = [c.name for c in explorer.controls]
    sizes = [1 if c.hidden else len(c.values) for c in explorer.controls]
    grid = [dict(zip(names, indices, strict=True)) for indices in itertools.product(*map(range, sizes))]
    if len(grid) > 15_000:  # tests/test_explore.py goes through all of them, in Python alone
        grid = random.Random(3).sample(grid, 15_000)
    on_page = element.evaluate("(e, states) => states.map((s) => e.table.reading(s))", grid)
    assert on_page == [table.reading(solved, state) for state in grid]


@EVERY
def test_every_mark_is_where_python_draws_it(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    solved = table.solve(explorer)
    rng = np.random.default_rng(7)
    picked = [{c.name: int(rng.integers(len(c.values))) for c in explorer.controls} for _ in range(300)]
    on_page = element.evaluate(
        """(e, states) => states.map((s) => e.table.spec.panels.map((p) => e.table.draw(p, s)))""", picked
    )
    for state, panels in zip(picked, on_page, strict=True):
        for panel, drawn, marks in zip(explorer.panels, table.view(solved, state).panels, panels, strict=True):
            expected = [static.columns(m, d) for m, d in zip(panel.marks, drawn, strict=True)]
            for mark, want, got in zip(panel.marks, expected, marks, strict=True):
                assert got is None or got == want, (state, mark)


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


@EVERY
def test_the_figures_hold_what_the_state_shows(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    solved = table.solve(explorer)
    state = {c.name: (0 if c.hidden else len(c.values) // 3) for c in explorer.controls}
    element.evaluate("(e, state) => e.moveTo(state)", state)
    for panel, drawn, got in zip(explorer.panels, table.view(solved, state).panels, shown(element), strict=True):
        for mark, points, columns in zip(panel.marks, drawn, got, strict=True):
            if columns is not None:
                assert columns == static.columns(mark, points), mark


# ------------------------------------------------------------------ an unsolved point
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


# ------------------------------------------------------------------ for everyone
@EVERY
def test_controls_have_names_and_the_figures_have_words(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    for control in explorer.sliders:
        if control.is_choice:
            group = element.get_by_role("group", name=control.label)
            expect(group.get_by_role("radio")).to_have_count(len(control.values))
        else:
            one = slider(element, control)
            expect(one).to_have_count(1)
            expect(one).to_have_attribute("aria-valuetext", control.texts[control.index(control.default)])
            expect(one).to_have_attribute("max", str(len(control.values) - 1))
    figures = element.get_by_role("img", name=explorer.alt)
    expect(figures).to_have_count(len(explorer.panels))
    expect(element.get_by_role("status")).to_have_attribute("aria-live", "polite")


@EVERY
def test_controls_wrap_on_a_phone(opened: Callable, explorer: Explorer) -> None:
    seen, element = opened(explorer, 390)
    boxes = [row.bounding_box() for row in element.locator(".raf-control").all()]
    assert len({round(box["x"]) for box in boxes}) == 1, "the controls stand below each other"
    for box in boxes:
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 40, "large enough for a finger"
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
    for plot in element.locator(".raf-plot").all():
        box = plot.bounding_box()
        assert 280 <= box["width"] <= 362


@EVERY
def test_figures_and_controls_fit_one_screen(opened: Callable, explorer: Explorer) -> None:
    _, element = opened(explorer)
    top = element.locator(".raf-stage").bounding_box()
    bottom = element.locator(".raf-controls").bounding_box()
    assert bottom["y"] + bottom["height"] - top["y"] < 700, "moving and looking need scrolling"


@EVERY
def test_without_scripts_there_is_the_still_picture(visit: Callable, where: dict[str, str], explorer: Explorer) -> None:
    page = visit(where[explorer.name], 390, java_script_enabled=False).page
    element = page.locator(f'raf-explorer[name="{explorer.name}"]')
    picture = element.get_by_alt_text(explorer.alt)
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100
    expect(element.get_by_text("with scripts on, sliders move it")).to_be_visible()
    assert said(element) == table.reading(table.solve(explorer), explorer.state())


@EVERY
def test_print_shows_the_still_picture_and_its_own_sentence(opened: Callable, explorer: Explorer) -> None:
    seen, element = opened(explorer)
    slider(element, explorer.controls[0]).press("End")
    seen.page.emulate_media(media="print")
    expect(element.get_by_alt_text(explorer.alt)).to_be_visible()
    expect(element.locator(".raf-controls")).to_be_hidden()
    expect(element.locator(".raf-stage")).to_be_hidden()
    expect(element.locator(".raf-reading")).to_be_hidden()
    printed = element.locator(".raf-print").inner_text().replace("\u00a0", " ")
    assert printed.endswith(table.reading(table.solve(explorer), explorer.state()))
    assert printed.startswith("Shown: α = ")


@EVERY
def test_the_ground_is_white_in_dark_mode_too(opened: Callable, explorer: Explorer) -> None:
    seen, element = opened(explorer)
    seen.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert element.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    around = element.evaluate("e => getComputedStyle(e.parentElement).backgroundColor")
    assert around == "rgba(0, 0, 0, 0)", "the theme's plate shows around the explorer"
    for part in (".raf-title", ".raf-question", ".raf-reading", ".raf-name", ".raf-value"):
        red, green, blue = element.locator(part).first.evaluate(
            "e => getComputedStyle(e).color.match(/\\d+/g).slice(0, 3).map(Number)"
        )
        assert max(red, green, blue) < 110, f"{part} is too pale for a white ground"


# ------------------------------------------------------------------ how it looks, how fast it is
@EVERY
@WIDTH
def test_screenshots_are_taken(opened: Callable, book: Path, explorer: Explorer, width: int) -> None:
    seen, element = opened(explorer, width, device_scale_factor=2 if width < 500 else 1)
    folder = book.parent / "screenshots"
    folder.mkdir(exist_ok=True)
    path = folder / f"explorer-{explorer.name}-{width}.png"
    # The whole element in one window, below the page's sticky header: a picture in pieces shows both.
    height = element.bounding_box()["height"]
    seen.page.set_viewport_size({"width": width, "height": int(height) + 300})
    element.evaluate("e => window.scrollBy(0, e.getBoundingClientRect().top - 150)")
    seen.page.wait_for_timeout(500)
    element.screenshot(path=path)
    # Something is drawn: the canvas of every panel holds more than one colour.
    colours = element.evaluate(
        """e => [...e.querySelectorAll(".raf-plot")].map((plot) => {
            const roots = [plot];
            const found = new Set();
            while (roots.length) {
                const root = roots.pop();
                for (const node of root.querySelectorAll("*")) {
                    if (node.shadowRoot) roots.push(node.shadowRoot);
                    if (node.tagName !== "CANVAS" || !node.width) continue;
                    const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
                    for (let i = 0; i < data.length; i += 4) found.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
                }
            }
            return found.size;
        })"""
    )
    assert all(count > 20 for count in colours), colours
    seen.check()


REPAINT = """async (e) => {
    // From the key press to the frame after the last stroke that it caused on a canvas.
    let last = 0;
    const proto = CanvasRenderingContext2D.prototype;
    const stroke = proto.stroke;
    proto.stroke = function (...args) { last = performance.now(); return stroke.apply(this, args); };
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const input = e.querySelector('input[type="range"]');
    const times = [];
    for (let i = 0; i < 20; i++) {
        await new Promise((done) => setTimeout(done, 120));
        const pressed = performance.now();
        input.value = i % 2 ? 0 : input.max;
        input.dispatchEvent(new Event("input", { bubbles: true }));
        while (last < pressed) await frame();
        await new Promise((done) => setTimeout(done, 60)); // a later repaint would count as well
        times.push(last - pressed);
    }
    proto.stroke = stroke;
    return times;
}"""


@EVERY
def test_repaint_is_at_once(opened: Callable, explorer: Explorer, record_property: Callable) -> None:
    _, element = opened(explorer)
    times = element.evaluate(REPAINT)
    median = statistics.median(times)
    record_property("repaint_ms", round(median, 1))
    measured = f"{explorer.name}: {median:.0f} ms from key press to repaint (slowest {max(times):.0f} ms)"
    sys.stdout.write(f"{measured}\n")  # seen with -rP
    # The aim is 50 ms. A busy test machine is given four times as long: this is to notice a figure
    # that is made anew for every move, not to time the machine.
    assert median < 200


def test_picture_of_the_readme_is_of_the_hero() -> None:
    picture = ROOT / "assets" / "explorer.png"
    head = picture.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = (int.from_bytes(head[i : i + 4], "big") for i in (16, 20))
    assert width >= 1200
    assert 0.5 < height / width < 1.5
