"""What is kept of tensors: every kind of number, within the budget, each content once."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from engine.recording.model import Node
from engine.recording.writer import Writer
from tests.capture.conftest import Capture


def _nodes(recording: Any, graph: int = 0) -> dict[str, Node]:
    return {node.type: node for node in recording.nodes(graph) if node.kind == "operation"}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.complex64])
def test_other_dtypes_are_kept(dtype: torch.dtype, capture: Capture) -> None:
    w = torch.tensor([1.0, -2.5, 3.0]).to(dtype).requires_grad_()
    with capture() as captured:
        (w * w).abs().sum().backward()
    (event,) = captured.events("accumulate")
    (gradient,) = captured.values(event, "grad_after")
    assert w.grad is not None
    exact = w.grad.float() if dtype in (torch.bfloat16, torch.float16) else w.grad
    np.testing.assert_array_equal(gradient.astype(exact.numpy().dtype), exact.numpy())


def test_a_conjugate_is_not_taken_for_what_it_is_a_view_of(capture: Capture) -> None:
    w = torch.tensor([1.0 + 2.0j, -3.0j], requires_grad=True)
    with capture() as captured:
        torch.view_as_real(w.conj() * (2.0 + 1.0j)).sum().backward()
    (event,) = captured.events("accumulate")
    assert w.grad is not None
    np.testing.assert_array_equal(captured.values(event, "grad_after")[0], w.grad.resolve_conj().numpy())
    node = _nodes(captured.recording)["ConjBackward0"]
    (event,) = [e for e in captured.events("backward") if captured.recording.event(e).node == node.id]
    (entered,), (left,) = (captured.values(event, role) for role in ("grad_output", "grad_input"))
    np.testing.assert_array_equal(left, np.conj(entered))


def test_values_that_are_no_numbers_are_counted(capture: Capture) -> None:
    w = torch.tensor([0.0, 1.0], requires_grad=True)
    with capture() as captured:
        (w.log() * torch.tensor([0.0, 1.0])).sum().backward()
    node = _nodes(captured.recording)["LogBackward0"]
    assert node.forward_event is not None
    (value,) = [v for v in captured.recording.values(node.forward_event) if v.role == "output"]
    assert captured.recording.tensor(value.tensor).statistics.infs == 1
    (event,) = captured.events("accumulate")
    (value,) = [v for v in captured.recording.values(event) if v.role == "grad_after"]
    assert captured.recording.tensor(value.tensor).statistics.nans == 1


def test_a_sparse_gradient_is_recorded_as_a_dense_one(capture: Capture) -> None:
    table = nn.Embedding(10, 3, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters())
    with capture() as captured:
        table(torch.tensor([1, 4])).sum().backward()
        optimizer.step()
    assert len(captured.events("update")) == 1
    (grad,) = captured.values(captured.events("accumulate")[0], "grad_after")
    assert grad.shape == (10, 3)
    assert grad.sum(axis=1).nonzero()[0].tolist() == [1, 4]


def test_beyond_the_budget_tensors_are_reduced_and_that_is_said(capture: Capture) -> None:
    layer = nn.Linear(300, 300)
    with capture(budget=500_000) as captured:
        layer(torch.randn(4, 300)).sum().backward()
        torch.optim.SGD(layer.parameters(), lr=0.1).step()
    assert any("budget" in note.text for note in captured.recording.notes)
    levels = {
        captured.recording.tensor(value.tensor).level
        for event in range(len(captured.recording.timeline))
        for value in captured.recording.values(event)
    }
    assert "full" in levels
    assert "preview" in levels


@pytest.mark.parametrize(("level", "shape"), [("preview", (38, 75)), ("stats", None)])
def test_levels_keep_what_they_say(level: Any, shape: tuple[int, ...] | None, capture: Capture) -> None:
    w = torch.randn(300, 300, requires_grad=True)
    with capture(tensors=level) as captured:
        w.sum().backward()
        torch.optim.SGD([w], lr=0.1).step()
    (event,) = captured.events("update")
    (data,) = captured.values(event, "param_before")
    assert (data is None) == (shape is None)
    if data is not None:
        assert 0 < data.size <= 4096


def test_contents_that_do_not_change_are_stored_once(capture: Capture) -> None:
    layer = nn.Linear(200, 200, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    with capture() as captured:
        for _ in range(2):
            layer(torch.ones(1, 200)).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    first, second = captured.events("update")

    def tensor_of(event: int, role: str) -> int:
        return next(v.tensor for v in captured.recording.values(event) if v.role == role)

    assert tensor_of(first, "param_after") == tensor_of(second, "param_before")
    accumulated = captured.events("accumulate")[0]
    assert tensor_of(accumulated, "grad_after") == tensor_of(first, "grad")


def test_memory_shared_with_numpy_is_not_taken_for_known(capture: Capture) -> None:
    data = torch.ones(3)
    shared = data.numpy()
    w = torch.ones(3, requires_grad=True)
    with capture() as captured:
        alias = data.numpy()
        for factor in (1.0, 2.0):
            (w * data).sum().backward()
            alias[:] = factor + 1
    assert shared[0] == 3.0
    inputs = [captured.values(n, "input") for n in captured.events("forward")]
    observed = [values[0].tolist() for values in inputs if values]
    assert observed == [[1.0] * 3, [2.0] * 3]


def test_memory_that_is_gone_is_not_held_on_to(capture: Capture) -> None:
    """Not even by the few bytes of a weak reference: between large blocks, they make a heap grow with each step."""
    w = torch.ones(3, requires_grad=True)
    with capture(tensors="stats"):
        for factor in range(300):
            (w * float(factor)).exp().sum().backward()
        held = sum(isinstance(thing, StorageWeakRef) for thing in gc.get_objects())
    assert held < 100


def test_tensors_without_elements_in_memory_are_named_only(capture: Capture) -> None:
    layer = nn.Linear(4, 4, device="meta")
    with capture() as captured:
        layer(torch.empty(2, 4, device="meta")).sum().backward()
    assert len(captured.events("accumulate")) == 2
    assert captured.values(captured.events("accumulate")[0], "grad_after") == [None]


def test_views_of_a_tensor_have_its_statistics_and_parts_their_own(capture: Capture) -> None:
    w = torch.randn(40, 50, requires_grad=True)
    with capture() as captured:
        base = w * 1
        (base.t() * base.view(50, 40)).sum().backward()
        base = w * 1
        (base[:20] * base[20:]).sum().backward()
    recording = captured.recording
    for number in captured.events("forward"):
        for value in recording.values(number):
            data = recording.data(value.tensor)
            assert data is not None
            statistics = recording.tensor(value.tensor).statistics
            assert statistics.mean == pytest.approx(data.astype(np.float64).mean(), rel=1e-4, abs=1e-6)
            assert statistics.max == data.max()


class _Standing(torch.Tensor):
    """Stands for another tensor, as a DTensor does for this process's part of a parameter."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor, requires_grad: bool = False) -> _Standing:
        made = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, requires_grad=requires_grad)
        made.held = inner
        return made

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["held"], None

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        def unwrapped(value: Any) -> Any:
            return value.held if isinstance(value, _Standing) else value

        result = func(*map(unwrapped, args), **{name: unwrapped(value) for name, value in (kwargs or {}).items()})
        written = [value for value in args if isinstance(value, _Standing) and value.held is result]
        return written[0] if written else _Standing(result)


