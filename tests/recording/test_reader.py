from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RecordingError
from engine.recording import database
from engine.recording.model import Edge, Event, Graph, Node, Parameter, StepStart, Value
from engine.recording.reader import Recording, count_events, open_recording
from engine.recording.writer import Writer
from tests.recordings import BOW_SCRIPT, make_bow, make_chain, make_info, make_tensor


@pytest.fixture
def bow(tmp_path: Path) -> Recording:
    return open_recording(make_bow(tmp_path / "bow.chain"))


def values(recording: Recording, event: int) -> dict[tuple[str, int, str], float]:
    found: dict[tuple[str, int, str], float] = {}
    for value in recording.values(event):
        data = recording.data(value.tensor)
        assert data is not None
        found[value.role, value.slot, value.name] = float(data)
    return found


def test_the_bow_at_a_glance(bow: Recording) -> None:
    assert bow.complete
    assert bow.info == make_info()
    bounds = [(step.index, step.first_event, step.last_event) for step in bow.steps]
    assert bounds == [(0, 0, 11), (1, 12, 23), (2, 24, 35)]
    assert [step.loss for step in bow.steps] == [14.0625, 3.515625, 0.87890625]
    assert {step.optimizer for step in bow.steps} == {"SGD"}
    assert [parameter.name for parameter in bow.parameters] == ["w", "b"]
    assert bow.source(0).text == BOW_SCRIPT
    assert len(bow.timeline) == 36
    assert bow.notes == ()
    assert not bow.refresh()


def test_the_bow_s_graph(bow: Recording) -> None:
    nodes = bow.nodes(1)
    assert [node.id for node in nodes] == list(range(8, 16))
    assert [node.name for node in nodes if node.kind != "operation"] == ["b", "w", "x", "y"]
    assert bow.graph(1).root == nodes[0].id
    assert bow.node(12) == nodes[4]
    assert Edge(1, 10, 1, 12, 0) in bow.edges(1)
    assert bow.nodes(1) is nodes
    assert bow.edges(1) is bow.edges(1)


def test_the_bow_s_numbers(bow: Recording) -> None:
    """Step 0: w = 0.5, b = 0.25; the miss is 0.5 * 2 + 0.25 - 5 = -3.75."""
    assert values(bow, 2) == {("input", 1, ""): 5.0, ("output", 0, ""): -3.75}
    assert values(bow, 4) == {("saved", 0, "self"): -3.75, ("grad_output", 0, ""): 1.0, ("grad_input", 0, ""): -7.5}
    assert values(bow, 9) == {("grad_input", 0, ""): -15.0, ("grad_after", 0, ""): -15.0}
    assert values(bow, 10) == {("param_before", 0, ""): 0.5, ("grad", 0, ""): -15.0, ("param_after", 0, ""): 1.25}
    assert bow.event(10).info["hyperparameters"]["lr"] == 0.05


def test_what_is_not_there(bow: Recording) -> None:
    for ask in (bow.graph, bow.node, bow.parameter, bow.source, bow.event, bow.tensor, bow.data):
        with pytest.raises(RecordingError, match=r"bow\.chain has no \w+ 12345\."):
            ask(12345)
    assert bow.nodes(12345) == ()
    assert bow.edges(12345) == ()
    assert bow.values(12345) == ()


def test_levels(tmp_path: Path) -> None:
    path = tmp_path / "run.chain"
    array = np.arange(24, dtype=np.float32).reshape(6, 4)
    with Writer(path, make_info()) as out:
        for number, level in enumerate(("full", "preview", "stats")):
            out.put(make_tensor(number, array, level=level))  # type: ignore[arg-type]
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.data(0), array)
        np.testing.assert_array_equal(recording.data(1), array[::2])
        assert recording.data(2) is None
        assert [recording.tensor(number).shape for number in range(3)] == [(6, 4)] * 3
        assert recording.tensor(1).data_shape == (3, 4)
        assert recording.tensor(2).statistics.max == 23


