"""What is written of real programs, looked at as a reader sees it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.capture import torchvision_ops
from engine.capture.recorder import record
from engine.recording.model import Node
from engine.recording.reader import open_recording
from tests.capture.conftest import Capture


def _nodes(recording: Any, graph: int = 0) -> dict[str, Node]:
    return {node.type: node for node in recording.nodes(graph) if node.kind == "operation"}


def test_the_bow_is_told_in_the_users_names(capture: Capture) -> None:
    x, y = torch.tensor(2.0), torch.tensor(5.0)
    w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=0.05)
    with capture() as captured:
        for _ in range(2):
            prediction = w * x + b
            loss = (prediction - y) ** 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    recording = captured.recording
    assert [step.loss for step in recording.steps] == [16.0, 4.0]
    kinds = [recording.event(number).kind for number in range(12)]
    assert kinds == ["forward"] * 4 + ["backward"] * 3 + ["accumulate", "backward", "accumulate"] + ["update"] * 2
    names = {node.name for node in recording.nodes(0)}
    assert names == {"loss", "prediction", "w", "b", "x", "y", ""}
    updates = {recording.parameters[recording.event(n).parameter or 0].name: n for n in captured.events("update")[:2]}
    assert captured.values(updates["w"], "param_before") == [0.5]
    assert captured.values(updates["w"], "grad") == [-16.0]
    assert captured.values(updates["w"], "param_after") == [np.float32(0.5) - np.float32(0.05) * np.float32(-16.0)]
    assert recording.event(updates["w"]).info["hyperparameters"]["lr"] == 0.05


def test_the_bow_by_hand_is_the_same_story(capture: Capture) -> None:
    x, y = torch.tensor(2.0), torch.tensor(5.0)
    w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    with capture() as captured:
        for _ in range(2):
            loss = (w * x + b - y) ** 2
            w.grad = b.grad = None
            loss.backward()
            with torch.no_grad():
                w -= 0.05 * w.grad  # type: ignore[operator]
                b -= 0.05 * b.grad  # type: ignore[operator]
    recording = captured.recording
    assert len(recording.steps) == 2
    assert [step.loss for step in recording.steps] == [16.0, 4.0]
    assert [step.optimizer for step in recording.steps] == ["by hand", "by hand"]
    first = captured.events("update")[0]
    assert captured.values(first, "param_after") == [np.float32(0.5) - np.float32(0.05) * np.float32(-16.0)]


@pytest.mark.parametrize("how", ["data -=", "data = new", "data.add_", "copy_"])
def test_an_update_past_autograd_is_an_update(how: str, capture: Capture) -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    with capture() as captured:
        for _ in range(2):
            (w * w).sum().backward()
            gradient = w.grad
            assert gradient is not None
            if how == "data -=":
                w.data -= 0.1 * gradient
            elif how == "data = new":
                w.data = w.data - 0.1 * gradient
            elif how == "data.add_":
                w.data.add_(gradient, alpha=-0.1)
            else:
                with torch.no_grad():
                    w.copy_(w - 0.1 * gradient)
            w.grad = None
    assert len(captured.recording.steps) == 2
    first, second = captured.events("update")
    for update, before in ((first, np.array([1, 2], np.float32)), (second, np.array([0.8, 1.6], np.float32))):
        np.testing.assert_allclose(captured.values(update, "param_before")[0], before, rtol=1e-6)
        np.testing.assert_allclose(captured.values(update, "param_after")[0], before * 0.8, rtol=1e-6)


def test_resnet18_has_all_its_nodes_each_with_module_and_line(capture: Capture) -> None:
    torchvision_ops.install()
    from torchvision.models import resnet18

    model = resnet18(weights=None)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
    with capture(tensors="stats") as captured:
        loss = (model(torch.rand(1, 3, 64, 64)) - torch.rand(1, 1000)).sum()
        loss.backward()
        optimizer.step()
    nodes = [node for node in captured.recording.nodes(0) if node.kind != "data"]
    operations = [node for node in nodes if node.kind == "operation"]
    assert (len(nodes), len(operations)) == (134, 72)
    assert sorted(node.name for node in nodes if node.kind == "parameter") == sorted(dict(model.named_parameters()))
    outside = [node.type for node in operations if not node.module_type]
    assert outside == ["SumBackward0", "SubBackward0"]
    modules = dict(model.named_modules())
    for node in operations:
        assert node.module in modules
        assert node.line is not None
        assert node.source is not None
        if node.module_type:
            assert type(modules[node.module]).__name__ == node.module_type
    by_module = {node.module: node.type for node in operations if node.module_type == "Conv2d"}
    assert set(by_module.values()) == {"ConvolutionBackward0"}
    assert len(by_module) == 20
    assert len(captured.events("update")) == 62


def test_recorded_gradients_and_values_are_torchs_own(capture: Capture) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    data = torch.randn(3, 4)
    seen: dict[str, torch.Tensor] = {}

    def watch(module: nn.Module, grad_inputs: Any, grad_outputs: Any) -> None:
        seen.update(into=grad_inputs[0].clone(), out=grad_outputs[0].clone())

    model[1].register_forward_hook(lambda module, args, output: seen.update(tanh=output.detach().clone()))
    model[1].register_full_backward_hook(watch)
    with capture() as captured:
        model(data).square().sum().backward()
    recording = captured.recording
    node = _nodes(recording)["TanhBackward0"]
    event = recording.timeline.backward_event(0)[node.id]
    assert node.forward_event is not None
    np.testing.assert_array_equal(captured.values(node.forward_event, "output")[0], seen["tanh"].numpy())
    np.testing.assert_array_equal(captured.values(event, "grad_output")[0], seen["out"].numpy())
    np.testing.assert_array_equal(captured.values(event, "grad_input")[0], seen["into"].numpy())
    np.testing.assert_array_equal(captured.values(event, "saved")[0], seen["tanh"].numpy())
    for leaf in recording.nodes(0):
        if leaf.kind == "parameter":
            done = recording.timeline.accumulate_event(0)[leaf.id]
            gradient = dict(model.named_parameters())[leaf.name].grad
            assert gradient is not None
            np.testing.assert_array_equal(captured.values(done, "grad_after")[0], gradient.numpy())


def test_a_closure_runs_inside_its_update(capture: Capture) -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([w], lr=0.1, max_iter=2)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        return loss

    with capture() as captured:
        optimizer.step(closure)
        optimizer.step(closure)
    assert len(captured.recording.steps) == 2
    assert len(captured.events("update")) == 2
    update = captured.events("update")[1]
    np.testing.assert_array_equal(captured.values(update, "param_after")[0], w.detach().numpy())


def test_leaves_that_one_variable_holds_in_turn_are_counted(capture: Capture) -> None:
    with capture() as captured:
        for _ in range(3):
            x = torch.ones(2, requires_grad=True)
            (x * x).sum().backward()
    assert [parameter.name for parameter in captured.recording.parameters] == ["x", "x (2)", "x (3)"]


def test_two_models_keep_their_names_apart(capture: Capture) -> None:
    generator, critic = nn.Linear(2, 2), nn.Linear(2, 1)
    first = torch.optim.SGD(critic.parameters(), lr=0.1)
    second = torch.optim.SGD(generator.parameters(), lr=0.1)
    with capture() as captured:
        fake = generator(torch.randn(4, 2))
        critic(fake.detach()).mean().backward()
        first.step()
        critic(fake).mean().backward()
        second.step()
    names = [parameter.name for parameter in captured.recording.parameters]
    assert sorted(names) == ["critic.bias", "critic.weight", "generator.bias", "generator.weight"]
    assert [step.optimizer for step in captured.recording.steps] == ["SGD", "SGD"]
    late = [node for node in captured.recording.nodes(1) if node.name == "fake"]
    assert late
    assert late[0].forward_event is not None


class _Trying(nn.Module):
    """Tries its parts out while it is made, before any variable holds it; and both layers share one activation."""

    def __init__(self) -> None:
        super().__init__()
        act = nn.ReLU()
        self.layers = nn.ModuleList([self._block(act), self._block(act)])
        self.forward(torch.zeros(1, 2))

    @staticmethod
    def _block(act: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Linear(2, 2), act)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def test_parts_that_were_called_before_their_model_had_a_name_have_its_names(capture: Capture) -> None:
    with capture() as captured:
        model = _Trying()
        model(torch.randn(3, 2)).sum().backward()
    places = {(node.type, node.module) for node in captured.recording.nodes(0) if node.module}
    assert {place for place in places if place[0] in ("AddmmBackward0", "ReluBackward0")} == {
        ("AddmmBackward0", "layers.0.0"),
        ("AddmmBackward0", "layers.1.0"),
        ("ReluBackward0", "layers.0.1"),
        ("ReluBackward0", "layers.1.1"),
    }
    names = sorted(parameter.name for parameter in captured.recording.parameters)
    assert names == ["layers.0.0.bias", "layers.0.0.weight", "layers.1.0.bias", "layers.1.0.weight"]


def test_evaluation_is_no_step(capture: Capture) -> None:
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    with capture() as captured:
        for _ in range(2):
            layer(torch.randn(3, 2)).sum().backward()
            optimizer.step()
            with torch.no_grad():
                layer(torch.randn(3, 2)).sum()
    assert len(captured.recording.steps) == 2


def test_an_update_without_a_gradient_of_its_step_stands_in_no_graph(capture: Capture) -> None:
    """Its gradient is left over from the step before."""
    used, idle = torch.tensor(1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([used, idle], lr=0.1)
    with capture() as captured:
        (used * idle).backward()
        optimizer.step()
        (used * 2).backward()
        optimizer.step()
    places = [(event.graph, event.node is None) for event in map(captured.recording.event, captured.events("update"))]
    assert places == [(0, False), (0, False), (1, False), (None, True)]


def test_a_pass_that_autograd_refuses_leaves_no_graph(capture: Capture) -> None:
    with capture() as captured:
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.ones(2).sum().backward()
        torch.ones(2, requires_grad=True).sum().backward()
    assert len(captured.recording.graphs) == 1


def test_an_evaluation_at_the_end_is_no_training_step(tmp_path: Path) -> None:
    weight = torch.ones(2, requires_grad=True)
    counts = []
    with record(tmp_path / "run.chain") as recorder:
        for _ in range(2):
            (weight * 2).sum().backward()
            with torch.no_grad():
                weight -= 0.1 * weight.grad  # type: ignore[operator]
            counts.append(recorder.steps)
        _evaluated = weight * 2
        counts.append(recorder.steps)
    assert counts == [1, 2, 2]
    with open_recording(tmp_path / "run.chain") as recording:
        assert len(recording.steps) == 2


def test_threads_that_meet_leaves_at_once_give_each_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, own = torch.ones(1), [torch.ones(2) for _ in range(4)]
    numbers: list[tuple[int, int]] = []
    with record(tmp_path / "a.chain", script=__file__) as recorder:

        def named(_: torch.Tensor) -> str:
            time.sleep(0.01)  # as long as another thread takes to come by
            return "w"

        monkeypatch.setattr(recorder.names, "leaf_name", named)

        def meet(leaf: torch.Tensor) -> None:
            numbers.append((recorder.parameter(shared), recorder.parameter(leaf)))

        in_threads(meet, own)
    with open_recording(tmp_path / "a.chain") as recording:
        assert len({one for one, _ in numbers}) == 1
        assert len({number for both in numbers for number in both}) == 5 == len(recording.parameters)


def test_optimizers_that_step_at_once_in_several_threads(tmp_path: Path) -> None:
    """Steps end while other threads take their contents."""
    threads, interval = 4, sys.getswitchinterval()

    def train(together: threading.Barrier) -> None:
        w = nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([w], lr=0.1)

        def wait(*_: Any) -> None:
            together.wait()

        optimizer.register_step_pre_hook(wait)
        for _ in range(3):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()

    sys.setswitchinterval(1e-6)
    try:
        for run in range(5):
            with record(tmp_path / f"{run}.chain", script=__file__):
                in_threads(train, [threading.Barrier(threads, timeout=60)] * threads)
            with open_recording(tmp_path / f"{run}.chain") as recording:
                assert len(recording.parameters) == threads
                kinds = [recording.event(number).kind for number in range(len(recording.timeline))]
                assert kinds.count("update") == 3 * threads
    finally:
        sys.setswitchinterval(interval)


def in_threads(work: Any, arguments: list[Any]) -> None:
    threads = [threading.Thread(target=work, args=(argument,)) for argument in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
