"""Adafactor: Adam's second moment of a matrix kept as one row and one column (torch.optim.Adafactor)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    decay,
    gradient,
    lerp,
    rms,
    scaled,
    short,
    stored,
)


def adafactor(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − α·U / max(1, rms(U)/d) with U = g / √v̂ and v̂ from row and column means of g².

    `eps` is (ε₁, ε₂); ε₁ None stands for the distance from 1 to the next number of the parameter's dtype.
    """
    eps1, eps2 = h["eps"]
    eps1 = float(np.finfo(np.float64).eps) if eps1 is None else eps1
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, {"maximize": h.get("maximize")}, param, grad)
    weight = note(r"1 - \hat\beta_{2,t}", "weight of the new squares", t ** h.get("beta2_decay", -0.8), r"t^{\tau}")
    rate = note(r"\rho_t", "relative step size", np.minimum(h["lr"], 1 / t**0.5), r"\min(\gamma, 1 / \sqrt t)")
    size = note(r"\text{rms}(\theta_{t-1})", "size of the parameter", rms(param), r"\|\theta_{t-1}\|_2 / \sqrt n",
                "Steps are relative to it.")  # fmt: skip
    alpha = note(r"\alpha_t", "step size", np.maximum(eps2, size) * rate,
                 r"\max(\epsilon_2, \text{rms}(\theta_{t-1}))\, \rho_t")  # fmt: skip
    theta = decay(note, h, param)
    if g.ndim > 1:
        variance, kept = _factored(note, g, weight, eps1, state)
    else:
        squares = stored(g * g)
        variance = note("v_t", "second moment", lerp(state.get("variance", np.zeros_like(g)), squares, weight),
                        r"\hat\beta_{2,t} v_{t-1} + (1 - \hat\beta_{2,t})\, g_t^2")  # fmt: skip
        kept = {"variance": variance}
    direction = g / np.sqrt(np.maximum(variance, eps1 * eps1))
    note("U_t", "direction", direction, r"g_t / \sqrt{\max(v_t, \epsilon_1^2)}", "Every element about one in size.")
    clip = note(r"\max(1, \text{rms}(U_t) / d)", "clipping", np.maximum(1.0, rms(direction) / h.get("d", 1.0)),
                r"\max(1, \text{rms}(U_t) / d)",
                f"Holds the size of the direction at {short(h.get('d', 1.0))}.")  # fmt: skip
    step = note(r"\Delta_t", "step", scaled(alpha / clip, direction), r"\alpha_t U_t / \max(1, \text{rms}(U_t) / d)")
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, step=t, **kept)


def _factored(note: Notes, g: Array, weight: Array, eps1: float, state: State) -> tuple[Array, dict[str, Array]]:
    """Row and column means of g², decayed, and the matrix that they stand for."""
    squares = stored(g * g)
    rows, columns = squares.mean(axis=-1, keepdims=True), squares.mean(axis=-2, keepdims=True)
    row = note("R_t", "row factor", lerp(state.get("row_var", np.zeros_like(rows)), rows, weight),
               r"\hat\beta_{2,t} R_{t-1} + (1 - \hat\beta_{2,t})\, \text{mean}_{j}\, g_t^2")  # fmt: skip
    column = note("C_t", "column factor", lerp(state.get("col_var", np.zeros_like(columns)), columns, weight),
                  r"\hat\beta_{2,t} C_{t-1} + (1 - \hat\beta_{2,t})\, \text{mean}_{i}\, g_t^2")  # fmt: skip
    whole = np.maximum(row.mean(axis=-2, keepdims=True), eps1)
    variance = note(r"\hat v_t", "second moment", row * column / whole, r"R_t C_t / \max(\text{mean}(R_t), \epsilon_1)",
                    "A matrix from one row and one column: that is all that has to be remembered.")  # fmt: skip
    return variance, {"row_var": row, "col_var": column}


ADAFACTOR = Optimizer(
    name="Adafactor",
    rule=adafactor,
    formulas=(
        r"\hat\beta_{2,t} \leftarrow 1 - t^{\tau}, \quad \rho_t \leftarrow \min(\gamma, 1 / \sqrt t)",
        r"\alpha_t \leftarrow \max(\epsilon_2, \text{rms}(\theta_{t-1}))\, \rho_t",
        r"\theta_{t-1} \leftarrow (1 - \gamma \lambda)\, \theta_{t-1}",
        r"R_t \leftarrow \hat\beta_{2,t} R_{t-1} + (1 - \hat\beta_{2,t})\, \text{mean}_{j}\, g_t^2, \quad "
        r"C_t \leftarrow \hat\beta_{2,t} C_{t-1} + (1 - \hat\beta_{2,t})\, \text{mean}_{i}\, g_t^2",
        r"\hat v_t \leftarrow R_t C_t / \max(\text{mean}(R_t), \epsilon_1)",
        r"U_t \leftarrow g_t / \sqrt{\max(\hat v_t, \epsilon_1^2)}",
        r"\theta_t \leftarrow \theta_{t-1} - \alpha_t U_t / \max(1, \text{rms}(U_t) / d)",
    ),
    remembers={
        "step": "how many updates there were",
        "row_var": "R: a decaying mean of the squared gradients of each row",
        "col_var": "C: the same of each column",
        "variance": "v: the same of each element, of a parameter that is no matrix",
    },
    paper="Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost, 2018",
)
