"""What is known of nodes and modules is found out when they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from engine.graph.build import build_graph
from engine.graph.quotient import quotient
from engine.recording.reader import open_recording
from gui.canvas.cards import Deck, card_of
from gui.canvas.modules.source import Source, source_of
from tests.recordings import make_chain


@pytest.fixture
def source(qapp: QApplication, tmp_path: Path) -> Iterator[Source]:
    """Five layers of four operations and a parameter each."""
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=20)) as recording:
        graph = build_graph(recording, 0)
        yield source_of(graph, np.array(graph.nodes, dtype=np.int64))


def test_only_what_is_drawn_is_measured(source: Source) -> None:
    tree, stock = source.tree, source.stock
    group = tree.groups[-1]
    drawn = quotient(tree, {group.key})
    stock.meet(drawn)
    alone = set(drawn.first[drawn.names >= 0].tolist())
    assert set(np.flatnonzero(stock.card >= 0).tolist()) == set(np.flatnonzero(stock.look >= 0).tolist()) == alone
    assert 0 < len(alone) < len(tree.nodes)
    assert set(np.flatnonzero(stock.group_card >= 0).tolist()) == {group.number}
    everything = quotient(tree, ())
    stock.meet(everything)
    assert (stock.card >= 0).all()
    parts = stock.parts_of(everything)
    for place, (node, card) in enumerate(zip(tree.nodes, stock.card_of(everything).tolist(), strict=True)):
        told = source.graph.nodes[node]
        assert stock.cards[card] == card_of(told)
        size = source.templates.attributes[int(parts.look[place])]
        assert (size["width"], size["height"]) == (stock.cards[card].width, stock.cards[card].height)
        assert stock.modules_of(everything)[place] == (told["module"] or "")
        assert bool(parts.leaf[place]) == (told["kind"] == "parameter")


def test_the_deck_grows_and_keeps_its_order(source: Source) -> None:
    tree, stock = source.tree, source.stock
    stock.meet(quotient(tree, tree.at_level(0)))
    before = stock.deck
    assert stock.deck is before
    stock.meet(quotient(tree, ()))
    after = stock.deck
    assert len(after.cards) > len(before.cards)
    assert after.cards[: len(before.cards)] == before.cards
    at_once = Deck.of(after.cards)
    for one, other in ((after.kind, at_once.kind), (after.scalar, at_once.scalar), (after.fill, at_once.fill)):
        assert one.tolist() == other.tolist()
        assert one.dtype == other.dtype
