"""Threads that train side by side: what one of them does loses nothing of what another is about to write."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from engine import record
from engine.capture import measure
from engine.capture.guard import Quiet
from engine.capture.tensors import TensorStore
from engine.optimizers.verify import verify_update
from engine.recording.reader import open_recording
from engine.rules.verify import verify_graph
from tests.capture.conftest import Capture, Captured


class Slow(torch.optim.SGD):
    """Does something else first."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def step(self, closure: Any = None) -> Any:
        self.meanwhile()
        return super().step(closure)


def trainer(kind: type[torch.optim.Optimizer]) -> tuple[Callable[[], None], torch.optim.Optimizer]:
    """(one training step of a small model of its own, its optimizer)."""
    weight = nn.Parameter(torch.arange(1.0, 4.0))
    optimizer = kind([weight], lr=0.1)  # type: ignore[call-arg]

    def train() -> None:
        optimizer.zero_grad()
        (weight * weight).sum().backward()
        optimizer.step()

    return train, optimizer


def elsewhere(work: Callable[[], object]) -> None:
    """Run it in another thread, to its end."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result(timeout=60)


def states(captured: Captured) -> tuple[set[str], set[str]]:
    """Verdicts on all backward passes, and on all updates."""
    recording = captured.recording
    backward: set[str] = {proof.state for graph in recording.graphs for proof in verify_graph(recording, graph.id)}
    return backward, {verify_update(recording, event).state for event in captured.events("update")}


def test_an_update_during_which_others_end_steps_keeps_its_gradient(capture: Capture) -> None:
    slow, optimizer = trainer(Slow)
    quick, _ = trainer(torch.optim.Adam)
    optimizer.meanwhile = lambda: elsewhere(lambda: [quick() for _ in range(4)])  # type: ignore[attr-defined]
    with capture() as captured:
        elsewhere(slow)
        elsewhere(slow)
    assert states(captured) == (set(), {"proved"})
    assert len(captured.events("update")) == 10


def test_a_pass_during_which_others_end_steps_keeps_what_it_saw(capture: Capture) -> None:
    quick, _ = trainer(torch.optim.Adam)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with capture() as captured:
        for _ in range(2):
            loss = torch.tanh(model(torch.ones(4, 3))).sum()
            for _ in range(4):
                elsewhere(quick)
            optimizer.zero_grad()
            loss.backward()
            for _ in range(4):
                elsewhere(quick)
            optimizer.step()
    assert states(captured) == ({"proved"}, {"proved"})
    recording = captured.recording
    own = [event for event in map(recording.event, captured.events("update")) if event.info["optimizer"] == "SGD"]
    assert [event.graph for event in own] == [0, 0, 1, 1]  # each is shown at the backward pass that led to it
    assert Counter(event.step for event in own) == dict.fromkeys((graph.step for graph in recording.graphs), 2)


def test_updates_that_another_thread_makes_of_gradients_of_this_one_end_its_steps(capture: Capture) -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with capture() as captured:
        for _ in range(3):
            optimizer.zero_grad()
            (weight * weight).sum().backward()
            elsewhere(optimizer.step)
    assert [graph.step for graph in captured.recording.graphs] == [0, 1, 2]
    assert [captured.recording.event(event).step for event in captured.events("update")] == [0, 1, 2]


def test_what_nothing_came_back_from_is_recorded_again_when_something_does(capture: Capture) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    late, early = torch.ones(5, 3), torch.zeros(5, 3)
    with capture() as captured:
        model(late)  # a look at the loss before
        for batch in (early, early, early, late):
            optimizer.zero_grad()
            model(batch).square().mean().backward()
            optimizer.step()
    assert states(captured) == ({"proved"}, {"proved"})


def levels(store: TensorStore, numbers: list[int]) -> list[str]:
    return [row.level for number in numbers for row in store.referred(number)]


def mebibytes(store: TensorStore, count: int) -> list[int]:
    return [store.take(torch.ones(1 << 18)) for _ in range(count)]


def test_an_update_in_the_middle_of_a_pass_parts_no_node_from_its_forward(capture: Capture) -> None:
    """`capture` asks whether each node's forward is one."""
    weight = nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    done = threading.Event()

    def step_on() -> None:
        while not done.is_set():
            optimizer.step()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with capture(), ThreadPoolExecutor(1) as pool:
            stepping = pool.submit(step_on)
            for _ in range(20):
                model(torch.ones(2, 4)).sum().backward()
            done.set()
            stepping.result(timeout=60)
    finally:
        done.set()
        sys.setswitchinterval(interval)


