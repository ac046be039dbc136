"""What is said about a node's arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.desk.element import Element
from engine.desk.explain import break_element, explain, largest, walk_from
from engine.recording.model import Node
from engine.recording.reader import open_recording
from engine.rules.reading import GraphValues
from engine.rules.values import NoDataError
from tests.gui import layers
from tests.gui.layers import make_layers
from tests.recordings import make_bow

POW, SUB, ADD, MUL, B, W = range(6)


@pytest.fixture
def bow(tmp_path: Path) -> Iterator[GraphValues]:
    with open_recording(make_bow(tmp_path / "bow.chain", 1)) as recording:
        yield GraphValues(recording, 0)


@pytest.fixture
def second_step(tmp_path: Path) -> Iterator[GraphValues]:
    """Of the layers: the bias has two contributions, and `.grad` held something before."""
    with open_recording(make_layers(tmp_path / "layers.chain")) as recording:
        yield GraphValues(recording, 1)


def node(graph: GraphValues, offset: int) -> Node:
    return graph.recording.node(graph.nodes[0].id + offset)


def test_a_formula_for_each_input_with_its_numbers(bow: GraphValues) -> None:
    power = explain(bow, node(bow, POW), None)
    (line,) = power.lines
    assert (line.name, line.target, line.element) == ("self", SUB, Element("out", 0, ()))
    assert line.formula[0] == r"\frac{\partial L}{\partial \mathrm{self}}"
    assert line.numbers == (r"= 1 \cdot 2 \cdot \left(-3.75\right)^{2 - 1}", "= -7.5")
    assert line.exact
    assert power.proof.state == "proved"
    assert power.words
    plus = explain(bow, node(bow, ADD), None)
    assert [line.name for line in plus.lines] == ["self", "other"]
    assert [line.target for line in plus.lines] == [MUL, B]


def test_a_number_alone_is_said_once(bow: GraphValues) -> None:
    (line,) = explain(bow, node(bow, SUB), None).lines
    assert line.numbers == ("= -7.5",)


def test_contributions_and_accumulation_of_a_parameter(second_step: GraphValues) -> None:
    bias = node(second_step, layers.BIAS)
    found = explain(second_step, bias, Element("in", 0, (0,)))
    meeting, held = found.lines
    assert meeting.numbers == ("= 8", "+ 8", "= 16")
    assert held.numbers == ("= 16", "+ 16", "= 32")
    assert r"\mathrm{before}" in " ".join(held.formula)
    assert found.proof.state == "proved"
    largest_one = explain(second_step, bias, None)
    assert largest_one.lines[0].element == Element("in", 0, (1,))


def test_what_one_number_is_the_sum_of(second_step: GraphValues) -> None:
    bias, first = node(second_step, layers.BIAS), second_step.nodes[0].id
    parts = break_element(second_step, bias, Element("in", 0, (1,)))
    assert [(row.value, row.node - first) for row in parts.rows] == [(12, layers.ADD), (12, layers.FC)]
    assert (parts.total, parts.count, parts.value) == (24, 2, 24)
    assert parts.rows[0].element == Element("out", 1, (1,))
    start = break_element(second_step, node(second_step, layers.SUM), Element("in", 0, ()))
    assert (start.rows, start.remark) == ((), "start")


def test_a_term_is_a_coefficient_times_a_gradient(bow: GraphValues) -> None:
    (term,) = break_element(bow, node(bow, POW), Element("out", 0, ())).rows
    assert (term.coefficient, term.grad, term.value, term.node) == (-7.5, 1, -7.5, POW)
    assert term.element == Element("in", 0, ())


def test_without_a_rule_the_number_is_shown_and_no_terms(
    second_step: GraphValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.desk.explain.find_rule", lambda type_: None)
    found = break_element(second_step, node(second_step, layers.FC), Element("out", 2, (0, 0)))
    assert (found.value, found.rows) == (5, ())
    assert "no rule" in found.remark


def test_the_way_upstream(bow: GraphValues) -> None:
    walk = walk_from(bow, node(bow, W), Element("in", 0, ()))
    assert walk.nodes == (W, MUL, ADD, SUB, POW)
    assert walk.ending == "loss"


def test_statistics_alone_prove_nothing(tmp_path: Path) -> None:
    with open_recording(make_layers(tmp_path / "layers.chain", level="stats")) as recording:
        graph = GraphValues(recording, 0)
        mul = recording.node(layers.MUL)
        found = explain(graph, mul, None)
        assert found.proof.state == "no_data"
        assert all(line.formula and not line.numbers and line.note for line in found.lines)
        with pytest.raises(NoDataError):
            break_element(graph, mul, Element("out", 0, (0, 0)))


def test_the_largest_is_furthest_from_zero_or_not_a_number() -> None:
    assert largest(np.array([[1.0, -9.0], [3.0, 2.0]])) == (0, 1)
    assert largest(np.array([1.0, np.nan, np.inf])) in ((1,), (2,))
    assert largest(np.zeros((0, 3))) is None
    assert largest(np.array(2.0)) == ()
