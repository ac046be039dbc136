"""Backward passes of every kind: which graph, which events, in which order, with which values."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from engine.recording.model import Node
from tests.capture.conftest import Capture
from tests.capture.programs import Tangled, Twice


def _nodes(recording: Any, graph: int = 0) -> dict[str, Node]:
    return {node.type: node for node in recording.nodes(graph) if node.kind == "operation"}


def _note_name(ran: list[str], name: str, grad_inputs: Any, grad_outputs: Any) -> None:
    ran.append(name.rsplit("::", 1)[-1])


def _triple(module: nn.Module, grad_inputs: Any, grad_outputs: Any) -> Any:
    return (grad_inputs[0] * 3,)


def test_backward_events_stand_in_autograds_order(capture: Capture) -> None:
    ran: list[str] = []
    model = Tangled()
    with capture() as captured:
        loss = model(torch.randn(3, 5, 4)).sum()
        waiting, seen = [loss.grad_fn], set()
        while waiting:
            fn = waiting.pop()
            if fn is None or fn in seen:
                continue
            seen.add(fn)
            fn.register_hook(partial(_note_name, ran, fn.name()))
            waiting += [child for child, _ in fn.next_functions]
        loss.backward()
    recording = captured.recording
    told = [
        recording.node(event.node).type
        for event in map(recording.event, range(len(recording.timeline)))
        if event.kind in ("backward", "accumulate") and event.node is not None
    ]
    assert told == ran


def test_gru_operations_are_matched_to_their_nodes(capture: Capture) -> None:
    """An in-place `mul_` whose node saves the value that it overwrites takes one number more than it seems."""
    with capture() as captured:
        nn.GRU(4, 6)(torch.randn(5, 2, 4))[0].sum().backward()
    for node in captured.recording.nodes(0):
        if node.kind == "operation":
            plain = node.operation.split(".")[1].replace("_", "")
            assert plain == node.type.split("Backward")[0].lower().replace("_", ""), node
            assert node.forward_event is not None
            (output, *_) = captured.values(node.forward_event, "output")
            assert output.shape == node.shape


def test_a_custom_function_is_fed_and_seen(capture: Capture) -> None:
    value = torch.tensor([1.0, 3.0], requires_grad=True)
    with capture() as captured:
        result = Twice.apply(value, 0.5)  # type: ignore[no-untyped-call]
        result.sum().backward()
    node = _nodes(captured.recording)["TwiceBackward"]
    assert node.name == "result"
    assert node.info["saved"]["factor"] == 0.5
    assert node.forward_event is not None
    np.testing.assert_array_equal(captured.values(node.forward_event, "output")[0], [0.5, 4.5])
    event = captured.recording.timeline.backward_event(0)[node.id]
    np.testing.assert_array_equal(captured.values(event, "saved")[0], [1.0, 3.0])
    np.testing.assert_array_equal(captured.values(event, "grad_input")[0], [1.0, 3.0])


def test_a_weight_used_twice_gets_the_sum(capture: Capture) -> None:
    w = torch.tensor(3.0, requires_grad=True)
    with capture() as captured:
        (w * 2 + w * 5).backward()
    (leaf,) = [node for node in captured.recording.nodes(0) if node.kind == "parameter"]
    assert len([edge for edge in captured.recording.edges(0) if edge.target == leaf.id]) == 2
    (event,) = captured.events("accumulate")
    assert captured.values(event, "grad_input") == [7.0]
    assert captured.values(event, "param_before") == [3.0]


def test_what_grad_held_before_is_kept(capture: Capture) -> None:
    w = torch.tensor(3.0, requires_grad=True)
    with capture() as captured:
        (w * 2).backward()
        (w * 5).backward()
    first, second = captured.events("accumulate")
    assert captured.values(first, "grad_before") == []
    assert captured.values(second, "grad_before") == [2.0]
    assert captured.values(second, "grad_after") == [7.0]
    assert [graph.step for graph in captured.recording.graphs] == [0, 0]


def test_autograd_grad_gives_out_what_it_computed(capture: Capture) -> None:
    w = torch.tensor(3.0, requires_grad=True)
    with capture() as captured:
        (gradient,) = torch.autograd.grad(w * w, [w])
    assert gradient.item() == 6.0
    assert w.grad is None
    assert captured.recording.graphs[0].kind == "grad"
    (event,) = captured.events("accumulate")
    assert captured.recording.event(event).info["returned"] is True
    assert captured.values(event, "grad_input") == [6.0]


def test_a_gradient_of_a_gradient_has_its_own_graph(capture: Capture) -> None:
    w = torch.tensor(3.0, requires_grad=True)
    with capture() as captured:
        (gradient,) = torch.autograd.grad(w**3, w, create_graph=True)
        gradient.backward()
    assert w.grad is not None
    assert w.grad.item() == 18.0
    first, second = captured.recording.graphs
    assert (first.kind, second.kind) == ("grad", "backward")
    made_in_backward = [node for node in captured.recording.nodes(second.id) if node.info.get("during_backward")]
    assert made_in_backward
    assert captured.values(captured.events("accumulate")[-1], "grad_after") == [18.0]


def test_a_graph_can_be_run_twice(capture: Capture) -> None:
    w = torch.tensor(3.0, requires_grad=True)
    with capture() as captured:
        loss = w * w
        loss.backward(retain_graph=True)
        loss.backward()
    assert len(captured.events("forward")) == 1
    assert len(captured.events("backward")) == 2
    first, second = (next(n for n in captured.recording.nodes(g) if n.kind == "operation") for g in (0, 1))
    assert first.forward_event == second.forward_event == 0


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing_works_under_capture(reentrant: bool, capture: Capture) -> None:
    layer = nn.Linear(3, 3)
    data = torch.randn(2, 3, requires_grad=True)

    def run() -> list[torch.Tensor]:
        layer.zero_grad()
        checkpoint(lambda value: layer(value).tanh(), data, use_reentrant=reentrant).sum().backward()
        assert layer.weight.grad is not None
        return [layer.weight.grad.clone()]

    expected = run()
    with capture() as captured:
        observed = run()
    assert torch.equal(expected[0], observed[0])
    assert "weight" in {parameter.name for parameter in captured.recording.parameters}
    if reentrant:
        assert len(captured.recording.graphs) == 2


def test_writing_to_a_view_is_tied_to_its_line(capture: Capture) -> None:
    w = torch.randn(4, 4, requires_grad=True)
    with capture() as captured:
        y = w * 1
        y[:, 1] = y[:, 0] * 2
        y.sum().backward()
    slices = _nodes(captured.recording)["CopySlices"]
    assert slices.operation == "aten.copy_.default"
    assert slices.line is not None


@pytest.mark.parametrize("hooks", ["module", "tensor", "after accumulation"])
def test_the_users_own_hooks_keep_their_say(hooks: str, capture: Capture) -> None:
    def run() -> list[torch.Tensor | None]:
        torch.manual_seed(0)
        layer = nn.Linear(3, 3)
        if hooks == "module":
            layer.register_full_backward_hook(_triple)
        elif hooks == "tensor":
            layer.weight.register_hook(lambda gradient: gradient * 2)
        else:
            optimizer = torch.optim.SGD([layer.weight], lr=0.1)
            layer.weight.register_post_accumulate_grad_hook(lambda leaf: optimizer.step())
        data = torch.ones(2, 3, requires_grad=True)
        layer(data).sum().backward()
        return [data.grad, layer.weight.grad, layer.weight.detach()]

    expected = run()
    with capture() as captured:
        observed = run()
    for one, other in zip(expected, observed, strict=True):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)
    assert len(captured.events("update")) == (hooks == "after accumulation")


def test_a_jagged_tensor_whose_shape_is_a_symbol_is_recorded(capture: Capture) -> None:
    layer = nn.Linear(4, 2)
    jagged = torch.nested.nested_tensor([torch.ones(3, 4), torch.ones(5, 4)], layout=torch.jagged)
    with capture() as captured:
        torch.relu(layer(jagged)).values().sum().backward()
    assert layer.weight.grad is not None
    accumulated = captured.events("accumulate")
    assert len(accumulated) == 2


def test_several_gradients_at_once_are_recorded_without_their_numbers(capture: Capture) -> None:
    """`is_grads_batched=True` runs the pass on tensors that stand for several, and have no memory of their own."""
    weight = torch.arange(3.0, requires_grad=True)
    with capture() as captured:
        (together,) = torch.autograd.grad(weight * 2, weight, torch.eye(3), is_grads_batched=True)
        weight.pow(2).sum().backward()
    assert torch.equal(together, 2 * torch.eye(3))
    assert captured.recording.notes == ()
    assert len(captured.recording.graphs) == 2


class CalledOtherwise(nn.Module):
    """As modules of gpytorch: no hook of modules runs."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 1)

    def __call__(self, data: torch.Tensor) -> torch.Tensor:
        return data * self.inner.weight


def test_a_parameter_of_a_module_that_runs_no_hooks_has_its_name(capture: Capture) -> None:
    model = CalledOtherwise()
    with capture() as captured:
        model(torch.ones(2)).sum().backward()
    assert [parameter.name for parameter in captured.recording.parameters] == ["inner.weight"]


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_nested_parameter_does_not_end_the_recording(capture: Capture, layout: torch.layout) -> None:
    """It has no shape in plain integers, to be named by or compared with what is written to."""
    nested = torch.nested.nested_tensor([torch.ones(2, 4), torch.ones(3, 4)], layout=layout, requires_grad=True)
    weight = torch.tensor(2.0, requires_grad=True)
    optimizer = torch.optim.SGD([nested, weight], lr=0.5, foreach=False)
    with capture() as captured:
        (torch.nested.to_padded_tensor(nested * 2, 0.0).sum() * weight).backward()
        optimizer.step()
    assert captured.recording.notes == ()
    assert len(captured.events("accumulate")) == 2
    assert len(captured.events("update")) == 2
    assert weight.item() == -18
