"""What proofs add to the canvas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from engine.recording.reader import Recording
from engine.rules.reading import GraphValues
from engine.rules.upstream import Walk, follow
from gui.canvas.export_image import Look, whole_camera, write_picture
from gui.canvas.frames import Frames, Known, drawn
from gui.canvas.painter import GraphPainter, Picture
from gui.canvas.proof_marks import NONE, coloured, marks_of, seen_from_afar
from gui.canvas.scene import Scene
from gui.proof.store import STATES, Verdict
from gui.theme import CATEGORIES, DARK, PROOFS
from tests.gui.canvas.scenes import count_color, paint


def verdicts(*states: str) -> dict[int, Verdict]:
    return {node: Verdict(node, state) for node, state in enumerate(states)}


def way(recording: Recording) -> Walk:
    graph = GraphValues(recording, 0)
    return follow(graph, recording.node(5), "in", 0, ())


def picture_of(recording: Recording, scene: Scene, known: Known | None) -> Picture:
    return Frames(recording).picture(scene, 0, 11, None, None, known)


def test_fills_tell_the_state(recording: Recording, scene: Scene) -> None:
    marks = marks_of(scene, verdicts("proved", "wrong", "unknown"), None)
    assert marks is not None
    shown = coloured(scene, marks.state)
    names = [(*CATEGORIES, *PROOFS)[index] for index in shown.category[: scene.node_count]]
    by_node = dict(zip(scene.node_ids.tolist(), names, strict=True))
    assert [by_node[node] for node in range(4)] == ["proof_good", "proof_wrong", "proof_unknown", "proof_none"]
    assert by_node[6] == "data"  # data has no proof and keeps its look
    assert shown.pieces is scene.pieces
    assert [card.title for card in (shown.cards[i] for i in shown.card)] == [scene.cards[i].title for i in scene.card]


def test_nothing_is_known_at_first(recording: Recording, scene: Scene) -> None:
    assert marks_of(scene, {}, None) is None
    assert marks_of(scene, {99: Verdict(99, "proved")}, None) is None
    picture = picture_of(recording, scene, Known({}, 0, None, coloured=False))
    assert picture.scene is scene
    assert picture.proofs is None


def test_the_way_has_its_nodes_and_edges(recording: Recording, scene: Scene) -> None:
    marks = marks_of(scene, {}, way(recording))
    assert marks is not None
    assert [int(scene.node_ids[node]) for node in marks.way_nodes] == [5, 3, 2, 1, 0]
    ends = [(int(scene.node_ids[scene.source[e]]), int(scene.node_ids[scene.target[e]])) for e in marks.way_edges]
    assert ends == [(3, 5), (2, 3), (1, 2), (0, 1)]
    assert np.all(marks.state == NONE)


def test_the_way_through_another_graph_is_not_drawn(recording: Recording, scene: Scene) -> None:
    assert marks_of(scene.with_nodes(scene.node_ids + 8), {}, way(recording)) is None


def test_signs_and_way_are_painted(recording: Recording, scene: Scene) -> None:
    known = Known(verdicts("proved", "wrong", "not_differentiable", "no_data"), 1, way(recording), coloured=False)
    plain = paint(GraphPainter(DARK), picture_of(recording, scene, None), 1.0, active=False)
    marked = paint(GraphPainter(DARK), picture_of(recording, scene, known), 1.0, active=False)
    for color in (DARK.proved, DARK.error, DARK.accent):
        assert count_color(plain, color) == 0
        assert count_color(marked, color) > 20


def test_from_afar_proofs_have_strong_colours(recording: Recording, scene: Scene) -> None:
    known = Known(verdicts("proved", "wrong"), 1, None, coloured=True)
    image = paint(GraphPainter(DARK), picture_of(recording, scene, known), 0.2, active=False)
    assert count_color(image, DARK.backward) < count_color(
        paint(GraphPainter(DARK), picture_of(recording, scene, None), 0.2, active=False), DARK.backward
    )
    assert {seen_from_afar(name, DARK).name() for name in PROOFS} >= {DARK.proved.name(), DARK.error.name()}
    assert seen_from_afar("linear", DARK) == DARK.backward


def test_everything_that_is_drawn_counts(recording: Recording, scene: Scene) -> None:
    plain = drawn(picture_of(recording, scene, None))
    assert drawn(picture_of(recording, scene, Known(verdicts("proved"), 1, None, coloured=False))) != plain
    assert drawn(picture_of(recording, scene, Known({}, 0, way(recording), coloured=False))) != plain


def test_marks_are_worked_out_once(recording: Recording, scene: Scene) -> None:
    frames, known = Frames(recording), Known(verdicts("proved"), 1, None, coloured=True)
    first = frames.picture(scene, 0, 11, None, None, known)
    again = frames.picture(scene, 0, 10, None, None, Known(known.verdicts, 1, None, coloured=True))
    assert again.proofs is first.proofs
    assert again.scene is first.scene
    more = frames.picture(scene, 0, 11, None, None, Known(verdicts("wrong"), 2, None, coloured=True))
    assert more.proofs is not first.proofs


@pytest.mark.parametrize("state", STATES)
def test_exported_pictures_have_the_signs(
    qapp: QApplication, recording: Recording, scene: Scene, tmp_path: Path, state: str
) -> None:
    known = Known(verdicts(state), 1, None, coloured=True)
    camera, look = whole_camera(scene, 1.0), Look(DARK)
    write_picture(picture_of(recording, scene, known), camera, tmp_path / "marked.svg", look)
    write_picture(picture_of(recording, scene, None), camera, tmp_path / "plain.svg", look)
    assert (tmp_path / "marked.svg").stat().st_size > (tmp_path / "plain.svg").stat().st_size
