"""What is painted: the right colours for the right reasons, alike on screen and in exported pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from engine.layout.spacing import CHIP_ROW_GAP
from engine.recording.reader import Recording
from gui import theme
from gui.canvas.camera import Camera
from gui.canvas.dots import dot_colors, dot_rows
from gui.canvas.edges import FADED, FIRST_GRADIENT, LEVELS, ON_PATH, PENDING, QUIET, VALUE, edge_classes, edge_looks
from gui.canvas.marks import CHIPS_APART, frame_of
from gui.canvas.painter import GraphPainter, VectorPainter
from gui.canvas.picture import strengths
from gui.canvas.scene import Scene
from gui.theme import DARK, LIGHT, Theme
from tests.gui.canvas.scenes import count_color, node_named, paint, picture_at, pixels, scene_of

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("scale", [0.2, 0.45, 1.0, 1.5])
def test_screen_and_export_look_alike(recording: Recording, scene: Scene, look: Theme, scale: float) -> None:
    picture = picture_at(recording, scene, 10)
    screen, vector = paint(GraphPainter(look), picture, scale), paint(VectorPainter(look), picture, scale)
    difference = np.abs(pixels(screen).astype(int) - pixels(vector).astype(int)).max(axis=2)
    assert (difference > 48).mean() < 0.02


def test_the_active_node_has_a_ring_in_its_phase_s_colour(recording: Recording, scene: Scene) -> None:
    painter = GraphPainter(DARK)
    for playhead, phase in ((2, "forward"), (5, "backward"), (10, "update")):
        image = paint(painter, picture_at(recording, scene, playhead))
        without = paint(painter, picture_at(recording, scene, playhead), active=False)
        assert count_color(image, DARK.phase(phase)) > count_color(without, DARK.phase(phase)) + 100


def test_the_selected_node_has_a_ring_in_the_accent_colour(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 2)
    assert count_color(paint(GraphPainter(DARK), picture), DARK.accent) == 0
    chosen = replace(picture, selection=node_named(scene, "w"))
    assert count_color(paint(GraphPainter(DARK), chosen), DARK.accent) > 100


def test_bars_and_notches_come_with_gradients_and_updates(recording: Recording, scene: Scene) -> None:
    painter = GraphPainter(LIGHT)
    images = [paint(painter, picture_at(recording, scene, playhead), active=False) for playhead in (3, 9, 11)]
    orange = [count_color(image, LIGHT.backward) for image in images]
    green = [count_color(image, LIGHT.update) for image in images]
    assert orange[0] == 0 < orange[1]
    assert green[0] == green[1] == 0 < green[2]


def test_what_the_playhead_has_not_reached_is_faint(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 0)
    strength = strengths(picture, np.arange(scene.node_count))
    assert strength[node_named(scene, "mul")] == 1.0
    assert strength[node_named(scene, "loss")] == theme.NOT_YET


def test_what_is_not_connected_with_the_hovered_node_fades(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 11)
    y = node_named(scene, "y")
    hovered = replace(picture, emphasis=scene.connected(node_named(scene, "mul")))
    items = np.arange(scene.node_count)
    assert strengths(hovered, items)[y] < strengths(picture, items)[y]
    assert dot_rows(hovered)[y] == 0
    edges = np.arange(len(scene.source))
    assert (edge_classes(scene, picture.state, edges, hovered.emphasis[1]) == FADED).sum() == 2  # type: ignore[index]


def test_edges_are_classed_by_what_they_carry(recording: Recording, scene: Scene) -> None:
    edges = np.arange(len(scene.source))
    kinds = {playhead: set(edge_classes(scene, picture_at(recording, scene, playhead).state, edges).tolist())
             for playhead in (0, 3, 6, 11)}  # fmt: skip
    assert kinds[0] == {QUIET, VALUE}
    assert kinds[3] == {VALUE}
    assert PENDING in kinds[6]
    assert FIRST_GRADIENT + LEVELS - 1 in kinds[11]
    assert len(edge_looks(DARK)) == FIRST_GRADIENT + LEVELS + ON_PATH


def test_from_afar_gradients_have_their_colour(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 11)
    image = paint(GraphPainter(DARK), picture, 0.2, active=False)
    assert count_color(image, DARK.backward) > 20
    assert len(dot_colors(DARK)) == len(theme.CATEGORIES) + len(theme.PROOFS)


def test_contributions_are_written_beside_their_edges(branches: Recording) -> None:
    scene = scene_of(branches)
    painter = GraphPainter(DARK)
    meeting = paint(painter, picture_at(branches, scene, 7))
    without = paint(painter, picture_at(branches, scene, 7), active=False)
    ground = theme.blend(DARK.bg, DARK.backward, 0.12)
    assert count_color(without, ground) == 0
    assert count_color(meeting, ground) > 100


def test_numbers_roll_over_the_card(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 9)
    painter = GraphPainter(DARK)
    camera = Camera(*scene.center(node_named(scene, "w")), 1.0, 300, 120)
    images = []
    for number in (0.5, 0.875):
        image = QImage(300, 120, QImage.Format.Format_RGB32)
        canvas = QPainter(image)
        try:
            painter.paint(canvas, picture, camera)
            painter.paint_rolling(canvas, picture, node_named(scene, "w"), number, camera)
        finally:
            canvas.end()
        images.append(pixels(image))
    changed = np.flatnonzero((images[0] != images[1]).any(axis=(1, 2)))
    assert 0 < len(changed) < 20  # one line of text


def test_panning_by_whole_pixels_moves_the_same_picture(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 11)
    painter = GraphPainter(DARK)
    camera = Camera(*scene.center(0), 1.0, 400, 400)
    images = []
    for at in (camera, camera.panned(13, 7)):
        image = QImage(400, 400, QImage.Format.Format_RGB32)
        canvas = QPainter(image)
        try:
            painter.paint(canvas, picture, at)
        finally:
            canvas.end()
        images.append(pixels(image))
    np.testing.assert_array_equal(images[0][:-7, :-13], images[1][7:, 13:])


def test_an_empty_view(recording: Recording, scene: Scene, qapp: QApplication) -> None:
    picture = picture_at(recording, scene, 11)
    image = QImage(50, 50, QImage.Format.Format_RGB32)
    canvas = QPainter(image)
    try:
        GraphPainter(DARK).paint(canvas, picture, Camera(1e6, 1e6, 1.0, 50, 50))
    finally:
        canvas.end()
    assert count_color(image, QColor(DARK.bg)) == 2500


def test_contributions_over_short_edges_stand_above_the_node(branches: Recording) -> None:
    scene = scene_of(branches)
    image = paint(GraphPainter(DARK), picture_at(branches, scene, 8))
    plate = theme.blend(DARK.bg, DARK.backward, 0.12)
    rows, columns = np.nonzero((pixels(image) == [plate.red(), plate.green(), plate.blue()]).all(axis=2))
    w = node_named(scene, "w")
    assert rows.max() < scene.top[w] - scene.bounds[1] + 40
    assert columns.max() - columns.min() > 80  # both, side by side


@pytest.mark.parametrize("scale", [0.3, 0.45, 0.7, 1.0, 1.7, 4.0])
def test_frames_of_marked_neighbours_do_not_meet(scale: float) -> None:
    assert CHIPS_APART == CHIP_ROW_GAP
    gap, width = frame_of(scale)
    assert gap + width / 2 <= max(CHIP_ROW_GAP / 2 * scale, 1.0)
    assert width >= 1.0
