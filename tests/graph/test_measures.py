"""Measures of nodes: against numbers worked out by hand for the bow, and against what a damaged gradient must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.graph import measures
from engine.recording.model import Edge, Graph, Node, Parameter, StepStart
from engine.recording.reader import Recording, open_recording
from engine.recording.writer import Writer
from tests.recordings import Script, Values, make_bow, make_chain, make_info


@pytest.fixture
def bow(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        yield recording


def _of(recording: Recording, measure: Callable[[Recording, int], measures.Floats], graph: int = 0) -> dict[str, float]:
    nodes = recording.nodes(graph)
    return {node.name or node.type: float(v) for node, v in zip(nodes, measure(recording, graph), strict=True)}


def test_gradient_and_value_norms_of_the_bow(bow: Recording) -> None:
    """prediction = 1.25, loss = 14.0625; dL/dw = -15, dL/db = -7.5 at w = 0.5, b = 0.25."""
    norms, values, ratio = (
        _of(bow, each) for each in (measures.gradient_norms, measures.value_norms, measures.gradient_to_value)
    )
    assert (norms["w"], norms["b"], norms["loss"], norms["prediction"]) == (15.0, 7.5, 1.0, 7.5)
    assert (values["w"], values["b"], values["prediction"], values["loss"]) == (0.5, 0.25, 1.25, 14.0625)
    assert ratio["w"] == 30.0
    assert np.isnan(norms["x"])  # no gradient is asked of it


def test_a_gradient_of_a_value_that_is_zero_is_not_taken_for_one_that_was_not_recorded(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "zero.chain", start=(0.5, 0.0))) as recording:
        ratio = _of(recording, measures.gradient_to_value)
    assert ratio["b"] == np.inf
    assert np.isnan(ratio["x"])
    values = np.array([ratio["b"], ratio["w"], np.nan])
    assert measures.together(measures.MEASURES["ratio"], values) == ratio["w"]
    assert measures.together(measures.MEASURES["ratio"], values[:1]) == np.inf


def test_each_event_counts_the_time_since_the_one_before(bow: Recording) -> None:
    """Events follow each other by a millisecond; the first of each phase counts nothing."""
    took = _of(bow, measures.seconds)
    assert took["w"] == pytest.approx(0.001, rel=1e-3)  # accumulated; its update is the first of the phase
    assert took["b"] == pytest.approx(0.002, rel=1e-3)
    assert took["loss"] == pytest.approx(0.001, rel=1e-3)  # forward only: its backward is the first of the phase
    assert took["prediction"] == pytest.approx(0.002, rel=1e-3)


@pytest.fixture
def ill(tmp_path: Path) -> Iterator[Recording]:
    """A chain of eight operations with norms 1, 1, 1, 1, 1e-9, 0, NaN, 1e6, and a node that never ran."""
    path = tmp_path / "ill.chain"
    norms = (1.0, 1.0, 1.0, 1.0, 1e-9, 0.0, np.nan, 1e6)
    with Writer(path, make_info()) as writer:
        writer.put(Parameter(0, "w", "", (2,), "float32"))
        writer.put(StepStart(0, 1.0))
        writer.put(Graph(0, 0, "backward", 0, None))
        for number in range(9):
            writer.put(Node(number, 0, "operation", "MulBackward0", name=f"n{number}"))
        for number in range(8):
            writer.put(Edge(0, number, 0, number + 1, 0))
        script = Script(writer)
        for number, norm in enumerate(norms):
            gradient: Values = {("grad_output", 0, ""): np.array([norm, 0.0])}
            kept: Values = {("saved", 0, "self"): np.zeros(10 * number)} if number else {}
            script.event(0, 0, "backward", number, values={**gradient, **kept})
    with open_recording(path) as recording:
        yield recording


def test_health(ill: Recording) -> None:
    state = measures.health(ill, 0).tolist()
    assert state[:3] == [measures.HEALTHY] * 3
    assert state[4:8] == [measures.VANISHING, measures.DEAD, measures.NOT_FINITE, measures.EXPLODING]
    assert np.isnan(state[8])


def test_a_norm_of_what_is_left_beside_nan_is_none(ill: Recording) -> None:
    """[NaN, 0] has a norm of 0 in its statistics."""
    norms = measures.sound_norms(ill, 0)
    assert norms[6] == measures.SPOILED
    assert np.isfinite(norms[:6]).all()
    assert np.isnan(norms[8])
    for name in ("norm", "ratio"):
        assert measures.together(measures.MEASURES[name], norms[5:9]) == measures.SPOILED


def test_kept_bytes(ill: Recording) -> None:
    """Ten float64 more with each node; the last one never ran."""
    assert measures.memory(ill, 0).tolist() == [*(80.0 * number for number in range(8)), 0.0]


@pytest.mark.parametrize(("name", "expected"), [("norm", 5.0), ("time", 7.0), ("ratio", 4.0)])
def test_several_nodes_as_one(name: str, expected: float) -> None:
    together = measures.together(measures.MEASURES[name], np.array([3.0, np.nan, 4.0]))
    assert together == expected
    assert np.isnan(measures.together(measures.MEASURES[name], np.array([np.nan])))


def test_every_measure_answers_for_every_node(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=50, steps=2)) as recording:
        graph = recording.graphs[1].id
        for measure in measures.MEASURES.values():
            assert measure.of(recording, graph).shape == (len(recording.nodes(graph)),)