class Waiting(nn.Module):
    """Has a part, and does something else in the middle of its forward pass."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self.part = nn.Linear(2, 2)
        self.meanwhile = meanwhile

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.meanwhile()
        result: torch.Tensor = self.part(x)
        return result


def test_modules_that_another_thread_calls_meanwhile_are_not_those_of_this_one(capture: Capture) -> None:
    begun, go_on = threading.Event(), threading.Event()
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())

    def meanwhile() -> None:
        begun.set()
        assert go_on.wait(60)

    with capture() as captured, ThreadPoolExecutor(1) as pool:
        watching = pool.submit(Waiting(meanwhile), torch.ones(1, 2))
        assert begun.wait(60)
        loss = model(torch.ones(1, 2)).sum()
        go_on.set()
        watching.result(timeout=60)
        loss.backward()
    nodes = {node.type: (node.module, node.name) for node in captured.recording.nodes(0)}
    assert nodes["SumBackward0"] == ("", "loss")
    assert nodes["TanhBackward0"] == ("1", "")
    assert nodes["AddmmBackward0"] == ("0", "")
    assert [parameter.module for parameter in captured.recording.parameters] == ["0", "0"]


def test_what_is_known_of_a_memory_may_be_forgotten_while_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    store = TensorStore("full", 1 << 20)
    matrix = torch.ones(2, 3)
    forgetting = threading.Thread(target=store.forget, args=(matrix,))

    def covered(shape: Sequence[int], stride: Sequence[int]) -> int | None:
        if shape == matrix.shape:
            forgetting.start()
            forgetting.join(0.2)  # it may have to wait for us
        return measure.covered(shape, stride)

    with Quiet():
        first = store.take(matrix)
        monkeypatch.setattr("engine.capture.tensors.covered", covered)
        store.take(matrix[:1])
        forgetting.join()
        monkeypatch.undo()
        assert store.take(matrix) != first


def test_what_waits_while_steps_of_others_end_takes_part_of_their_budget() -> None:
    store = TensorStore("full", 8 << 20)
    waiting = mebibytes(store, 3)
    for _ in range(2):
        store.end_step(complete=False)
    assert levels(store, mebibytes(store, 6)) == ["full"] * 5 + ["preview"]
    assert levels(store, waiting) == ["full"] * 3


def test_what_waits_for_ever_loses_its_data_when_it_takes_half_of_the_budget() -> None:
    store = TensorStore("full", 8 << 20)
    waiting = mebibytes(store, 5)
    for _ in range(2):
        store.end_step(complete=False)
    assert levels(store, waiting) == ["stats"] * 5


def test_what_an_update_under_way_has_taken_waits_for_it() -> None:
    store = TensorStore("full", 8 << 20)
    before = mebibytes(store, 2)
    mark = store.mark()
    held = mebibytes(store, 2)
    for _ in range(3):
        store.end_step(held_since=mark)
    assert levels(store, before) == ["stats"] * 2
    assert levels(store, held) == ["full"] * 2


def test_an_update_that_raised_holds_no_more_than_half_of_the_budget() -> None:
    store = TensorStore("full", 8 << 20)
    mark = store.mark()
    held = mebibytes(store, 5)
    for _ in range(2):
        store.end_step(held_since=mark)
    assert levels(store, held) == ["stats"] * 5


def test_a_recording_in_another_thread_does_not_disturb_a_step(capture: Capture, tmp_path: Path) -> None:
    """torch goes through its hooks one by one, and fails if there are others by then."""
    train, _ = trainer(torch.optim.SGD)
    inner = trainer(torch.optim.SGD)[0]

    def record_another(*_: Any) -> None:
        def whole() -> None:
            with record(tmp_path / "other.chain"):
                inner()

        if threading.current_thread() is threading.main_thread():
            elsewhere(whole)

    with capture() as captured:
        handles = [register_optimizer_step_pre_hook(hook) for hook in (record_another, lambda *_: None)]
        try:
            train()
        finally:
            for handle in handles:
                handle.remove()
    assert captured.events("update")
    with open_recording(tmp_path / "other.chain") as other:
        assert [other.event(number).kind for number in range(len(other.timeline))].count("update") == 1
