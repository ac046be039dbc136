"""What is kept for backward: against what autograd itself keeps, and over time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from engine.capture import torchvision_ops
from engine.capture.recorder import record
from engine.errors import RecordingError
from engine.graph.memory import MemoryCurve, memory_curve, saved_bytes
from engine.graph.storage import Tensors
from engine.recording.reader import Recording, open_recording
from tests.recordings import make_bow

Run = Callable[[], torch.Tensor]
_FLOAT = 4


class Recorded:
    """What was kept in the first step of the last program that was recorded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self.recordings: list[Recording] = []

    def __call__(self, program: Callable[[], object]) -> MemoryCurve:
        path = self._folder / f"{next(self._numbers)}.chain"
        with record(path, script=__file__):
            program()
        self.recordings.append(open_recording(path))
        return memory_curve(self.recordings[-1], 0)

    def names(self, curve: MemoryCurve, category: str = "activation") -> list[list[str]]:
        """For each piece of a category, type and name of what holds it."""
        recording = self.recordings[-1]
        return [
            [f"{recording.node(holder.node).type} {holder.name}".strip() for holder in piece.holders]
            for piece in curve.pieces
            if piece.category == category
        ]

    def events(self, kind: str) -> list[int]:
        recording = self.recordings[-1]
        return [event for event in range(len(recording.timeline)) if recording.event(event).kind == kind]


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    recorded = Recorded(tmp_path)
    yield recorded
    for recording in recorded.recordings:
        recording.close()


class Truth:
    """What autograd itself keeps: `after` has the bytes of activations once each node's backward has run."""

    def __init__(self, run: Run, known: list[torch.Tensor]) -> None:
        self.storages: dict[int, int] = {}
        self.after: list[int] = []
        self._holders: dict[int, int] = {}
        self._known = {tensor.untyped_storage()._cdata for tensor in known}
        self._tensors: list[torch.Tensor] = []  # so that no address is used twice
        with torch.autograd.graph.saved_tensors_hooks(self._pack, lambda kept: kept.tensor):
            loss = run()
        self.total = sum(size for storage, size in self.storages.items() if storage not in self._known)
        self.there_anyway = sum(self.storages.values()) - self.total
        nodes: list[Any] = [loss.grad_fn]
        for node in nodes:
            nodes += [child for child, _ in node.next_functions if child is not None and child not in nodes]
        for node in nodes:
            if "AccumulateGrad" not in node.name():
                node.register_prehook(lambda _: self.after.append(self._held()))
        loss.backward()
        self.after = [*self.after[1:], self._held()]

    def _held(self) -> int:
        return sum(self.storages[storage] for storage, holders in self._holders.items()
                   if holders and storage not in self._known)  # fmt: skip

    def _pack(self, tensor: torch.Tensor) -> Any:
        storage = tensor.untyped_storage()
        self._tensors.append(tensor.detach())
        self.storages[storage._cdata] = storage.nbytes()
        return _Kept(tensor, storage._cdata, self._holders)


class _Kept:
    """Autograd lets go of it when it lets go of the tensor."""

    def __init__(self, tensor: torch.Tensor, storage: int, holders: dict[int, int]) -> None:
        self.tensor, self._storage, self._holders = tensor, storage, holders
        holders[storage] = holders.get(storage, 0) + 1

    def __del__(self) -> None:
        self._holders[self._storage] -= 1


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(5, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        twice: torch.Tensor = self.cell(x, self.cell(x))
        return twice


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu_(self.conv(x).add_(torch.relu_(self.norm(self.conv(x)))))
        out: torch.Tensor = self.head(nn.functional.max_pool2d(y, 2).mean((2, 3)).softmax(-1))
        return out


def resnet18() -> nn.Module:
    torchvision_ops.install()
    from torchvision.models import resnet18 as make

    model: nn.Module = make(weights=None)
    return model


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 3)), (8, 10)),
    "dropout": (lambda: nn.Sequential(nn.Linear(10, 20), nn.LayerNorm(20), nn.GELU(), nn.Dropout()), (8, 10)),
    "gru": (Recurrent, (4, 5)),
    "in place": (InPlace, (2, 3, 8, 8)),
    "resnet18": (resnet18, (2, 3, 32, 32)),
    "attention": (lambda: nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), (2, 5, 16)),
}


@pytest.mark.parametrize("name", MODELS)
def test_bytes_are_those_that_autograd_keeps(name: str, recorded: Recorded) -> None:
    make, shape = MODELS[name]
    model, x = make(), torch.randn(shape)

    def run() -> torch.Tensor:
        loss: torch.Tensor = model(x).exp().sum()
        return loss

    truth = Truth(run, [*model.parameters(), *model.buffers(), x])
    curve = recorded(lambda: run().backward())
    assert curve.unread == ()
    assert (curve.total(), curve.total("parameter") + curve.total("input")) == (truth.total, truth.there_anyway)
    assert curve.held()[recorded.events("backward")].tolist() == truth.after
    assert curve.peak_bytes == curve.held().max() >= curve.held()[0]
    assert not curve.held()[-1]


