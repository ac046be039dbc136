"""What is collapsed where nobody has chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.recording.reader import open_recording
from gui.canvas.loader import Wish, load, structure_of
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
