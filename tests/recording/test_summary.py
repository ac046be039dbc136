from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest

from engine.recording import onefile, writers
from engine.recording.model import Event, Graph, Node, Note, StepStart
from engine.recording.reader import open_recording
from engine.recording.summary import first_notes, summarize, table
from engine.recording.writer import Writer
from tests.recordings import make_bow, make_info


def test_the_bow(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        summary = summarize(recording)
    assert summary["format_version"] == 1
    assert summary["torch"] == "2.13.0"
    assert summary["script"] == "bow.py"
    assert summary["complete"] is True
    assert summary["tensors"] == "full"
    assert summary["notes"] == []
    assert summary["steps"][1] == {
        "index": 1,
        "loss": 3.515625,
        "optimizer": "SGD",
        "graphs": [{"id": 1, "nodes": 6, "edges": 5, "parameters": 2, "kind": "backward"}],
        "events": {"forward": 4, "backward": 4, "accumulate": 2, "update": 2},
    }
    lines = table(summary).splitlines()
    assert len(lines) == 8
    assert lines[-2].split() == ["1", "3.51562", "SGD", "6", "5", "2", "4", "4", "2", "2"]
    assert len({len(line) for line in lines[-4:]}) == 1


def test_a_loss_that_is_not_finite_and_a_recording_that_was_not_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.chain"
    with Writer(path, make_info()) as out:
        out.put_all([StepStart(0, 0.0), Graph(0, 0, "backward", 0, math.nan), Node(0, 0, "operation", "A")])
        out.put(Event(0, 0, 0, "backward", 0, None, 0.0))
        out.put(Note(0, 0, "tensors of this step were left out"))
        out.flush()
        with open_recording(path) as recording:
            summary = summarize(recording)
            onefile.write(recording, tmp_path / "saved.chain")
    json.dumps(summary, allow_nan=False)
    assert summary["steps"][0]["loss"] == "nan"
    assert summary["steps"][0]["optimizer"] is None
    assert summary["complete"] is False
    assert summary["notes"] == [{"step": 0, "text": "tensors of this step were left out"}]
    assert "not closed: it is being written" in table(summary)
    assert "note: tensors of this step were left out" in table(summary)
    monkeypatch.setattr(writers, "runs", lambda _: False)
    with open_recording(tmp_path / "saved.chain") as saved:
        assert "not closed: its script was killed, or ran on when this was saved" in table(summarize(saved))


def test_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "run.chain"
    Writer(path, dataclasses.replace(make_info(), argv=("--lr", "1"))).close()
    with open_recording(path) as recording:
        assert table(summarize(recording)).startswith("script   bow.py --lr 1\n")
        assert "never called backward()" in table(summarize(recording))


def test_what_later_steps_say_again_is_not_among_the_first_notes() -> None:
    notes = (Note(0, 2, "cut"), Note(1, 2, "cut more"), Note(2, 3, "cut"), Note(3, None, "ended early"))
    assert first_notes(notes) == (notes[0], notes[1], notes[3])
    assert first_notes(()) == ()