def test_growing(tmp_path: Path) -> None:
    """What was read before stays, what is new comes with refresh, and a graph that grew is read again."""
    path = tmp_path / "run.chain"
    with Writer(path, make_info()) as out, open_recording(path) as recording:
        assert len(recording.timeline) == 0
        assert not recording.refresh()
        out.put_all([StepStart(0, 0.0), Graph(0, 0, "backward", 0, 2.5)])
        out.put_all([Node(0, 0, "operation", "A"), Edge(0, 0, 0, 1, 0)])
        out.flush()
        assert recording.refresh()
        assert [graph.loss for graph in recording.graphs] == [2.5]
        assert len(recording.nodes(0)) == 1
        assert recording.edges(0) == ()  # its target is still on its way
        out.put(Node(1, 0, "operation", "B"))
        out.put(Event(0, 0, 0, "forward", 0, None, 0.0))
        out.flush()
        assert recording.refresh()
        assert len(recording.nodes(0)) == 2
        assert recording.edges(0) == (Edge(0, 0, 0, 1, 0),)
        first = recording.timeline
        assert recording.norms(0).shape == (1,)
        out.put_all([make_tensor(0, [3.0, 4.0]), Value(1, "grad_output", 0, "", 0)])
        out.put(Event(1, 0, 0, "backward", 0, None, 0.0))
        out.put(Parameter(0, "w", "", (), "float32"))
        out.put(Event(2, 1, 0, "update", 0, 0, 0.0, {"optimizer": "Adam"}))
        out.flush()
        assert recording.refresh()
        assert (len(first), len(recording.timeline)) == (1, 3)
        np.testing.assert_array_equal(recording.norms(0), [np.nan, 5.0])
        assert [step.optimizer for step in recording.steps] == [None, "Adam"]
        out.close()
        assert recording.refresh()
        assert recording.complete
        assert not recording.refresh()


def test_reading_while_it_is_written(tmp_path: Path) -> None:
    """A reader sees whole batches: whatever an event refers to is there."""
    path = tmp_path / "run.chain"
    out = Writer(path, make_info())
    stop = threading.Event()

    def produce() -> None:
        number = 0
        while not stop.is_set():
            out.put_all([make_tensor(number, np.full(50, number)), Value(number, "output", 0, "", number)])
            out.put(Event(number, number // 50, None, "forward", None, None, 0.0))
            number += 1

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        with open_recording(path) as recording:
            while len(recording.timeline) < 300:
                if recording.refresh():
                    last = len(recording.timeline) - 1
                    data = recording.data(recording.values(last)[0].tensor)
                    assert data is not None
                    assert data[0] == last
    finally:
        stop.set()
        producer.join()
        out.close()


def test_several_threads_may_read(bow: Recording) -> None:
    wrong: list[object] = []

    def read() -> None:
        for number in range(36):
            bow._event.clear()
            if bow.event(number).id != number or not bow.values(number):
                wrong.append(number)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_ten_thousand_events(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=4000)) as recording:
        assert len(recording.timeline) == 10_000
        assert len(recording.nodes(0)) == 5000
        assert len(recording.edges(0)) == 4999
        assert recording.timeline.phase_spans(0) == (
            ("forward", 0, 3999),
            ("backward", 4000, 8999),
            ("update", 9000, 9999),
        )
        assert np.isfinite(recording.norms(0)[4000:]).all()
        assert recording.event(9999).kind == "update"


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "run.chain"
    first = Writer(path, make_info())
    with open_recording(path) as recording:
        path.rename(tmp_path / "kept.chain")  # so that its inode is not used again
        first.close()
        make_bow(path)
        with pytest.raises(RecordingError, match="replaced"):
            recording.refresh()


def test_a_deleted_file_is_said_to_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_bow(tmp_path / "bow.chain")
    with open_recording(path) as recording:
        connect = database.connect

        def connect_and_delete(path: Path) -> sqlite3.Connection:  # just then
            connection = connect(path)
            path.unlink()
            return connection

        monkeypatch.setattr(database, "connect", connect_and_delete)
        for _ in range(2):
            with pytest.raises(RecordingError, match="does not exist"), recording.apart():
                pass
        assert recording.event(0).kind == "forward"


def test_it_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    path = make_bow(tmp_path / "bow.chain")
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with open_recording(path) as recording:
            assert len(recording.timeline) == 36
    finally:
        tmp_path.chmod(0o755)


def test_reading_leaves_the_file_alone(tmp_path: Path) -> None:
    path = make_bow(tmp_path / "bow.chain")
    before = path.read_bytes()
    with open_recording(path) as recording:
        recording.nodes(0)
        recording.norms(0)
        connection = recording._connection
        assert connection is not None
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM event")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["bow.chain"]


@pytest.mark.parametrize("name", ["run #1?.chain", "50%20.chain", "прогон.chain", "a b's.chain"])
def test_odd_file_names(name: str, tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / name, steps=1)) as recording:
        assert len(recording.timeline) == 12


