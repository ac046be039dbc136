"""What is collapsed where nobody has chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.graph.build import build_graph
from engine.layout.room import Room, shown_at
from engine.recording.reader import open_recording
from gui.canvas.loader import Wish, load, structure_of
from gui.canvas.modules.arrange import FEWER, arrange
from gui.canvas.modules.source import Source, node_ids_of, source_of
from gui.canvas.scene import Scene
from tests.recordings import make_chain


@pytest.mark.parametrize(("operations", "is_open"), [(100, True), (104, False)])
def test_a_graph_opens_as_a_whole_while_its_operations_can_be_read(
    operations: int, is_open: bool, tmp_path: Path
) -> None:
    """Parameters do not count: they stand beside what uses them."""
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=operations)) as recording:
        scene = load(recording, Wish(0, structure_of(recording, 0), "layered", False, 1.6))
        parameters = sum(node.kind == "parameter" for node in recording.nodes(0))
    assert (len(scene.node_ids) == operations + parameters) is is_open
    assert parameters > 20


LARGE, SMALL = (6000.0, 4000.0), (900.0, 600.0)  # rooms, in scene px
ALL, SOME = 40 + 10, 40  # nodes of the chain: all, and fewer than this


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Ten layers of four operations and a parameter each."""
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=40)) as recording:
        return source_of(build_graph(recording, 0), node_ids_of(recording, 0))


def _drawn(source: Source, room: Room | None, collapsed: frozenset[str] | None = None) -> Scene:
    return arrange(source, Wish(0, "", "layered", False, 1.6, collapsed=collapsed, room=room))


def test_a_small_graph_opens_with_modules_collapsed_where_its_names_could_not_be_read(source: Source) -> None:
    scene = _drawn(source, SMALL)
    assert scene.node_count < SOME
    assert shown_at(scene.bounds, SMALL) >= 1.0 or scene.node_count <= min(FEWER)
    assert shown_at(_drawn(source, SMALL, frozenset()).bounds, SMALL) < 1.0


@pytest.mark.parametrize("room", [LARGE, None])
def test_it_is_open_where_there_is_room_or_that_does_not_matter(source: Source, room: Room | None) -> None:
    assert _drawn(source, room).node_count == ALL


def test_more_room_opens_it_and_less_for_a_while_closes_nothing(source: Source) -> None:
    assert _drawn(source, SMALL).node_count < SOME
    assert _drawn(source, LARGE).node_count == ALL
    assert _drawn(source, SMALL).node_count == ALL


def test_what_somebody_chose_is_shown_however_small(source: Source) -> None:
    assert _drawn(source, SMALL, frozenset()).node_count == ALL
    assert _drawn(source, SMALL).node_count < SOME
