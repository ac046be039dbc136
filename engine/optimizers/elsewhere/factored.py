"""Adafactor as in its paper, with its own step size (transformers)."""

from __future__ import annotations

import math

import numpy as np

from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    gradient,
    is_zero,
    rms,
    scaled,
    short,
    stored,
)


def adafactor(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − α·U / max(1, rms(U)/d) with U = g / √v̂ and v̂ from row and column means of g² + ε₁.

    `state["RMS"]` is how large the parameter was: its steps may be relative to that.
    """
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, {}, param, grad)
    size = note(r"\text{rms}(\theta_{t-1})", "size of the parameter", rms(param), r"\|\theta_{t-1}\|_2 / \sqrt n")
    alpha = _step_size(note, h, size, t)
    fading = note(
        r"\hat\beta_{2,t}", "decay of the squares", 1.0 - t ** h["decay_rate"], rf"1 - t^{{{short(h['decay_rate'])}}}"
    )
    squares = stored(g * g) + h["eps"][0]
    if g.ndim > 1:
        direction, kept = _factored(note, g, squares, fading, state)
    else:
        v = _mean(state.get("exp_avg_sq", np.zeros_like(g)), squares, fading)
        note("v_t", "second moment", v, r"\hat\beta_{2,t} v_{t-1} + (1 - \hat\beta_{2,t})\, (g_t^2 + \epsilon_1)")
        direction = note("U_t", "direction", g / np.sqrt(v), r"g_t / \sqrt{v_t}", "Every element about one in size.")
        kept = {"exp_avg_sq": v}
    threshold = h["clip_threshold"]
    clip = note(r"\max(1, \text{rms}(U_t) / d)", "clipping", np.maximum(rms(direction) / threshold, 1.0),
                r"\max(1, \text{rms}(U_t) / d)", f"Holds the size of the direction at {short(threshold)}.")  # fmt: skip
    step = note(r"\Delta_t", "step", scaled(alpha, direction / clip), r"\alpha_t U_t / \max(1, \text{rms}(U_t) / d)")
    if h.get("beta1") is not None:
        step = note("m_t", "mean of the steps", _mean(state.get("exp_avg", np.zeros_like(g)), step, h["beta1"]),
                    r"\beta_1 m_{t-1} + (1 - \beta_1)\, \Delta_t")  # fmt: skip
        kept["exp_avg"] = step
    theta = param
    if not is_zero(h.get("weight_decay", 0)):
        theta = note(r"\theta_t'", "decayed parameter", param - scaled(h["weight_decay"] * alpha, param),
                     r"(1 - \lambda \alpha_t)\, \theta_{t-1}")  # fmt: skip
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, step=t, RMS=size, **kept)


def _step_size(note: Notes, h: Hyperparameters, size: Array, t: Array) -> Array:
    """The learning rate, or one of the algorithm's own; relative to the size of the parameter if asked for."""
    rate, formula = h["lr"], r"\gamma"
    if h.get("relative_step"):
        rate = min(1e-6 * t if h.get("warmup_init") else 1e-2, 1.0 / math.sqrt(t))
        formula = r"\min(10^{-6}\, t, 1 / \sqrt t)" if h.get("warmup_init") else r"\min(10^{-2}, 1 / \sqrt t)"
    note(r"\rho_t", "relative step size", rate, formula)
    if not h.get("scale_parameter"):
        return note(r"\alpha_t", "step size", rate, r"\rho_t")
    return note(r"\alpha_t", "step size", np.maximum(size, h["eps"][1]) * rate,
                r"\max(\epsilon_2, \text{rms}(\theta_{t-1}))\, \rho_t", "Relative to the parameter.")  # fmt: skip


def _factored(note: Notes, g: Array, squares: Array, fading: float, state: State) -> tuple[Array, dict[str, Array]]:
    """U, and the means of rows and columns that stand for the matrix of second moments."""
    rows, columns = squares.mean(axis=-1), squares.mean(axis=-2)
    row = note("R_t", "row factor", _mean(state.get("exp_avg_sq_row", np.zeros_like(rows)), rows, fading),
               r"\hat\beta_{2,t} R_{t-1} + (1 - \hat\beta_{2,t})\, \text{mean}_{j}\, (g_t^2 + \epsilon_1)")  # fmt: skip
    before = state.get("exp_avg_sq_col", np.zeros_like(columns))
    column = note(
        "C_t",
        "column factor",
        _mean(before, columns, fading),
        r"\hat\beta_{2,t} C_{t-1} + (1 - \hat\beta_{2,t})\, \text{mean}_{i}\, (g_t^2 + \epsilon_1)",
    )
    share = row / row.mean(axis=-1, keepdims=True)
    direction = g / np.sqrt(share)[..., None] / np.sqrt(column)[..., None, :]
    note("U_t", "direction", direction, r"g_t / \sqrt{R_t C_t / \text{mean}(R_t)}", "Every element about one in size.")
    return direction, {"exp_avg_sq_row": row, "exp_avg_sq_col": column}


def _mean(before: Array, new: Array, fading: float) -> Array:
    """What was there fades, what is new comes in."""
    return scaled(fading, before) + scaled(1.0 - fading, new)


ADAFACTOR = Optimizer(
    name="Adafactor",
    rule=adafactor,
    formulas=(
        r"\hat\beta_{2,t} \leftarrow 1 - t^{\tau}, \quad "
        r"\alpha_t \leftarrow \max(\epsilon_2, \text{rms}(\theta_{t-1}))\, \rho_t",
        r"R_t \leftarrow \hat\beta_{2,t} R_{t-1} + (1 - \hat\beta_{2,t})\, \text{mean}_{j}\, (g_t^2 + \epsilon_1)",
        r"C_t \leftarrow \hat\beta_{2,t} C_{t-1} + (1 - \hat\beta_{2,t})\, \text{mean}_{i}\, (g_t^2 + \epsilon_1)",
        r"U_t \leftarrow g_t / \sqrt{R_t C_t / \text{mean}(R_t)}",
        r"\theta_t \leftarrow (1 - \lambda \alpha_t)\, \theta_{t-1} - \alpha_t U_t / \max(1, \text{rms}(U_t) / d)",
    ),
    remembers={
        "step": "how many updates there were",
        "RMS": "how large the parameter was before the update",
        "exp_avg_sq_row": "R: a decaying mean of the squared gradients of each row",
        "exp_avg_sq_col": "C: the same of each column",
        "exp_avg_sq": "v: the same of each element, of a parameter that is no matrix",
        "exp_avg": "m: a decaying mean of the steps",
    },
    paper="Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost, 2018",
    modules=("transformers.optimization",),
    options=frozenset(
        {"lr", "eps", "clip_threshold", "decay_rate", "beta1", "weight_decay", "scale_parameter", "relative_step"}
        | {"warmup_init", "initial_lr"}
    ),
)
