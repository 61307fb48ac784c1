"""CONTRIBUTING says what the code asks for, and the book shows the classes that it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from raflib.features import FeatureMap
from raflib.losses import Loss, SmoothLoss

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGE = ROOT / "chapters/appendix/contributing.md"
INCLUDES = re.findall(r"^```\{include\} (\S+)\n((?::.*\n)+)```$", PAGE.read_text(encoding="utf-8"), re.M)
CLASSES = re.findall(r"^```\{literalinclude\} (\S+)\n:pyobject: (\w+)\n```$", PAGE.read_text(encoding="utf-8"), re.M)


def section(title: str) -> str:
    """Return the text under a heading of the second level."""
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def members(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


# ---------------------------------------------------------------- the page of the book


def test_the_page_holds_the_whole_text_in_order() -> None:
    pieces = [dict(re.findall(r"^:([\w-]+): (.+)$", options, re.M)) for _, options in INCLUDES]
    assert {(PAGE.parent / path).resolve() for path, _ in INCLUDES} == {ROOT / "CONTRIBUTING.md"}
    starts, ends = ([piece.get(key, "").strip('"') for piece in pieces] for key in ("start-after", "end-before"))
    assert starts[0] == "# Contributing"
    assert TEXT.startswith(starts[0])
    assert starts[1:] == ends[:-1], "each piece begins where the one before it ends"
    assert ends[-1] == ""
    assert [TEXT.count(marker) for marker in ends[:-1]] == [1] * len(ends[:-1])
    assert sorted(ends[:-1], key=TEXT.index) == ends[:-1]
    assert re.findall(r"<!-- .*? -->", TEXT) == ends[:-1], "a marker that the page does not use"


@pytest.mark.parametrize(("path", "name"), CLASSES)
def test_the_page_shows_real_classes(path: str, name: str) -> None:
    tree = ast.parse((PAGE.parent / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert f"`{name}`" in TEXT


def test_the_classes_to_copy_and_the_protocols_are_shown() -> None:
    shown = {name for _, name in CLASSES}
    assert set(re.findall(r"^`(\w+)` is the one", TEXT, re.M)) | {"Loss", "SmoothLoss", "FeatureMap"} <= shown


# ---------------------------------------------------------------- the words


def test_add_a_loss_explains_every_member_of_the_protocol() -> None:
    text = section("Add a loss")
    assert [name for name in members(Loss) if not re.search(rf"`{name}\b", text)] == []
    assert f"the {['no', 'one', 'two', 'three'][len(members(SmoothLoss))]} members of `SmoothLoss`" in text


def test_add_a_feature_map_explains_every_member_of_the_protocol() -> None:
    text = section("Add a feature map")
    assert [name for name in members(FeatureMap) if not re.search(rf"`{name}\b", text)] == []


def test_files_and_classes_of_the_words_exist() -> None:
    text = "".join(map(section, ("Add a loss", "Add a feature map", "Add a function")))
    paths = re.findall(r"`([\w./]+/[\w.]+\.\w+)`", text)
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists()] == []
    called = re.findall(r"-m pytest ([^\n#]*)", text)
    named = [word for call in called for word in call.split() if "/" in word]
    assert [word for word in named if not (ROOT / word).exists()] == []
    for test, name in (("every_loss", "Huber"), ("every_feature_map", "TwoScales")):
        assert f"class `{name}` there" in " ".join(TEXT.split())
        source = (ROOT / f"tests/theory/test_{test}.py").read_text(encoding="utf-8")
        assert f"class {name}:" in source
