"""What a proof of a custom function or of a write to a view needs to know of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch

from engine.recording.model import Node
from tests.capture.conftest import Capture, Captured


def _writes(captured: Captured) -> list[Node]:
    """From the first to the last that ran."""
    return [node for node in captured.recording.nodes(0) if node.type == "CopySlices"][::-1]


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, factor: float, other: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(other)
        ctx.factor = factor
        return Inner.apply(value * other) * factor  # type: ignore[no-any-return, no-untyped-call]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (other,) = ctx.saved_tensors
        return grads[0] * other * ctx.factor, None, None


class Inner(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0]


def test_a_custom_function_tells_what_it_was_given(capture: Capture) -> None:
    value, other = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([5.0, 6.0])
    with capture() as captured:
        Scaled.apply(value, 3.0, other).sum().backward()  # type: ignore[no-untyped-call]
    (node,) = [node for node in captured.recording.nodes(0) if node.type == "ScaledBackward"]
    assert node.info["args"] == {"factor": 3.0}
    assert node.forward_event is not None
    found = {(v.role, v.slot): captured.recording.data(v.tensor) for v in captured.recording.values(node.forward_event)}
    np.testing.assert_array_equal(found["operand", 0], [1.0, 2.0])
    np.testing.assert_array_equal(found["input", 2], [5.0, 6.0])
    np.testing.assert_array_equal(found["output", 0], [15.0, 36.0])


class Split(torch.autograd.Function):
    """Computes last what it does not return last; of several results of one shape, each is its own."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> tuple[torch.Tensor, ...]:
        low, high = value.clamp(max=0), value.clamp(min=0)
        ctx.save_for_backward((value > 0).to(value.dtype))
        return high, low, value.sum()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (mask,) = ctx.saved_tensors
        return grads[0] * mask + grads[1] * (1 - mask) + grads[2]


class Kept(torch.autograd.Function):
    """Overwrites what it was given, and computes outside of torch."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        ctx.mark_dirty(value)
        value.numpy()[:] = np.exp(value.numpy())
        ctx.save_for_backward(value)
        return value

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * ctx.saved_tensors[0]


def _outputs(captured: Captured, type_: str, graph: int = 0) -> dict[int, Any]:
    (node,) = [node for node in captured.recording.nodes(graph) if node.type == type_]
    assert node.forward_event is not None
    values = [value for value in captured.recording.values(node.forward_event) if value.role == "output"]
    return {value.slot: captured.recording.data(value.tensor) for value in values}


def test_a_custom_function_gave_what_it_returned(capture: Capture) -> None:
    """To operators, in lists, to other custom functions, and as the root of a pass; not what it merely computed."""
    value = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    with capture() as captured:
        high, low, total = Split.apply(value)  # type: ignore[no-untyped-call]
        (torch.stack([high * 2, low]).sum() + total).backward()
        high, low, total = Split.apply(value * 1)  # type: ignore[no-untyped-call]
        torch.cat(tensors=[low]).sum().backward(retain_graph=True)
        Scaled.apply(high, 2.0, high.detach()).sum().backward()  # type: ignore[no-untyped-call]
        Scaled.apply(value[0], 2.0, torch.tensor(4.0)).backward()  # type: ignore[no-untyped-call]
        Kept.apply(value * 1).sum().backward()  # type: ignore[no-untyped-call]
    first = _outputs(captured, "SplitBackward")
    np.testing.assert_array_equal(first[0], [1, 0, 3])
    np.testing.assert_array_equal(first[1], [0, -2, 0])
    np.testing.assert_array_equal(first[2], 2)
    second = _outputs(captured, "SplitBackward", 1)
    assert sorted(second) == [1]  # nothing had read another by then
    np.testing.assert_array_equal(second[1], [0, -2, 0])
    np.testing.assert_array_equal(_outputs(captured, "ScaledBackward", 3)[0], 8)
    np.testing.assert_allclose(_outputs(captured, "KeptBackward", 4)[0], value.detach().exp(), rtol=1e-6)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        return value * 2

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * 2


class Slope(torch.autograd.Function):
    """Computes with gradients first, in graphs of its own, and calls other custom functions there."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, detached: bool) -> torch.Tensor:
        with torch.enable_grad():
            own = value.detach().requires_grad_() if detached else value
            (slope,) = torch.autograd.grad((Doubled.apply(own) * own).sum(), own)  # type: ignore[no-untyped-call]
        return slope * 10

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * 40, None


