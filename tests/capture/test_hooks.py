"""Hooks of the user that replace gradients: the sums before them and what they made of it are both kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.recording.model import Node
from engine.rules.verify import Proof, verify_graph
from tests.capture.conftest import Capture, Captured


def _proofs(captured: Captured, graph: int = 0) -> dict[str, Proof]:
    return {proof.type: proof for proof in verify_graph(captured.recording, graph)}


def _event(captured: Captured, node_type: str) -> int:
    timeline = captured.recording.timeline
    (node,) = [node.id for node in captured.recording.nodes(0) if node.type == node_type]
    return int({**timeline.backward_event(0), **timeline.accumulate_event(0)}[node])


def test_a_tensor_hook_is_told_from_the_sum(capture: Capture) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with capture() as captured:
        y = x * 3
        y.register_hook(lambda gradient: gradient * 2)
        y.register_hook(lambda gradient: gradient * 5)
        (y + y.exp()).sum().backward()
    event = _event(captured, "MulBackward0")
    (arrived,) = captured.values(event, "grad_arrived")
    np.testing.assert_allclose(arrived, 1 + np.exp([3.0, 6.0]), rtol=1e-6)
    np.testing.assert_allclose(captured.values(event, "grad_output")[0], 10 * arrived, rtol=1e-6)
    proof = _proofs(captured)["MulBackward0"]
    assert (proof.state, proof.reason) == ("proved", "a hook of yours replaced a gradient here")


@pytest.mark.parametrize("where", ["before", "after"])
def test_hooks_on_a_node(where: str, capture: Capture) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with capture() as captured:
        y = x * 3
        assert y.grad_fn is not None
        if where == "before":
            y.grad_fn.register_prehook(lambda gradients: (gradients[0] * 2,))
        else:
            y.grad_fn.register_hook(lambda grad_inputs, grad_outputs: (grad_inputs[0] * 2, None))
        y.exp().sum().backward()
    event = _event(captured, "MulBackward0")
    role, other = ("grad_arrived", "grad_output") if where == "before" else ("grad_computed", "grad_input")
    np.testing.assert_array_equal(2 * captured.values(event, role)[0], captured.values(event, other)[0])
    assert {proof.state for proof in _proofs(captured).values()} == {"proved"}


def test_a_hook_that_changes_nothing_leaves_no_trace(capture: Capture) -> None:
    seen: list[float] = []
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with capture() as captured:
        y = x * 3
        y.retain_grad()
        y.register_hook(lambda gradient: seen.append(gradient.sum().item()))
        x.register_hook(lambda gradient: seen.append(gradient.sum().item()))
        y.sum().backward()
    assert seen == [2.0, 6.0]
    roles = {value.role for number in captured.events("backward") for value in captured.recording.values(number)}
    assert roles.isdisjoint({"grad_arrived", "grad_computed"})


def test_hooks_on_a_leaf(capture: Capture) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    def by_hand(leaf: torch.Tensor) -> None:
        with torch.no_grad():
            leaf -= 0.5 * leaf.grad  # type: ignore[operator]
        leaf.grad = None

    with capture() as captured:
        x.register_hook(lambda gradient: gradient * 2)
        x.register_post_accumulate_grad_hook(by_hand)
        (x * 3).sum().backward()
    event = _event(captured, "AccumulateGrad")
    assert [captured.values(event, role)[0].tolist() for role in ("grad_arrived", "grad_input", "grad_after")] == [
        [3.0, 3.0],
        [6.0, 6.0],
        [6.0, 6.0],
    ]
    assert _proofs(captured)["AccumulateGrad"].state == "proved"
    (update,) = captured.events("update")
    assert captured.values(update, "param_after")[0].tolist() == [-2.0, -1.0]


def test_a_hook_on_a_leaf_whose_gradient_is_handed_out(capture: Capture) -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    with capture() as captured:
        w.register_hook(lambda gradient: gradient * 0.5)
        (returned,) = torch.autograd.grad((w * w).sum(), [w])
    event = _event(captured, "AccumulateGrad")
    np.testing.assert_array_equal(captured.values(event, "grad_arrived")[0], [2.0, 4.0])
    np.testing.assert_array_equal(captured.values(event, "grad_input")[0], returned)
    proof = _proofs(captured)["AccumulateGrad"]
    assert (proof.state, proof.reason) == ("proved", "a hook of yours replaced a gradient here")


def test_a_hook_from_before_the_recording_is_no_mistake_of_autograds(capture: Capture) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda gradient: gradient * 2)
    with capture() as captured:
        (x * 3).sum().backward()
    proof = _proofs(captured)["AccumulateGrad"]
    assert proof.state == "unknown"
    assert "a hook of yours" in proof.reason


def test_module_hooks(capture: Capture) -> None:
    layer = nn.Linear(2, 2)

    def triple(module: nn.Module, grad_inputs: Any, grad_outputs: Any) -> tuple[torch.Tensor]:
        return (grad_inputs[0] * 3,)

    layer.register_full_backward_hook(triple)
    with capture() as captured:
        layer(torch.ones(1, 2, requires_grad=True) * 1).sum().backward()
    proofs = list(verify_graph(captured.recording, 0))
    assert {proof.state for proof in proofs} == {"proved"}
    remarks = [proof.reason for proof in proofs if proof.type == "BackwardHookFunctionBackward"]
    assert sorted(remarks) == ["", "a hook of yours replaced a gradient here"]


def test_a_hook_that_writes_unseen_to_its_gradient(capture: Capture) -> None:
    """A write through `.data` counts no version up; the recording knows of it all the same."""

    def halve(gradient: torch.Tensor) -> None:
        gradient.data.mul_(0.5)

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with capture() as captured:
        y = x * 3
        y.register_hook(halve)
        y.exp().sum().backward()
    event = _event(captured, "MulBackward0")
    np.testing.assert_allclose(captured.values(event, "grad_output")[0], 0.5 * np.exp([3.0, 6.0]), rtol=1e-6)


def test_hooks_are_the_users_own_again_afterwards(capture: Capture) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    seen: list[Any] = []
    with capture():
        handle = x.register_hook(seen.append)
    (x * 3).sum().backward()
    assert [gradient.tolist() for gradient in seen] == [[3.0, 3.0]]
    handle.remove()
    (x * 3).sum().backward()
    assert len(seen) == 1


def test_a_pass_from_several_roots_tells_what_it_began_with(capture: Capture) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with capture() as captured:
        y = x * 3
        z = y.sum()
        torch.autograd.backward([z, y, x], [None, torch.tensor([4.0, 5.0]), torch.ones(2)])
    starts = [
        captured.values(_event(captured, kind), "grad_start")
        for kind in ("SumBackward0", "MulBackward0", "AccumulateGrad")
    ]
    assert [start[0].tolist() for start in starts] == [1.0, [4.0, 5.0], [1.0, 1.0]]
    assert {proof.state for proof in _proofs(captured).values()} == {"proved"}
    sums = [check for proof in _proofs(captured).values() for check in proof.checks if check.what == "sum"]
    assert len(sums) == 3


def test_a_node_with_several_outputs_tells_their_shapes(capture: Capture) -> None:
    x = torch.rand(4, 3, requires_grad=True)
    with capture() as captured:
        parts = x.split([1, 3])
        parts[1].sum().backward()
    (node,) = [node for node in captured.recording.nodes(0) if node.type.startswith("Split")]
    assert isinstance(node, Node)
    assert node.info["outputs"] == [[[1, 3], "float32"], [[3, 3], "float32"]]
