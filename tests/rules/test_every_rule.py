"""Every rule on PyTorch's own samples: it proves them, it notices what was moved, and its terms sum to the element."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.arithmetic import Bounded, value_of
from engine.arithmetic.compare import allowed
from engine.recording.reader import Recording, open_recording
from engine.rules.reading import GraphValues
from engine.rules.registry import Rule, all_not_differentiable, all_rules, find_rule, reason_not_differentiable
from engine.rules.terms import break_down
from engine.rules.values import NodeValues, UnsupportedError
from engine.rules.verify import STATES, check_gradients, verify_graph
from tools.prove.samples import operators, record_samples

SAMPLES = 1  # of each operator; `make prove` does them all
WRONG_IN_TORCH = {"AsStridedScatterBackward0"}  # tests/rules/families/test_copying.py shows it by differences
OPERATORS = sorted(operators())


class Moved(NodeValues):
    """The same node with one element of a recorded gradient moved."""

    def __init__(self, values: NodeValues, slot: int, array: Any) -> None:
        vars(self).update(vars(values))
        self._moved = (slot, array)

    def recorded(self, slot: int) -> Any:
        return self._moved[1] if slot == self._moved[0] else super().recorded(slot)


@pytest.fixture(params=OPERATORS)
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recording]:
    path = tmp_path / "samples.chain"
    outcome = record_samples(request.param, "float32", path, limit=SAMPLES)
    assert outcome.identical
    with open_recording(path) as recording:
        yield recording


def _nodes(recording: Recording) -> Iterator[tuple[GraphValues, Any, Rule]]:
    """The operations that ran and have a rule, each type once."""
    seen = set()
    for graph in recording.graphs:
        values = GraphValues(recording, graph.id)
        for node in values.nodes:
            rule = find_rule(node.type)
            if rule is not None and node.type not in seen and values.event_of(node) is not None:
                seen.add(node.type)
                yield values, node, rule


def test_samples_are_proved_and_what_is_moved_is_caught(recording: Recording) -> None:
    for graph in recording.graphs:
        for proof in verify_graph(recording, graph.id):
            assert proof.state in STATES
            assert proof.state != "wrong" or proof.type in WRONG_IN_TORCH, f"{proof.type}: {proof.reason}"
            if find_rule(proof.type) is None and reason_not_differentiable(proof.type) is None:
                assert proof.type == "AccumulateGrad" or proof.state in ("unknown", "not_run", "no_data")
    for graph_values, node, rule in _nodes(recording):
        values = graph_values.values(node)
        assert values is not None
        try:
            computed = rule.vjp(values)
        except UnsupportedError:
            continue
        for slot in values.slots:
            _assert_caught(values, slot, computed[slot])
        _assert_terms_sum(graph_values.values(node, plain=True), rule, computed)


def _assert_caught(values: NodeValues, slot: int, computed: Any) -> None:
    value = value_of(computed)
    errors = computed.errors if isinstance(computed, Bounded) else None
    bound = allowed(value, errors, values.dtype(slot))
    places = np.argwhere(np.isfinite(value) & np.isfinite(bound))
    if not len(places):
        return
    at = tuple(places[len(places) // 2])
    recorded = values.recorded(slot).astype(np.complex128 if value.dtype.kind == "c" else np.float64)
    recorded[at] = np.real(value[at]) + 3 * bound[at] if recorded.dtype.kind != "c" else value[at] + 3 * bound[at]
    found = {check.slot: check.comparison for check in check_gradients(Moved(values, slot, recorded))}[slot]
    assert not found.holds, f"{values.type}: input {slot}, element {at} was moved and nobody noticed"
    assert found.worst == at


def _assert_terms_sum(values: NodeValues | None, rule: Rule, computed: dict[int, Any]) -> None:
    assert values is not None
    for slot in values.slots:
        value = value_of(computed[slot])
        if not value.size:
            continue
        index = tuple(length // 2 for length in value.shape)
        try:
            terms = break_down(rule, values, slot, index)
        except UnsupportedError:
            continue
        scale = max(1.0, abs(terms.total), sum(abs(term.value) for term in terms.listed))
        if np.isfinite(value[index]) and np.isfinite(scale):
            assert abs(terms.total - value[index]) <= 1e-5 * scale, f"{rule.type}: terms of input {slot} at {index}"
            assert abs(sum(term.value for term in terms.listed) + terms.rest - terms.total) <= 1e-9 * scale


def test_no_type_is_both_a_rule_and_not_differentiable() -> None:
    assert not set(all_rules()) & set(all_not_differentiable())


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.type)
def test_a_rule_says_what_it_does(rule: Rule) -> None:
    assert rule.words[0].isupper()
    assert rule.words.endswith(".")
    assert rule.formulas
    assert all(formula.count("{") == formula.count("}") for formula in rule.formulas.values())
