from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.recording.check import MOST_PROBLEMS, check
from engine.recording.reader import open_recording
from tests.recordings import make_bow, make_chain


def test_sound_recordings(tmp_path: Path) -> None:
    for path in (make_bow(tmp_path / "bow.chain"), make_chain(tmp_path / "chain.chain", nodes=50, steps=3)):
        with open_recording(path) as recording:
            assert check(recording) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE graph SET root = 999 WHERE id = 0", "graph 0: its root 999"),
        ("UPDATE edge SET source = 4 WHERE source = 3 AND slot = 0", "an edge starts at leaf 4"),
        ("UPDATE edge SET target = 999 WHERE source = 3 AND slot = 0", "leads to a node that is not there"),
        ("UPDATE node SET source = 5 WHERE id = 1", "node 1: there is no source 5"),
        ("UPDATE node SET parameter = 9 WHERE id = 4", "node 4: there is no parameter 9"),
        ("UPDATE node SET parameter = NULL WHERE id = 4", "a parameter whose parameter is None"),
        ("UPDATE node SET forward_event = 6 WHERE id = 1", "event 6 is not its forward"),
        ("UPDATE node SET forward_event = 600 WHERE id = 1", "event 600 is not its forward"),
        ("UPDATE event SET graph = 77 WHERE id = 5", "event 5: there is no graph 77"),
        ("UPDATE event SET node = 777 WHERE id = 5", "event 5: there is no node 777"),
        ("UPDATE event SET node = 9 WHERE id = 5", "event 5: node 9 is not in graph 0"),
        ("UPDATE event SET parameter = 5 WHERE id = 10", "event 10: there is no parameter 5"),
        ("UPDATE value SET tensor = 4567 WHERE event = 5", "no tensor 4567"),
        ("UPDATE value SET event = 4000 WHERE event = 35", "there are values of event 4000"),
        ("UPDATE tensor SET data = x'0000' WHERE id = 2", "tensor 2: 2 bytes do not fit float32"),
        ("UPDATE tensor SET data = NULL WHERE id = 2", "tensor 2: level full, but no data"),
        ("UPDATE tensor SET level = 'stats' WHERE id = 2", "tensor 2: level stats, but some data"),
        ("UPDATE tensor SET data_shape = '[2]', data = zeroblob(8) WHERE id = 2", "tensor 2: more data than elements"),
        ("UPDATE tensor SET zeros = 2 WHERE id = 2", "tensor 2: more zeros"),
        (f"UPDATE tensor SET histogram = x'{'00' * 504}0200000000000000' WHERE id = 2", "tensor 2: more elements"),
        ("UPDATE event SET info = '[]' WHERE id = 5", "is damaged"),
    ],
)
def test_problems_are_named(statement: str, problem: str, tmp_path: Path) -> None:
    path = make_bow(tmp_path / "bow.chain")
    connection = sqlite3.connect(path)
    assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()
    with open_recording(path) as recording:
        assert problem in "\n".join(check(recording))


def test_the_list_ends(tmp_path: Path) -> None:
    path = make_chain(tmp_path / "chain.chain", nodes=200)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE node SET source = 5")
    connection.commit()
    connection.close()
    with open_recording(path) as recording:
        assert len(check(recording)) == MOST_PROBLEMS