def test_messages_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty.chain").touch()
    (tmp_path / "text.chain").write_text("import torch\n" * 100)
    (tmp_path / "short.chain").write_bytes(b"SQLite format 3\0")
    other = sqlite3.connect(tmp_path / "other.chain")
    other.execute("CREATE TABLE bookmarks (x)")
    other.close()
    newer = sqlite3.connect(make_bow(tmp_path / "newer.chain", steps=1))
    newer.execute("PRAGMA user_version = 7")
    newer.close()
    whole = make_bow(tmp_path / "whole.chain", steps=1).read_bytes()
    (tmp_path / "half.chain").write_bytes(whole[: len(whole) // 2])
    for name, words in {
        "missing.chain": "does not exist. Check the path",
        "": "is a folder.*Choose a .chain file",
        "empty.chain": "is empty.*Record the script again",
        "text.chain": "is not a chainrule recording. Choose",
        "short.chain": "is not a chainrule recording. Choose",
        "other.chain": "is not a chainrule recording. Choose",
        "newer.chain": r"newer chainrule \(format 7; this one reads up to 1\): update",
        "half.chain": "is damaged",
    }.items():
        with pytest.raises(RecordingError, match=words):
            open_recording(tmp_path / name)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_no_permission(tmp_path: Path) -> None:
    path = make_bow(tmp_path / "bow.chain", steps=1)
    path.chmod(0)
    with pytest.raises(RecordingError, match="no permission"):
        open_recording(path)


def test_nodes_are_counted_without_reading_them(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=40, steps=2)) as found:
        for graph in found.graphs:
            nodes = found.nodes(graph.id)
            kinds = Counter(node.kind for node in nodes)
            assert found.node_counts(graph.id) == kinds
            lines = Counter(
                (node.source, node.line) for node in nodes if node.source is not None and node.kind != "data"
            )
            assert {place: count for place, count in found.lines(graph.id).items() if count} == lines
            assert lines


def test_a_long_read_holds_nobody_up(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=40)) as found:
        with found.apart() as connection:
            rows = connection.execute("SELECT id FROM node")
            next(rows)
            other = threading.Thread(target=lambda: seen.append(found.event(3).id))
            seen: list[int] = []
            other.start()
            other.join(60)
            assert seen == [3]
            assert len(rows.fetchall()) > 0
        assert count_events(found.path) == len(found.timeline)


def test_what_is_known_of_a_graph_is_told_while_another_thread_holds_the_file(bow: Recording) -> None:
    graph = bow.graphs[0].id
    nodes, edges = bow.nodes(graph), bow.edges(graph)
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with bow.held():
            held.set()
            over.wait(180)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    told: list[object] = []
    asking = threading.Thread(target=lambda: told.extend((bow.nodes(graph), bow.edges(graph))))
    asking.start()
    asking.join(60)
    over.set()
    thread.join()
    asking.join()
    assert told[0] is nodes
    assert told[1] is edges
