"""Forward operations are kept for the backward passes that ask for them, and no longer."""

from __future__ import annotations

import gc

import pytest
import torch

from engine.capture import operations
from engine.capture.operations import Operation
from tests.capture.conftest import Capture


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_CLAIMED", 8)


def _kept() -> int:
    return sum(isinstance(thing, Operation) for thing in gc.get_objects())


def test_those_of_steps_long_past_are_let_go(capture: Capture) -> None:
    w = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.01)
    with capture(tensors="stats"):
        for _ in range(40):
            (w * 2).exp().sum().backward()
            optimizer.step()
        assert _kept() < 20


def test_what_graphs_meet_again_in_each_step_is_not(capture: Capture) -> None:
    w = torch.ones(3, requires_grad=True)
    v = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([v], lr=0.01)
    with capture(tensors="stats") as captured:
        kept = w.exp().sin().cos()
        for _ in range(20):
            (kept * v).tanh().sum().backward(retain_graph=True)
            optimizer.step()
    recording = captured.recording
    first, last = recording.graphs[0].id, recording.graphs[-1].id
    (before,), (after,) = (
        [node for node in recording.nodes(graph) if node.type == "ExpBackward0"] for graph in (first, last)
    )
    assert after.line == before.line is not None
    assert after.forward_event == before.forward_event


def test_what_was_let_go_is_not_run_again(capture: Capture) -> None:
    """A graph that comes back after many steps has its old forward events, if not the lines that made them."""
    w = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.01)
    with capture(tensors="stats") as captured:
        old = torch.ones(3, requires_grad=True).exp().sum()
        old.backward(retain_graph=True)
        for _ in range(20):
            (w * 2).exp().sum().backward()
            optimizer.step()
        old.backward()
    recording = captured.recording
    exps = [
        [node.forward_event for node in recording.nodes(graph.id) if node.type == "ExpBackward0"]
        for graph in (recording.graphs[0], recording.graphs[-1])
    ]
    assert exps[0] == exps[1]
