"""The way from one element of a gradient to the loss."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine import record
from engine.recording.model import Node
from engine.recording.reader import Recording, open_recording
from engine.rules.reading import GraphValues
from engine.rules.upstream import entered, follow, sent
from engine.rules.values import UnsupportedError
from tests.gui.layers import make_layers
from tests.recordings import make_bow


def first_graph(recording: Recording) -> GraphValues:
    return GraphValues(recording, recording.graphs[0].id)


def leaf(graph: GraphValues, name: str) -> Node:
    return next(node for node in graph.nodes if node.name == name and node.kind == "parameter")


def test_from_a_parameter_of_the_bow_to_the_loss(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain", 1)) as recording:
        graph = first_graph(recording)
        walk = follow(graph, leaf(graph, "w"), "in", 0, ())
        types = [recording.node(node).type for node in walk.nodes]
    assert types == ["AccumulateGrad", "MulBackward0", "AddBackward0", "SubBackward0", "PowBackward0"]
    assert [place.value for place in walk.places] == [-15, -15, -7.5, -7.5, -7.5, -7.5, -7.5, -7.5, 1]
    assert (walk.ending, walk.reason) == ("loss", "")


def test_the_largest_of_several_contributions_and_terms_is_followed(tmp_path: Path) -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    x = torch.tensor([[1.0, 0.5], [-8.0, 0.25], [2.0, 9.0]])
    with record(tmp_path / "x.chain"):
        (w * 0.5 + (w * x) ** 2).backward(torch.ones(3, 2))
    with open_recording(tmp_path / "x.chain") as recording:
        graph = first_graph(recording)
        node = leaf(graph, "w")
        parts = sent(graph, node, 0, (1,))
        walk = follow(graph, node, "in", 0, (1,))
        assert [abs(value) for _, value in parts] == sorted((abs(value) for _, value in parts), reverse=True)
        assert w.grad is not None
        assert sum(value for _, value in parts) == pytest.approx(w.grad[1].item())
        assert walk.places[1].node == parts[0][0].node
        assert walk.places[2].index == (2, 1)  # of all rows the one with 9
        assert (walk.ending, walk.reason) == ("loss", "")
        for place in walk.places:
            assert entered(graph, recording.node(place.node), place.side, place.slot, place.index) == place.value


def test_a_number_in_the_middle_is_followed_too(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain", 1)) as recording:
        graph = first_graph(recording)
        minus = graph.nodes[1]
        assert follow(graph, minus, "out", 0, ()).nodes == (minus.id, graph.nodes[0].id)
        assert follow(graph, minus, "in", 0, ()).nodes == (minus.id, graph.nodes[0].id)


def test_where_no_rule_is_known_the_walk_ends_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.rules.upstream.find_rule", lambda type_: None)
    with open_recording(make_bow(tmp_path / "bow.chain", 1)) as recording:
        graph = first_graph(recording)
        walk = follow(graph, leaf(graph, "w"), "in", 0, ())
    assert walk.ending == "no_rule"
    assert "MulBackward0" in walk.reason
    assert len(walk.places) == 2


def test_without_data_there_is_nothing_to_follow(tmp_path: Path) -> None:
    with open_recording(make_layers(tmp_path / "x.chain", level="stats")) as recording:
        graph = first_graph(recording)
        walk = follow(graph, leaf(graph, "fc.weight"), "in", 0, (0, 0))
    assert (walk.places, walk.ending) == ((), "no_data")


def test_an_element_that_is_not_there(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain", 1)) as recording:
        graph = first_graph(recording)
        assert follow(graph, graph.nodes[0], "out", 0, (3,)).ending == "no_rule"
        with pytest.raises(UnsupportedError, match="no gradient 7"):
            entered(graph, graph.nodes[0], "out", 7, ())


def test_a_number_that_nothing_made_up_ends_there(tmp_path: Path) -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with record(tmp_path / "x.chain"):
        (x[1:] * 2).sum().backward()
    with open_recording(tmp_path / "x.chain") as recording:
        graph = first_graph(recording)
        walk = follow(graph, leaf(graph, "x"), "in", 0, (0,))
    assert walk.places[-1].value == 0
    assert walk.ending in ("no_terms", "no_rule")  # the latter as long as slices have no rule
