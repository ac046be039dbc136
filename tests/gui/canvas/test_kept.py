"""Bytes kept for backward on cards: worked out elsewhere, shown close up, and only where they are known."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from engine.graph.build import build_graph
from engine.pace import gently
from engine.recording.reader import Recording
from gui.canvas.camera import Camera
from gui.canvas.cards import SUBTITLE, card_of, mono_width, number_places, text_width
from gui.canvas.describe import tooltip
from gui.canvas.frames import Frames
from gui.canvas.kept import Kept, kept_place, short_size
from gui.canvas.lod import CLOSE_FROM, Detail
from gui.canvas.modules.arrange import at_level
from gui.canvas.modules.card import norm_place
from gui.canvas.painter import GraphPainter, Picture, VectorPainter
from gui.canvas.picture import kept_label
from gui.theme import DARK
from tests.gui.canvas.scenes import opened, picture_at, pixels, scene_of
from tests.recordings import make_chain

pytestmark = pytest.mark.usefixtures("qapp")
RELU = {
    "kind": "operation",
    "title": "relu",
    "subtitle": "ReluBackward0",
    "category": "activation",
    "shape": (2, 64, 56, 56),
}
NODE = 3


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Recording]:
    with opened(make_chain(tmp_path / "chain.chain", nodes=8)) as recording:
        yield recording


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether it was in the window's thread, each time that the bytes were asked for."""
    found: list[bool] = []

    def saved_bytes(_: Recording, graph_id: int) -> Mapping[int, int]:
        found.append(threading.current_thread() is threading.main_thread())
        return {NODE: 88} if graph_id == 0 else {}

    monkeypatch.setattr("engine.graph.memory.saved_bytes", saved_bytes)
    return found


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1 B"), (999, "999 B"), (1000, "1.0 KiB"), (8192, "8.0 KiB"), (10189, "10 KiB"), (410_624, "401 KiB"),
     (1_023_000, "999 KiB"), (1_023_999, "1.0 MiB"), (3 << 30, "3.0 GiB")],
)  # fmt: skip
def test_sizes_are_short(count: int, text: str) -> None:
    assert short_size(count) == text


@given(st.integers(1, 1 << 49))
def test_no_size_is_longer_than_its_room(count: int) -> None:
    assert len(short_size(count)) <= 7


def test_a_card_has_room_for_the_bytes_that_were_recorded() -> None:
    for shape in ((2,), (2, 64, 56, 56), (32, 1024, 14, 14)):
        card = card_of({**RELU, "shape": shape, "saved_bytes": 5})
        place, norm = kept_place(card, 7), number_places(card, Detail.CLOSE)[1]
        assert place is not None
        assert norm is not None
        assert place.middle == norm.middle
        assert place.right + mono_width("0", place.size) < norm.right - mono_width("‖1.234e−5‖", norm.size)
    assert card_of({**RELU, "saved_bytes": None}).width < card_of({**RELU, "saved_bytes": 5}).width
    assert kept_place(card_of({**RELU, "shape": (), "saved_bytes": None}), 7) is None
    assert kept_place(card_of({**RELU, "kind": "parameter"}), 3) is None


def test_a_scalars_card_has_them_between_its_type_and_its_gradient() -> None:
    card = card_of({**RELU, "title": "loss", "subtitle": "NllLossBackward0", "shape": (), "saved_bytes": 5})
    place, gradient = kept_place(card, 7), number_places(card, Detail.CLOSE)[1]
    assert place is not None
    assert gradient is not None
    assert place.middle == gradient.middle
    assert place.right - 7 * mono_width("0", place.size) > card.padding + text_width(card.subtitle, SUBTITLE)
    assert place.right < gradient.right - mono_width("−1.234e−5", gradient.size)


def drawn(painter: GraphPainter, picture: Picture, scale: float) -> QImage:
    image = QImage(500, 200, QImage.Format.Format_RGB32)
    canvas = QPainter(image)
    try:
        place = picture.scene.position[NODE]
        painter.paint(canvas, picture, Camera(*picture.scene.center(place), scale, 500, 200), active=False)
    finally:
        canvas.end()
    return image


def test_they_are_worked_out_once_seen_and_then_shown(chain: Recording, asked: list[bool], qtbot: QtBot) -> None:
    kept = Kept(chain)
    picture = replace(picture_at(chain, scene_of(chain), 7), kept=partial(kept.of, 0))
    painter = GraphPainter(DARK)
    drawn(painter, picture, CLOSE_FROM * 0.9)
    assert not asked
    with qtbot.waitSignal(kept.changed):
        before = drawn(painter, picture, CLOSE_FROM * 1.5)
    after = drawn(painter, picture, CLOSE_FROM * 1.5)
    assert asked == [False]
    changed = (pixels(before) != pixels(after)).any(axis=2)
    assert 20 < changed.sum() < 60 * 20
    kept.finish()


def test_what_is_not_shown_any_more_is_given_up(chain: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def saved_bytes(recording: Recording, graph_id: int) -> Mapping[int, int]:
        begun.set()
        return dict.fromkeys(gently(count()), 1)

    monkeypatch.setattr("engine.graph.memory.saved_bytes", saved_bytes)
    frames = Frames(chain)
    assert not frames.kept.of(0)
    assert begun.wait(60)
    frames.stop()
    frames.finish()
    assert not frames.kept.of(0)


def test_an_exported_picture_has_them_at_once(chain: Recording, asked: list[bool]) -> None:
    without = picture_at(chain, scene_of(chain), 7)
    picture = replace(without, kept=partial(Kept(chain).now, 0))
    painter = VectorPainter(DARK)
    assert (pixels(drawn(painter, picture, 2.0)) != pixels(drawn(painter, without, 2.0))).any()
    assert len(asked) == 1


def test_nothing_is_said_where_nothing_is_known(chain: Recording) -> None:
    assert Kept(chain).now(0) == {}
    picture = picture_at(chain, scene_of(chain), 7)
    assert kept_label(picture, NODE, {}) == ()
    assert kept_label(picture, NODE, {NODE + 1: 8}) == ()
    (label,) = kept_label(picture, picture.scene.position[NODE], {NODE: 8})
    assert label.text == "8 B"


def test_a_collapsed_module_keeps_what_its_nodes_keep(chain: Recording) -> None:
    scene = at_level(build_graph(chain, 0), 1, "layered", "down")
    picture = picture_at(chain, scene, 7)
    places = [place for place in range(len(scene.node_ids)) if scene.node_ids[place] < 0]
    members = [int(node) for node in scene.members(places[0])]
    assert len(members) > 2
    (label,) = kept_label(picture, places[0], dict.fromkeys(members, 1024))
    assert label.text == short_size(1024 * len(members))
    card = scene.cards[scene.card[places[0]]]
    norm = norm_place(card)
    assert label.place.middle == norm.middle
    longest = kept_place(card, 7)
    assert longest is not None
    assert longest.right < norm.right - mono_width("‖1.234e−5‖", norm.size)
    assert "keeps 1,024 bytes" in tooltip(chain, replace(picture, kept=lambda: {members[0]: 1024}), places[0])
