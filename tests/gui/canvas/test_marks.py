"""Marks on nodes whose gradient is not finite: near and from afar, in both themes, and on files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from engine.graph.build import build_graph
from engine.recording.reader import Recording, open_recording
from gui.canvas.camera import Camera
from gui.canvas.export_image import Look, encoded, whole_camera
from gui.canvas.lod import Detail
from gui.canvas.minimap import Minimap
from gui.canvas.modules.arrange import at_level
from gui.canvas.painter import GraphPainter, VectorPainter
from gui.canvas.picture import labels_of
from gui.canvas.scene import Scene
from gui.theme import DARK, LIGHT, Theme
from tests.gui.canvas.scenes import count_color, make_branches, paint, picture_at, pixels, scene_of
from tests.recordings import make_chain

pytestmark = pytest.mark.usefixtures("qapp")
TRIPLE = 2  # the node that the gradient enters
LATER, BEFORE = 9, 4


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_branches(tmp_path / "odd.chain", triple=np.nan)) as recording:
        yield recording


@pytest.fixture
def scene(odd: Recording) -> Scene:
    return scene_of(odd)


@pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("scale", [0.2, 0.45, 1.0, 1.5])
def test_it_is_striped_once_the_gradient_has_come(odd: Recording, scene: Scene, look: Theme, scale: float) -> None:
    picture = picture_at(odd, scene, LATER)
    for painter in (GraphPainter(look), VectorPainter(look)):
        found = paint(painter, picture, scale, active=False)
        assert count_color(found, look.error) > 2
        assert count_color(paint(painter, picture_at(odd, scene, BEFORE), scale, active=False), look.error) == 0
        rows = np.flatnonzero(
            (pixels(found) == [look.error.red(), look.error.green(), look.error.blue()]).all(axis=2).any(axis=1)
        )
        assert rows[-1] - rows[0] < 44 * scale, "one node only"


def test_the_map_in_the_corner_shows_it_once_the_gradient_has_come(odd: Recording, scene: Scene) -> None:
    minimap = Minimap()
    camera = Camera(scale=1.0, width=800, height=600)
    counts = []
    for at in (BEFORE, LATER, BEFORE):
        picture = replace(picture_at(odd, scene, at))
        image = QImage(800, 600, QImage.Format.Format_RGB32)
        image.fill(DARK.bg)
        painter = QPainter(image)
        minimap.paint(painter, picture, camera, DARK)
        painter.end()
        counts.append(count_color(image, DARK.error))
    assert counts[0] == counts[2] == 0
    assert counts[1] > 2


@pytest.mark.parametrize(("at", "phase"), [(1, "forward"), (LATER, "update")])
def test_the_map_marks_what_is_active_in_the_phases_colour(odd: Recording, scene: Scene, at: int, phase: str) -> None:
    picture = picture_at(odd, scene, at)
    assert picture.state.phase == phase
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    image.fill(DARK.bg)
    painter = QPainter(image)
    Minimap().paint(painter, picture, Camera(scale=1.0, width=800, height=600), DARK)
    painter.end()
    assert count_color(image, DARK.phase(phase)) >= 16
    assert count_color(image, DARK.backward) == 0


def test_the_maps_frame_is_seen_however_little_is_in_view(odd: Recording, scene: Scene) -> None:
    x, y = scene.center(1)
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    image.fill(DARK.bg)
    painter = QPainter(image)
    Minimap().paint(painter, picture_at(odd, scene, BEFORE), Camera(x, y, 4000.0, 800, 600), DARK)
    painter.end()
    assert count_color(image, DARK.text) >= 20


@pytest.mark.parametrize("across", [-1, 1])
@pytest.mark.parametrize("down", [-1, 1])
def test_the_maps_frame_stays_at_the_map_when_the_graph_is_out_of_view(
    odd: Recording, scene: Scene, across: int, down: int
) -> None:
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    image.fill(DARK.bg)
    painter = QPainter(image)
    Minimap().paint(painter, picture_at(odd, scene, BEFORE), Camera(across * 1e5, down * 1e5, 1.0, 800, 600), DARK)
    painter.end()
    corner = Minimap.rect(800, 600).adjusted(-3, -3, 3, 3).toRect()
    assert count_color(image, DARK.text) == count_color(image.copy(corner), DARK.text) >= 16


def test_it_stands_back_with_its_node(odd: Recording, scene: Scene) -> None:
    picture = picture_at(odd, scene, LATER)
    dimmed = np.zeros(scene.node_count, dtype=np.bool_)
    dimmed[TRIPLE] = True
    faint = replace(picture, dimmed=dimmed)
    assert count_color(paint(GraphPainter(DARK), faint, 1.0, active=False), DARK.error) == 0


def test_no_norm_says_that_all_is_well(tmp_path: Path) -> None:
    """That of what is finite in a gradient would."""
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=8)) as recording:
        picture = picture_at(recording, scene_of(recording), len(recording.timeline) - 1)
        state, texts = picture.state, []
        for code in range(3):
            codes = np.full(len(state.odd), code, dtype=np.uint8)
            texts.append(labels_of(replace(picture, state=replace(state, odd=codes)), 2, Detail.CLOSE)[-1].text)
    assert texts[1:] == ["‖∞‖", "‖NaN‖"]
    assert texts[0].strip("‖")[0].isdigit()


def test_a_collapsed_module_is_marked_for_what_it_holds(odd: Recording) -> None:
    every = picture_at(odd, scene_of(odd), LATER).state.odd
    drawn = at_level(build_graph(odd, 0), 0, "layered", "down")
    assert picture_at(odd, drawn, LATER).state.odd.max() == every.max() == 2


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_files_have_the_stripes_too(odd: Recording, scene: Scene, form: str) -> None:
    camera = whole_camera(scene, 1.0)
    files = [encoded(picture_at(odd, scene, at), camera, form, Look(LIGHT)) for at in (BEFORE, LATER)]
    if form == "svg":
        images = [QImage.fromData(file).convertToFormat(QImage.Format.Format_RGB32) for file in files]
        assert not images[0].isNull()
        assert LIGHT.error.name() not in files[0].decode()
        assert LIGHT.error.name() in files[1].decode()
        assert (pixels(images[0]) != pixels(images[1])).any()
    else:
        assert files[1].startswith(b"%PDF")
        assert len(files[1]) > len(files[0])
