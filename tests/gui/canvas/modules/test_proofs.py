"""What is proved of a collapsed module."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from engine.recording.reader import Recording
from gui.canvas.loader import Loader, load
from gui.canvas.modules.proofs import BEST_FIRST, gathered
from gui.canvas.proof_marks import NONE
from gui.canvas.scene import Scene
from gui.proof.store import STATES, Verdict
from tests.gui.canvas.scenes import opened
from tests.recordings import make_chain


@pytest.fixture
def collapsed(qapp: QApplication, tmp_path: object) -> Scene:
    recording: Recording = opened(make_chain(tmp_path / "chain.chain", nodes=8))  # type: ignore[operator]
    with recording:
        loader = Loader()
        loader.reset(recording)
        wish = loader.wish(0, "layered", None, 1.6, collapsed=lambda _: frozenset({"layers.0"}))
        return load(recording, wish)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({}, None),
        (dict.fromkeys((0, 1, 2, 3, 8), "proved"), "proved"),
        (dict.fromkeys((0, 1, 2, 3), "proved"), None),
        ({0: "proved", 1: "wrong"}, "wrong"),
        ({0: "proved", 1: "not_differentiable", 2: "proved", 3: "unknown", 8: "proved"}, "unknown"),
        ({0: "proved", 1: "finite_differences", 2: "proved", 3: "proved", 8: "proved"}, "finite_differences"),
    ],
)
def test_a_module_is_as_good_as_its_worst_node(collapsed: Scene, states: dict[int, str], expected: str | None) -> None:
    inner = collapsed.inner
    assert inner is not None
    verdicts = {node: Verdict(node, state) for node, state in states.items()}
    found = gathered(inner, verdicts, NONE)[inner.place_of_group["layers.0"]]
    assert (None if found == NONE else STATES[found]) == expected


def test_every_state_has_its_place() -> None:
    assert sorted(BEST_FIRST) == sorted(STATES)
