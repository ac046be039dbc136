"""Which update is shown, its quantities at an element, and what was remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from engine.desk.anatomy import at, histories, norm, take_apart
from engine.recording.reader import Recording, open_recording
from gui.optimizer.choice import Choice, choose, figure
from gui.optimizer.memory_words import nothing, origin, settings
from tests.recordings import make_bow, make_chain

B, W = 4, 5  # nodes of the bow's first step
W_UPDATED, B_UPDATED = 10, 11


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_bow(tmp_path / "bow.chain")) as opened:
        yield opened


@pytest.fixture(scope="module")
def adam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """Four updates of a 2 × 3 parameter by Adam."""
    import torch

    from engine.capture.recorder import record

    path = tmp_path_factory.mktemp("adam") / "adam.chain"
    with record(path, script=__file__):
        w = torch.arange(6.0).reshape(2, 3).requires_grad_()
        optimizer = torch.optim.Adam([w], lr=0.1)
        for _ in range(4):
            loss = (w * torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).pow(2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with open_recording(path) as opened:
        yield opened


def updates(recording: Recording) -> list[int]:
    return [number for number in range(len(recording.timeline)) if recording.event(number).kind == "update"]


@pytest.mark.parametrize(
    ("playhead", "selection", "expected"),
    [
        (W_UPDATED, None, Choice(0, W, W_UPDATED, passed=True, place=0, count=1)),
        (B_UPDATED, None, Choice(1, B, B_UPDATED, passed=True, place=0, count=1)),
        (B_UPDATED, W, Choice(0, W, W_UPDATED, passed=True, place=0, count=1)),
        (W_UPDATED, B, Choice(1, B, B_UPDATED, passed=False, place=0, count=1)),
        (0, None, Choice(0, W, W_UPDATED, passed=False, place=0, count=1)),  # the next one to come
        (7, None, Choice(1, B, B_UPDATED, passed=False, place=0, count=1)),  # the gradient of b arrives
        (0, 0, Choice(0, W, W_UPDATED, passed=False, place=0, count=1)),  # an operation is selected
    ],
)
def test_which_update_is_shown(recording: Recording, playhead: int, selection: int | None, expected: Choice) -> None:
    assert choose(recording, playhead, selection) == expected


def test_nothing_to_choose(recording: Recording) -> None:
    assert choose(recording, -1, None) is None


def test_plain_gradient_descent_taken_apart(recording: Recording) -> None:
    found = take_apart(recording, W_UPDATED, None)
    assert [(part.symbol, part.value) for part in found.parts] == [
        ("g_t", -15.0), (r"\Delta_t", pytest.approx(-0.75)), (r"\theta_t", pytest.approx(1.25)),
    ]  # fmt: skip
    assert all(part.norm is None for part in found.parts)
    assert (found.before, found.after, found.element, found.memory) == (0.5, 1.25, (), ())
    assert (found.state, found.optimizer) == ("proved", "SGD")


def test_adam_at_an_element(adam: Recording) -> None:
    second = updates(adam)[1]
    found = take_apart(adam, second, (1, 2))
    assert found.element == (1, 2)
    parts = {part.name: part for part in found.parts}
    values = {
        value.name or value.role: adam.data(value.tensor)
        for value in adam.values(second)
        if value.role != "state_before"
    }
    for name, key in (("first moment", "exp_avg"), ("second moment", "exp_avg_sq"), ("parameter", "param_after")):
        data = values[key]
        assert data is not None
        assert parts[name].value == pytest.approx(float(data[1, 2]), rel=1e-5)
        assert parts[name].norm == pytest.approx(float(np.linalg.norm(data)), rel=1e-5)
    memory = {entry.key: entry for entry in found.memory}
    assert list(memory) == ["step", "exp_avg", "exp_avg_sq"]
    assert (memory["step"].before, memory["step"].after) == (1.0, 2.0)
    assert memory["exp_avg"].before is not None
    assert memory["exp_avg"].after == pytest.approx(parts["first moment"].value, rel=1e-5)


def test_without_an_element_the_largest_change_is_shown(adam: Recording) -> None:
    event = updates(adam)[3]
    tensors = {value.role: value.tensor for value in adam.values(event)}
    before, after = adam.data(tensors["param_before"]), adam.data(tensors["param_after"])
    assert before is not None
    assert after is not None
    found = take_apart(adam, event, None)
    assert abs(after - before)[found.element] == abs(after - before).max()
    assert take_apart(adam, event, (7, 7)).element == found.element  # there is no such element


def test_what_was_not_recorded_is_said(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=8)) as recording:
        found = take_apart(recording, updates(recording)[0], None)
    assert found.parts == ()
    assert found.problem
    assert found.state != "proved"


def test_histories_follow_one_element(adam: Recording) -> None:
    events = updates(adam)
    found = histories(adam, events[2], (0, 1), ["exp_avg", "step"])
    assert found.events == tuple(events)
    assert found.numbers["step"] == (1.0, 2.0, 3.0, 4.0)
    for place, event in enumerate(events):
        expected = take_apart(adam, event, (0, 1))
        assert found.numbers["param_after"][place] == expected.after
        assert found.numbers["exp_avg"][place] == {entry.key: entry.after for entry in expected.memory}["exp_avg"]


def test_numbers_of_an_element() -> None:
    row = np.array([[1.0], [2.0]])
    assert at(row, (2, 3), (1, 2)) == 2.0
    assert at(3, (2, 3), (0, 0)) == 3.0
    assert at(np.arange(6.0).reshape(2, 3), (2, 3), (1, 1)) == 4.0
    assert at(np.arange(4.0).reshape(2, 2), (2,), (1,)) == 2 + 3j  # a complex number as a pair
    assert at(np.arange(7.0), (2, 3), (1, 1)) is None
    assert at([np.zeros(2), np.zeros(3)], (2, 3), (1, 1)) is None
    assert norm(np.array([3.0, 4.0])) == 5.0
    assert norm(2.0) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(6.0, "6"), (0.05, "0.05"), (-0.4, "\u22120.4"), (0.521703, "0.521703"), (2.5e-7, "2.5e\u22127"), (None, "–"),
     (float("nan"), "NaN"), (float("inf"), "Inf"), (1e9, "1e9"), (120000.5, "120000")],
)  # fmt: skip
def test_figures_have_no_idle_zeros(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_where_memory_comes_from(qapp: QApplication) -> None:
    h = {"betas": [0.9, 0.999], "momentum": 0.5, "alpha": 0.99}
    assert origin("exp_avg", h) == "an average of about 10 gradients (β₁ = 0.9)"
    assert origin("exp_avg_sq", h) == "an average of about 1,000 squared gradients (β₂ = 0.999)"
    assert origin("momentum_buffer", h) == "a gradient fades within about 2 updates (μ = 0.5)"
    assert origin("square_avg", h) == "an average of about 100 squared gradients (α = 0.99)"
    assert origin("acc_delta", {"rho": 0.9}) == "an average of about 10 squared steps (ρ = 0.9)"
    assert origin("exp_avg", {}) == origin("exp_avg", {"betas": [0.0, 1.0]}) == origin("step", h) == ""
    assert nothing("SGD", by_hand=False) != nothing("by hand", by_hand=True)


def test_settings_that_are_off_are_left_out() -> None:
    found = settings({"lr": 0.0, "betas": [0.9, 0.999], "weight_decay": 0, "foreach": None, "amsgrad": True})
    assert [(name, value) for name, value, _ in found] == [
        ("lr", "0.0"), ("betas", "0.9, 0.999"), ("amsgrad", "True"),
    ]  # fmt: skip
