"""Explorers in a real browser look right: on a phone, in print, in the dark, and without scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from explorer_page import EVERY, WIDTH, said, slider
from playwright.sync_api import expect

from raflib.explore import table
from raflib.explore.spec import Explorer


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
    slider(element, next(c for c in explorer.sliders if not c.is_choice)).press("End")
    seen.page.emulate_media(media="print")
    expect(element.get_by_alt_text(explorer.alt)).to_be_visible()
    expect(element.locator(".raf-controls")).to_be_hidden()
    expect(element.locator(".raf-stage")).to_be_hidden()
    expect(element.locator(".raf-reading")).to_be_hidden()
    printed = element.locator(".raf-print").inner_text().replace("\u00a0", " ")
    assert printed.endswith(table.reading(table.solve(explorer), explorer.state()))
    first = explorer.sliders[0]
    assert printed.startswith(f"Shown: {first.symbol or first.label} = ")


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


@EVERY
@WIDTH
def test_screenshots_are_taken(opened: Callable, book: Path, explorer: Explorer, width: int) -> None:
    seen, element = opened(explorer, width)
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
