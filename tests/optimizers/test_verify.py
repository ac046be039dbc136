"""Recorded updates are proved, and what is no rounding error is caught and named."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import RecordingError
from engine.optimizers.result import Result
from engine.optimizers.verify import UpdateProof, explain_update, verify_update
from tests.optimizers.conftest import Recorded
from tests.optimizers.tamper import disturb
from tools.prove import optimizers as prove

pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks")
STEPS = 2
SAMPLE = (
    "SGD (nesterov, float32)", "SGD (maximize, foreach, float64)", "SGD (default, sparse, float32)",
    "Adam (amsgrad, bfloat16)", "Adam (default, differentiable, float32)", "Adam (default, complex64)",
    "AdamW (amsgrad, fused, float32)", "Adamax (maximize, weight_decay, float32)",
    "NAdam (decoupled_weight_decay, float32)",
    "RAdam (decoupled_weight_decay, float32)", "Adagrad (lr_decay, float32)", "Adagrad (default, sparse, float32)",
    "Adadelta (rho, complex64)", "Adafactor (nonzero weight_decay, float32)", "Rprop (non-default etas, complex64)",
    "RMSprop (maximize, centered, weight_decay, w/ momentum, float32)", "ASGD (t0, float64)",
    "LBFGS (default, float32)",
    "LBFGS (strong_wolfe, float64)", "SparseAdam (maximize, sparse, float32)", "Muon (non-default momentum, float32)",
)  # fmt: skip


def key(result: Result) -> str:
    """The name under which the tensor was recorded."""
    return result.name if result.what == "state_after" else ""


@pytest.mark.parametrize("name", SAMPLE)
def test_updates_are_proved_and_disturbed_ones_are_caught(name: str, recorded: Recorded) -> None:
    """Of the parameter, of each tensor of the state and of the matrices on the way, one element moves out of bounds."""
    recorded.path = recorded.path / "run.chain"
    prove.run(prove._table()[name], recorded.path, STEPS)
    proofs = recorded.proofs()
    assert {proof.reason for proof in proofs} == {""}
    proof = next(found for found in proofs if found.event == min(other.event for other in proofs))
    assert proof.results[0].what == "param_after"
    tensors = {(value.role, value.name, value.slot) for value in recorded.opened().values(proof.event)}
    stored = {(r.what, r.name.rstrip("0123456789")): r for r in proof.results if (r.what, key(r), r.slot) in tensors}
    assert ("param_after", "") in stored
    kept = stored.values()  # of lists and rounds, the last
    original = recorded.path.read_bytes()
    for result in kept:
        recorded.path.write_bytes(original)
        found = result.comparison
        by = 1.5 * found.bound or 1.0  # counters have no bound at all
        disturb(
            recorded.path, proof.event, result.what, key(result), result.slot, found.worst, found.computed.real + by
        )
        caught = verify_update(recorded.opened(), proof.event)
        assert caught.state == "wrong", (result.label, caught.reason)
        assert result.label in caught.reason or any(not other.comparison.holds for other in caught.results)
        wrong = next(other for other in caught.results if (other.name, other.slot) == (result.name, result.slot))
        assert not wrong.comparison.holds
        assert wrong.comparison.worst == found.worst


def test_the_bound_is_no_wider_than_rounding(recorded: Recorded) -> None:
    """In float32 the parameter may be off by some units of its last place, and not by a visible part of the step."""
    recorded.path = recorded.path / "run.chain"
    prove.run(prove._table()["Adam (nonzero weight_decay, float32)"], recorded.path, STEPS)
    for proof in recorded.proofs():
        found = proof.results[0].comparison
        assert found.bound <= 2.0**-24 * 64 * max(1.0, abs(found.recorded))
        assert found.max_abs <= found.bound


def train(
    make: Callable[[list[nn.Parameter]], torch.optim.Optimizer], closure: bool = False, steps: int = STEPS
) -> None:
    torch.manual_seed(0)
    w = nn.Parameter(torch.randn(3, 2))
    optimizer = make([w])

    def loss() -> Any:
        optimizer.zero_grad()
        value = (torch.linspace(0, 1, 6).reshape(2, 3) @ w).pow(2).sum()
        value.backward()
        return value

    for _ in range(STEPS):
        if closure:
            optimizer.step(loss)
        else:
            loss()
            optimizer.step()


class Lion(torch.optim.Optimizer):
    """An optimizer of the user's."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.1})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for param in group["params"]:
                param.sub_(group["lr"] * param.grad.sign())


