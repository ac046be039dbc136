"""What can be asked of the desk, and how it answers.

A request is a tuple (number, path of the recording, opening, task, arguments), an answer (number, result, problem,
formulas), each a line of `engine.desk.wire`. `opening` tells apart two recordings that stood at the same path one after
the other.
`problem` says in words why there is no result, else it is "". `formulas` are (LaTeX, picture) pairs that were set for
this answer and had not been sent yet.

To add a task, write a function of a `Desk` and plain arguments, and name it in `TASKS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.desk import comparison, memory, typeset, wire
from engine.desk.anatomy import Anatomy, Histories, Index, histories, take_apart
from engine.desk.element import Element
from engine.desk.explain import Breakdown, Explanation, break_element, explain, walk_from
from engine.errors import ChainruleError
from engine.graph.compare import compare
from engine.manual import Line, Place, doer_of, outline, work_out
from engine.recording.reader import Recording, open_recording
from engine.rules.reading import GraphValues
from engine.rules.upstream import Walk

if TYPE_CHECKING:
    from engine.recording.model import Node

KEPT_GRAPHS = 4
PORTION = 0.05  # s of work on lines before those that are done are sent


class Desk:
    """What a task works with: the recording, and its backward passes as rules see them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._recording: Recording | None = None
        self._graphs: dict[int, GraphValues] = {}

    @property
    def recording(self) -> Recording:
        """As it is now: what was added to it is read."""
        if self._recording is None:
            self._recording = open_recording(self._path)
        elif self._recording.refresh():
            self._graphs.clear()
        return self._recording

    def graph(self, graph: int) -> GraphValues:
        """Made once for as long as the recording does not grow."""
        recording = self.recording
        if graph not in self._graphs:
            if len(self._graphs) >= KEPT_GRAPHS:
                self._graphs.clear()
            self._graphs[graph] = GraphValues(recording, graph)
        return self._graphs[graph]

    def node(self, node: int) -> tuple[GraphValues, Node]:
        """A node, and the backward pass that it belongs to."""
        found = self.recording.node(node)
        return self.graph(found.graph), found

    def close(self) -> None:
        """Let go of the file; the next task opens it again."""
        if self._recording is not None:
            self._recording.close()


def _explain(desk: Desk, node: int, element: Element | None) -> Explanation:
    return explain(*desk.node(node), element)


def _terms(desk: Desk, node: int, element: Element) -> Breakdown:
    return break_element(*desk.node(node), element)


def _walk(desk: Desk, node: int, element: Element) -> Walk:
    return walk_from(*desk.node(node), element)


def _update(desk: Desk, event: int, element: Index | None) -> Anatomy:
    return take_apart(desk.recording, event, element)


def _history(desk: Desk, event: int, element: Index, keys: Sequence[str]) -> Histories:
    return histories(desk.recording, event, element, keys)


def _outline(desk: Desk, step: int) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    recording = desk.recording
    places = outline(recording, step)
    return places, tuple(doer_of(recording, place) for place in places)


def _lines(desk: Desk, wanted: Sequence[Place]) -> tuple[Line, ...]:
    """As many of the lines as can be done in a moment, at least one. A line that fails says why."""
    recording, end = desk.recording, time.perf_counter() + PORTION
    found: list[Line] = []
    kept: dict[int, Any] = {}
    for place in wanted:
        try:
            line = work_out(recording, place, kept)
        except Exception as error:  # a rule that fails is a fault of the rule, and its line says so
            line = Line(place, "", "", "", "", "", "no_data", remark=f"{type(error).__name__}: {error}")
        for latex in (line.name, line.formula, line.numbers, "="):
            typeset.set_formula(latex)
        found.append(line)
        if time.perf_counter() > end:
            break
    return tuple(found)


def _memory(desk: Desk, step: int) -> tuple[object, ...]:
    return memory.pack(memory.step_memory(desk.recording, step))


def _compare(desk: Desk, path: str, graphs: tuple[int, int]) -> tuple[object, ...]:
    """A backward pass of this recording with one of that at `path`."""
    with open_recording(Path(path)) as other:
        return comparison.pack(compare(desk.recording, graphs[0], other, graphs[1]))


TASKS: Mapping[str, Callable[..., Any]] = {
    "explain": _explain,
    "terms": _terms,
    "walk": _walk,
    "update": _update,
    "history": _history,
    "outline": _outline,
    "lines": _lines,
    "memory": _memory,
    "compare": _compare,
}


class Server:
    """Answers requests, one after another."""

    def __init__(self) -> None:
        self._desk: Desk | None = None
        self._at: tuple[str, int] | None = None

    def answer(self, line: str | bytes) -> str:
        """The answer to a request, as a line. Raises ValueError for a line that is none."""
        number, path, opening, task, arguments = wire.load(line)
        if self._desk is None or self._at != (path, opening):
            self._desk, self._at = Desk(Path(path)), (path, opening)
        try:
            result, problem = TASKS[task](self._desk, *arguments), ""
        except ChainruleError as error:
            result, problem = None, str(error)
        except Exception as error:  # a rule that fails is a fault of the rule, and the window says so
            result, problem = None, f"{type(error).__name__}: {error}"
        finally:
            self._desk.close()
        return wire.dump((number, result, problem, typeset.news()))

    def serve(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        """Until there are no more requests: whoever asked is gone."""
        for line in requests:
            answers.write(self.answer(line).encode() + b"\n")
            answers.flush()