def test_of_a_tensor_that_stands_for_another_that_one_is_recorded(capture: Capture) -> None:
    w = _Standing(torch.ones(3), requires_grad=True)
    x = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.5)
    with capture() as captured:
        (x * w.held).sum().backward()  # what it stands for is known from here on
        (w * 2).sum().backward()
        optimizer.step()
        (x * w.held).sum().backward()
    (update,) = captured.events("update")
    assert [list(captured.values(update, role)[0]) for role in ("param_before", "grad", "param_after")] == [
        [1.0] * 3,
        [2.0] * 3,
        [0.0] * 3,
    ]
    last = next(number for number in captured.events("forward") if number > update)
    assert list(captured.values(last, "input")[0]) == [0.0] * 3


def test_passes_that_nothing_comes_back_from_take_the_same_room_again(capture: Capture) -> None:
    layer, sample = nn.Linear(200, 200), torch.randn(100, 200)

    def size_with(passes: int, steps: int) -> int:
        writers: list[Writer] = []
        with capture(on_writer=writers.append):
            for _ in range(steps):
                for _ in range(passes):
                    layer(sample)
                layer(sample).sum().backward()
                with torch.no_grad():
                    layer.weight.mul_(0.9)
                layer.zero_grad()
        return writers[0]._beside.size

    passes = 5
    more = size_with(passes, steps=10) - size_with(0, steps=10)
    assert more <= 3 * passes * (8 + layer(sample).nbytes)  # of three steps, not of ten


@pytest.mark.parametrize("view", [lambda t: t, lambda t: t.t(), lambda t: t[::2], lambda t: t[:, 1:], torch.conj])
def test_large_tensors_come_back_whatever_way_they_lie(view: Any, capture: Capture) -> None:
    w = torch.randn(300, 301, dtype=torch.complex64, requires_grad=True)
    factor = view(torch.randn(300, 301, dtype=torch.complex64))
    expected = factor.conj().resolve_conj().numpy().copy()
    with capture() as captured:
        (view(w) * factor).abs().sum().backward()
    saved = [
        captured.recording.data(value.tensor)
        for event in captured.events("backward")
        for value in captured.recording.values(event)
        if value.role == "saved" and captured.recording.tensor(value.tensor).shape == tuple(factor.shape)
    ]
    assert any(np.array_equal(found, np.conj(expected)) for found in saved if found is not None)
