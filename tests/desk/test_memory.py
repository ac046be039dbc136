"""The memory of a step as columns, sent and received."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.desk import wire
from engine.desk.memory import NO_NODE, ROOT, pack, step_memory, unpack
from engine.recording.reader import open_recording
from tests.recordings import make_bow


def test_what_arrives_is_what_was_sent(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        sent = step_memory(recording, 1)
    arrived = unpack(wire.load(wire.dump(pack(sent))))
    assert vars(sent).keys() == vars(arrived).keys()
    for name, value in vars(sent).items():
        assert np.array_equal(value, getattr(arrived, name)), name
    assert (arrived.peak, arrived.peak_bytes) == (sent.peak, sent.peak_bytes)
    assert arrived.held_after(arrived.peak) == arrived.peak_bytes > 0
    assert arrived.held_after(arrived.last + 1) == arrived.held_after(arrived.first - 1) == 0


def test_rows_stand_after_their_parents(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        memory = step_memory(recording, 0)
    assert memory.parent[ROOT] == -1
    assert (memory.parent[1:] < np.arange(1, len(memory.parent))).all()
    assert memory.node[ROOT] == NO_NODE
    assert memory.bytes[ROOT] == memory.totals[0]
    assert len(memory.tensors) == len(memory.names) + 1


@pytest.mark.parametrize("sent", [(), (1, 2, 3), None, (0, 0, (), 0, {}, {})])
def test_what_was_not_sent_by_the_desk_is_refused(sent: object) -> None:
    with pytest.raises(ValueError, match="not the memory"):
        unpack(sent)  # type: ignore[arg-type]
