"""Proof of whole nodes: rules, sums where gradients meet, accumulation; and what keeps a node from being proved."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.capture.recorder import record
from engine.recording.reader import Recording, open_recording
from engine.rules.reading import GraphValues
from engine.rules.registry import without_rule
from engine.rules.verify import Proof, verify_graph

Run = Callable[[], Any]


def proofs(recording: Recording, graph: int = 0) -> dict[str, Proof]:
    """By type, with the parameter's name for leaves."""
    found = {}
    for proof in verify_graph(recording, recording.graphs[graph].id):
        node = recording.node(proof.node)
        found[node.name if node.kind == "parameter" else proof.type] = proof
    return found


def recorded(path: Path, run: Run, **options: Any) -> Recording:
    with record(path, script=__file__, **options):
        run()
    return open_recording(path)


def bow() -> None:
    w, b = torch.tensor(1.5, requires_grad=True), torch.tensor(0.25, requires_grad=True)
    x = torch.tensor(2.0)
    loss = (w * x + b - 5.0) ** 2
    loss.backward()


def twice() -> None:
    """A weight that is used twice: its gradients meet."""
    w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = w * w.detach() + w * 0.1
    (y * y).sum().backward()
    (w * 3.0).sum().backward()  # .grad holds something already


def cancelling() -> None:
    """Gradients meet that nearly cancel, and the small one comes first: it is rounded away against a large one."""
    x = torch.ones(1, requires_grad=True) * 1.0
    large, other, small = x * -2.8524129390716553, x * 2.789112091064453, x * -1.1027307778022077e-07
    torch.stack([large, other, small]).sum().backward()


def alter(path: Path, role: str, event_kind: str, position: int, change: float, *, first: bool) -> None:
    """Change one element of a tensor with this role, in the file: of the first pass for a sum, else of the last."""
    connection = sqlite3.connect(path)
    tensor, data = connection.execute(
        "SELECT tensor.id, tensor.data FROM value JOIN tensor ON tensor.id = value.tensor JOIN event"
        " ON event.id = value.event WHERE value.role = ? AND event.kind = ? AND tensor.dtype = 'float32'"
        f" ORDER BY value.event {'ASC' if first else 'DESC'} LIMIT 1",
        (role, event_kind),
    ).fetchone()
    array = np.frombuffer(data, dtype="<f4").copy()
    array[position] += change
    connection.execute("UPDATE tensor SET data = ? WHERE id = ?", (array.tobytes(), tensor))
    connection.commit()
    connection.close()


def test_a_sum_is_rounded_in_the_order_in_which_autograd_adds(tmp_path: Path) -> None:
    with recorded(tmp_path / "run.chain", cancelling) as recording:
        assert {proof.state for proof in verify_graph(recording, 0)} == {"proved"}
        graph = GraphValues(recording, 0)
        met = next(node for node in recording.nodes(0) if len(graph.contributions(node, 0)) == 3)
        sent = [float(recording.data(one.tensor)[0]) for one in graph.contributions(met, 0)]  # type: ignore[index]
        assert [f"{number:.3g}" for number in sent] == ["-1.1e-07", "2.79", "-2.85"]


@pytest.mark.parametrize("run", [bow, twice])
def test_every_number_is_proved(tmp_path: Path, run: Run) -> None:
    with recorded(tmp_path / "run.chain", run) as recording:
        for graph in range(len(recording.graphs)):
            found = proofs(recording, graph)
            assert {proof.state for proof in found.values()} <= {"proved"}, found
            assert all(proof.checks for proof in found.values() if proof.type == "AccumulateGrad")


def test_contributions_of_a_weight_that_is_used_twice_are_kept(tmp_path: Path) -> None:
    with recorded(tmp_path / "run.chain", twice) as recording:
        values = GraphValues(recording, recording.graphs[0].id)
        leaf = next(node for node in values.nodes if node.kind == "parameter")
        sent = values.contributions(leaf, 0)
        assert len(sent) == 2
        event = values.event_of(leaf)
        assert event is not None
        arrived = next(value.tensor for value in recording.values(event.id) if value.role == "grad_input")
        total = sum(np.asarray(values.data(one.tensor)) for one in sent)
        assert np.allclose(total, np.asarray(values.data(arrived)))
        sums = [check for check in proofs(recording)["w"].checks if check.what == "sum"]
        assert len(sums) == 1
        assert sums[0].comparison.holds


@pytest.mark.parametrize(
    ("role", "kind", "what"),
    [
        ("grad_input", "backward", "grad_input"),
        ("grad_after", "accumulate", "grad"),
        ("grad_input", "accumulate", "sum"),
    ],
)
def test_a_number_that_was_changed_is_wrong_and_is_named(tmp_path: Path, role: str, kind: str, what: str) -> None:
    path = tmp_path / "run.chain"
    recorded(path, twice).close()
    first = what == "sum"
    alter(path, role, kind, 1 if kind == "accumulate" else 0, 0.01, first=first)
    with open_recording(path) as recording:
        graph = 0 if first else len(recording.graphs) - 1
        wrong = [proof for proof in proofs(recording, graph).values() if proof.state == "wrong"]
        assert wrong
        failed = [check for proof in wrong for check in proof.checks if not check.comparison.holds]
        assert what in {check.what for check in failed} or kind == "backward"
        assert "element" in wrong[0].reason
        assert "by hand" in wrong[0].reason


