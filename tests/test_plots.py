"""The one style of all figures, and the functions that draw in it."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from raflib import plots


@pytest.fixture
def ax() -> Iterator[plt.Axes]:
    fig, ax = plots.subplots()
    yield ax
    plt.close(fig)


def linear(colour: str) -> np.ndarray:
    """Colour as linear light."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear light, white point D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x = to_xyz @ np.clip(light, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("role", [r for r in plots.COLOURS if r != "shade"])
def test_colours_can_be_read_as_text_on_white(role: str) -> None:
    assert 1.05 / (luminance(plots.COLOURS[role]) + 0.05) >= 4.5


def test_the_two_errors_differ_for_every_kind_of_sight() -> None:
    # Machado, Oliveira and Fernandes 2009, complete protanopia, deuteranopia and tritanopia.
    matrices = [
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ]
    for pair in (("rule", "fact"), ("square", "hinge")):
        for matrix in (np.eye(3), *map(np.array, matrices)):
            one, two = (lab(matrix @ linear(plots.COLOURS[role])) for role in pair)
            assert np.linalg.norm(one - two) > 40, pair


def test_style_is_opaque_and_leaves_no_trace() -> None:
    before = mpl.rcParams["axes.spines.top"]
    with plots.style():
        assert mpl.rcParams["figure.facecolor"] == "white"
        assert not mpl.rcParams["savefig.transparent"]
        assert not mpl.rcParams["axes.spines.top"]
    assert mpl.rcParams["axes.spines.top"] == before


def test_use_style_stays() -> None:
    with mpl.rc_context():
        plots.use_style()
        assert mpl.rcParams["axes.spines.top"] is False


def test_errors_draws_both_in_their_colours(ax: plt.Axes) -> None:
    plots.errors(ax, [1, 2, 3], gen=[0.3, 0.2, 0.1], mem=[0.0, 0.1, 0.2], label="hinge", dash="dashed")
    gen, mem = ax.lines
    assert (gen.get_color(), mem.get_color()) == (plots.COLOURS["rule"], plots.COLOURS["fact"])
    assert gen.get_xydata().tolist() == [[1, 0.3], [2, 0.2], [3, 0.1]]
    assert "hinge" in gen.get_label()
    assert ax.get_ylim()[0] < 0 < 0.5 < ax.get_ylim()[1]
    assert gen.get_linestyle() == "--"


def test_points_carry_their_standard_errors(ax: plt.Axes) -> None:
    plots.points(ax, [1.0, 2.0], [0.2, 0.3], [0.01, 0.02], colour="rule", label="simulated")
    (bars,) = ax.containers
    segments = bars.lines[2][0].get_segments()
    assert np.allclose([s[1, 1] - s[0, 1] for s in segments], [0.02, 0.04])


def test_tradeoff_labels_its_axes(ax: plt.Axes) -> None:
    plots.tradeoff(ax, [0.3, 0.2], [0.1, 0.2], colour="square", label="square loss")
    assert "generalization" in ax.get_xlabel()
    assert "memorization" in ax.get_ylabel()


def test_reference_lines(ax: plt.Axes) -> None:
    plots.reference(ax, x=2.0, label="here")
    plots.reference(ax, y=0.5, label="chance")
    vertical, horizontal = ax.lines
    assert list(vertical.get_xdata()) == [2.0, 2.0]
    assert list(horizontal.get_ydata()) == [0.5, 0.5]
    assert [t.get_text() for t in ax.texts] == ["here", "chance"]


@pytest.mark.parametrize("where", [{}, {"x": 1.0, "y": 2.0}])
def test_reference_needs_one_place(ax: plt.Axes, where: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="exactly one of x and y"):
        plots.reference(ax, **where)


def test_unknown_line_style_is_named(ax: plt.Axes) -> None:
    with pytest.raises(ValueError, match="dash must be one of solid, dashed, dotted, got 'wavy'"):
        plots.errors(ax, [1], gen=[0.1], dash="wavy")
