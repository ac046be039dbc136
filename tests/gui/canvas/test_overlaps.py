"""Links that lie on each other are painted once, and the picture is that of one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.recording.reader import Recording
from gui.canvas.edges import CLASSES, routes_of
from gui.canvas.overlaps import Overlaps
from gui.canvas.painter import GraphPainter
from gui.canvas.routes import _assemble
from gui.canvas.scene import Scene
from gui.theme import DARK
from tests.gui.canvas.scenes import paint, picture_at, pixels

pytestmark = pytest.mark.usefixtures("qapp")

Part = tuple[int, int, int, int]  # line, key, from where, how far
parts = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(-9, 9), st.integers(0, 6))


@given(st.lists(parts, max_size=30))
def test_what_overlaps_becomes_one(some: list[Part]) -> None:
    line, key, low, size = np.array(some, dtype=np.int64).reshape(-1, 4).T
    high = low + size
    piece, start, end, whole = Overlaps(line, low.astype(np.float64), high.astype(np.float64)).merged(key)
    assert sorted(set(whole.tolist())) == list(range(len(piece)))
    for each, (of, k, a, b) in zip(whole.tolist(), zip(line, key, low, high, strict=True), strict=True):
        assert (line[piece[each]], key[piece[each]]) == (of, k)
        assert start[each] <= a <= b <= end[each]
    for each in range(len(piece)):
        mine = whole == each
        assert (start[each], end[each]) == (low[mine].min(), high[mine].max())
        covered = {step for a, b in zip(low[mine], high[mine], strict=True) for step in range(a, b)}
        assert len(covered) == end[each] - start[each]  # without gaps
        others = (line[piece] == line[piece[each]]) & (key[piece] == key[piece[each]])
        others[each] = False
        assert ((end[others] <= start[each]) | (start[others] >= end[each])).all()


def doubled(scene: Scene) -> Scene:
    """Every edge once more, at the same place."""
    pieces, edges = scene.pieces, len(scene.source)
    curve, edge = np.tile(pieces.curve, (2, 1)), np.concatenate([pieces.edge, pieces.edge + edges])
    return replace(
        scene,
        source=np.tile(scene.source, 2),
        target=np.tile(scene.target, 2),
        slot=np.tile(scene.slot, 2),
        input_number=np.tile(scene.input_number, 2),
        loose=np.ones(2 * edges, dtype=np.bool_),
        pieces=_assemble(curve, edge, 2 * edges),
    )


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.3])
@pytest.mark.parametrize("playhead", [3, 9, 11])
def test_a_second_link_in_the_same_place_is_not_seen(
    recording: Recording, scene: Scene, scale: float, playhead: int
) -> None:
    once = replace(scene, loose=np.ones(len(scene.loose), dtype=np.bool_))
    pictures = [picture_at(recording, each, playhead) for each in (once, doubled(scene))]
    single, double = (routes_of(picture) for picture in pictures)
    assert single.first.tolist() == double.first.tolist()
    assert single.first[-1] > single.first[CLASSES] > 0
    np.testing.assert_array_equal(single.span, double.span)
    first, second = (pixels(paint(GraphPainter(DARK), picture, scale)) for picture in pictures)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.3])
def test_looking_for_them_changes_nothing_where_there_are_none(
    recording: Recording, scene: Scene, scale: float
) -> None:
    plain = picture_at(recording, scene, 11)
    assert scene.overlaps is None
    looked = replace(scene, loose=np.ones(len(scene.loose), dtype=np.bool_))
    assert looked.overlaps is not None
    first, second = (pixels(paint(GraphPainter(DARK), each, scale)) for each in (plain, replace(plain, scene=looked)))
    np.testing.assert_array_equal(first, second)
