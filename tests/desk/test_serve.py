"""What the desk answers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from engine.desk import typeset
from engine.desk.serve import Desk, Server
from engine.desk.wire import dump, load
from engine.manual import Line
from engine.recording.reader import open_recording
from engine.rules.reading import GraphValues
from tests.recordings import make_bow


@pytest.fixture
def bow(tmp_path: Path) -> Path:
    return make_bow(tmp_path / "bow.chain")


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    typeset._sent.clear()


def ask(server: Server, path: Path, task: str, *arguments: Any, opening: int = 1) -> tuple[Any, str, Any]:
    number, result, problem, formulas = load(server.answer(dump((7, str(path), opening, task, arguments))))
    assert number == 7
    return result, problem, formulas


def test_every_task_answers(bow: Path) -> None:
    server = Server()
    with open_recording(bow) as recording:
        events = {event: recording.event(event) for event in range(12)}
    update = next(number for number, event in events.items() if event.kind == "update")
    explanation, problem, formulas = ask(server, bow, "explain", 0, None)
    assert not problem
    assert explanation.proof.state == "proved"
    assert explanation.lines[0].formula[0] in dict(formulas)
    element = explanation.lines[0].element
    assert ask(server, bow, "terms", 0, element)[0].count == 1
    assert ask(server, bow, "walk", 0, element)[0].ending == "loss"
    anatomy = ask(server, bow, "update", update, None)[0]
    assert anatomy.state == "proved"
    assert ask(server, bow, "history", update, anatomy.element, ())[0].events
    places, doers = ask(server, bow, "outline", 0)[0]
    assert len(places) == len(doers) == 11
    lines = ask(server, bow, "lines", places)[0]
    assert lines[0].place == places[0]
    assert all(isinstance(line, Line) for line in lines)


def test_a_formula_is_sent_once(bow: Path) -> None:
    server = Server()
    ask(server, bow, "explain", 0, None)
    assert ask(server, bow, "explain", 0, None)[2] == ()


def test_a_fault_is_an_answer(bow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    result, problem, _ = ask(server, tmp_path / "nothing.chain", "outline", 0)
    assert result is None
    assert "nothing.chain" in problem
    monkeypatch.setattr("engine.desk.serve.TASKS", {"outline": lambda desk, step: 1 / 0})
    assert ask(server, bow, "outline", 0)[1] == "ZeroDivisionError: division by zero"
    assert "KeyError" in ask(server, bow, "dance")[1]


def test_a_line_that_fails_says_why(bow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    (place, *_), _ = ask(server, bow, "outline", 0)[0]
    monkeypatch.setattr("engine.desk.serve.work_out", lambda *_: 1 / 0)
    assert ask(server, bow, "lines", (place,))[0][0].remark == "ZeroDivisionError: division by zero"


def test_a_recording_that_stands_at_the_same_path_is_read_anew(bow: Path) -> None:
    server = Server()
    assert len(ask(server, bow, "outline", 0)[0][0]) == 11
    bow.unlink()
    make_bow(bow, 1)
    assert ask(server, bow, "outline", 2, opening=2)[1]


def test_requests_are_answered_one_after_another(bow: Path) -> None:
    requests = io.BytesIO(b"".join(dump((n, str(bow), 1, "outline", (n,))).encode() + b"\n" for n in range(3)))
    answers = io.BytesIO()
    Server().serve(requests, answers)
    assert [load(line)[0] for line in answers.getvalue().splitlines()] == [0, 1, 2]


def test_a_backward_pass_is_read_once(bow: Path) -> None:
    desk = Desk(bow)
    first = desk.graph(0)
    assert isinstance(first, GraphValues)
    assert desk.graph(0) is first
    for graph in (1, 2):
        assert desk.graph(graph) is not first
    desk.close()
