"""What is known of every node and module of a graph before one decides which are drawn: cards, sizes, words, as arrays.

A module's is found out when it is collapsed for the first time, and kept.
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
    """By position in the tree: `card` (in `cards`), `look` (see `Templates`), whether a node `may_fold`, its `module`;
    `input_number` by edge. The same of groups, by number: -1 where they were never collapsed."""

    graph: nx.MultiDiGraph
    tree: ModuleTree
    templates: Templates
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

    def _meet(self, groups: Ints) -> None:
        from gui.canvas.scene import size_of

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
        of_groups = -1 - drawn.names[groups]
        self._meet(of_groups)
        numbers[groups] = self.group_card[of_groups]
        return numbers

    def parts_of(self, drawn: Quotient) -> Parts:
        """The drawn graph for a layout."""
        from engine.layout.paths import Parts

        groups = drawn.names < 0
        look = self.look[drawn.first]
        of_groups = -1 - drawn.names[groups]
        self._meet(of_groups)
        look[groups] = self.group_look[of_groups]
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
    """The nodes of `graph` have their sizes."""
    from engine.layout.nested import may_fold

    data: list[dict[str, Any]] = [each for _, each in graph.nodes(data=True)]
    module = np.empty(len(data), dtype=object)
    module[:] = [str(each.get("module") or "") for each in data]
    arrived = [int(number or 0) for _, _, number in graph.edges(data="input_number")]
    none = np.full(len(tree.groups), -1, dtype=np.int64)
    stock = Stock(
        graph, tree, templates, np.zeros(len(data), dtype=np.int64), templates.looks_of(data),
        np.array([may_fold(each) for each in data], dtype=np.bool_), module, np.array(arrived, dtype=np.int64),
        none, none.copy(),
    )  # fmt: skip
    stock.card = np.array([stock.number(each["card"]) for each in data], dtype=np.int64)
    return stock
