"""The session: opening, seeking, selecting, growing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from engine.desk.element import Element
from engine.recording.model import Event, Graph, Node, StepStart
from engine.recording.writer import Writer
from engine.rules.upstream import Walk
from gui.proof.store import Verdict
from gui.session import Session
from tests.recordings import make_bow, make_chain, make_info


def _signals_of(session: Session) -> list[tuple[str, Any]]:
    """Every signal from now on, in order."""
    seen: list[tuple[str, Any]] = []
    for name in ("playhead_changed", "graph_changed", "selection_changed", "failed"):
        getattr(session, name).connect(lambda value, name=name: seen.append((name, value)))
    for name in ("recording_changed", "recording_grew"):
        getattr(session, name).connect(lambda name=name: seen.append((name, None)))
    return seen


def test_an_opened_recording_is_shown_from_its_first_event(session: Session) -> None:
    assert session.playhead == 0
    assert session.selection is None
    recording = session.recording
    assert recording is not None
    assert session.last == len(recording.timeline) - 1
    assert session.graph_id == recording.graphs[0].id


@pytest.mark.parametrize(("target", "expected"), [(-5, 0), (7, 7), (10**9, None)])
def test_seek_stops_at_either_end(session: Session, target: int, expected: int | None) -> None:
    session.seek(3)
    session.seek(target)
    assert session.playhead == (session.last if expected is None else expected)


def test_seek_to_where_the_playhead_is_says_nothing(session: Session) -> None:
    session.seek(4)
    seen = _signals_of(session)
    session.seek(4)
    assert seen == []


def test_every_view_sees_the_whole_new_state(session: Session) -> None:
    """When the first signal comes, graph, selection and playhead already belong together."""
    states = []
    session.graph_changed.connect(lambda graph: states.append((graph, session.playhead, session.graph_id)))
    session.seek(session.last)
    assert states == [(session.graph_id, session.last, session.graph_id)]


def test_the_selection_goes_along_to_the_next_pass(session: Session) -> None:
    recording = session.recording
    assert recording is not None
    first, last = recording.graphs[0].id, recording.graphs[-1].id
    chosen = next(node for node in recording.nodes(first) if node.name == "prediction")
    session.select(chosen.id)
    session.seek(session.last)
    assert session.graph_id == last
    moved = recording.node(session.selection or -1)
    assert (moved.graph, moved.name) == (last, "prediction")
    session.seek(0)
    assert session.selection == chosen.id


def test_selection_tells_once(session: Session) -> None:
    recording = session.recording
    assert recording is not None
    node = recording.nodes(recording.graphs[0].id)[0].id
    seen = _signals_of(session)
    session.select(node)
    session.select(node)
    session.select(None)
    assert seen == [("selection_changed", node), ("selection_changed", None)]


def test_a_node_that_is_not_there_selects_nothing(session: Session) -> None:
    session.select(987_654)
    assert session.selection is None


def test_what_cannot_be_opened_leaves_what_is_open(session: Session, tmp_path: Path) -> None:
    before = session.recording
    broken = tmp_path / "broken.chain"
    broken.write_bytes(b"no recording at all")
    seen = _signals_of(session)
    assert not session.open(broken)
    assert not session.open(tmp_path / "missing.chain")
    assert [name for name, _ in seen] == ["failed", "failed"]
    assert "broken.chain" in seen[0][1]
    assert session.recording is before


def test_close_leaves_nothing(session: Session) -> None:
    session.close()
    assert (session.recording, session.playhead, session.graph_id, session.last) == (None, -1, None, -1)
    assert session.current_event is None


def test_opening_another_one_starts_over(session: Session, tmp_path: Path) -> None:
    session.seek(5)
    assert session.open(make_chain(tmp_path / "chain.chain", nodes=12))
    assert session.playhead == 0
    assert session.selection is None


def _event(number: int, step: int, kind: Any, node: int | None, graph: int | None) -> Event:
    return Event(number, step, graph, kind, node, None, 0.0)


def _write_step(writer: Writer, step: int) -> None:
    first = step * 3
    writer.put(StepStart(step, 0.0))
    writer.put(Graph(step, step, "backward", root=step, loss=1.0))
    writer.put(Node(step, step, "operation", "MulBackward0"))
    writer.put(_event(first, step, "forward", step, step))
    writer.put(_event(first + 1, step, "backward", step, step))
    writer.put(_event(first + 2, step, "update", None, None))
    writer.flush()


@pytest.fixture
def growing(tmp_path: Path) -> Any:
    with Writer(tmp_path / "live.chain", make_info()) as writer:
        yield writer, tmp_path / "live.chain"


def test_the_playhead_stays_while_the_recording_grows(growing: Any, qtbot: QtBot) -> None:
    writer, path = growing
    session = Session()
    assert session.open(path)
    assert session.playhead == -1
    _write_step(writer, 0)
    seen = _signals_of(session)
    session.refresh()
    assert session.playhead == 0
    assert session.graph_id == 0
    assert ("recording_grew", None) in seen
    session.seek(2)
    _write_step(writer, 1)
    session.refresh()
    assert (session.playhead, session.last) == (2, 5)
    session.close()


def test_following_the_script_keeps_the_playhead_at_the_end(growing: Any, qtbot: QtBot) -> None:
    writer, path = growing
    session = Session()
    assert session.open(path)
    _write_step(writer, 0)
    session.refresh()
    session.set_follow_live(True)
    assert session.playhead == 2
    _write_step(writer, 1)
    session.refresh()
    assert session.playhead == 5
    session.seek(1)
    _write_step(writer, 2)
    session.refresh()
    assert session.playhead == 1
    session.close()


def test_an_event_without_a_graph_shows_the_last_one_of_its_step(growing: Any, qtbot: QtBot) -> None:
    writer, path = growing
    _write_step(writer, 0)
    _write_step(writer, 1)
    session = Session()
    assert session.open(path)
    session.seek(2)
    assert session.graph_id == 0
    session.seek(5)
    assert session.graph_id == 1
    session.close()


def test_a_file_that_is_taken_away_is_told(session: Session, bow: Path) -> None:
    make_bow(bow.with_name("other.chain"))
    session.close()
    seen = _signals_of(session)
    bow.unlink()
    assert not session.open(bow)
    assert seen[0][0] == "failed"


def test_an_element_belongs_to_the_selected_node(session: Session) -> None:
    told: list[Element | None] = []
    session.element_changed.connect(told.append)
    first = Element("out", 0, ())
    session.select(0, first)
    session.select(0)  # the same node again keeps it
    session.seek(14)  # in the next training step, the node at its place is selected
    assert session.selection == 8
    assert session.element == first
    session.select(9)
    session.select(None)
    assert told == [first, None]


def test_another_recording_forgets_element_walk_and_proofs(session: Session, bow: Path) -> None:
    session.select(0, Element("out", 0, ()))
    session.show_walk(Walk((), "loss"))
    session.proofs.add([Verdict(0, "proved")])
    told: list[str] = []
    session.walk_changed.connect(lambda: told.append("walk"))
    session.proofs.changed.connect(lambda: told.append("proofs"))
    assert session.open(bow)
    assert (session.element, session.walk, dict(session.proofs.verdicts)) == (None, None, {})
    assert sorted(told) == ["proofs", "walk"]


def test_the_same_walk_is_told_once(session: Session) -> None:
    told: list[bool] = []
    session.walk_changed.connect(lambda: told.append(session.walk is not None))
    for walk in (Walk((), "loss"), Walk((), "loss"), None, None):
        session.show_walk(walk)
    assert told == [True, False]


def test_marked_nodes_are_told_and_let_go(session: Session, qtbot: QtBot) -> None:
    with qtbot.waitSignal(session.marked_changed):
        session.mark([0, 2, 10**6], "two of them")  # the last is no node of the recording
    assert session.marked == {0, 2}
    assert session.marked_title == "two of them"
    with qtbot.assertNotEmitted(session.marked_changed):
        session.mark((2, 0), "two of them")
    session.mark(())
    assert (session.marked, session.marked_title) == (frozenset(), "")


def test_marked_nodes_go_along_to_the_next_pass(session: Session) -> None:
    recording = session.recording
    assert recording is not None
    first, second = (recording.nodes(graph.id) for graph in recording.graphs[:2])
    session.mark([node.id for node in first[:3]], "some")
    session.seek(recording.steps[1].first_event)
    assert session.marked == {node.id for node in second[:3]}
    assert session.marked_title == "some"
    session.seek(0)
    assert session.marked == {node.id for node in first[:3]}


def test_another_recording_has_no_marks(session: Session, tmp_path: Path) -> None:
    session.mark([0, 1])
    assert session.open(make_chain(tmp_path / "chain.chain", nodes=20))
    assert session.marked == frozenset()


def test_what_takes_long_to_show_is_told_at_once_unless_the_playhead_is_hurried_on(
    session: Session, qtbot: QtBot
) -> None:
    told: list[int] = []
    session.playhead_settled.connect(told.append)
    session.seek(3)
    assert told == [3]
    for event in (4, 5, 6):
        session.seek(event, hurried=True)
    assert told == [3]
    with qtbot.waitSignal(session.playhead_settled):
        pass
    assert told == [3, 6]


def test_after_hurrying_nobody_is_left_behind(session: Session) -> None:
    told: list[int] = []
    session.playhead_settled.connect(told.append)
    session.seek(7, hurried=True)
    session.settle()
    session.settle()
    assert told == [7]
    session.seek(8, hurried=True)
    session.seek(2)
    session.settle()
    assert told == [7, 2]