class SGD(torch.optim.SGD):
    """Of the same name as torch's, and not the same."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        super().step(closure)
        self.param_groups[0]["params"][0].mul_(0.5)


@pytest.mark.parametrize("make", [Lion, lambda params: SGD(params, lr=0.1)], ids=["Lion", "SGD"])
def test_an_optimizer_of_the_users_is_unknown(make: Any, recorded: Recorded) -> None:
    for proof in recorded(lambda: train(make)):
        assert proof.state == "unknown"
        assert ("has no rule" if make is Lion else "does not do the same") in proof.reason


def test_a_closure_gives_the_gradient_that_counts(recorded: Recorded) -> None:
    proofs = recorded(lambda: train(lambda params: torch.optim.AdamW(params, lr=0.1), closure=True))
    assert [proof.state for proof in proofs] == ["proved"] * STEPS


def test_a_gradient_changed_by_a_hook_of_the_optimizer_is_the_one_that_counts(recorded: Recorded) -> None:
    def make(params: list[nn.Parameter]) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(params, lr=0.1)

        def clip(*_: Any) -> None:
            nn.utils.clip_grad_norm_(params, 0.1)

        optimizer.register_step_pre_hook(clip)
        return optimizer

    assert [proof.state for proof in recorded(lambda: train(make))] == ["proved"] * STEPS


def test_a_hook_that_writes_to_the_parameter_makes_nothing_wrong(recorded: Recorded) -> None:
    def make(params: list[nn.Parameter]) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(params, lr=0.1)

        @torch.no_grad()
        def clip(*_: Any) -> None:
            params[0].clamp_(-0.1, 0.1)

        optimizer.register_step_post_hook(clip)
        return optimizer

    for proof in recorded(lambda: train(make)):
        assert proof.state == "unknown"
        assert "hooks" in proof.reason


def test_hyperparameters_that_are_tensors(recorded: Recorded) -> None:
    def make(params: list[nn.Parameter]) -> torch.optim.Optimizer:
        betas = torch.tensor(0.8), torch.tensor(0.99)
        return torch.optim.Adam(params, lr=torch.tensor(0.01), betas=betas, capturable=False, foreach=False)

    assert [proof.state for proof in recorded(lambda: train(make))] == ["proved"] * STEPS


def test_what_was_not_recorded_is_not_proved(recorded: Recorded) -> None:
    for proof in recorded(lambda: train(lambda params: torch.optim.SGD(params, lr=0.1)), tensors="stats"):
        assert proof.state == "no_data"
        assert "stats only" in proof.reason


def test_a_step_that_a_grad_scaler_stops_changes_nothing(recorded: Recorded) -> None:
    def program() -> None:
        w = nn.Parameter(torch.ones(3))
        optimizer = torch.optim.AdamW([w], lr=0.1, fused=True)
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        for factor in (1.0, float("inf"), 1.0):
            optimizer.zero_grad()
            scaler.scale((w * factor).sum()).backward()
            scaler.step(optimizer)
            scaler.update()

    assert [(proof.state, proof.reason) for proof in recorded(program)] == [("proved", "")] * 3


def test_a_parameter_without_gradient_stays(recorded: Recorded) -> None:
    def program() -> None:
        used, idle = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
        optimizer = torch.optim.Adam([used, idle])

        def closure() -> Any:
            loss = used.pow(2).sum()
            loss.backward()
            return loss

        optimizer.step(closure)

    assert [proof.state for proof in recorded(program)] == ["proved", "proved"]


def test_numbers_that_are_none_are_proved_and_a_wrong_one_beside_them_is_caught(recorded: Recorded) -> None:
    def program() -> None:
        w = nn.Parameter(torch.tensor([0.0, -1.0, 4.0]))
        optimizer = torch.optim.SGD([w], lr=0.1)
        (w.sqrt() * torch.tensor([0.0, 1.0, 1.0])).sum().backward()  # NaN, NaN, 0.25
        optimizer.step()

    (proof,) = recorded(program)
    assert proof.state == "proved", proof.reason
    disturb(recorded.path, proof.event, "param_after", "", 0, (2,), 3.9)
    (proof,) = recorded.proofs()
    assert proof.state == "wrong"


def test_a_sparse_momentum_is_proved(recorded: Recorded) -> None:
    def program() -> None:
        table = nn.Embedding(5, 2, sparse=True)
        optimizer = torch.optim.SGD(table.parameters(), lr=0.1, momentum=0.9)
        for _ in range(2):
            optimizer.zero_grad()
            table(torch.tensor([1, 3])).sum().backward()
            optimizer.step()

    assert {proof.state for proof in recorded(program)} == {"proved"}


def test_muon_without_its_matrices_is_unknown(recorded: Recorded) -> None:
    """Five rounds in bfloat16 leave nothing of a bound: what an older recording has is not enough."""
    recorded(lambda: train(lambda params: torch.optim.Muon(params)))
    with sqlite3.connect(recorded.path) as connection:
        connection.execute(
            "DELETE FROM value WHERE role = 'output' AND event IN (SELECT id FROM event WHERE kind = 'update')"
        )
    connection.close()
    for proof in recorded.proofs():
        assert proof.state == "unknown"
        assert "bfloat16" in proof.reason


def test_what_is_no_update_is_refused(recorded: Recorded) -> None:
    recorded(lambda: train(lambda params: torch.optim.SGD(params, lr=0.1)))
    with pytest.raises(RecordingError, match="not an update"):
        verify_update(recorded.opened(), 0)


def test_an_update_is_explained_in_numbers(recorded: Recorded) -> None:
    proof: UpdateProof = recorded(lambda: train(lambda params: torch.optim.AdamW(params, lr=0.1)))[-1]
    recording = recorded.opened()
    found = explain_update(recording, proof.event)
    names = [quantity.name for quantity in found.quantities]
    assert names[0] == "step count"
    assert names[-1] == "parameter"
    assert {"first moment", "corrected second moment", "denominator", "effective learning rate"} <= set(names)
    assert all(isinstance(quantity.value, int | float | np.ndarray) for quantity in found.quantities)
    after = next(value for value in recording.values(proof.event) if value.role == "param_after")
    there = recording.data(after.tensor)
    assert there is not None
    np.testing.assert_allclose(found.param, there, rtol=1e-5)


def test_lbfgs_is_explained_whole(recorded: Recorded) -> None:
    proof = recorded(lambda: train(lambda params: torch.optim.LBFGS(params, max_iter=3), closure=True))[-1]
    assert proof.state == "proved"
    names = {quantity.name for quantity in explain_update(recorded.opened(), proof.event).quantities}
    assert {"gradient", "parameter"} <= names
    assert any(name.startswith("direction") for name in names)


def test_steps_of_several_threads_that_overlap(recorded: Recorded) -> None:
    """The first to begin is the first to end: neither is taken for the other."""
    both, over = threading.Barrier(2, timeout=60), threading.Event()

    def train(size: float, last: bool) -> None:
        w = nn.Parameter(torch.full((2,), size))
        optimizer = torch.optim.SGD([w], lr=0.1)

        def wait(*_: Any) -> None:
            both.wait()
            if last:
                over.wait(60)

        optimizer.register_step_pre_hook(wait)
        (w * w).sum().backward()
        optimizer.step()
        over.set()

    def program() -> None:
        threads = [threading.Thread(target=train, args=(1.0, False)), threading.Thread(target=train, args=(2.0, True))]
        for thread in threads:
            thread.start()
        w = nn.Parameter(torch.ones(2))
        w.sum().backward()
        with torch.no_grad():
            w.mul_(0.5)
        for thread in threads:
            thread.join()

    proofs = recorded(program)
    assert {proof.state for proof in proofs} == {"proved"}, [proof.reason for proof in proofs]
    assert sorted(proof.optimizer for proof in proofs) == ["SGD", "SGD", "by hand"]
