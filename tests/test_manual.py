"""The bow by hand beside autograd: the whole story, line by line; and what is said where nothing is done by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from engine.capture.recorder import record
from engine.manual import Line, outline, work_out
from engine.recording.reader import Recording, open_recording
from engine.rules.naming import plain_text

ROOT = Path(__file__).parents[1]


def bow() -> None:
    """Runs three shots; names are those of the mission."""
    x, y = torch.tensor(2.0), torch.tensor(5.0)
    w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    archer = torch.optim.SGD([w, b], lr=0.05)
    for _ in range(3):
        prediction = w * x + b
        loss = (prediction - y) ** 2
        archer.zero_grad()
        loss.backward()
        archer.step()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    path = tmp_path_factory.mktemp("bow") / "bow.chain"
    with record(path, script=__file__):
        bow()
    with open_recording(path) as opened:
        yield opened


def lines(recording: Recording, step: int) -> list[Line]:
    return [work_out(recording, place) for place in outline(recording, step)]


def text(line: Line) -> str:
    parts = (plain_text(line.name), plain_text(line.formula), plain_text(line.numbers), line.by_hand)
    return " = ".join(part for part in parts if part)


def test_the_bow_reads_like_a_textbook(recording: Recording) -> None:
    assert [text(line) for line in lines(recording, 0)] == [
        "w · x = 0.5 · 2 = 1.0",
        "prediction = w · x + b = 1 + 0 = 1.0",
        "prediction - y = 1 - 5 = -4.0",
        "loss = (prediction - y)^2 = (-4)^2 = 16.0",
        "∂L/∂(prediction - y) = ∂L/∂loss · 2 · (prediction - y)^(2 - 1) = 1 · 2 · (-4)^(2 - 1) = -8.0",
        "∂L/∂prediction = ∂L/∂(prediction - y) = -8 = -8.0",
        "∂L/∂(w · x) = ∂L/∂prediction = -8 = -8.0",
        "∂L/∂b = 1 · ∂L/∂prediction = 1 · (-8) = -8.0",
        "∂L/∂w = ∂L/∂(w · x) · x = -8 · 2 = -16.0",
        "w = w - lr · ∂L/∂w = 0.5 - 0.05 · (-16) = 1.3",
        "b = b - lr · ∂L/∂b = 0 - 0.05 · (-8) = 0.4",
    ]


@pytest.mark.parametrize("step", [0, 1, 2])
def test_every_digit_is_equal_at_every_step(recording: Recording, step: int) -> None:
    for line in lines(recording, step):
        assert line.verdict == "equal", text(line)
        assert line.by_hand == line.autograd


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "w = w - lr · ∂L/∂w = 0.5 - 0.25 · 4 = -0.5"),
        ({"maximize": True}, "w = w - lr · (-∂L/∂w) = 0.5 - 0.25 · (-4) = 1.5"),
        ({"momentum": 0.5}, "w = w - lr · b_t = 0.5 - 0.25 · 6 = -1.0"),
        ({"momentum": 0.5, "nesterov": True}, "w = w - lr · g_t = 0.5 - 0.25 · 7 = -1.25"),
        ({"weight_decay": 2.0}, "w = w - lr · g_t = 0.5 - 0.25 · 5 = -0.75"),
    ],
    ids=["plain", "maximize", "momentum", "nesterov", "decay"],
)
def test_the_numbers_of_an_update_come_to_its_result(tmp_path: Path, options: Any, expected: str) -> None:
    w = torch.tensor(0.5, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.25, **options)
    with record(tmp_path / "run.chain", script=__file__):
        for _ in range(2):
            optimizer.zero_grad()
            (w * 4).backward()
            optimizer.step()
            w.data = torch.tensor(0.5)
    with open_recording(tmp_path / "run.chain") as recording:
        found = [text(line) for line in lines(recording, 1) if line.place.stage == "update"]
    assert found[0] == expected


def test_the_numbers_of_an_operation_have_what_it_was_called_with(tmp_path: Path) -> None:
    w, v = torch.tensor(3.0, requires_grad=True), torch.tensor(2.0, requires_grad=True)
    with record(tmp_path / "run.chain", script=__file__):
        a = torch.sub(w, v, alpha=4)
        b = torch.addcmul(a, w, v, value=-0.5)
        c = torch.lerp(b, w, 0.25)
        d = torch.maximum(c, c)
        d.backward()
    with open_recording(tmp_path / "run.chain") as recording:
        found = [text(line) for line in lines(recording, 0)]
    assert found[:4] == [
        "a = w - 4 · v = 3 - 4 · 2 = -5.0",
        "b = a + (-0.5) · w · v = -5 + (-0.5) · 3 · 2 = -8.0",
        "c = b + 0.25 · (w - b) = -8 + 0.25 · (3 - (-8)) = -5.25",
        "d = max(c, c) = max(-5.25, -5.25) = -5.25",
    ]
    assert (
        found[4]
        == "∂L/∂c = ∂L/∂d · ([c > c] + (1)/(2) [c = c]) = 1 · ([-5.25 > (-5.25)] + (1)/(2) [-5.25 = -5.25]) = 0.5"
    )


@pytest.mark.parametrize(
    "function", [torch.sigmoid, F.silu, F.mish, F.softplus, lambda x: F.glu(torch.stack([x, x]), 0)]
)
def test_what_the_dtype_cannot_hold_on_the_way_is_not_wrong(tmp_path: Path, function: Any) -> None:
    """e^90 is more than a float32 can be."""
    x = torch.tensor([-131.0, -90.0, -100.0, 3.0], requires_grad=True)
    with record(tmp_path / "run.chain", script=__file__):
        function(x).sum().backward()
    with open_recording(tmp_path / "run.chain") as recording:
        assert {line.verdict for line in lines(recording, 0)} <= {"equal", "within_rounding"}


@pytest.mark.parametrize(
    "function",
    [
        F.hardshrink, F.softshrink, lambda x: F.threshold(x, 0.2, 3), lambda x: x.median(0).values,
        lambda x: x.fmod(0.3), lambda x: x.remainder(-0.3), lambda x: F.soft_margin_loss(x * 100, torch.ones(4)),
    ],
)  # fmt: skip
def test_what_is_no_number_and_what_is_too_large_is_as_torch_has_it(tmp_path: Path, function: Any) -> None:
    x = torch.tensor([torch.nan, 7.3, -1.5, 0.1], requires_grad=True)
    with record(tmp_path / "run.chain", script=__file__):
        function(x).sum().backward()
    with open_recording(tmp_path / "run.chain") as recording:
        assert "wrong" not in {line.verdict for line in lines(recording, 0)}


@pytest.mark.parametrize("function", [F.mse_loss, F.huber_loss, F.soft_margin_loss])
def test_a_mean_of_nothing_is_not_wrong(tmp_path: Path, function: Any) -> None:
    x = torch.zeros(0, requires_grad=True)
    with record(tmp_path / "run.chain", script=__file__):
        function(x, torch.zeros(0)).backward()
    with open_recording(tmp_path / "run.chain") as recording:
        assert [line.verdict for line in lines(recording, 0)] == ["equal", "equal"]


def test_stages_come_in_the_order_of_events(recording: Recording) -> None:
    places = outline(recording, 1)
    assert [place.stage for place in places] == ["forward"] * 3 + ["loss"] + ["gradient"] * 5 + ["update"] * 2
    assert [place.event for place in places] == sorted(place.event for place in places)
    first, last = recording.timeline.step_bounds(1)
    assert all(first <= place.event <= last for place in places)


def test_what_is_not_done_by_hand_is_shown_as_recorded(tmp_path: Path) -> None:
    with record(tmp_path / "run.chain", script=__file__):
        w = torch.linspace(0.1, 0.9, 12).reshape(3, 4).requires_grad_()
        torch.i0(w).cumsum(0).sum().backward()
    with open_recording(tmp_path / "run.chain") as recording:
        found = {plain_text(line.name): line for line in lines(recording, 0)}
    forward = found["i0"]
    assert forward.verdict == "as_recorded"
    assert forward.by_hand == ""
    assert forward.autograd.startswith("3 × 4, norm ")
    assert "by hand" in forward.remark


def test_what_a_hook_has_changed_is_not_wrong(tmp_path: Path) -> None:
    with record(tmp_path / "run.chain", script=__file__):
        w = torch.linspace(0.1, 0.9, 3).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: kept * 2):
            y = w.sin()
        (y * 1.0).sum().backward()
    with open_recording(tmp_path / "run.chain") as recording:
        gradients = {line.remark: line.verdict for line in lines(recording, 0) if line.place.stage == "gradient"}
    assert "wrong" not in gradients.values()
    assert [verdict for remark, verdict in gradients.items() if remark.startswith("hooks, or")] == ["as_recorded"]


def test_without_data_nothing_is_equal(tmp_path: Path) -> None:
    with record(tmp_path / "run.chain", script=__file__, tensors="stats"):
        bow()
    with open_recording(tmp_path / "run.chain") as recording:
        verdicts = {line.verdict for line in lines(recording, 0)}
    assert verdicts == {"no_data"}


def test_updates_that_the_script_wrote_are_told_with_their_rate(tmp_path: Path) -> None:
    with record(tmp_path / "run.chain", script=__file__):
        w, v = torch.tensor(0.5, requires_grad=True), torch.tensor([1.0, 2.0], requires_grad=True)
        (w * 3 + v.sum()).backward()
        with torch.no_grad():
            assert w.grad is not None
            w -= 0.25 * w.grad
            v += torch.tensor([3.0, 4.0])
            v.neg_()
    with open_recording(tmp_path / "run.chain") as recording:
        updates = [line for line in lines(recording, 0) if line.place.stage == "update"]
    assert [text(line) for line in updates] == [
        "w = w - lr · ∂L/∂w = 0.5 - 0.25 · 3 = -0.25",
        "v = v + other = [4.0, 6.0]",
        "v = neg(v) = [-4.0, -6.0]",
    ]
    assert {line.verdict for line in updates} == {"equal"}


def test_results_of_modules_are_called_by_their_module(tmp_path: Path) -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.act = torch.nn.LayerNorm(3), torch.nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.act(self.norm(x)) * 2 + self.act(x)
            return found

    torch.manual_seed(0)
    with record(tmp_path / "run.chain", script=__file__):
        x = torch.randn(2, 3, requires_grad=True)
        loss = Net()(x).sum()
        loss.backward()
    with open_recording(tmp_path / "run.chain") as recording:
        told = lines(recording, 0)
    forward = {plain_text(line.name): plain_text(line.formula) for line in told if line.place.stage != "gradient"}
    assert forward["norm"].startswith("γ · (x - μ)")
    assert forward["act"] in ("max(0, norm)", "max(0, x)")
    assert "∂L/∂norm" in {plain_text(line.name) for line in told}


def test_gradients_of_one_node_share_their_work(recording: Recording) -> None:
    places = [place for place in outline(recording, 0) if place.stage == "gradient"]
    kept: dict[int, Any] = {}
    shared = [work_out(recording, place, kept) for place in places]
    assert list(kept) == [places[-1].node]
    assert [line.by_hand for line in shared] == [work_out(recording, place).by_hand for place in places]


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\theta_{t-1} - \Delta_t", "θ_(t-1) - Δ_t"),
        (r"\hat m_t / (\sqrt{\hat v_t} + \epsilon)", "m\u0302_t / (√(v\u0302_t) + ε)"),
        (r"\text{sub}(\alpha\, G)", "sub(α G)"),
        (r"\nabla_\theta f", "∇_θ f"),
    ],
)
def test_formulas_as_plain_text(latex: str, plain: str) -> None:
    assert plain_text(latex) == plain
