"""What kind of optimizer it is: torch's own, made from one of torch's, or a wrapper round another."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import SGD, Adam, Optimizer

from engine.capture.kinds import base_of, is_own, is_wrapper


class Mine(SGD):
    """Made from torch's."""


class Holder(Optimizer):
    def __init__(self, params: Any, held: Any) -> None:
        super().__init__(params, {})
        self.held = held


def test_what_it_is_made_from() -> None:
    w = torch.ones(1, requires_grad=True)
    assert base_of(SGD) is base_of(Mine) is SGD
    assert base_of(Optimizer) is base_of(Holder) is None
    assert is_own(SGD([w]), "SGD")
    assert not is_own(Mine([w]), "SGD")


def test_a_wrapper_shares_its_parameters_with_the_one_that_it_holds() -> None:
    w, other = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    inner = Adam([w])
    for held in (inner, [inner], {"inner": inner}):
        assert is_wrapper(Holder([w], held))
        assert not is_wrapper(Holder([other], held))
    assert not is_wrapper(inner)
    assert not is_wrapper(Holder([w], None))
