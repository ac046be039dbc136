"""What is recorded of an update, beyond the parameter, so that it can be done again by hand."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.capture.optimizer import ELSEWHERE
from engine.optimizers.verify import verify_updates
from tests.capture.conftest import Capture


def test_an_update_says_whose_it_is_and_in_which_call(capture: Capture) -> None:
    w, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = torch.optim.Adam(
        [w, b], lr=torch.tensor(0.5), betas=(torch.tensor(0.5), torch.tensor(0.75)), foreach=False
    )
    with capture() as captured:
        for _ in range(2):
            (w * b).sum().backward()
            optimizer.step()
    events = [captured.recording.event(number) for number in captured.events("update")]
    assert [event.info["call"] for event in events] == [0, 0, 1, 1]
    assert {event.info["module"] for event in events} == {"torch.optim.adam"}
    assert events[0].info["tensors"] == {"lr": "float32", "betas": "float32"}
    assert events[0].info["hyperparameters"]["betas"] == [0.5, 0.75]
    assert "hooks" not in events[0].info


def test_every_evaluation_of_lbfgs_is_kept(capture: Capture) -> None:
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([w], max_iter=3)
    losses: list[float] = []
    grads: list[Any] = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (w**4).sum()
        loss.backward()
        losses.append(loss.item())
        assert w.grad is not None
        grads.append(w.grad.numpy().copy())
        return loss

    with capture() as captured:
        optimizer.step(closure)
    (number,) = captured.events("update")
    assert captured.recording.event(number).info["losses"] == losses
    np.testing.assert_array_equal(captured.values(number, "grad"), grads)
    names = {value.name for value in captured.recording.values(number) if value.role == "state_after"}
    assert {"old_dirs", "old_stps", "ro", "d"} <= names


def test_the_gradient_of_a_closure_is_that_after_it(capture: Capture) -> None:
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    w.grad = torch.full((2,), 7.0)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (3 * w).sum()
        loss.backward()
        return loss

    with capture() as captured:
        optimizer.step(closure)
    (number,) = captured.events("update")
    np.testing.assert_array_equal(captured.values(number, "grad"), [[3.0, 3.0]])


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.ASGD])
def test_an_update_goes_on_from_what_the_closure_wrote(kind: Any, capture: Capture) -> None:
    torch.manual_seed(0)
    table = nn.Embedding(5, 3, max_norm=1.0)  # each forward pass scales what it looks up
    optimizer = kind(table.parameters())

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = table(torch.tensor([0, 1])).sum()
        loss.backward()
        return loss

    with capture() as captured:
        optimizer.step(closure)
        optimizer.step(closure)
    proofs = verify_updates(captured.recording)
    assert [proof.state for proof in proofs] == ["proved", "proved"]


def test_parameters_are_named_after_a_model_that_a_closure_calls_first(capture: Capture) -> None:
    """As skorch does it."""
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def closure(inner: nn.Module) -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = inner(torch.ones(1, 2)).sum()
        loss.backward()
        return loss

    held = [model]
    del model
    with capture() as captured:
        optimizer.step(lambda: closure(held[0]))
    names = [parameter.name for parameter in captured.recording.parameters]
    assert sorted(names) == ["0.bias", "0.weight", "1.bias", "1.weight"]


@pytest.mark.parametrize(
    "clip",
    [
        lambda w: nn.utils.clip_grad_norm_(w, 0.1, foreach=True),
        lambda w: nn.utils.clip_grad_norm_(w, 0.1, foreach=False),
        lambda w: w.grad.data.mul_(0.1 / w.grad.norm()),
    ],
    ids=["foreach", "one", "data"],
)
def test_a_gradient_that_a_closure_clips_is_the_one_that_was_read(clip: Any, capture: Capture) -> None:
    """As Lightning does it, with every optimizer."""
    w = torch.ones(4, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (3 * w).sum()
        loss.backward()
        clip(w)
        return loss

    with capture() as captured:
        optimizer.step(closure)
    (number,) = captured.events("update")
    np.testing.assert_allclose(captured.values(number, "grad"), [[0.05] * 4], rtol=1e-4)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
def test_a_sparse_gradient_is_kept_as_indices_and_values(capture: Capture) -> None:
    table = nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters())
    with capture() as captured:
        table(torch.tensor([1, 3, 1])).sum().backward()
        optimizer.step()
    (number,) = captured.events("update")
    recording = captured.recording
    found = {value.name: recording.data(value.tensor) for value in recording.values(number) if value.role == "input"}
    assert found["grad.indices"] is not None
    assert found["grad.values"] is not None
    np.testing.assert_array_equal(found["grad.indices"], [[1, 3, 1]])
    np.testing.assert_array_equal(found["grad.values"], np.ones((3, 2)))


def test_the_matrices_of_muon_are_kept(capture: Capture) -> None:
    torch.manual_seed(0)
    first, second = torch.randn(3, 2, requires_grad=True), torch.randn(2, 4, requires_grad=True)
    optimizer = torch.optim.Muon([first, second], ns_steps=2)
    with capture() as captured:
        (first @ second).pow(2).sum().backward()
        optimizer.step()
    one, other = captured.events("update")
    for number, shapes in ((one, [(2, 3), (2, 2), (2, 2)]), (other, [(2, 4), (2, 2), (2, 2)])):
        kept = captured.values(number, "output")
        assert [matrix.shape for matrix in kept] == [*shapes, *shapes, shapes[0]]
        assert np.linalg.norm(kept[0]) == pytest.approx(1.0, rel=0.02)


def test_a_write_by_hand_has_its_operands(capture: Capture) -> None:
    w = torch.arange(6.0).reshape(2, 3).requires_grad_()
    with capture() as captured:
        (w * w).sum().backward()
        with torch.no_grad():
            w.addcmul_(torch.full((2, 3), 2.0), torch.full((3,), 4.0), value=0.5)
            w[1, ::2] -= torch.ones(2)
    # the assignment after `-=` writes the elements to where they are already: a third event
    first, second, _ = (captured.recording.event(number) for number in captured.events("update"))
    assert first.info["hyperparameters"] == {"operation": "aten.addcmul_.default"}
    assert first.info["arguments"] == {"value": 0.5}
    operands = {value.name: value.slot for value in captured.recording.values(first.id) if value.role == "input"}
    assert operands == {"tensor1": 1, "tensor2": 2}
    assert "view" not in first.info
    view = second.info["view"]
    assert view == {"shape": [2], "stride": [2], "offset": 3, "leaf_stride": [3, 1], "dtype": "float32"}


def test_hooks_of_an_optimizer_are_counted(capture: Capture) -> None:
    """They may have done anything between the two looks at the parameter."""
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    optimizer.register_step_post_hook(lambda *_: None)
    with capture() as captured:
        w.sum().backward()
        optimizer.step()
    (number,) = captured.events("update")
    assert captured.recording.event(number).info["hooks"] == 1


def test_training_in_another_thread_is_said_to_be_out_of_sight(capture: Capture) -> None:
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)

    def train() -> None:
        for _ in range(2):
            (w * w).sum().backward()
            optimizer.step()

    with capture() as captured:
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
    assert [note.text for note in captured.recording.notes] == [ELSEWHERE]
    assert len(captured.events("update")) == 2


def test_gradients_that_the_script_sets_itself_make_steps_without_a_graph(capture: Capture) -> None:
    w, b = torch.ones(2, requires_grad=True), torch.ones(1, requires_grad=True)
    optimizers = [torch.optim.SGD([w], lr=0.1), torch.optim.Adam([b])]
    with capture() as captured:
        for _ in range(3):
            for tensor, optimizer in zip((w, b), optimizers, strict=True):
                tensor.grad = torch.full_like(tensor, 0.5)
                optimizer.step()
    assert [captured.recording.event(number).step for number in captured.events("update")] == [0, 0, 1, 1, 2, 2]
    assert not captured.recording.graphs


def test_a_step_of_torch_itself_that_raises_does_not_either(capture: Capture) -> None:
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.5, momentum=0.5)
    with capture() as captured:
        for number in range(3):
            optimizer.zero_grad()
            (w * w).sum().backward()
            if number == 1:
                optimizer.state[w]["momentum_buffer"] = torch.ones(3)
                with pytest.raises(RuntimeError, match="size"):
                    optimizer.step()
                optimizer.state[w]["momentum_buffer"] = torch.ones(2)
                with torch.no_grad():
                    w.mul_(2.0)
            else:
                optimizer.step()
    kinds = [captured.recording.event(number).kind for number in range(len(captured.recording.timeline))]
    assert kinds.count("backward") == 6
    events = captured.events("update")
    assert [captured.recording.event(number).info["optimizer"] for number in events] == ["SGD", "by hand", "SGD"]
    np.testing.assert_array_equal(captured.values(events[-1], "param_after")[-1], w.detach())


def test_a_step_that_raises_does_not_swallow_those_after_it(capture: Capture) -> None:
    class Moody(torch.optim.SGD):
        calls = 0

        def step(self, closure: Any = None) -> Any:
            self.calls += 1
            if self.calls == 2:
                raise ValueError("not now")
            return super().step(closure)

    w = torch.ones(2, requires_grad=True)
    optimizer = Moody([w], lr=0.1)
    with capture() as captured:
        for _ in range(4):
            optimizer.zero_grad()
            (w * w).sum().backward()
            with contextlib.suppress(ValueError):
                optimizer.step()
    assert [captured.recording.event(number).step for number in captured.events("update")] == [0, 1, 2]
    assert [graph.step for graph in captured.recording.graphs] == [0, 1, 1, 2]


def test_a_step_that_calls_that_of_its_base_class_is_one_update(capture: Capture) -> None:
    class Own(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    v, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    torch.optim.SGD([v], lr=0.1)  # from now on torch tells of the base class's steps, too
    optimizer = Own([w], lr=0.1)
    with capture() as captured:
        for _ in range(2):
            (w * w).sum().backward()
            optimizer.step()
    events = [captured.recording.event(number) for number in captured.events("update")]
    assert [event.step for event in events] == [0, 1]
    assert {event.info["optimizer"] for event in events} == {"Own"}
