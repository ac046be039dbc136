"""What is known of every node and module of a graph before one decides which are drawn: cards, sizes, words, as arrays.

A node's is found out when it is drawn for the first time, and a module's when it is collapsed; then it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gui.canvas.cards import Card, Deck

if TYPE_CHECKING:
    import networkx as nx

    from engine.graph.modules import ModuleTree
    from engine.graph.quotient import Quotient
    from engine.layout.nested import Templates
    from engine.layout.paths import Parts

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(eq=False)
class Stock:
    """By position in the tree: `card` (in `cards`, -1 where a node was never drawn), `look` (see `Templates`), whether
    it `may_fold`, its `module`; `input_number` by edge. The same of groups, by number: -1 where they were never
    collapsed."""

    graph: nx.MultiDiGraph
    tree: ModuleTree
    templates: Templates
    data: list[dict[str, Any]]
    card: Ints
    look: Ints
    may_fold: Flags
    module: npt.NDArray[np.object_]
    input_number: Ints
    group_card: Ints
    group_look: Ints
    numbered: dict[Card, int] = field(default_factory=dict)
    cards: list[Card] = field(default_factory=list)
    _deck: Deck | None = None

    def number(self, card: Card) -> int:
        found = self.numbered.setdefault(card, len(self.cards))
        if found == len(self.cards):
            self.cards.append(card)
        return found

    def meet(self, drawn: Quotient) -> None:
        """Find out about what is drawn; to be done before one asks about it."""
        from engine.layout.nested import may_fold
        from gui.canvas.scene import size_of

        plain = drawn.names >= 0
        nodes = drawn.first[plain]
        for place in nodes[self.card[nodes] < 0].tolist():
            told = self.data[place]
            size_of(told)
            self.card[place] = self.number(told["card"])
            self.look[place] = self.templates.look_of(told)
            self.may_fold[place] = may_fold(told)
            self.module[place] = str(told.get("module") or "")
        groups = -1 - drawn.names[~plain]
        for number in groups[self.group_card[groups] < 0].tolist():
            told = self.tree.told_of(self.graph, self.tree.groups[number])
            size_of(told)
            self.group_card[number] = self.number(told["card"])
            self.group_look[number] = self.templates.look_of(told)

    @property
    def deck(self) -> Deck:
        """All cards that were met so far; the same object as long as there are no others."""
        if self._deck is None or len(self._deck.cards) < len(self.cards):
            self._deck = Deck.of(tuple(self.cards), self._deck)
        return self._deck

    def card_of(self, drawn: Quotient) -> Ints:
        """Which card each of the drawn nodes has."""
        groups = drawn.names < 0
        numbers = np.where(groups, -1, self.card[drawn.first])
        numbers[groups] = self.group_card[-1 - drawn.names[groups]]
        return numbers

    def parts_of(self, drawn: Quotient) -> Parts:
        """The drawn graph for a layout."""
        from engine.layout.paths import Parts

        groups = drawn.names < 0
        look = self.look[drawn.first]
        look[groups] = self.group_look[-1 - drawn.names[groups]]
        leaf = self.may_fold[drawn.first] & ~groups
        return Parts(tuple(drawn.names.tolist()), look, leaf, drawn.tail, drawn.head, drawn.key)

    def modules_of(self, drawn: Quotient) -> tuple[str, ...]:
        """The path of the module that each drawn node is in, or is."""
        paths = self.module[drawn.first]
        for place in np.flatnonzero(drawn.names < 0).tolist():
            paths[place] = self.tree.groups[-1 - int(drawn.names[place])].path
        return tuple(paths.tolist())

    def input_numbers_of(self, drawn: Quotient) -> Ints:
        return np.where(drawn.key < 0, 0, self.input_number[drawn.edge])


def stock_of(graph: nx.MultiDiGraph, tree: ModuleTree, templates: Templates) -> Stock:
    """That of a graph of `engine.graph.build`."""
    data: list[dict[str, Any]] = [each for _, each in graph.nodes(data=True)]
    arrived = [
        int(told.get("input_number") or 0)
        for _, near in graph.adjacency()
        for keys in near.values()
        for told in keys.values()
    ]
    unknown, none = np.full(len(data), -1, dtype=np.int64), np.full(len(tree.groups), -1, dtype=np.int64)
    return Stock(
        graph, tree, templates, data, unknown, unknown.copy(), np.zeros(len(data), dtype=np.bool_),
        np.full(len(data), "", dtype=object), np.array(arrived, dtype=np.int64), none, none.copy(),
    )  # fmt: skip
