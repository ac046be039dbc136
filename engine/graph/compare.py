"""Which nodes of two backward passes are the same, and what is different about them.

Two steps of one program mostly build the same graph: then nodes are matched by their places. Otherwise, in this order,
and each node once:

1. by what they are called: kind, type, module and name, where both graphs have as many of them, in the order in which
   they ran; parameters by name and shape;
2. by what they are connected with: equal labels after a few rounds of Weisfeiler and Lehman's refinement (each node's
   label becomes that of itself and its neighbours), where they are unique in both graphs;
3. what remains between two pairs, by aligning the types in the order in which they ran;
4. by their place: a parameter of the same name, the one operation of a module, even if its type has changed, beside a
   pair;

and after each of these from every pair on along its edges, input by input, as long as the types agree.

The result depends on nothing but the two graphs. Data leaves are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.graph.measures import SPOILED, sound_norms, sound_value_norms
from engine.recording.model import Node
from engine.recording.reader import Recording

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.uint8]

TYPE, SHAPE, NAME, INPUTS = 1, 2, 4, 8  # what is different about a pair
_ROUNDS = 3
_MOST_CELLS = 250_000  # of a table of types against types
_LEAST_BLOCK = 3  # so many equal types in a row are no chance
_UNMATCHED = -1


class Side:
    """One of the two graphs: its nodes without data leaves, in the order of the recording; all else by their places."""

    def __init__(self, recording: Recording, graph_id: int) -> None:
        self.recording = recording
        self.graph_id = graph_id
        self.nodes: tuple[Node, ...] = tuple(node for node in recording.nodes(graph_id) if node.kind != "data")
        place = {node.id: index for index, node in enumerate(self.nodes)}
        self.targets: list[list[tuple[int, int]]] = [[] for _ in self.nodes]  # (slot, place)
        self.sources: list[list[tuple[int, int]]] = [[] for _ in self.nodes]
        for edge in recording.edges(graph_id):
            if edge.source in place and edge.target in place:
                self.targets[place[edge.source]].append((edge.slot, place[edge.target]))
                self.sources[place[edge.target]].append((edge.slot, place[edge.source]))
        self.root = place.get(recording.graph(graph_id).root, 0)

    @cached_property
    def run(self) -> list[int]:
        """Places of the operations in the order in which they ran forward."""
        operations = [place for place, node in enumerate(self.nodes) if node.kind == "operation"]
        return sorted(operations, key=lambda place: (self.nodes[place].forward_event or 0, -place))

    @cached_property
    def ids(self) -> Ints:
        return np.array([node.id for node in self.nodes], np.int64)

    def measured(self, measure: Callable[[Recording, int], Floats]) -> Floats:
        """A measure of each node."""
        is_node = [node.kind != "data" for node in self.recording.nodes(self.graph_id)]
        return measure(self.recording, self.graph_id)[np.array(is_node, np.bool_)]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Nodes are counted by their places in `left_ids` and `right_ids` (node ids).

    `right_of` has, for each node on the left, its place on the right, or -1. `changed`: bits TYPE, SHAPE (or dtype),
    NAME (or module), INPUTS of each pair, by the place on the left. Norms are L2; NaN is what was not recorded, SPOILED
    (of `engine.graph.measures`) what holds NaN or infinities.
    """

    left_ids: Ints
    right_ids: Ints
    right_of: Ints
    changed: Flags
    left_gradient: Floats
    right_gradient: Floats
    left_value: Floats
    right_value: Floats

    @cached_property
    def left_of(self) -> Ints:
        """For each node on the right, its place on the left, or -1."""
        found = np.full(len(self.right_ids), _UNMATCHED, np.int64)
        paired = np.flatnonzero(self.right_of >= 0)
        found[self.right_of[paired]] = paired
        return found

    @property
    def pairs(self) -> Ints:
        """(p, 2): places on the left and on the right."""
        left = np.flatnonzero(self.right_of >= 0)
        return np.stack([left, self.right_of[left]], axis=1)

    @property
    def only_left(self) -> Ints:
        return np.flatnonzero(self.right_of < 0)

    @property
    def only_right(self) -> Ints:
        return np.flatnonzero(self.left_of < 0)

    @property
    def same_structure(self) -> bool:
        """Whether every node has its like, with nothing changed."""
        return not (len(self.only_left) or len(self.only_right) or self.changed.any())

    def ratio(self, what: str = "gradient") -> Floats:
        """log10 of the right norm over the left one, by the place on the left; NaN where one is missing or SPOILED.

        Infinite where only one of the two is zero, 0 where both are.
        """
        return self._gradient_ratio if what == "gradient" else self._value_ratio

    @cached_property
    def _gradient_ratio(self) -> Floats:
        return self._ratio(self.left_gradient, self.right_gradient)

    @cached_property
    def _value_ratio(self) -> Floats:
        return self._ratio(self.left_value, self.right_value)

    def _ratio(self, left: Floats, right: Floats) -> Floats:
        found = np.full(len(left), np.nan)
        paired = np.flatnonzero(self.right_of >= 0)
        mine, its = left[paired], right[self.right_of[paired]]
        with np.errstate(divide="ignore", invalid="ignore"):
            found[paired] = np.where((mine == 0) & (its == 0), 0.0, np.log10(its) - np.log10(mine))
        return found

    def spoiled(self, what: str = "gradient") -> npt.NDArray[np.bool_]:
        """Which pairs have NaN or infinities on one side only, by the place on the left."""
        sides = (self.left_gradient, self.right_gradient) if what == "gradient" else (self.left_value, self.right_value)
        found = np.zeros(len(self.left_ids), np.bool_)
        mine, its = self.pairs[:, 0], self.pairs[:, 1]
        found[mine] = (sides[0][mine] == SPOILED) != (sides[1][its] == SPOILED)
        return found


