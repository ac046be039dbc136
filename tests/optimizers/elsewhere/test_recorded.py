"""Optimizers of others as a recording has them; small ones stand in, under the name and the module of the real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.arithmetic import Bounded, compare, exact
from engine.optimizers.elsewhere.shared import cautious
from engine.optimizers.model import Notes
from engine.optimizers.verify import UpdateProof, explain_update, verify_update
from tests.optimizers.conftest import Recorded
from tests.optimizers.tamper import disturb

STEPS = 3
Params = list[nn.Parameter]


def gradient(param: nn.Parameter) -> torch.Tensor:
    assert param.grad is not None
    return param.grad


class _Other(torch.optim.Optimizer):
    def __init__(self, params: Any, **defaults: Any) -> None:
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        if closure is not None:
            with torch.enable_grad():
                closure()
        for group in self.param_groups:
            self.change(group, [param for param in group["params"] if param.grad is not None])

    def change(self, group: dict[str, Any], params: Params) -> None:
        raise NotImplementedError


class _Lion(_Other):
    def __init__(self, params: Any, decoupled: bool = False, **defaults: Any) -> None:
        super().__init__(params, **{"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.5} | defaults)
        self.decoupled_wd, self._init_lr = decoupled, 0.1

    def change(self, group: dict[str, Any], params: Params) -> None:
        fast, slow = group["betas"]
        for param in params:
            m = self.state[param].setdefault("exp_avg", torch.zeros_like(param))
            param.mul_(1 - group["lr"] * group["weight_decay"] / (self._init_lr if self.decoupled_wd else 1))
            grad = gradient(param)
            direction = (fast * m + (1 - fast) * grad).sign()
            if group.get("caution"):
                agrees = (direction * grad > 0).to(grad.dtype)
                direction = direction * agrees / agrees.mean().clamp(min=1e-3)
            param.sub_(group["lr"] * direction)
            m.lerp_(grad, 1 - slow)


class _Lamb(_Other):
    def __init__(self, params: Any) -> None:
        super().__init__(params, lr=0.1, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.1, max_grad_norm=0.5)

    def change(self, group: dict[str, Any], params: Params) -> None:
        norm = torch.stack([gradient(param).norm() for param in params]).norm().item()
        group["step"] = group.get("step", torch.tensor(0.0)) + 1
        t, (beta1, beta2) = group["step"].item(), group["betas"]
        for param in params:
            state, grad = self.state[param], gradient(param) / max(1.0, norm / self.defaults["max_grad_norm"])
            for key in ("exp_avg", "exp_avg_sq"):
                state.setdefault(key, torch.zeros_like(param))
            m, v = state["exp_avg"].lerp_(grad, 1 - beta1), state["exp_avg_sq"].lerp_(grad * grad, 1 - beta2)
            u = m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + group["eps"]) + group["weight_decay"] * param
            param.sub_(group["lr"] * param.norm() / u.norm() * u)


class _ScheduleFree(_Other):
    """Its gradients are overwritten, as the real one does."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, lr=0.1, momentum=0.9, weight_decay=0.1, k=0, weight_sum=0.0, lr_max=-1.0, r=0.0,
                         weight_lr_power=2.0, warmup_steps=2, train_mode=True)  # fmt: skip

    def change(self, group: dict[str, Any], params: Params) -> None:
        group["k"] += 1
        rate = group["lr"] * min(1.0, group["k"] / group["warmup_steps"])
        group["lr_max"] = max(rate, group["lr_max"])
        group["weight_sum"] += group["lr_max"] ** 2
        share = group["lr_max"] ** 2 / group["weight_sum"]
        for param in params:
            z, grad = self.state[param].setdefault("z", param.detach().clone()), gradient(param)
            grad += group["weight_decay"] * param
            param.lerp_(z, share)
            param.sub_(rate * (1 - group["momentum"] * (1 - share)) * grad)
            z -= rate * grad


def named(kind: type[_Other], name: str, module: str) -> Any:
    return type(name, (kind,), {"__module__": module})


LION = named(_Lion, "Lion", "lion_pytorch.lion_pytorch")
CAUTIOUS = named(_Lion, "Lion", "timm.optim.lion")
LAMB = named(_Lamb, "Lamb", "timm.optim.lamb")
FREE = named(_ScheduleFree, "SGDScheduleFree", "schedulefree.sgd_schedulefree")


def train(make: Callable[[Params], Any], closure: bool = False) -> None:
    torch.manual_seed(0)
    w, b = nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(2))
    optimizer = make([w, b])

    def loss() -> Any:
        optimizer.zero_grad()
        value = (torch.linspace(0, 1, 6).reshape(2, 3) @ w + b).pow(2).sum()
        value.backward()
        return value

    for _ in range(STEPS):
        if closure:
            optimizer.step(loss)
        else:
            loss()
            optimizer.step()


@pytest.mark.parametrize("closure", [False, True], ids=["after backward", "closure"])
@pytest.mark.parametrize(
    "make",
    [LION, lambda p: LION(p, decoupled=True), lambda p: CAUTIOUS(p, caution=True), LAMB, FREE],
    ids=["Lion", "decoupled", "cautious", "Lamb", "ScheduleFree"],
)
def test_it_is_proved_and_a_wrong_number_is_caught(make: Any, closure: bool, recorded: Recorded) -> None:
    proofs = recorded(lambda: train(make, closure))
    assert [(proof.state, proof.reason) for proof in proofs] == [("proved", "")] * 2 * STEPS
    for what, proof in (("param_after", proofs[-2]), ("state_after", proofs[-1])):
        result = next(result for result in proof.results if result.what == what)
        found = result.comparison
        disturb(recorded.path, proof.event, what, result.name, 0, found.worst, found.computed.real + 2 * found.bound)
        caught = verify_update(recorded.opened(), proof.event)
        assert caught.state == "wrong"
        assert result.label in caught.reason
    assert explain_update(recorded.opened(), proofs[-1].event).quantities[-1].value is not None


