"""Updates without an optimizer: every kind of write is proved, and no write is called wrong that is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from engine.optimizers.by_hand import multiple
from engine.optimizers.verify import explain_update, verify_update
from tests.optimizers.conftest import Recorded
from tests.optimizers.tamper import disturb

Write = Callable[[torch.Tensor, torch.Tensor], Any]


def _data(w: torch.Tensor, g: torch.Tensor) -> None:
    w.data = w.data - 0.1 * g


def _slice(w: torch.Tensor, g: torch.Tensor) -> None:
    w[1:, ::2] -= 0.1 * g[1:, ::2]


def _row(w: torch.Tensor, g: torch.Tensor) -> None:
    w[1].zero_()


def _out(w: torch.Tensor, g: torch.Tensor) -> None:
    torch.sub(w, g, alpha=0.1, out=w)


WRITES: dict[str, Write] = {
    "sub": lambda w, g: w.sub_(0.1 * g),
    "sub, alpha": lambda w, g: w.sub_(g, alpha=0.1),
    "add, alpha": lambda w, g: w.add_(g, alpha=-0.1),
    "add, number": lambda w, g: w.add_(0.5),
    "broadcast": lambda w, g: w.sub_(g[0]),
    "mul": lambda w, g: w.mul_(0.9),
    "mul, itself": lambda w, g: w.mul_(w),
    "div": lambda w, g: w.div_(w.norm()),
    "addcmul": lambda w, g: w.addcmul_(g, g, value=-0.1),
    "addcdiv": lambda w, g: w.addcdiv_(g, g.abs() + 1, value=-0.1),
    "lerp": lambda w, g: w.lerp_(g, 0.3),
    "lerp, tensor": lambda w, g: w.lerp_(g, torch.full_like(g, 0.7)),
    "copy": lambda w, g: w.copy_(w - 0.1 * g),
    "copy, double": lambda w, g: w.copy_((w - 0.1 * g).double()),
    "zero": lambda w, g: w.zero_(),
    "fill": lambda w, g: w.fill_(2.0),
    "clamp": lambda w, g: w.clamp_(-0.1, 0.1),
    "clamp_min": lambda w, g: w.clamp_min_(0.0),
    "pow": lambda w, g: w.pow_(3),
    "neg": lambda w, g: w.neg_(),
    "exp": lambda w, g: w.exp_(),
    "masked_fill": lambda w, g: w.masked_fill_(w > 0, 0.25),
    "out": _out,
    "data": _data,
    "slice": _slice,
    "row": _row,
    "transposed": lambda w, g: w.t().sub_(0.1 * g.t()),
    "flat": lambda w, g: w.view(-1)[2:5].mul_(0.5),
    "foreach, alpha": lambda w, g: torch._foreach_add_([w, torch.ones(2)], [g, torch.ones(2)], alpha=-0.1),
    "foreach, numbers": lambda w, g: torch._foreach_mul_([torch.ones(2), w], [2.0, 0.5]),
    "foreach, addcdiv": lambda w, g: torch._foreach_addcdiv_([w], [g], [g.abs() + 1], [-0.1]),
    "foreach, lerp": lambda w, g: torch._foreach_lerp_([w], [g], 0.25),
    "foreach, copy": lambda w, g: torch._foreach_copy_([w], [g]),
}
UNKNOWN: dict[str, Write] = {
    "random": lambda w, g: w.normal_(),
    "sorted in": lambda w, g: w.index_copy_(0, torch.tensor([1]), g[:1]),
    "rounding": lambda w, g: w.div_(0.3, rounding_mode="floor"),
}


def program(write: Write) -> Callable[[], None]:
    def run() -> None:
        torch.manual_seed(0)
        w = torch.randn(3, 4, requires_grad=True)
        w.pow(3).sum().backward()
        assert w.grad is not None
        with torch.no_grad():
            write(w, w.grad)

    return run


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_write_is_proved_and_a_disturbed_one_is_caught(write: Write, recorded: Recorded) -> None:
    proofs = recorded(program(write))
    assert [(proof.state, proof.reason) for proof in proofs] == [("proved", "")] * len(proofs)
    assert proofs
    proof = proofs[-1]
    assert explain_update(recorded.opened(), proof.event).quantities
    found = proof.results[0].comparison
    number = found.computed.real + max(1.5 * found.bound, 1e-30)
    disturb(recorded.path, proof.event, "param_after", "", 0, found.worst, number)
    caught = verify_update(recorded.opened(), proof.event)
    assert caught.state == "wrong"
    assert caught.results[0].comparison.worst == found.worst


@pytest.mark.parametrize("write", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_write_without_a_rule_is_unknown(write: Write, recorded: Recorded) -> None:
    proofs = recorded(program(write))
    assert {proof.state for proof in proofs} == {"unknown"}
    assert all(proof.reason for proof in proofs)


def test_a_complex_parameter_is_unknown(recorded: Recorded) -> None:
    def run() -> None:
        w = torch.ones(2, dtype=torch.complex64, requires_grad=True)
        w.abs().sum().backward()
        with torch.no_grad():
            w.mul_(0.5)

    assert [proof.state for proof in recorded(run)] == ["unknown"]


def test_the_learning_rate_of_a_plain_step_is_found(recorded: Recorded) -> None:
    (proof,) = recorded(program(WRITES["sub"]))
    quantities = {
        quantity.name: quantity.value for quantity in explain_update(recorded.opened(), proof.event).quantities
    }
    assert quantities["learning rate"] == pytest.approx(0.1)


def test_what_is_no_multiple_of_the_gradient_has_no_learning_rate() -> None:
    grad = np.array([1.0, 2.0, -3.0])
    assert multiple(0.1 * grad, grad, 2.0**-24) == pytest.approx(0.1)
    assert multiple(np.sign(grad), grad, 2.0**-24) is None
    assert multiple(grad, np.zeros(3), 2.0**-24) is None
    assert multiple(np.array(2.0), grad, 2.0**-24) is None
