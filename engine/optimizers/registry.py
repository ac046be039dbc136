"""Every optimizer that can be done by hand, by the name of its class.

To add one, write a function that reads like the paper's equations, and an entry for it here. It gets a `note` to write
down each intermediate result under its symbol, the hyperparameters and the state under torch's names, the parameter,
and its gradient:

    def signum(note, h, param, grad, state):
        m = note("m_t", "momentum", lerp(state.get("exp_avg", np.zeros_like(grad)), grad, 1 - h["beta"]),
                 r"\\beta m_{t-1} + (1 - \\beta)\\, g_t")
        after = note(r"\\theta_t", "parameter", param - h["lr"] * np.sign(m),
                     r"\\theta_{t-1} - \\gamma\\, \\text{sign}(m_t)")
        return note.update(after, exp_avg=m)

docs/adding-an-optimizer.md goes through one from the equations to its proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.optimizers import (
    adadelta,
    adafactor,
    adagrad,
    adam,
    adamax,
    asgd,
    elsewhere,
    lbfgs,
    muon,
    nadam,
    radam,
    rmsprop,
    rprop,
    sgd,
)
from engine.optimizers.model import Array, Hyperparameters, Notes, Optimizer, Quantity, Sparse, State, Update

_ALL = (
    sgd.SGD,
    adam.ADAM,
    adam.ADAMW,
    adamax.ADAMAX,
    nadam.NADAM,
    radam.RADAM,
    adagrad.ADAGRAD,
    adadelta.ADADELTA,
    adafactor.ADAFACTOR,
    rmsprop.RMSPROP,
    rprop.RPROP,
    asgd.ASGD,
    lbfgs.LBFGS,
    adam.SPARSE_ADAM,
    muon.MUON,
)
OPTIMIZERS: Mapping[str, Optimizer] = {optimizer.name: optimizer for optimizer in _ALL}
ELSEWHERE: Mapping[tuple[str, str], Optimizer] = {
    (module, optimizer.name): optimizer for optimizer in elsewhere.ALL for module in optimizer.modules
}


def optimizer_of(info: Mapping[str, Any]) -> Optimizer | None:
    """The entry for the optimizer of an update event, from the class and module that its `info` names.

    Of a class made from one of PyTorch's it is that one's: whether it still does the same, the proof finds out.
    """
    name, module = str(info.get("optimizer", "")), str(info.get("module", "torch.optim"))
    if module == "torch.optim" or module.startswith("torch.optim."):
        return OPTIMIZERS.get(name)
    return ELSEWHERE.get((module, name)) or OPTIMIZERS.get(str(info.get("base", "")))


def update(kind: str | Optimizer, hyperparameters: Hyperparameters, param: Array, grad: Any, state: State) -> Update:
    """One update by an optimizer, one of `torch.optim` named: what it leaves, and all in between, in order.

    `param` and `grad`: float64 arrays or `Bounded` of one shape; complex arrays are taken as pairs of real numbers, as
    PyTorch does. `grad` may be a `Sparse`; of LBFGS, a sequence of `lbfgs.Evaluation`. `state` has torch's keys and is
    empty before the first update. Raises KeyError if there is no such optimizer, or a hyperparameter is missing.
    """
    optimizer = OPTIMIZERS[kind] if isinstance(kind, str) else kind
    if isinstance(grad, Sparse) and optimizer.name != "SparseAdam":
        grad = grad.dense
    if isinstance(param, np.ndarray) and np.iscomplexobj(param) and optimizer.name != "LBFGS":
        pairs = {key: as_pairs(value) for key, value in state.items()}
        return _as_complex(
            optimizer.rule(Notes(), hyperparameters, as_pairs(param), as_pairs(grad), pairs), param.shape
        )
    return optimizer.rule(Notes(), hyperparameters, param, grad, state)


def as_pairs(value: Any) -> Any:
    """A complex array as real and imaginary parts in a last dimension of two; anything else as it is."""
    if isinstance(value, np.ndarray) and np.iscomplexobj(value):
        return np.stack([value.real, value.imag], axis=-1)
    return value


def _as_complex(found: Update, shape: tuple[int, ...]) -> Update:
    def back(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.shape == (*shape, 2):
            return value[..., 0] + 1j * value[..., 1]
        return value

    quantities = tuple(Quantity(q.name, q.symbol, back(q.value), q.formula, q.words) for q in found.quantities)
    return Update(back(found.param), {key: back(value) for key, value in found.state.items()}, quantities)
