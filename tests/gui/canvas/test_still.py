"""A still picture that is moved along shows what is painted anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QImage, QPainter

from engine.errors import UsageError
from engine.graph.build import build_graph
from engine.recording.reader import Recording, open_recording
from gui.canvas.camera import Camera
from gui.canvas.flow.stage import Stage
from gui.canvas.modules.arrange import at_level
from gui.canvas.painter import GraphPainter, Picture
from gui.canvas.scene import Scene
from gui.canvas.still import AHEAD, EDGE, ROOM, Still
from gui.theme import DARK, LIGHT, Theme
from tests.gui.canvas.scenes import picture_at, pixels, scene_of
from tests.recordings import make_chain

pytestmark = pytest.mark.usefixtures("qapp")

WIDTH, HEIGHT = 260, 180
SCALES = (0.1, 0.2, 0.25, 0.35, 0.5, 0.7, 1.0, 1.2)
ODD_PIXELS, ODD_LEVELS = 4, 8
Pixels = npt.NDArray[np.uint8]
Moves = list[tuple[float, float]]

moves = st.lists(st.tuples(st.floats(-110, 110), st.floats(-80, 80)), min_size=2, max_size=8)
by_chance = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    with open_recording(make_chain(tmp_path_factory.mktemp("chain") / "a.chain", nodes=400)) as opened:
        yield opened


@pytest.fixture
def pictures(recording: Recording, scene: Scene, chain: Recording) -> tuple[Picture, ...]:
    """The bow; a chain's modules; its nodes, chosen, marked, dimmed, connected, and not a number."""
    inside = picture_at(chain, at_level(build_graph(chain, 0), 2, "layered", "down"), 70)
    rows = picture_at(chain, scene_of(chain), 300)
    some = np.arange(rows.scene.node_count) % 3 == 0
    odd = replace(rows.state, odd=some.astype(rows.state.odd.dtype))
    return (
        picture_at(recording, scene, 9),
        replace(inside, module="layers.2", selection=3),
        replace(rows, marked=some, emphasis=rows.scene.connected(200)),
        replace(rows, state=odd, dimmed=np.roll(some, 1), selection=5),
    )