def test_each_node_and_all_of_them(recorded: Recorded) -> None:
    """The activation that two layers keep counts at both of them, and once in all."""
    model, x = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)), torch.randn(3, 4)
    curve = recorded(lambda: model(x).sum().backward())
    recording = recorded.recordings[0]
    by_type = {recording.node(node).type: size for node, size in saved_bytes(recording, 0).items()}
    hidden = 3 * 6 * _FLOAT
    assert by_type == {"ReluBackward0": hidden, "AddmmBackward0": hidden}
    assert curve.total() == curve.peak_bytes == curve.bytes_of(saved_bytes(recording, 0)) == hidden
    assert recorded.names(curve) == [["AddmmBackward0 mat1", "ReluBackward0 result"]]
    assert recorded.names(curve, "input") == [["AddmmBackward0 mat1"]]
    assert curve.total("input") == 3 * 4 * _FLOAT
    assert curve.total("parameter") == 2 * 6 * _FLOAT
    (piece,) = curve.pieces_at(curve.peak)
    assert {holder.node for holder in piece.holders} == set(saved_bytes(recording, 0))
    last = max(piece.holders, key=lambda holder: holder.freed or 0)
    assert last.freed is not None
    assert recording.node(last.node).type == "ReluBackward0"
    assert curve.pieces_at(last.freed - 1) == (piece,)
    assert curve.pieces_at(last.freed) == ()


def test_a_view_keeps_all_of_its_base(recorded: Recorded) -> None:
    w = torch.randn(100, requires_grad=True)
    curve = recorded(lambda: w.exp().view(10, 10)[0].sin().sum().backward())
    assert recorded.names(curve) == [["SinBackward0 self", "ExpBackward0 result"]]
    assert curve.total() == 100 * _FLOAT


def test_an_expanded_tensor_takes_only_its_own_bytes(recorded: Recorded) -> None:
    w = torch.randn(10, 1, requires_grad=True)
    assert recorded(lambda: w.sin().expand(10, 50).exp().sum().backward()).total() == 500 * _FLOAT
    assert recorded(lambda: w.sin().expand(10, 50).cos().sum().backward()).total() == 10 * _FLOAT


def test_a_number_of_the_script_is_kept_too(recorded: Recorded) -> None:
    """As a tensor of its own, which saved_tensors_hooks do not see."""
    w = torch.randn(10, requires_grad=True)
    curve = recorded(lambda: (w.exp() * 2.5).sum().backward())
    assert sorted(piece.bytes for piece in curve.pieces) == [8, 10 * _FLOAT]


def test_a_graph_that_runs_again_is_freed_by_its_last_pass(recorded: Recorded) -> None:
    w = torch.randn(10, requires_grad=True)

    def program() -> None:
        loss = w.exp().sum()
        loss.backward(retain_graph=True)
        loss.backward()

    curve = recorded(program)
    (piece,) = curve.pieces
    assert [holder.name for holder in piece.holders] == ["result", "result"]
    assert (piece.saved, piece.freed) == (0, recorded.events("backward")[-1])
    assert curve.held()[recorded.events("backward")].tolist() == [40, 40, 40, 0]


def test_what_never_ran_has_bytes_but_no_names(recorded: Recorded) -> None:
    w = torch.randn(10, requires_grad=True)

    def program() -> None:
        middle = w.sin()
        torch.autograd.grad(middle.exp().sum(), middle)

    curve = recorded(program)
    assert curve.total("unlisted") == 40
    assert recorded.names(curve, "unlisted") == [["SinBackward0"]]
    assert recorded.names(curve) == [["ExpBackward0 result"]]
    assert curve.held("unlisted")[-1] == 40
    assert curve.held()[-1] == 0


class OnContext(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        ctx.twice = value * 2
        ctx.save_for_backward(value.exp())
        return value.exp()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * ctx.saved_tensors[0]


def test_what_a_function_keeps_on_its_context_stays(recorded: Recorded) -> None:
    w = torch.randn(10, requires_grad=True)
    curve = recorded(lambda: OnContext.apply(w.sin()).sum().backward())  # type: ignore[no-untyped-call]
    freed = {piece.holders[0].name: piece.freed for piece in curve.pieces if piece.category == "activation"}
    assert freed == {"saved_tensors": recorded.events("backward")[1], "twice": None}
    assert curve.held()[-1] == 40


def test_checkpointed_nodes_are_named(recorded: Recorded) -> None:
    w = torch.randn(10, requires_grad=True)
    from torch.utils.checkpoint import checkpoint

    def layer(x: torch.Tensor) -> torch.Tensor:
        return torch.exp(x) + x

    curve = recorded(lambda: checkpoint(layer, w.sin(), use_reentrant=False).sum().backward())
    recording = recorded.recordings[0]
    assert [recording.node(node).type for node in curve.unread] == ["ExpBackward0"]


def test_without_readable_memory_the_sizes_are_the_same(recorded: Recorded) -> None:
    def program(device: str) -> Callable[[], object]:
        model = nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.LayerNorm(20), nn.Linear(20, 3)).to(device)
        return lambda: (model(torch.randn(8, 10, device=device)) ** 2).sum().backward()

    there, nowhere = recorded(program("cpu")), recorded(program("meta"))
    assert there.held().tolist() == nowhere.held().tolist()
    assert there.peak_bytes == 1760


def test_the_bow_keeps_inputs_and_the_miss(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        curve = memory_curve(recording, 1)
        assert (curve.step, curve.first, curve.last) == (1, 12, 23)
        assert len(curve.held()) == 12
        with pytest.raises(RecordingError, match="no step 7"):
            memory_curve(recording, 7)


def test_others_read_while_what_is_kept_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window does, meanwhile."""
    read, blocked = Tensors.read, []

    def looked_at(tensors: Tensors, recording: Recording, first: int, last: int) -> None:
        other = threading.Thread(target=lambda: recording.values(0))
        other.start()
        other.join(60)
        blocked.append(other.is_alive())
        read(tensors, recording, first, last)

    monkeypatch.setattr(Tensors, "read", looked_at)
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        assert recording.complete
        memory_curve(recording, 0)
    assert blocked
    assert not any(blocked)