class Outer(torch.autograd.Function):
    """Calls another before it computes anything."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        doubled: torch.Tensor = Doubled.apply(Doubled.apply(value))  # type: ignore[no-untyped-call]
        return doubled + 1

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * 4


@pytest.mark.parametrize("detached", [True, False])
def test_a_custom_function_may_compute_with_gradients_before_anything_else(detached: bool, capture: Capture) -> None:
    value = torch.tensor([1.0, -2.0], requires_grad=True)
    with capture() as captured:
        Slope.apply(value * 3, detached).sum().backward()  # type: ignore[no-untyped-call]
    np.testing.assert_array_equal(_outputs(captured, "DoubledBackward", 0)[0], [6, -12])
    (outer,) = [node for node in captured.recording.nodes(1) if node.type == "SlopeBackward"]
    assert outer.forward_event is not None
    values = {
        (value.role, value.slot): captured.recording.data(value.tensor)
        for value in captured.recording.values(outer.forward_event)
    }
    np.testing.assert_array_equal(values["operand", 0], [3, -6])
    np.testing.assert_array_equal(values["output", 0], [120, -240])


def test_a_custom_function_may_call_another_before_anything_else(capture: Capture) -> None:
    value = torch.tensor([1.0, -2.0], requires_grad=True)
    with capture() as captured:
        outer = Outer.apply(value)  # type: ignore[no-untyped-call]
        outer.sum().backward()
    np.testing.assert_array_equal(_outputs(captured, "OuterBackward")[0], [5, -7])
    assert [node.operation for node in captured.recording.nodes(0) if node.type == "OuterBackward"] == ["Outer"]
    (node,) = (node for node in captured.recording.nodes(0) if node.type == "OuterBackward")
    assert node.name == "outer"
    assert node.function == "test_a_custom_function_may_call_another_before_anything_else"


def test_what_is_conjugated_first_is_not_taken_for_the_operation(capture: Capture) -> None:
    """Operators that cannot read conjugated or negated numbers clone them first, under the number of their node."""
    z, u = (torch.tensor([1 + 2j, part], requires_grad=True) for part in (3 - 1j, 2j))
    data = torch.tensor([1j, 2.0])
    with capture() as captured:
        results = [z.conj() * u.conj(), data.conj() * z, z.conj().exp(), torch._neg_view(z.real) * 3, z.conj().clone()]
        (results[0] + results[1] + results[2] + results[3] + results[4]).abs().sum().backward()
    nodes = captured.recording.nodes(0)
    found: dict[int, Any] = {}
    for node in nodes:
        if node.type in ("MulBackward0", "ExpBackward0", "CloneBackward0"):
            assert node.forward_event is not None
            assert node.sequence_nr is not None
            values = captured.recording.values(node.forward_event)
            (output,) = (captured.recording.data(value.tensor) for value in values if value.role == "output")
            given = [captured.recording.data(value.tensor) for value in values if value.role == "input"]
            found[node.sequence_nr] = (node.operation, output, given)
    operators = ["aten.mul.Tensor", "aten.mul.Tensor", "aten.exp.default", "aten.mul.Tensor", "aten.clone.default"]
    assert [found[number][0] for number in sorted(found)] == operators
    for number, result in zip(sorted(found), results, strict=True):
        np.testing.assert_allclose(found[number][1], result.detach().resolve_conj().numpy(), rtol=1e-6)
    assert [len(found[number][2]) for number in sorted(found)] == [0, 1, 0, 0, 0]
    np.testing.assert_array_equal(found[sorted(found)[1]][2][0], [-1j, 2])


class Named(torch.Tensor):
    """A class of tensors that adds nothing."""


def test_a_tensor_that_changes_class_keeps_its_numbers(capture: Capture) -> None:
    """Its alias is made by no operator, so that the next one was taken for it."""
    value = torch.tensor([1.0, 2.0], requires_grad=True)
    with capture() as captured:
        result = (value * 3).as_subclass(Named).exp()
        result.backward(torch.ones(2) * 5)
    aliases = [node for node in captured.recording.nodes(0) if node.type == "AliasBackward0"]
    assert {node.operation for node in aliases} == {"aten.alias.default"}
    found: list[Any] = []
    for node in sorted(aliases, key=lambda each: each.forward_event or 0):
        assert node.forward_event is not None
        (output,) = captured.recording.values(node.forward_event)
        found.append(captured.recording.data(output.tensor))
    expected = value.detach() * 3
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_allclose(found[-1], expected.exp(), rtol=1e-6)


def test_the_whole_of_which_a_part_was_written_is_what_was_read_of_it(capture: Capture) -> None:
    """Not the part, and not in its order."""
    value = torch.arange(9.0).reshape(3, 3).requires_grad_()
    with capture() as captured:
        turned, rows = value * 1, value * 1
        turned.t().mul_(torch.tensor([1.0, 10, 100]))
        rows[0] = value[1] * 2
        rows[1:].mul_(-1)
        (torch.cat([turned, rows]).sum() + rows.view(-1)[0]).backward()
    writes = [node for node in captured.recording.nodes(0) if node.type == "CopySlices"]
    found = []
    for node in sorted(writes, key=lambda each: each.forward_event or 0):
        assert node.forward_event is not None
        values = captured.recording.values(node.forward_event)
        found.append([captured.recording.data(each.tensor) for each in values if each.role == "output"])
    start = np.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(found[0], [start * [[1], [10], [100]]])
    np.testing.assert_array_equal(found[2], [[[6, 8, 10], [-3, -4, -5], [-6, -7, -8]]])
    assert len(found) == 3


def test_a_view_that_was_written_through_is_what_was_left_there(capture: Capture) -> None:
    """No operator makes its new node; what comes next, here memory for a mask, is not what made it."""
    value = torch.arange(24.0).reshape(4, 6).requires_grad_()
    with capture() as captured:
        whole = value * 1
        part, other = whole[1:3], whole[2:]
        part.mul_(3)
        (torch.dropout(part, 0.5, True).sum() + (other * 2).sum()).backward()
    remade = [node for node in captured.recording.nodes(0) if node.type == "AsStridedBackward0"]
    found = {node.shape: node for node in remade if node.operation}
    assert len(remade) == 2
    assert len(found) == 1  # what is in the other part now nobody has read
    (node,) = found.values()
    assert node.operation == "aten.as_strided.default"
    (write,) = (each for each in captured.recording.nodes(0) if each.type == "CopySlices")
    assert node.line == write.line is not None
    assert node.forward_event is not None
    (output,) = captured.recording.values(node.forward_event)
    np.testing.assert_array_equal(captured.recording.data(output.tensor), np.arange(6.0, 18).reshape(2, 6) * 3)


@pytest.mark.parametrize("clones", [False, True])
def test_a_write_to_a_view_tells_where_and_with_what(clones: bool, capture: Capture) -> None:
    """An operation whose node saves what it overwrites clones it first, under a number of its own."""
    x, factor = torch.rand(3, 2, requires_grad=True), torch.rand(3, requires_grad=clones)
    with capture() as captured:
        y = x * 1
        y[:, 1].mul_(factor)
        y.sum().backward()
    (node,) = _writes(captured)
    assert node.operation == "aten.mul_.Tensor"
    view = node.info["view"]
    assert (view["base"], view["view"]) == ([[3, 2], [2, 1], 0], [[3], [2], 1])
    assert view["arguments"] == ["self", "other"]
    assert node.forward_event is not None
    (before, *others) = captured.values(node.forward_event, "operand")
    np.testing.assert_array_equal(before, x.detach()[:, 1])
    (other,) = others if clones else captured.values(node.forward_event, "input")
    np.testing.assert_array_equal(other, factor.detach())
    np.testing.assert_array_equal(captured.values(node.forward_event, "written")[0], (x[:, 1] * factor).detach())


def test_a_copy_into_a_view_needs_no_values(capture: Capture) -> None:
    x = torch.rand(2, requires_grad=True)
    with capture() as captured:
        y = torch.zeros(4, 3)
        y[1:3, 0] = x
        y.sum().backward()
    (node,) = _writes(captured)
    assert node.operation == "aten.copy_.default"
    assert node.info["view"]["view"] == [[2], [3], 3]
    assert node.forward_event is not None
    assert captured.values(node.forward_event, "operand") == []


def test_running_statistics_are_those_of_their_step(capture: Capture) -> None:
    """Batch norm writes to them without telling anyone."""
    layer = torch.nn.BatchNorm1d(3)
    truth = []
    with capture() as captured:
        for _ in range(3):
            truth.append(layer.state_dict()["running_mean"].clone())
            layer(torch.randn(4, 3) + 5).sum().backward()
            with torch.no_grad():
                layer(torch.randn(4, 3) + 5)
    for graph, mean in enumerate(truth):
        (node,) = [node for node in captured.recording.nodes(graph) if node.type == "NativeBatchNormBackward0"]
        assert node.forward_event is not None
        found = {v.slot: v.tensor for v in captured.recording.values(node.forward_event) if v.role == "input"}
        np.testing.assert_array_equal(captured.recording.data(found[3]), mean)


def test_sparse_gradients_are_written_down_as_dense_ones(capture: Capture) -> None:
    table = torch.nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters())
    with capture() as captured:
        for _ in range(2):
            optimizer.zero_grad()
            table(torch.tensor([1, 1, 3])).sum().backward()
            optimizer.step()
    for event in captured.events("accumulate"):
        (gradient,) = captured.values(event, "grad_after")
        np.testing.assert_array_equal(gradient[:, 0], [0, 2, 0, 1, 0])
    assert len(captured.events("update")) == 2


def _many_ways_to_save() -> None:
    """Arguments, by name alone too; results; lists; what is overwritten, and what the operator fills; numbers."""
    torch.manual_seed(0)
    x = torch.randn(1, 2, 4, 4).requires_grad_()
    mask = torch.randn(4, 4)
    attended = torch.nn.functional.scaled_dot_product_attention(x, x * 2, x.sin(), attn_mask=mask)
    y = torch.nn.functional.rrelu(attended * 0.3, training=True)
    y = y.mul_(y + 1.0).sigmoid_()
    y = torch.nn.functional.layer_norm(y, [4])[0, :, torch.tensor([0, 0, 3])]
    (y.max(1).values.sum() + torch.cat([y, y.exp()]).logsumexp(0).sum()).backward()


def _saved(captured: Captured) -> dict[tuple[str, int, str, int], Any]:
    """What nodes saved, and what stands in for it, by type, place in the graph, name and slot."""
    found = {}
    for place, node in enumerate(captured.recording.nodes(0)):
        ran = captured.recording.timeline.backward_event(0).get(node.id)
        for event in (node.forward_event, ran):
            for value in captured.recording.values(event) if event is not None and ran is not None else ():
                if value.role == "saved" or (value.role == "operand" and value.name):
                    found[node.type, place, value.name, value.slot] = captured.recording.data(value.tensor)
    return found


def test_what_the_forward_had_is_what_hooks_keep(capture: Capture) -> None:
    with capture() as plain:
        _many_ways_to_save()
    with capture() as hooked, torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: kept):
        _many_ways_to_save()
    expected, found = _saved(plain), _saved(hooked)
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        np.testing.assert_array_equal(found[key], tensor, err_msg=str(key))
    names = {(type_, name) for type_, _, name, _ in found}
    assert names >= {
        ("ScaledDotProductFlashAttentionForCpuBackward0", "attn_mask"),
        ("RreluWithNoiseBackward0", "noise"),
        ("MulBackward0", "self"),
        ("SigmoidBackward0", "result"),
        ("IndexBackward0", "indices"),
    }


def test_without_hooks_nothing_stands_in(capture: Capture) -> None:
    with capture() as captured:
        _many_ways_to_save()
    roles = {value.role for event in captured.events("forward") for value in captured.recording.values(event)}
    assert roles == {"input", "output"}


@pytest.mark.parametrize("pack", [torch.Tensor.double, torch.clone, lambda kept: kept])
def test_hooks_are_called_as_often_as_without(pack: Callable[[torch.Tensor], torch.Tensor], capture: Capture) -> None:
    """One that calls operators does so before the operator that it is called for has run."""
    calls = []

    def packed(tensor: torch.Tensor) -> torch.Tensor:
        calls.append("pack")
        return pack(tensor)

    def unpacked(tensor: torch.Tensor) -> torch.Tensor:
        calls.append("unpack")
        return tensor.float()

    def run() -> list[str]:
        calls.clear()
        x = torch.linspace(0.1, 1, 6).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(packed, unpacked):
            y = x.sin().exp()
            y = y.mul_(x.cos())
        y.sum().backward()
        return list(calls)

    expected = run()
    with capture() as captured:
        observed = run()
    assert observed == expected
    operations = {node.type: node.operation for node in captured.recording.nodes(0) if node.kind == "operation"}
    assert operations["SinBackward0"] == "aten.sin.default"
    assert operations["CosBackward0"] == "aten.cos.default"
    assert operations["MulBackward0"] == "aten.mul_.Tensor"


@pytest.mark.parametrize("by_default", [False, True])
def test_a_hook_of_one_saved_tensor_is_not_called_for_the_recording(by_default: bool, capture: Capture) -> None:
    """What is saved outside a `with` of hooks may have its own; what a custom function saves, too."""
    calls = []

    def unpacked(tensor: torch.Tensor) -> torch.Tensor:
        calls.append(tensor)
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, unpacked) if by_default else nullcontext()
    with capture() as captured:
        x = torch.rand(3, requires_grad=True)
        with hooks:
            y = Scaled.apply(x, 2.0, torch.rand(3)).sin()  # type: ignore[no-untyped-call]
        if not by_default:
            y.grad_fn._raw_saved_self.register_hooks(lambda kept: kept, unpacked)
        y.sum().backward()
    assert len(calls) == 1 + by_default
    noted = {node.type for node in captured.recording.nodes(0) if "kept through hooks" in node.info.get("note", "")}
    assert noted == ({"SinBackward0", "ScaledBackward"} if by_default else {"SinBackward0"})
