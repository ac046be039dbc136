"""Adam and AdamW, with AMSGrad, and SparseAdam (torch.optim.Adam, AdamW, SparseAdam)."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    Sparse,
    State,
    Update,
    decay,
    gradient,
    lerp,
    scaled,
    stored,
)

_M = "A decaying mean of the gradients: the direction."
_V = "A decaying mean of their squares: the size that gradients of this element usually have."


def adam(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·m̂ / (√v̂ + ε)."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, h, param, grad)
    theta = decay(note, h, param) if h.get("decoupled_weight_decay") else param
    m = note("m_t", "first moment", lerp(state.get("exp_avg", np.zeros_like(g)), g, 1 - beta1),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t", _M)  # fmt: skip
    v = note("v_t", "second moment", second_moment(beta2, state.get("exp_avg_sq", np.zeros_like(g)), g),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2", _V)  # fmt: skip
    kept = {"step": t, "exp_avg": m, "exp_avg_sq": v}
    if h.get("amsgrad"):
        v = note(r"v_t^{\max}", "largest second moment", np.maximum(state.get("max_exp_avg_sq", np.zeros_like(g)), v),
                 r"\max(v_{t-1}^{\max}, v_t)", "AMSGrad: the denominator never shrinks.")  # fmt: skip
        kept["max_exp_avg_sq"] = v
    return note.update(_corrected_step(note, h, theta, m, v, t), **kept)


def _corrected_step(note: Notes, h: Hyperparameters, theta: Array, m: Array, v: Array, t: Array) -> Array:
    """The parameter after the step along the bias-corrected moments.

    m̂ and v̂ are noted as the paper has them; as torch does, the step folds the first correction into the step size.
    """
    beta1, beta2 = h["betas"]
    c1 = note("1 - \\beta_1^t", "first bias correction", 1 - beta1**t, r"1 - \beta_1^t",
              "The moments start at zero; early on they are too small by this factor.")  # fmt: skip
    c2 = note("1 - \\beta_2^t", "second bias correction", 1 - beta2**t, r"1 - \beta_2^t")
    note(r"\hat m_t", "corrected first moment", m / c1, r"m_t / (1 - \beta_1^t)")
    note(r"\hat v_t", "corrected second moment", v / c2, r"v_t / (1 - \beta_2^t)")
    denominator = note(
        r"\sqrt{\hat v_t} + \epsilon",
        "denominator",
        scaled(1 / np.sqrt(c2), np.sqrt(v)) + h["eps"],
        r"\sqrt{v_t} / \sqrt{1 - \beta_2^t} + \epsilon",
    )
    size = note(r"\gamma_t", "step size", h["lr"] / c1, r"\gamma / (1 - \beta_1^t)")
    note(r"\gamma / (\sqrt{\hat v_t} + \epsilon)", "effective learning rate", h["lr"] / denominator,
         r"\gamma / (\sqrt{\hat v_t} + \epsilon)", "The learning rate that this element has for itself.")  # fmt: skip
    step = note(r"\Delta_t", "step", scaled(size, m) / denominator, r"\gamma\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)")
    return note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")


def second_moment(beta2: Array, before: Array, g: Array) -> Array:
    """β₂·v + (1 − β₂)·g²."""
    return stored(scaled(beta2, before) + scaled(1 - beta2, g) * g)


def sparse_adam(note: Notes, h: Hyperparameters, param: Array, grad: Any, state: State) -> Update:
    """Adam where the sparse gradient has elements; all others keep parameter and moments as they are.

    `grad` is a `Sparse`; a plain array is taken to be there everywhere. Weight decay does not exist here.
    """
    sparse = grad if isinstance(grad, Sparse) else Sparse(grad, np.ones(grad.shape, dtype=bool))
    before_m, before_v = state.get("exp_avg", np.zeros_like(param)), state.get("exp_avg_sq", np.zeros_like(param))
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    if not sparse.touched.any():
        note(r"\theta_t", "parameter", param, r"\theta_{t-1}", "The gradient is empty: nothing changes.")
        return note.update(param, step=t, exp_avg=before_m, exp_avg_sq=before_v)
    beta1, beta2 = h["betas"]
    g = gradient(note, {"maximize": h.get("maximize")}, param, sparse.dense)
    rise = scaled(1 - beta2, g * g - before_v)
    m = note("m_t", "first moment", lerp(before_m, g, 1 - beta1), r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t", _M)
    v = note("v_t", "second moment", before_v + rise, r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2", _V)
    after = _corrected_step_sparse(note, h, param, m, v, t)
    untouched = ~sparse.touched
    return note.update(
        _keep(untouched, param, after),
        step=t,
        exp_avg=_keep(untouched, before_m, m),
        exp_avg_sq=_keep(untouched, before_v, v),
    )


def _corrected_step_sparse(note: Notes, h: Hyperparameters, theta: Array, m: Array, v: Array, t: Array) -> Array:
    """Here both corrections go into the step size, and ε is added to the uncorrected root."""
    beta1, beta2 = h["betas"]
    c1 = note("1 - \\beta_1^t", "first bias correction", 1 - beta1**t, r"1 - \beta_1^t")
    c2 = note("1 - \\beta_2^t", "second bias correction", 1 - beta2**t, r"1 - \beta_2^t")
    size = note(r"\gamma_t", "step size", h["lr"] * np.sqrt(c2) / c1,
                r"\gamma \sqrt{1 - \beta_2^t} / (1 - \beta_1^t)")  # fmt: skip
    denominator = note(r"\sqrt{v_t} + \epsilon", "denominator", np.sqrt(v) + h["eps"], r"\sqrt{v_t} + \epsilon")
    step = note(r"\Delta_t", "step", scaled(size, m / denominator), r"\gamma_t\, m_t / (\sqrt{v_t} + \epsilon)")
    where = r"\;\text{(where there is a gradient)}"
    return note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t {where}")


def _keep(mask: Any, kept: Array, changed: Array) -> Array:
    return np.where(mask, kept, changed)


_LINES = (
    r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t",
    r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
    r"\hat m_t \leftarrow m_t / (1 - \beta_1^t), \quad \hat v_t \leftarrow v_t / (1 - \beta_2^t)",
    r"\theta_t \leftarrow \theta_{t-1} - \gamma\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)",
)
_REMEMBERS = {
    "step": "how many updates there were",
    "exp_avg": "m: a decaying mean of the gradients",
    "exp_avg_sq": "v: a decaying mean of the squared gradients",
    "max_exp_avg_sq": "AMSGrad: the largest v so far",
}

ADAM = Optimizer(
    name="Adam",
    rule=adam,
    formulas=(r"g_t \leftarrow \nabla_\theta f_t(\theta_{t-1}) + \lambda \theta_{t-1}", *_LINES),
    remembers=_REMEMBERS,
    paper="Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014 (AMSGrad: Reddi et al., 2018)",
)
ADAMW = Optimizer(
    name="AdamW",
    rule=lambda note, h, param, grad, state: adam(note, {"decoupled_weight_decay": True, **h}, param, grad, state),
    formulas=(r"\theta_{t-1} \leftarrow (1 - \gamma \lambda)\, \theta_{t-1}", *_LINES),
    remembers=_REMEMBERS,
    paper="Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2017",
)
SPARSE_ADAM = Optimizer(
    name="SparseAdam",
    rule=sparse_adam,
    formulas=(
        *_LINES[:2],
        r"\gamma_t \leftarrow \gamma \sqrt{1 - \beta_2^t} / (1 - \beta_1^t)",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma_t\, m_t / (\sqrt{v_t} + \epsilon) \;\text{where } g_t \text{ is}",
    ),
    remembers={key: text for key, text in _REMEMBERS.items() if key != "max_exp_avg_sq"},
    paper="Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014",
)
