"""Colours by measure: which node has which, what the legend says, and that another choice changes them."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from engine.graph.measures import DEAD, HEALTHY, NOT_FINITE, SPOILED
from gui.explore import coloring
from gui.explore.colors import KINDS
from gui.theme import DARK, LIGHT, Theme
from gui.window import MainWindow

pytestmark = pytest.mark.usefixtures("qapp")


def test_the_actions_are_the_measures(window: MainWindow) -> None:
    from gui.actions import COLORS

    assert set(COLORS) == set(KINDS)


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_a_scale_goes_evenly_over_powers_of_ten(theme: Theme) -> None:
    made = coloring.scale("norm", np.array([1.0, 10.0, 100.0, 0.0, np.nan]), theme)
    ramp = [color.rgb() for color in made.legend.ramp]
    places = [ramp.index(int(fill)) for fill in made.fills[:3]]
    assert places[0] == 0
    assert places[2] == len(ramp) - 1
    assert abs(places[1] - places[2] / 2) <= 1
    assert (made.legend.low, made.legend.high) == ("1.000", "100.0")
    assert [swatch.count for swatch in made.legend.swatches] == [1, 1]
    assert len({*made.fills.tolist()}) == 5


def test_what_is_infinite_is_not_the_largest_of_the_scale() -> None:
    made = coloring.scale("ratio", np.array([1.0, 10.0, np.inf]), DARK)
    assert (made.legend.low, made.legend.high) == ("1.000", "10.00")
    assert [(swatch.text, swatch.count) for swatch in made.legend.swatches] == [("the value is zero", 1)]
    assert len({*made.fills.tolist()}) == 3


@pytest.mark.parametrize("name", ["norm", "ratio", "memory"])
def test_of_what_is_zero_the_legend_has_a_word_beside_its_count(name: str) -> None:
    (swatch,) = coloring.scale(name, np.array([1.0, 10.0, 0.0, 0.0]), DARK).legend.swatches
    assert swatch.count == 2
    assert swatch.text == ("nothing" if name == "memory" else "all zero")


def test_what_is_not_finite_is_counted_apart_from_what_has_no_gradient() -> None:
    made = coloring.scale("norm", np.array([1.0, SPOILED, SPOILED, np.nan]), DARK)
    found = [(swatch.text, swatch.count, swatch.striped) for swatch in made.legend.swatches]
    assert found == [("NaN or infinite", 2, True), ("no gradient", 1, False)]
    assert made.legend.high == "1.000"
    assert made.fills[1] == made.fills[2] != made.fills[3]
    health = coloring.health(np.array([NOT_FINITE, HEALTHY]), DARK)
    assert [swatch.striped for swatch in health.legend.swatches] == [True, False]


def test_what_is_far_below_the_largest_has_the_least_colour() -> None:
    made = coloring.scale("norm", np.array([1e-30, 1.0]), DARK)
    assert made.legend.low == "≤ 1.000e\u22128"


def test_equal_numbers_and_none_at_all() -> None:
    assert coloring.scale("memory", np.array([8.0, 8.0]), DARK).legend.high == "8 B"
    empty = coloring.scale("time", np.array([np.nan, np.nan]), DARK)
    assert empty.legend.ramp == ()
    assert empty.legend.swatches[0].count == 2


def test_health_is_counted_the_worst_first() -> None:
    made = coloring.health(np.array([HEALTHY, HEALTHY, NOT_FINITE, np.nan, DEAD]), DARK)
    assert [swatch.count for swatch in made.legend.swatches] == [1, 1, 2, 1]
    assert made.legend.swatches[0].text == "NaN or infinite"
    assert QColor.fromRgb(int(made.fills[2])) == made.legend.swatches[0].color


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["net.a.x", "net.b", ""], ["net.a", "net.b", ""]),
        (["a", "a"], ["a", "a"]),
        (["", ""], ["", ""]),
        (["l1.0", "l2.0", "l2.1"], ["l1", "l2", "l2"]),
    ],
)
def test_modules_are_told_apart_where_they_first_differ(paths: list[str], expected: list[str]) -> None:
    assert coloring.module_names(paths) == expected


def test_the_canvas_takes_the_colours(walked: MainWindow, qtbot: QtBot) -> None:
    canvas, colors = walked.canvas, walked.canvas.explorer.colors
    assert canvas.picture().fills is None  # type: ignore[union-attr]
    walked.actions_table["color_norm"].trigger()
    qtbot.waitUntil(lambda: canvas.picture() is not None and canvas.picture().fills is not None)  # type: ignore[union-attr]
    scene, fills = canvas.scene, canvas.picture().fills  # type: ignore[union-attr]
    recording, graph = walked.session.recording, walked.session.graph_id
    assert scene is not None
    assert fills is not None
    assert recording is not None
    assert graph is not None
    names = {recording.node(int(node)).name: int(fills[place]) for place, node in enumerate(scene.node_ids)}
    made = colors.coloring(recording, graph, scene)
    assert made is not None
    ramp = [color.rgb() for color in made.legend.ramp]
    assert ramp.index(names["w"]) > ramp.index(names["b"])  # 15 against 7.5
    assert walked.explore_commands.corner is not None
    assert "Gradient norm" in walked.explore_commands.corner.text()
    walked.actions_table["color_kind"].trigger()
    assert canvas.picture().fills is None  # type: ignore[union-attr]


def test_every_colour_is_drawn_with_its_legend(walked: MainWindow, qtbot: QtBot) -> None:
    pictures = set()
    for name in KINDS:
        walked.explore_commands.color_by(name)
        qtbot.waitUntil(lambda: not walked.canvas.explorer.colors.busy)
        image = walked.canvas.grab().toImage()
        pictures.add(bytes(image.constBits()))
    assert len(pictures) == len(KINDS)


def test_a_verified_recording_is_coloured_by_proof(walked: MainWindow) -> None:
    walked.explore_commands.color_by("proof")
    assert walked.canvas.coloured_by_proof
    assert walked.actions_table["color_proof"].isChecked()