def image_of(paint: object, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(0)
    canvas = QPainter(image)
    try:
        paint(canvas)  # type: ignore[operator]
    finally:
        canvas.end()
    return pixels(image)


def anew(picture: Picture, camera: Camera, theme: Theme) -> Pixels:
    """By a new painter, with as much round it as round a still: at the border of what it paints on, Qt cuts lines."""
    wider = camera.part(-EDGE, -EDGE, camera.width + 2 * EDGE, camera.height + 2 * EDGE)
    whole = image_of(lambda p: GraphPainter(theme).paint(p, picture, wider, active=False), wider.width, wider.height)
    return whole[EDGE:-EDGE, EDGE:-EDGE]


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@given(which=st.integers(0, 3), scale=st.sampled_from(SCALES), share=st.floats(0, 1), moves=moves)
@by_chance
def test_wherever_it_is_moved(
    pictures: tuple[Picture, ...], theme: Theme, ratio: float, which: int, scale: float, share: float, moves: Moves
) -> None:
    picture = pictures[which]
    scene, painter, still = picture.scene, GraphPainter(theme), Still()
    item = int(share * (len(scene.left) - 1))
    camera = Camera(scene.left[item], scene.top[item], scale * ratio, WIDTH, HEIGHT, ratio, whole=True)
    for dx, dy in [(0.0, 0.0), *moves]:
        camera = camera.panned(dx, dy)
        still.show((picture,), camera, lambda p, seen: painter.paint(p, picture, seen, active=False))
        seen = image_of(lambda p: still.draw(p, camera))  # noqa: B023
        assert_alike(seen, anew(picture, camera, theme))


def assert_alike(seen: Pixels, expected: Pixels) -> None:
    """To the pixel, but for the odd one at the end of a slanting line, which Qt rounds by where it cuts the line."""
    off = np.abs(seen.astype(np.int16) - expected).max(axis=2)
    assert np.count_nonzero(off) <= ODD_PIXELS, np.argwhere(off)
    assert off.max() <= ODD_LEVELS, off.max()


def test_what_is_in_view_already_is_not_painted_again(recording: Recording, scene: Scene) -> None:
    still = Still()
    painted: list[tuple[int, int]] = []
    camera = Camera(*scene.center(0), 1.0, WIDTH, HEIGHT, whole=True)

    def show(of: object) -> list[tuple[int, int]]:
        painted.clear()
        still.show((of,), camera, lambda _, seen: painted.append((seen.width, seen.height)))
        return list(painted)

    one, other = object(), object()
    assert show(one) == [(WIDTH, HEIGHT)]
    assert show(one) == []
    camera = camera.panned(-10, 0)
    assert show(one) == [(10 + AHEAD, HEIGHT)]
    for _ in range(AHEAD // 32):
        camera = camera.panned(-32, 0)
        assert show(one) == []
    camera = camera.panned(0, 3)
    assert show(one) == [(WIDTH + 10 + AHEAD, 3 + AHEAD)]
    camera = camera.panned(10 + AHEAD, -3)
    assert show(one) == [], "to and fro"
    camera = camera.panned(-10 - AHEAD, 0)
    assert show(one) == [], "to and fro"
    camera = camera.panned(-100, 0)
    assert show(one) == [(100 + AHEAD, HEIGHT + 3 + AHEAD)]
    left = 10 + AHEAD + 100 + WIDTH + AHEAD - (WIDTH + ROOM)  # of what there was room for
    camera = camera.panned(10 + AHEAD + 100 - left, 0)
    assert show(one) == []
    camera = camera.panned(1, 0)
    assert show(one) == [(1 + AHEAD, HEIGHT + 3 + AHEAD)]
    assert show(other) == [(WIDTH, HEIGHT)]
    camera = camera.panned(WIDTH, 0)
    assert show(other) == [(WIDTH, HEIGHT)], "too far away"


def test_what_could_not_be_painted_is_tried_again(scene: Scene) -> None:
    still, camera = Still(), Camera(*scene.center(0), 1.0, WIDTH, HEIGHT, whole=True)

    def fail(_: QPainter, __: Camera) -> None:
        raise UsageError("not now")

    with pytest.raises(UsageError):
        still.show((scene,), camera, fail)
    assert not still.shows((scene,))


def test_at_rest_one_is_kept_when_it_is_seen_again(chain: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Painted straight, then kept, then moved: each time what a new painter paints, the active node's ring included."""
    stage, painter, whole = Stage(), GraphPainter(DARK), []
    picture = picture_at(chain, scene_of(chain), 300)
    paint = painter.paint

    def counted(p: QPainter, picture: Picture, camera: Camera, **options: Any) -> None:
        whole.append((camera.width, camera.height) == (WIDTH, HEIGHT))
        paint(p, picture, camera, **options)

    monkeypatch.setattr(painter, "paint", counted)
    assert picture.state.phase
    color = DARK.phase(picture.state.phase)
    ring = np.array([color.red(), color.green(), color.blue()])
    camera = Camera(*picture.scene.center(picture.state.active), 0.5, WIDTH, HEIGHT, whole=True)
    for _ in range(6):
        camera = camera.panned(5, -3)
        seen = image_of(lambda p: stage.resting(p, picture, camera, painter, camera.scale))  # noqa: B023
        expected = image_of(lambda p: GraphPainter(DARK).paint(p, picture, camera))  # noqa: B023
        np.testing.assert_array_equal(seen, expected)
        assert (seen == ring).all(axis=2).any()
    assert sum(whole) == 2, "straight, and to be kept"
    for around in (replace(camera, scale=1.5), replace(camera, whole=False)):
        whole.clear()
        for _ in range(3):
            image_of(lambda p: stage.resting(p, picture, around, painter, around.scale))  # noqa: B023
        assert sum(whole) == 3, "close up, and on its way to another scale, it is painted each time"
