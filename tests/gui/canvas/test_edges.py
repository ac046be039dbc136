"""How links look: by what they carry, and by what one looks at."""

from __future__ import annotations

import numpy as np
import pytest

from engine.recording.reader import Recording
from gui import theme
from gui.canvas.edges import (
    CLASSES,
    FADED,
    FIRST_GRADIENT,
    FROM_NODE,
    INTO,
    LEVELS,
    OUT_OF,
    TO_NODE,
    edge_classes,
    edge_looks,
)
from gui.canvas.frames import Frames
from gui.canvas.scene import Scene
from tests.gui.canvas.scenes import scene_of

LOSS, DOUBLE, TRIPLE, A, W = range(5)  # of the branches
END = 9


@pytest.fixture
def branched(branches: Recording) -> Scene:
    return scene_of(branches)


def told_apart(
    recording: Recording, scene: Scene, selected: int | None, hovered: int | None
) -> dict[int, set[tuple[int, int]]]:
    """Which links have which of the last classes, as pairs of node ids."""
    place = None if hovered is None else scene.position[hovered]
    picture = Frames(recording).picture(scene, 0, END, selected, place)
    found = edge_classes(scene, picture.state, np.arange(len(scene.source)), picture.lit_edges, picture.flow)
    ends = zip(scene.node_ids[scene.source].tolist(), scene.node_ids[scene.target].tolist(), strict=True)
    by_class: dict[int, set[tuple[int, int]]] = {}
    for pair, each in zip(ends, found.tolist(), strict=True):
        last = FIRST_GRADIENT + LEVELS - 1
        by_class.setdefault(each - last if each > last else 0 if each != FADED else -1, set()).add(pair)
    return by_class


def test_every_class_has_a_look() -> None:
    for each in (theme.DARK, theme.LIGHT):
        looks = edge_looks(each)
        assert len(looks) == CLASSES
        width = {flow: looks[FIRST_GRADIENT + LEVELS - 1 + flow][1] for flow in (TO_NODE, FROM_NODE, INTO, OUT_OF)}
        assert min(width[INTO], width[OUT_OF]) > max(width[TO_NODE], width[FROM_NODE])


def test_nothing_is_told_apart_by_itself(branches: Recording, branched: Scene) -> None:
    assert set(told_apart(branches, branched, None, None)) == {0}


def test_the_hovered_nodes_own_links_are_stronger_than_those_beyond(branches: Recording, branched: Scene) -> None:
    found = told_apart(branches, branched, None, DOUBLE)
    assert found == {
        INTO: {(LOSS, DOUBLE)},
        OUT_OF: {(DOUBLE, A)},
        FROM_NODE: {(A, W)},
        -1: {(LOSS, TRIPLE), (TRIPLE, A)},
    }
    found = told_apart(branches, branched, None, A)
    assert found == {
        INTO: {(DOUBLE, A), (TRIPLE, A)}, OUT_OF: {(A, W)}, TO_NODE: {(LOSS, DOUBLE), (LOSS, TRIPLE)}
    }  # fmt: skip


def test_the_selected_nodes_links_are_too_and_nothing_fades(branches: Recording, branched: Scene) -> None:
    found = told_apart(branches, branched, DOUBLE, None)
    assert found == {INTO: {(LOSS, DOUBLE)}, OUT_OF: {(DOUBLE, A)}, 0: {(LOSS, TRIPLE), (TRIPLE, A), (A, W)}}


def test_hovering_goes_before_the_selection(branches: Recording, branched: Scene) -> None:
    assert told_apart(branches, branched, DOUBLE, A) == told_apart(branches, branched, None, A)
