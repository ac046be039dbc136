from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from engine.errors import RecordingError, UsageError
from engine.graph.build import build_graph
from engine.layout import layout
from engine.recording.reader import Recording, open_recording
from gui.canvas import export_image
from gui.canvas.export_image import Look, draw_image, largest_scale, render_image, scene_of, whole_camera
from gui.canvas.scene import Scene, node_sizes
from gui.export.films import render_film
from gui.theme import DARK, LIGHT
from tests.gui.canvas.scenes import count_color, picture_at
from tests.recordings import make_begun, make_chain

SVG = "{http://www.w3.org/2000/svg}"


def test_svg_has_real_text_and_no_pixels(recording: Recording, qapp: QApplication, tmp_path: Path) -> None:
    path = tmp_path / "bow.svg"
    render_image(recording, build_graph(recording, 0, data_leaves=True), "layered", 11, path)
    root = ET.parse(path).getroot()
    texts = {"".join(element.itertext()).strip() for element in root.iter(f"{SVG}text")}
    assert {"loss", "prediction", "w", "b", "x", "y", "PowBackward0", "1.250", "14.06"} <= texts
    assert not list(root.iter(f"{SVG}image"))
    families = set(re.findall(r'font-family="([^"]*)"', path.read_text("utf-8")))
    assert families
    assert all(family.endswith(("sans-serif", "monospace")) for family in families)


@pytest.mark.parametrize(("name", "look"), [("light", LIGHT), ("dark", DARK)])
def test_png_in_both_themes(recording: Recording, qapp: QApplication, tmp_path: Path, name: str, look: object) -> None:
    sizes = []
    for scale in (1.0, 2.0):
        path = tmp_path / f"bow{scale}.png"
        render_image(recording, build_graph(recording, 0), "layered", None, path, theme=name, scale=scale)
        image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)
        sizes.append(image.width())
        assert count_color(image, look.bg) > 1000  # type: ignore[attr-defined]
        assert count_color(image, look.update) > 0  # type: ignore[attr-defined]
    assert sizes[1] == pytest.approx(2 * sizes[0], abs=2)


def test_a_layout_that_is_at_hand_is_used(recording: Recording, qapp: QApplication, tmp_path: Path) -> None:
    graph = build_graph(recording, 0)
    node_sizes(graph)
    arranged = layout(graph, algorithm="circular")
    render_image(recording, graph, arranged, 0, tmp_path / "circle.png")
    x0, _, x1, _ = arranged.bounds
    assert QImage(str(tmp_path / "circle.png")).width() > x1 - x0


def test_an_image_that_is_too_large_is_refused(recording: Recording, scene: Scene) -> None:
    """A command makes it smaller by itself, since nobody is there to be asked."""
    camera = whole_camera(scene, 100.0)
    assert 0 < largest_scale(camera) < 1
    with pytest.raises(UsageError, match="are too many for an image"):
        draw_image(picture_at(recording, scene, 0), camera, Look(LIGHT))


@pytest.mark.parametrize("largest", range(490, 500))
def test_a_command_makes_a_huge_image_smaller(
    recording: Recording, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(export_image, "LARGEST_SIDE", largest)
    render_image(recording, build_graph(recording, 0), "layered", 0, tmp_path / "bow.png", scale=20.0)
    image = QImage(str(tmp_path / "bow.png"))
    assert 450 <= max(image.width(), image.height()) <= largest


def test_mistakes_are_explained(recording: Recording, qapp: QApplication, tmp_path: Path) -> None:
    graph = build_graph(recording, 0)
    with pytest.raises(UsageError, match=r"\.svg, \.png or \.pdf"):
        render_image(recording, graph, "layered", 0, tmp_path / "bow.bmp")
    with pytest.raises(UsageError, match="Cannot write"):
        render_image(recording, graph, "layered", 0, tmp_path / "no" / "folder" / "bow.png")


def test_a_graph_of_which_nothing_has_happened_has_no_picture(qapp: QApplication, tmp_path: Path) -> None:
    with open_recording(make_begun(tmp_path / "begun.chain")) as begun:
        for render, name in ((render_image, "begun.svg"), (render_film, "begun.gif")):
            with pytest.raises(RecordingError, match="no step 0"):
                render(begun, build_graph(begun, 0), "layered", None, tmp_path / name)


def test_without_a_display(bow: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from engine.recording.reader import open_recording; from engine.graph.build import build_graph\n"
        "from gui.canvas.export_image import render_image\n"
        "with open_recording(Path(sys.argv[1])) as r:\n"
        "    for end in ('svg', 'png'): render_image(r, build_graph(r, 0), 'layered', 5, Path(sys.argv[2] + end))\n"
        "assert not {'torch', 'pyqtgraph'} & set(sys.modules)\n"
    )
    kept = {name: value for name, value in os.environ.items()
            if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}  # fmt: skip
    result = subprocess.run(
        [sys.executable, "-c", code, str(bow), str(tmp_path / "bow.")],
        env=kept, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "bow.svg").stat().st_size > 1000
    assert not QImage(str(tmp_path / "bow.png")).isNull()


@pytest.fixture
def layers(qapp: QApplication, tmp_path: Path) -> Iterator[Recording]:
    """Five modules of four operations and a parameter each, all in one."""
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=20)) as opened:
        yield opened


@pytest.mark.parametrize(("level", "nodes", "boxes"), [(0, 1, 0), (1, 5, 1), (2, 25, 6)])
def test_modules_are_collapsed_to_a_level(layers: Recording, level: int, nodes: int, boxes: int) -> None:
    scene = scene_of(build_graph(layers, 0), "layered", "down", level)
    assert (scene.node_count, len(scene.boxes)) == (nodes, boxes)


def test_a_collapsed_module_is_in_the_picture(layers: Recording, qapp: QApplication, tmp_path: Path) -> None:
    path = tmp_path / "layers.svg"
    render_image(layers, build_graph(layers, 0), "layered", None, path, collapse=1)
    texts = {"".join(element.itertext()).strip() for element in ET.parse(path).getroot().iter(f"{SVG}text")}
    assert {"layers", "layers.0", "layers.4"} <= texts


def test_a_level_that_is_not_there_is_said(layers: Recording, recording: Recording, qapp: QApplication) -> None:
    with pytest.raises(UsageError, match=r"collapsed to level 3: they are nested 2 deep"):
        scene_of(build_graph(layers, 0), "layered", "down", 3)
    with pytest.raises(UsageError, match="this graph has none"):
        scene_of(build_graph(recording, 0), "layered", "down", 1)
    assert scene_of(build_graph(recording, 0), "layered", "down", 0).node_count == 6
