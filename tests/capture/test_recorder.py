"""What is written of real programs, looked at as a reader sees it."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from engine.capture import torchvision_ops
from engine.capture.recorder import record
from engine.errors import RecordingError, UsageError
from engine.recording.model import Node
from engine.recording.reader import open_recording
from tests.capture.conftest import Capture
from tests.capture.programs import Tangled, Twice


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
    model[1].register_forward_hook(lambda module, args, output: seen.update(tanh=output.detach().clone()))
    model[1].register_full_backward_hook(lambda module, gi, go: seen.update(into=gi[0].clone(), out=go[0].clone()))
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


def _note_name(ran: list[str], name: str, grad_inputs: Any, grad_outputs: Any) -> None:
    ran.append(name.rsplit("::", 1)[-1])


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


def test_a_sparse_gradient_is_recorded_without_its_elements(capture: Capture) -> None:
    table = nn.Embedding(10, 3, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters())
    with capture() as captured:
        table(torch.tensor([1, 4])).sum().backward()
        optimizer.step()
    assert len(captured.events("update")) == 1
    assert captured.values(captured.events("accumulate")[0], "grad_after") == [None]


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


def test_a_forked_child_writes_nothing(capture: Capture) -> None:
    w = torch.ones(2, requires_grad=True)
    with capture() as captured:
        (w * 2).sum().backward()
        child = os.fork()
        if child == 0:
            (w * 3).sum().backward()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        (w * 4).sum().backward()
    assert len(captured.recording.graphs) == 2


def test_loader_workers_run_under_capture(capture: Capture) -> None:
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.randn(8, 2)), batch_size=4, num_workers=1, multiprocessing_context="fork"
    )
    layer = nn.Linear(2, 1)
    with capture() as captured:
        for (batch,) in loader:
            layer(batch).sum().backward()
    assert len(captured.recording.graphs) == 2


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


def test_an_error_in_backward_reaches_the_script(capture: Capture) -> None:
    w = torch.ones(2, requires_grad=True)
    with capture() as captured, pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar"):
        (w * 2).backward()
    assert len(captured.events("backward")) == 0


def test_recording_as_a_library(tmp_path: Path) -> None:
    from engine import record as exported

    w = torch.ones(2, requires_grad=True)
    with exported(tmp_path / "run.chain"):
        w.sum().backward()
    recording = open_recording(tmp_path / "run.chain")
    assert len(recording.graphs) == 1
    assert recording.complete
    recording.close()


@pytest.mark.parametrize("wrong", [{"tensors": "everything"}, {"budget": -1}])
def test_wrong_arguments_are_named(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))), record(tmp_path / "run.chain", **wrong):
        pass


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="missing"), record(tmp_path / "missing" / "run.chain"):
        pass


def test_a_failure_inside_capture_does_not_reach_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_STRICT")
    monkeypatch.setattr("engine.capture.tensors.measure", lambda tensor: 1 / 0)
    w = torch.ones(2, requires_grad=True)
    with record(tmp_path / "run.chain"):
        w.sum().backward()
    assert w.grad is not None
    recording = open_recording(tmp_path / "run.chain")
    assert any("ZeroDivisionError" in note.text for note in recording.notes)
    recording.close()
    assert "torch" in sys.modules


def test_writing_to_a_view_is_tied_to_its_line(capture: Capture) -> None:
    w = torch.randn(4, 4, requires_grad=True)
    with capture() as captured:
        y = w * 1
        y[:, 1] = y[:, 0] * 2
        y.sum().backward()
    slices = _nodes(captured.recording)["CopySlices"]
    assert slices.operation == "aten.copy_.default"
    assert slices.line is not None


def test_transforms_of_torch_func_run_under_capture(capture: Capture) -> None:
    point = torch.randn(3)
    expected = torch.func.grad(lambda value: (value**3).sum())(point)
    with capture() as captured:
        observed = torch.func.grad(lambda value: (value**3).sum())(point)
        torch.ones(2, requires_grad=True).sum().backward()
    assert torch.equal(expected, observed)
    assert len(captured.recording.graphs) == 1


@pytest.mark.parametrize("hooks", ["module", "tensor", "after accumulation"])
def test_the_users_own_hooks_keep_their_say(hooks: str, capture: Capture) -> None:
    def run() -> list[torch.Tensor | None]:
        torch.manual_seed(0)
        layer = nn.Linear(3, 3)
        if hooks == "module":
            layer.register_full_backward_hook(lambda module, gi, go: (gi[0] * 3,))
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


def test_tensors_without_elements_in_memory_are_named_only(capture: Capture) -> None:
    layer = nn.Linear(4, 4, device="meta")
    with capture() as captured:
        layer(torch.empty(2, 4, device="meta")).sum().backward()
    assert len(captured.events("accumulate")) == 2
    assert captured.values(captured.events("accumulate")[0], "grad_after") == [None]
