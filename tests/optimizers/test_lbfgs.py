"""L-BFGS by hand beside torch's own, from the evaluations of its closure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.optimizers import update
from engine.optimizers.lbfgs import Evaluation, EvaluationsEnd
from tests.optimizers.test_registry import hyperparameters, plain

OPTIONS: list[dict[str, Any]] = [
    {},
    {"lr": 0.01},
    {"history_size": 3},
    {"max_iter": 3},
    {"tolerance_grad": 1e-1},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 4, "lr": 5.0},
    {"line_search_fn": "strong_wolfe", "max_eval": 4},
]


class Problem:
    """A small net on two parameters, and every evaluation of its loss."""

    def __init__(self, seed: int, dtype: torch.dtype, bumpy: bool) -> None:
        torch.manual_seed(seed)
        self.parameters = [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in ((4, 3), (3,))]
        self.data, self.wanted = torch.randn(9, 4, dtype=dtype), torch.randn(9, 3, dtype=dtype)
        self.bumpy = bumpy
        self.evaluations: list[Evaluation] = []

    def closure(self) -> torch.Tensor:
        w, b = self.parameters
        w.grad = b.grad = None
        out = torch.sin(3 * (self.data @ w)) * 2 if self.bumpy else torch.tanh(self.data @ w)
        loss = (out + b - self.wanted).abs().pow(2).mean()
        if self.bumpy:
            loss = loss + torch.cos(b.abs() * 2).sum()
        loss.backward()
        grads = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        self.evaluations.append(Evaluation(loss.item(), flat(grads)))
        return loss


def flat(tensors: list[torch.Tensor]) -> Any:
    real = [torch.view_as_real(tensor) if tensor.is_complex() else tensor for tensor in tensors]
    return plain(torch.cat([tensor.reshape(-1) for tensor in real]))


def state_of(optimizer: torch.optim.Optimizer, param: torch.Tensor) -> dict[str, Any]:
    return {
        key: [plain(item) for item in value if item is not None] if isinstance(value, list) else plain(value)
        for key, value in optimizer.state.get(param, {}).items()
    }


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("bumpy", [False, True], ids=["smooth", "bumpy"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_does_what_torch_does(options: dict[str, Any], bumpy: bool, dtype: torch.dtype) -> None:
    for seed in range(2):
        problem = Problem(seed, dtype, bumpy)
        optimizer = torch.optim.LBFGS(problem.parameters, **options)
        for _ in range(4):
            problem.evaluations.clear()
            before, state = flat(problem.parameters), state_of(optimizer, problem.parameters[0])
            optimizer.step(problem.closure)
            found = update("LBFGS", hyperparameters(optimizer), before, problem.evaluations, state)
            np.testing.assert_allclose(found.param, flat(problem.parameters), rtol=1e-8, atol=1e-10)
            for key, value in state_of(optimizer, problem.parameters[0]).items():
                if value is not None and key in found.state:
                    computed = found.state[key]
                    assert np.shape(computed) == np.shape(value), key
                    np.testing.assert_allclose(computed, value, rtol=1e-6, atol=1e-8, err_msg=key)


def test_it_says_where_evaluations_are_missing() -> None:
    problem = Problem(0, torch.float64, bumpy=False)
    optimizer = torch.optim.LBFGS(problem.parameters)
    before = flat(problem.parameters)
    optimizer.step(problem.closure)
    with pytest.raises(EvaluationsEnd):
        update("LBFGS", hyperparameters(optimizer), before, problem.evaluations[:-1], {})