def compare(left: Recording, left_graph: int, right: Recording, right_graph: int) -> Comparison:
    """Two backward passes, of one recording or of two. Raises RecordingError."""
    sides = Side(left, left_graph), Side(right, right_graph)
    right_of = match(*sides)
    gradients = [side.measured(sound_norms) for side in sides]
    values = [side.measured(sound_value_norms) for side in sides]
    changed = _changes(*sides, right_of)
    return Comparison(sides[0].ids, sides[1].ids, right_of, changed, *gradients, *values)


def match(left: Side, right: Side) -> Ints:
    """For each node of `left` the place of the same one in `right`, or -1."""
    matcher = _Matcher(left, right)
    if not matcher.is_same():
        for find in (matcher.by_name, matcher.by_neighbours, matcher.by_order, matcher.by_place):
            find()
            matcher.along_edges()
    return np.array(matcher.right_of, np.int64)


class _Matcher:
    def __init__(self, left: Side, right: Side) -> None:
        self._left, self._right = left, right
        self.right_of = [_UNMATCHED] * len(left.nodes)
        self._left_of = [_UNMATCHED] * len(right.nodes)

    def _pair(self, left: int, right: int) -> bool:
        if self.right_of[left] != _UNMATCHED or self._left_of[right] != _UNMATCHED:
            return False
        self.right_of[left], self._left_of[right] = right, left
        return True

    def is_same(self) -> bool:
        """Whether both are made alike, node by node: then they are matched so."""
        left, right = self._left, self._right
        if left.targets != right.targets or list(map(_called, left.nodes)) != list(map(_called, right.nodes)):
            return False
        self.right_of = list(range(len(left.nodes)))
        self._left_of = list(self.right_of)
        return True

    def by_name(self) -> None:
        self._by_key(_name_of)

    def by_place(self) -> None:
        """What has changed its type or shape, but not its place among the modules."""
        self._by_key(lambda side, place: side.nodes[place].name if side.nodes[place].kind == "parameter" else None)
        self._by_key(_module_of, alone=True)

    def _by_key(self, key_of: Callable[[Side, int], Hashable], *, alone: bool = False) -> None:
        """Pair what has equal keys, where there are as many on both sides; None is no key.

        With `alone` only what is alone with its key, and beside a pair.
        """
        grouped = []
        for side, found in ((self._left, self.right_of), (self._right, self._left_of)):
            groups: dict[Hashable, list[int]] = defaultdict(list)
            leaves = (place for place, node in enumerate(side.nodes) if node.kind != "operation")
            for place in (*side.run, *leaves):
                key = key_of(side, place) if found[place] == _UNMATCHED else None
                if key is not None:
                    groups[key].append(place)
            grouped.append(groups)
        for key, mine in grouped[0].items():
            its = grouped[1].get(key, [])
            if len(mine) == len(its) and not (alone and len(mine) > 1):
                for pair in zip(mine, its, strict=True):
                    if not alone or self._is_beside_pair(*pair):
                        self._pair(*pair)

    def _is_beside_pair(self, mine: int, its: int) -> bool:
        """Whether an input or a reader of both is a pair."""
        left, right = self._left, self._right
        return any(
            self.right_of[place] in {other for _, other in others}
            for places, others in ((left.targets[mine], right.targets[its]), (left.sources[mine], right.sources[its]))
            for _, place in places
        )

    def by_neighbours(self) -> None:
        labels = _refined(self._left, self._right)
        counts = [Counter(side) for side in labels]
        right = {label: place for place, label in enumerate(labels[1]) if counts[1][label] == 1}
        for place, label in enumerate(labels[0]):
            if counts[0][label] == 1 and label in right:
                self._pair(place, right[label])

    def along_edges(self) -> None:
        """From the roots and every pair to what stands at the same inputs, and to what reads them in the same way."""
        left, right = self._left, self._right
        if left.nodes and right.nodes and left.nodes[left.root].type == right.nodes[right.root].type:
            self._pair(left.root, right.root)
        waiting = deque((place, other) for place, other in enumerate(self.right_of) if other != _UNMATCHED)
        while waiting:
            mine, its = waiting.popleft()
            for pair in self._neighbours(mine, its):
                if self._pair(*pair):
                    waiting.append(pair)

    def _neighbours(self, mine: int, its: int) -> Iterator[tuple[int, int]]:
        left, right = self._left, self._right
        targets = dict(right.targets[its])
        for slot, place in left.targets[mine]:
            other = targets.get(slot)
            if other is not None and left.nodes[place].type == right.nodes[other].type:
                yield place, other
        readers = [_by_use(side, side.sources[place], found) for side, place, found in (
            (left, mine, self.right_of), (right, its, self._left_of))]  # fmt: skip
        for use, places in readers[0].items():
            others = readers[1].get(use, [])
            if len(places) == len(others) == 1:
                yield places[0], others[0]

    def by_order(self) -> None:
        """Align what is left between two pairs that follow one another on both sides."""
        place_in_run = {place: number for number, place in enumerate(self._right.run)}
        start, before = 0, -1
        left_run = self._left.run
        for number in range(len(left_run) + 1):
            at_end = number == len(left_run)
            other = _UNMATCHED if at_end else self.right_of[left_run[number]]
            if not at_end and other == _UNMATCHED:
                continue
            after = len(self._right.run) if at_end else place_in_run.get(other, -1)
            if after > before:
                gap = [place for place in self._right.run[before + 1 : after] if self._left_of[place] == _UNMATCHED]
                self._align(left_run[start:number], gap, bounded=before >= 0 and not at_end)
                before = after
            start = number + 1

    def _align(self, mine: Sequence[int], its: Sequence[int], *, bounded: bool) -> None:
        types = [
            side.nodes[place].type for side, places in ((self._left, mine), (self._right, its)) for place in places
        ]
        left, right = types[: len(mine)], types[len(mine) :]
        shorter = min(len(mine), len(its))
        least = 1 if bounded else min(_LEAST_BLOCK, shorter)
        head = next((place for place in range(shorter) if left[place] != right[place]), shorter)
        tail = next((place for place in range(shorter - head) if left[-1 - place] != right[-1 - place]), shorter - head)
        blocks = [(0, 0, head), (len(mine) - tail, len(its) - tail, tail)]
        inner = left[head : len(left) - tail], right[head : len(right) - tail]
        if len(inner[0]) * len(inner[1]) <= _MOST_CELLS:
            found = SequenceMatcher(None, *inner, autojunk=False).get_matching_blocks()
            blocks += [(first + head, other + head, size) for first, other, size in found]
        for first, other, size in blocks:
            for offset in range(size if size >= least else 0):
                self._pair(mine[first + offset], its[other + offset])


