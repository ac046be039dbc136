"""Layouts that nobody wants any more."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import networkx as nx
import pytest

from engine.layout import ALGORITHMS, LayoutCancelled, LayoutError, graphviz, layout
from engine.layout.pipeline import PASSES, layered
from tests.layout.samples import real_graph, sized, tangle


class After:
    """Answers True from the `number`-th question on."""

    def __init__(self, number: int) -> None:
        self.asked: Iterator[int] = count(1)
        self.number = number
        self.questions = 0

    def __call__(self) -> bool:
        self.questions = next(self.asked)
        return self.questions >= self.number


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_cancelled_before_it_began(algorithm: str) -> None:
    with pytest.raises(LayoutCancelled):
        layout(sized(tangle(400)), algorithm=algorithm, cancel=lambda: True)


def test_a_cancelled_layout_is_a_layout_error() -> None:
    assert issubclass(LayoutCancelled, LayoutError)


def test_between_passes_and_within_long_ones() -> None:
    never = After(1 << 60)
    layered(sized(tangle(400)), cancel=never)
    assert never.questions > len(PASSES) + 60, "the long passes ask, too"
    for number in range(1, never.questions + 1, 7):
        with pytest.raises(LayoutCancelled):
            layered(sized(tangle(400)), cancel=After(number))


def test_a_layout_that_is_not_cancelled_is_the_same() -> None:
    graph = real_graph("unet")
    one, two = layered(graph), layered(graph, cancel=lambda: False)
    assert (one.x == two.x).all()


def test_the_program_dot_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dot"
    path.write_text("#!/bin/sh\nexec sleep 20\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setattr(graphviz, "PROGRAM", str(path))
    with pytest.raises(LayoutCancelled):
        graphviz.dot(nx.MultiDiGraph([(0, 1)]), 1.6, cancel=After(2))