def test_the_norm_is_that_of_all_gradients(recorded: Recorded) -> None:
    proofs = recorded(lambda: train(LAMB))
    gradient = next(value for value in recorded.opened().values(proofs[1].event) if value.role == "grad")
    assert gradient.slot == 0
    disturb(recorded.path, proofs[1].event, "grad", "", 0, (0,), 100.0)
    assert [proof.state for proof in recorded.proofs()[:2]] == ["wrong", "wrong"]


def test_the_norm_is_held_to_what_the_optimizer_was_made_with(recorded: Recorded) -> None:
    """LAMB does not look at what a parameter group has instead."""

    def of_groups(params: Params) -> Any:
        return LAMB([{"params": params, "max_grad_norm": 100.0}])

    assert [proof.state for proof in recorded(lambda: train(of_groups))] == ["proved"] * 2 * STEPS


def test_an_option_that_the_rule_does_not_know_makes_it_unknown(recorded: Recorded) -> None:
    for proof in recorded(lambda: train(lambda params: LION(params, surprise=True, foreach=None, stochastic=False))):
        assert proof.state == "unknown"
        assert "does not cover surprise=True" in proof.reason


def test_a_sign_that_rounding_may_turn_is_not_called_wrong(recorded: Recorded) -> None:
    """0.9·m + 0.1·g is zero on paper: either sign is what Lion does."""

    def program() -> None:
        w = nn.Parameter(torch.tensor([1.0, 10.0]))
        optimizer = LION([w], weight_decay=0.0)
        optimizer.state[w]["exp_avg"] = torch.tensor([0.1, 0.1])
        (w * torch.tensor([-0.9, 1.0])).sum().backward()
        optimizer.step()

    (proof,) = recorded(program)
    assert proof.state == "proved"
    for number in (0.9, 1.1):
        disturb(recorded.path, proof.event, "param_after", "", 0, (0,), number)
        assert recorded.proofs()[0].state == "proved"
    disturb(recorded.path, proof.event, "param_after", "", 0, (1,), 10.1)
    assert recorded.proofs()[0].state == "wrong"


def test_an_agreement_that_rounding_may_turn_leaves_room_for_either() -> None:
    sums = Bounded([2.0, 6e-8, -3.0, -1.0], np.full(4, 1e-7), 2.0**-24)  # the second may have either sign
    grad = exact([1.0, 1.0, 1.0, -1e-30], 2.0**-24)
    for agree in ([1, 1, 0, 1], [1, 0, 0, 1]):
        made = sums.value * agree / np.mean(agree)
        assert compare(cautious(Notes(), {"caution": True}, sums, grad), made, "float32").holds
    made = sums.value * [1, 1, 1, 1]
    assert not compare(cautious(Notes(), {"caution": True}, sums, grad), made, "float32").holds
    assert cautious(Notes(), {}, sums, grad) is sums


class _Lookahead(torch.optim.Optimizer):
    """Every second step, the parameters go back half of the way."""

    def __init__(self, base: torch.optim.Optimizer) -> None:
        super().__init__(base.param_groups, {})
        self.base, self.calls = base, 0
        self.slow = [param.detach().clone() for group in self.param_groups for param in group["params"]]

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.base.step(closure)
        self.calls += 1
        if self.calls % 2 == 0:
            with torch.no_grad():
                for slow, param in zip(self.slow, self.param_groups[0]["params"], strict=True):
                    param.copy_(slow.lerp_(param, 0.5))


@pytest.mark.parametrize("closure", [False, True], ids=["after backward", "closure"])
def test_what_is_wrapped_updates_and_the_wrapper_writes_by_hand(closure: bool, recorded: Recorded) -> None:
    proofs = recorded(lambda: train(lambda params: _Lookahead(torch.optim.Adam(params, lr=0.1)), closure))
    assert {proof.state for proof in proofs} == {"proved"}
    found = [proof.optimizer for proof in proofs]
    assert found == ["Adam", "Adam", "Adam", "Adam", "by hand", "by hand", "Adam", "Adam"]


class _Plain(torch.optim.Adam):
    """Nothing of its own."""


class _Clipping(torch.optim.Adam):
    def step(self, closure: Any = None) -> Any:
        nn.utils.clip_grad_norm_(self.param_groups[0]["params"], 0.1)
        return super().step(closure)


class _Clamping(torch.optim.Adam):
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        super().step(closure)
        with torch.no_grad():
            self.param_groups[0]["params"][0].clamp_(-0.05, 0.05)


@pytest.mark.parametrize("first", [False, True], ids=["", "torch's was there before"])
@pytest.mark.parametrize("kind", [_Plain, _Clipping, _Clamping])
def test_a_class_made_from_one_of_torchs_is_proved_where_it_does_the_same(
    kind: Any, first: bool, recorded: Recorded
) -> None:
    def make(params: Params) -> torch.optim.Optimizer:
        if first:
            torch.optim.Adam(params)
        return kind(params, lr=0.1)  # type: ignore[no-any-return]

    proofs: list[UpdateProof] = recorded(lambda: train(make))
    changed = "unknown" if kind is _Clamping else "proved"
    assert [proof.state for proof in proofs] == [changed, "proved"] * STEPS
    assert {proof.optimizer for proof in proofs} == {kind.__name__}
    if changed == "unknown":
        assert "is made from Adam, and does not do the same: the parameter" in proofs[0].reason
    shown = explain_update(recorded.opened(), proofs[1].event).param
    assert np.all(np.isfinite(shown))
