"""Find nodes of a backward pass by what they are called: types, modules, parameters, shapes, source lines.

A query is words; a node fits if all of them do. A word of the form "field:text" looks into one field only:

    type:conv shape:64 module:layer1 line:12        fields: `FIELDS`
    train.py:12                                     the operations of a source line
    l1conv                                          letters in this order, where nothing has the word itself

Graphs have few different types, modules and shapes, so that the words are looked for in each different text once, and
NumPy spreads the answer over the nodes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.graph.category import category
from engine.graph.labels import Labels

if TYPE_CHECKING:
    from engine.recording.model import Node
    from engine.recording.reader import Recording

Ints = npt.NDArray[np.int64]
Scores = npt.NDArray[np.uint8]

FIELDS = ("title", "name", "type", "module", "shape", "line", "operation", "kind")
SYNONYMS = {"parameter": "name", "param": "name", "op": "operation", "file": "line", "source": "line", "dtype": "shape"}

# How well a word fits a text; less is better.
WHOLE, START, WORD, INSIDE, LETTERS, NOT_AT_ALL = range(6)
FREE = ("name", "type", "module", "operation", "kind")  # what a word without a field is looked for in
FUZZY = ("name", "module", "type")
FEW = 2000  # texts: among more, it is not told whether a word stands at the start of a part
_TIMES = re.compile(r"(?<=\d)[x×*,](?=\d)")
_LINE = re.compile(r"(.*?):?(\d+)$")


Score = Callable[[Sequence[str]], Scores]  # how well each text fits


@dataclass(frozen=True, eq=False)
class _Column:
    """The different texts of one field, in lower case, and which of them each node has."""

    texts: tuple[str, ...]
    code: Ints

    def scores(self, score: Score) -> Scores:
        return score(self.texts)[self.code]


def _column(texts: Iterable[str]) -> _Column:
    numbered: dict[str, int] = {}
    code = [numbered.setdefault(text.lower(), len(numbered)) for text in texts]
    return _Column(tuple(numbered), np.array(code, dtype=np.int64))


class SearchIndex:
    """Everything that nodes can be found by. `ids` (n), `titles` (what stands on the cards) are those of `nodes`."""

    def __init__(self, nodes: Sequence[Node], paths: dict[int | None, str]) -> None:
        labels = Labels(nodes)
        self.nodes = tuple(nodes)
        self.ids: Ints = np.array([node.id for node in nodes], dtype=np.int64)
        self.titles = tuple(labels.title(node) for node in nodes)
        self._columns = {
            "title": _column(self.titles),
            "name": _column(node.name for node in nodes),
            "type": _column(node.type for node in nodes),
            "module": _column(f"{node.module} {node.module_type}".strip() for node in nodes),
            "shape": _column(_shape(node) for node in nodes),
            "line": _column(_place(node, paths) for node in nodes),
            "operation": _column(node.operation.removeprefix("aten.") for node in nodes),
            "kind": _column(f"{node.kind} {category(node.type, node.kind)}" for node in nodes),
        }

    def place(self, position: int) -> str:
        """ "train.py:12", or nothing."""
        column = self._columns["line"]
        return column.texts[int(column.code[position])]

    def find(self, query: str) -> Ints:
        """Positions of the nodes that fit, the best first; among equals in the order of the graph. All for no words."""
        words = query.lower().split()
        total = np.zeros(len(self.ids), dtype=np.int64)
        fits = np.ones(len(self.ids), dtype=np.bool_)
        for word in words:
            scores = self._word(word)
            fits &= scores < NOT_AT_ALL
            total += scores
        found = np.flatnonzero(fits)
        return found[np.argsort(total[found], kind="stable")]

    def _word(self, word: str) -> Scores:
        field, colon, text = word.partition(":")
        field = SYNONYMS.get(field, field)
        if colon and field in FIELDS:
            return self._in_field(field, text)
        if colon and text.isdigit():
            return self._in_field("line", word)
        best = np.full(len(self.ids), NOT_AT_ALL, dtype=np.uint8)
        for name in FREE:
            np.minimum(best, self._columns[name].scores(_likeness(word)), out=best)
        if word[:1].isdigit():
            np.minimum(best, self._in_field("shape", word), out=best)
        else:
            np.minimum(best, self._columns["line"].scores(_likeness(word)), out=best)
        if len(word) > 1 and not np.any(best < NOT_AT_ALL):
            for name in FUZZY:
                np.minimum(best, self._columns[name].scores(_letters(word)), out=best)
        return best

    def _in_field(self, field: str, text: str) -> Scores:
        if not text:  # "type:" while one goes on typing
            return np.zeros(len(self.ids), dtype=np.uint8)
        score = {"shape": _dimensions, "line": _line}.get(field, _likeness)
        return self._columns[field].scores(score(text))


def search_index(recording: Recording, graph_id: int, *, data_leaves: bool = True) -> SearchIndex:
    """The index of one backward pass. Raises RecordingError."""
    nodes = [node for node in recording.nodes(graph_id) if data_leaves or node.kind != "data"]
    paths: dict[int | None, str] = {}
    for node in nodes:
        if node.source is not None and node.source not in paths:
            paths[node.source] = recording.source(node.source).path
    return SearchIndex(nodes, paths)


def _shape(node: Node) -> str:
    if node.shape is None:
        return ""
    lengths = "x".join(str(length) for length in node.shape) or "scalar"
    return f"{lengths} {node.dtype or ''}".strip()


def _place(node: Node, paths: dict[int | None, str]) -> str:
    path = paths.get(node.source, "")
    return "" if node.line is None else f"{PurePath(path).name}:{node.line}"


# --- how well a word fits ---------------------------------------------------------------------------------------------


def _likeness(word: str) -> Score:
    inner = re.compile(rf"(?<![a-z0-9]){re.escape(word)}")

    def score(texts: Sequence[str]) -> Scores:
        found = np.full(len(texts), NOT_AT_ALL, dtype=np.uint8)
        inside = [place for place, text in enumerate(texts) if word in text]
        found[inside] = INSIDE
        if len(inside) <= FEW:
            found[[place for place in inside if inner.search(texts[place])]] = WORD
        starts = [place for place in inside if texts[place].startswith(word)]
        found[starts] = START
        end = len(word)
        found[[place for place in starts if texts[place][end : end + 1] in ("", " ")]] = WHOLE
        return found

    return score


def _letters(word: str) -> Score:
    """The letters of the word in their order, with others between them."""
    in_order = re.compile("".join(f"[^{re.escape(letter)}]*{re.escape(letter)}" for letter in word))

    def score(texts: Sequence[str]) -> Scores:
        return np.array([LETTERS if in_order.match(text) else NOT_AT_ALL for text in texts], dtype=np.uint8)

    return score


def _dimensions(word: str) -> Score:
    """ "64" is one of the lengths, "64x3" two that follow each other; a dtype, or "scalar", is found as text."""
    wanted = _TIMES.sub("x", word.strip("()[]x×"))
    if not wanted[:1].isdigit():
        return _likeness(wanted)
    inside = re.compile(rf"(?<![0-9]){re.escape(wanted)}(?![0-9])")

    def score(text: str) -> int:
        lengths = text.partition(" ")[0]
        if not inside.search(lengths):
            return NOT_AT_ALL
        return WHOLE if lengths == wanted else WORD

    return lambda texts: np.array([score(text) for text in texts], dtype=np.uint8)


def _line(word: str) -> Score:
    """ "12" is the line itself, in any file; "train.py:12" in files whose name ends so; "train" any line of them."""
    found = _LINE.match(word)
    if found is None:
        return _likeness(word)
    ending, number = PurePath(found[1]).name, found[2]

    def score(text: str) -> int:
        file, _, line = text.rpartition(":")
        return WHOLE if line == number and file.endswith(ending) else NOT_AT_ALL

    return lambda texts: np.array([score(text) for text in texts], dtype=np.uint8)