def test_nothing_is_proved_without_data(tmp_path: Path) -> None:
    with recorded(tmp_path / "run.chain", twice, tensors="stats") as recording:
        assert {proof.state for proof in proofs(recording).values()} == {"no_data"}


def test_a_custom_function_is_unknown(tmp_path: Path) -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

        @staticmethod
        def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
            return 2 * grads[0]

    def run() -> None:
        x = torch.ones(3, requires_grad=True)
        Double.apply(x).sum().backward()  # type: ignore[no-untyped-call]

    with recorded(tmp_path / "run.chain", run) as recording:
        found = proofs(recording)["DoubleBackward"]
        assert found.state == "unknown"
        assert "DoubleBackward" in found.reason


def test_what_torchscript_compiled_is_no_custom_function() -> None:
    words = without_rule("DifferentiableGraphBackward")
    assert "TorchScript" in words
    assert "torch.jit" in words
    assert "autograd.Function" not in words
    assert "autograd.Function" in without_rule("DoubleBackward")


def hooked(unpack: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Operations that save an input, a result, a list of indices and a number."""
    x = torch.linspace(0.1, 1, 6).requires_grad_(True)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
        y = (x.sin() * 0.3).tanh()[torch.tensor([0, 0, 4])]
        z = torch.stack([y, 2 * y]).max(0).values
    z.sum().backward()


def test_what_hooks_keep_is_proved_with_what_the_forward_had(tmp_path: Path) -> None:
    with recorded(tmp_path / "run.chain", lambda: hooked(lambda tensor: tensor)) as recording:
        found = proofs(recording)
    assert {type_: proof.state for type_, proof in found.items()} == dict.fromkeys(found, "proved")
    remarks = {type_ for type_, proof in found.items() if proof.reason.endswith("proved with what the forward had")}
    assert remarks == {"SinBackward0", "TanhBackward0", "IndexBackward0", "MaxBackward0"}


def scaled(tensor: torch.Tensor) -> torch.Tensor:
    return tensor * 0.99 if tensor.is_floating_point() else tensor


def test_hooks_that_change_what_is_saved_are_not_wrong(tmp_path: Path) -> None:
    with recorded(tmp_path / "run.chain", lambda: hooked(scaled)) as recording:
        found = proofs(recording)
    assert found["TanhBackward0"].state == found["SinBackward0"].state == "unknown"
    assert found["TanhBackward0"].reason.startswith("hooks, or checkpointing, may have given backward other values")
    assert "wrong" not in {proof.state for proof in found.values()}


def test_what_was_written_to_since_it_was_saved_through_hooks_is_unknown(tmp_path: Path) -> None:
    """Of what hooks keep, torch does not check the version: it computes with what is there now."""

    def run() -> None:
        x = torch.linspace(0.1, 1, 6).requires_grad_(True) * 1.0
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor):
            y = x.sin()
        with torch.no_grad():
            x.mul_(3)
        y.sum().backward()

    with recorded(tmp_path / "run.chain", run) as recording:
        found = proofs(recording)
    assert {type_ for type_, proof in found.items() if proof.state != "proved"} == {"SinBackward0"}
    assert found["SinBackward0"].state == "unknown"


def test_a_node_that_hooks_keep_nothing_for_can_be_wrong(tmp_path: Path) -> None:
    """They are not asked to keep numbers."""

    def run() -> None:
        with torch.autograd.graph.saved_tensors_hooks(scaled, scaled):
            y = torch.ones(3, requires_grad=True) * 2.0
        y.sum().backward()

    with recorded(tmp_path / "run.chain", run) as recording:
        assert proofs(recording)["MulBackward0"].state == "proved"
    alter(tmp_path / "run.chain", "grad_input", "backward", 1, 0.5, first=False)
    with open_recording(tmp_path / "run.chain") as recording:
        assert proofs(recording)["MulBackward0"].state == "wrong"


@pytest.mark.parametrize("moved", [False, True])
def test_what_checkpointing_computes_again_is_proved(moved: bool, tmp_path: Path) -> None:
    """`moved`: the script's own state makes the second time different."""
    from torch.utils.checkpoint import checkpoint

    scales = iter((1.0, 2.0 if moved else 1.0))

    def run() -> None:
        x = torch.linspace(0.1, 1, 6).requires_grad_(True)
        y = checkpoint(lambda x: (x * next(scales)).exp().sigmoid(), x, use_reentrant=False)
        y.sum().backward()

    with recorded(tmp_path / "run.chain", run) as recording:
        found = proofs(recording)
    assert found["ExpBackward0"].state == found["SigmoidBackward0"].state == ("unknown" if moved else "proved")


def test_the_view_that_a_write_into_a_part_leaves_behind_is_proved(tmp_path: Path) -> None:
    def run() -> None:
        w = torch.ones(4, 3, requires_grad=True)
        x = w * 2
        x[1:3, 1:] += w[:2, :2] * 3
        x.sum().backward()

    with recorded(tmp_path / "run.chain", run) as recording:
        found = proofs(recording)
        assert found["AsStridedBackward0"].state == "proved"


def test_a_node_that_no_gradient_reached_did_not_run(tmp_path: Path) -> None:
    def run() -> None:
        x = torch.ones(3, requires_grad=True)
        y = x * 2.0
        y.register_hook(lambda grad: (_ for _ in ()).throw(RuntimeError("stopped")))
        total = (y * 1.0).sum()
        with pytest.raises(RuntimeError, match="stopped"):
            total.backward()

    with recorded(tmp_path / "run.chain", run) as recording:
        assert "not_run" in {proof.state for proof in proofs(recording).values()}