def _by_use(side: Side, readers: Sequence[tuple[int, int]], found: Sequence[int]) -> dict[tuple[str, int], list[int]]:
    """Those of some readers that are not paired yet, by their type and the input that they read through."""
    uses: dict[tuple[str, int], list[int]] = defaultdict(list)
    for slot, place in readers:
        if found[place] == _UNMATCHED:
            uses[side.nodes[place].type, slot].append(place)
    return uses


def _name_of(side: Side, place: int) -> Hashable:
    """What a node is called; of a parameter also its shape and readers: where layers are only numbered, names move."""
    node = side.nodes[place]
    if not (node.module or node.name):
        return None
    if node.kind != "parameter":
        return _called(node)
    readers = sorted((side.nodes[reader].type, slot) for slot, reader in side.sources[place])
    return (node.kind, node.name, node.shape, *readers)


def _module_of(side: Side, place: int) -> Hashable:
    node = side.nodes[place]
    return node.module or None if node.kind == "operation" else None


def _called(node: Node) -> tuple[str, str, str, str]:
    return (node.kind, node.type, "" if node.kind == "parameter" else node.module, node.name)


def _refined(*sides: Side) -> list[list[int]]:
    """Labels after some rounds, numbered alike on both sides."""
    numbers: dict[Hashable, int] = {}
    labels = [[numbers.setdefault((node.type, node.shape), len(numbers)) for node in side.nodes] for side in sides]
    for _ in range(_ROUNDS):
        numbers = {}
        labels = [
            [
                numbers.setdefault(
                    (
                        mine[place],
                        tuple((slot, mine[target]) for slot, target in side.targets[place]),
                        tuple(sorted((slot, mine[source]) for slot, source in side.sources[place])),
                    ),
                    len(numbers),
                )
                for place in range(len(mine))
            ]
            for side, mine in zip(sides, labels, strict=True)
        ]
    return labels


def _changes(left: Side, right: Side, right_of: Ints) -> Flags:
    found = np.zeros(len(left.nodes), np.uint8)
    pairs = right_of.tolist()
    for place, other in enumerate(pairs):
        if other < 0:
            continue
        mine, its = left.nodes[place], right.nodes[other]
        bits = TYPE if mine.type != its.type else 0
        if (mine.shape, mine.dtype) != (its.shape, its.dtype):
            bits |= SHAPE
        if (mine.module, mine.name) != (its.module, its.name):
            bits |= NAME
        if [(slot, pairs[target]) for slot, target in left.targets[place]] != right.targets[other]:
            bits |= INPUTS
        found[place] = bits
    return found
