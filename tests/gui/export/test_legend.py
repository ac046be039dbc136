"""What the colours of an exported picture mean is written on it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.canvas.export_image import whole_camera
from gui.export.legend import Key, KindLines, under
from gui.export.options import Options
from gui.export.orders import order_of
from gui.export.subject import Subject, subject_of
from gui.theme import LIGHT
from gui.window import MainWindow

SVG = "{http://www.w3.org/2000/svg}"


def subject(window: MainWindow, name: str, qtbot: QtBot) -> Subject:
    """Of the window, with nodes coloured by that."""
    window.session.seek(11)
    window.explore_commands.color_by(name)
    if name not in ("kind", "proof"):
        qtbot.waitUntil(lambda: window.canvas.picture().fills is not None)  # type: ignore[union-attr]
    found = subject_of(window.canvas, window.session.recording)
    assert found is not None
    return found


def words(path: Path) -> list[str]:
    return ["".join(each.itertext()) for each in ET.parse(path).iter(f"{SVG}text")]


@pytest.mark.parametrize("part", ["whole", "view"])
@pytest.mark.parametrize(
    ("name", "said"), [("norm", "gradient norm"), ("kind", "arithmetic"), ("proof", "not looked at")]
)
def test_the_legend_of_the_window_is_in_the_file(
    walked: MainWindow, tmp_path: Path, qtbot: QtBot, part: str, name: str, said: str
) -> None:
    options = Options(suffix="svg", part=part, scale=1.0)  # type: ignore[arg-type]
    shown = subject(walked, name, qtbot)
    written = {}
    for legend in (True, False):
        path = tmp_path / f"{legend}.svg"
        order_of(shown, replace(options, legend=legend)).write(path)
        written[legend] = words(path)
    assert said in written[True]
    assert said not in written[False]
    assert written[True][: len(written[False])] == written[False]  # and the graph as before


def test_it_stands_under_a_whole_graph_and_not_on_it(walked: MainWindow, qtbot: QtBot) -> None:
    shown = subject(walked, "norm", qtbot)
    plain, camera = (shown.camera(Options(legend=each), 2.0) for each in (False, True))
    assert camera.height > plain.height
    assert camera.covers(shown.picture.scene.bounds)
    assert camera.to_device(*shown.picture.scene.bounds[:2]) == plain.to_device(*shown.picture.scene.bounds[:2])
    key = shown.key(Options())
    assert key is not None
    strip = key.lines.size(camera.width / camera.scale / key.unit).height() * key.unit * camera.scale
    assert camera.height - plain.height >= strip


def test_a_film_has_it_in_each_frame(walked: MainWindow, qtbot: QtBot) -> None:
    shown = subject(walked, "norm", qtbot)
    first, last = shown.events
    options = Options(suffix="gif", first=first, last=last, seconds=1.0, side=600)
    reel = order_of(shown, options).reel
    assert reel is not None
    film = reel.film()
    first_foot, last_foot = (_foot(reel.frame(film, number)) for number in (0, reel.count - 1))
    assert len(np.unique(first_foot)) > 20  # a bar of many colours, and words
    assert np.array_equal(first_foot, last_foot)


def test_copying_the_view_copies_it_too(walked: MainWindow, qtbot: QtBot) -> None:
    subject(walked, "norm", qtbot)
    clipboard = QApplication.clipboard()
    with qtbot.waitSignal(clipboard.dataChanged):
        walked.actions_table["copy_image"].trigger()
    assert b"gradient norm" in bytes(clipboard.mimeData().data("image/svg+xml").data())


def test_a_large_graph_has_a_legend_that_can_be_read(walked: MainWindow, qtbot: QtBot) -> None:
    """Where it is shown so small that the nodes' words cannot."""
    shown = subject(walked, "kind", qtbot)
    picture = shown.picture
    picture.scene.__dict__["bounds"] = (0.0, 0.0, 14_000.0, 9_000.0)
    key = shown.key(Options())
    assert key is not None
    assert 9.0 < key.unit < 11.0
    camera = under(whole_camera(picture.scene, 0.1), key)
    assert 30 < camera.height - whole_camera(picture.scene, 0.1).height < 60


def test_a_graph_narrower_than_a_part_of_it_is_given_more_room(walked: MainWindow, qtbot: QtBot) -> None:
    camera = whole_camera(subject(walked, "kind", qtbot).picture.scene, 1.0)
    narrow = under(replace(camera, width=60), Key(KindLines((0,), odd=True), 1.0, below=True))
    lines = KindLines((0,), odd=True)
    assert narrow.width >= lines.size(1.0).width()
    image = QImage(narrow.width, narrow.height, QImage.Format.Format_RGB32)
    assert not image.isNull()
    assert lines.size(1.0).height() > lines.size(1000.0).height()


def _foot(image: QImage) -> np.ndarray:
    pixels = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(bytes(pixels.constBits()), dtype=np.uint32).reshape(pixels.height(), pixels.width())
    assert LIGHT.bg.rgb() in rows[-1]
    return rows[-60:]
