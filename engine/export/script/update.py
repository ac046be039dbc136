"""Optimizers' updates, written out like the papers' equations with the numbers of this run.

Each function returns the lines of a function of the program: arguments are the parameter, its gradient, and what the
optimizer remembers of it; the result is the parameter after the step. To add an optimizer, write one more and list it
in `OPTIMIZERS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.export.script.expressions import NoTemplateError

Hyperparameters = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """Lines of the function's body, ending in `return …`. `state`: torch's key for each further argument, by name."""

    body: Sequence[str]
    state: Mapping[str, str]
    words: str


Writer = Callable[[Hyperparameters, frozenset[str]], Rule]


def _numbers(h: Hyperparameters, *names: str) -> tuple[float, ...]:
    found = []
    for name in names:
        value = h.get(name, 0)
        found.append(_number(value, name))
    return tuple(found)


def _number(value: Any, name: str) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise NoTemplateError(f"{name} is not a plain number")
    return value


def _betas(h: Hyperparameters) -> tuple[float, float]:
    betas = h.get("betas", (0.9, 0.999))
    if not isinstance(betas, (list, tuple)) or len(betas) != 2:
        raise NoTemplateError("betas are not two numbers")
    return _number(betas[0], "betas"), _number(betas[1], "betas")


def _gradient(h: Hyperparameters) -> list[str]:
    """`g`: the gradient, turned round if the objective is to grow, with the L2 penalty's."""
    (decay,) = _numbers(h, "weight_decay")
    lines = ["g = -grad  # maximize: uphill" if h.get("maximize") else "g = grad"]
    if decay and not h.get("decoupled_weight_decay"):
        lines.append(f"g = g + {decay} * w  # weight decay pulls every weight towards zero")
    return lines


def _decay(h: Hyperparameters) -> list[str]:
    lr, decay = _numbers(h, "lr", "weight_decay")
    if decay and h.get("decoupled_weight_decay"):
        return [f"w = w - {lr} * {decay} * w  # weight decay, apart from the gradient"]
    return []


def sgd(h: Hyperparameters, has: frozenset[str]) -> Rule:
    """θ ← θ − γ·b with b ← μ·b + (1 − τ)·g; the first b is the first gradient."""
    lr, mu, tau = _numbers(h, "lr", "momentum", "dampening")
    lines, state = _gradient(h), {}
    if mu:
        if "momentum_buffer" in has:
            state["b"] = "momentum_buffer"
            fresh = "g" if tau == 0 else f"(1 - {tau}) * g"
            lines.append(f"b = {mu} * b + {fresh}  # momentum: what is left of all gradients so far")
        else:
            lines.append("b = g  # momentum: the first gradient, there is nothing to remember yet")
        lines.append(f"g = g + {mu} * b  # Nesterov: a look ahead" if h.get("nesterov") else "g = b")
    return Rule([*lines, f"return w - {lr} * g"], state, "SGD with momentum" if mu else "SGD")


def adam(h: Hyperparameters, has: frozenset[str]) -> Rule:
    """θ ← θ − γ·m̂ / (√v̂ + ε)."""
    lr, eps = _numbers(h, "lr", "eps")
    beta1, beta2 = _betas(h)
    known = "exp_avg" in has
    state = {"t": "step"} | ({"m": "exp_avg", "v": "exp_avg_sq"} if known else {})
    lines = [*_decay(h), *_gradient(h)]
    lines.append(f"m = {f'{beta1} * m + ' if known else ''}(1 - {beta1}) * g  # first moment: the direction")
    lines.append(f"v = {f'{beta2} * v + ' if known else ''}(1 - {beta2}) * g * g  # second moment: the usual size")
    second = "v"
    if h.get("amsgrad"):
        second = "largest"
        if known:
            state["largest"] = "max_exp_avg_sq"
        lines.append(f"largest = {'np.maximum(largest, v)' if known else 'v'}  # AMSGrad: it never shrinks")
    lines.append(f"m_hat = m / (1 - {beta1}**t)  # both began at zero: without this they would be too small")
    lines.append(f"v_hat = {second} / (1 - {beta2}**t)")
    return Rule([*lines, f"return w - {lr} * m_hat / (np.sqrt(v_hat) + {eps})"], state, "Adam")


def adamw(h: Hyperparameters, has: frozenset[str]) -> Rule:
    rule = adam({"decoupled_weight_decay": True, **h}, has)
    return Rule(rule.body, rule.state, "AdamW")


def rmsprop(h: Hyperparameters, has: frozenset[str]) -> Rule:
    """θ ← θ − γ·g / (√v + ε), centered or with momentum."""
    lr, alpha, eps, mu = _numbers(h, "lr", "alpha", "eps", "momentum")
    known = "square_avg" in has
    lines, state = _gradient(h), {"v": "square_avg"} if known else {}
    lines.append(f"v = {f'{alpha} * v + ' if known else ''}(1 - {alpha}) * g * g  # mean of the squared gradients")
    size = "v"
    if h.get("centered"):
        if known:
            state["mean"] = "grad_avg"
        lines.append(f"mean = {f'{alpha} * mean + ' if known else ''}(1 - {alpha}) * g")
        size = "v - mean * mean"
    lines.append(f"g = g / (np.sqrt({size}) + {eps})")
    if mu:
        if known:
            state["b"] = "momentum_buffer"
        lines.append(f"g = {f'{mu} * b + ' if known else ''}g  # momentum")
    return Rule([*lines, f"return w - {lr} * g"], state, "RMSprop")


def adagrad(h: Hyperparameters, has: frozenset[str]) -> Rule:
    """θ ← θ − γ̃·g / (√s + ε) with s the sum of all squared gradients."""
    lr, eps, decay = _numbers(h, "lr", "eps", "lr_decay")
    rate = f"{lr} / (1 + (t - 1) * {decay})" if decay else f"{lr}"
    state = {"s": "sum"} | ({"t": "step"} if decay else {})
    lines = [*_gradient(h), "s = s + g * g  # all squared gradients so far", f"rate = {rate}"]
    return Rule([*lines, f"return w - rate * g / (np.sqrt(s) + {eps})"], state, "Adagrad")


def adadelta(h: Hyperparameters, has: frozenset[str]) -> Rule:
    """θ ← θ − γ·√(u + ε) / √(v + ε) · g, with u the mean of the squared steps."""
    lr, rho, eps = _numbers(h, "lr", "rho", "eps")
    known = "square_avg" in has
    lines, state = _gradient(h), {"v": "square_avg", "u": "acc_delta"} if known else {}
    lines.append(f"v = {f'{rho} * v + ' if known else ''}(1 - {rho}) * g * g  # mean of the squared gradients")
    lines.append(f"g = np.sqrt({'u + ' if known else ''}{eps}) / np.sqrt(v + {eps}) * g")
    return Rule([*lines, f"return w - {lr} * g"], state, "Adadelta")


def adamax(h: Hyperparameters, has: frozenset[str]) -> Rule:
    """θ ← θ − γ / (1 − β₁ᵗ) · m / u with u the largest gradient, which decays."""
    lr, eps = _numbers(h, "lr", "eps")
    beta1, beta2 = _betas(h)
    known = "exp_avg" in has
    state = {"t": "step"} | ({"m": "exp_avg", "u": "exp_inf"} if known else {})
    lines = _gradient(h)
    lines.append(f"m = {f'{beta1} * m + ' if known else ''}(1 - {beta1}) * g  # first moment: the direction")
    largest = f"np.maximum({beta2} * u, np.abs(g) + {eps})" if known else f"np.abs(g) + {eps}"
    lines.append(f"u = {largest}  # the largest gradient, which decays")
    return Rule([*lines, f"return w - {lr} / (1 - {beta1}**t) * m / u"], state, "Adamax")


def nadam(h: Hyperparameters, has: frozenset[str]) -> Rule:
    """Adam with Nesterov's look ahead, by a momentum μ that grows with time."""
    lr, eps, psi = _numbers(h, "lr", "eps", "momentum_decay")
    beta1, beta2 = _betas(h)
    known = "exp_avg" in has
    state = {"t": "step"} | ({"product": "mu_product", "m": "exp_avg", "v": "exp_avg_sq"} if known else {})
    lines = [*_decay(h), *_gradient(h)]
    lines.append(f"mu, mu_next = ({beta1} * (1 - 0.5 * 0.96 ** (at * {psi})) for at in (t, t + 1))")
    lines.append(f"product = float(np.float32({'product * mu' if known else 'mu'}))  # of all so far, kept in float32")
    lines.append(f"m = {f'{beta1} * m + ' if known else ''}(1 - {beta1}) * g  # first moment: the direction")
    lines.append(f"v = {f'{beta2} * v + ' if known else ''}(1 - {beta2}) * g * g  # second moment: the usual size")
    lines.append(f"size = np.sqrt(v / (1 - {beta2}**t)) + {eps}")
    lines.append(f"w = w - {lr} * (1 - mu) / (1 - product) * g / size")
    return Rule([*lines, f"return w - {lr} * mu_next / (1 - product * mu_next) * m / size"], state, "NAdam")


def radam(h: Hyperparameters, has: frozenset[str]) -> Rule:
    """Adam, but that steps are not divided by the usual size before its average is long enough."""
    lr, eps = _numbers(h, "lr", "eps")
    beta1, beta2 = _betas(h)
    known = "exp_avg" in has
    state = {"t": "step"} | ({"m": "exp_avg", "v": "exp_avg_sq"} if known else {})
    longest = 2 / (1 - beta2) - 1
    lines = [*_decay(h), *_gradient(h)]
    lines.append(f"m = {f'{beta1} * m + ' if known else ''}(1 - {beta1}) * g  # first moment: the direction")
    lines.append(f"v = {f'{beta2} * v + ' if known else ''}(1 - {beta2}) * g * g  # second moment: the usual size")
    lines.append(f"g = m / (1 - {beta1}**t)")
    lines.append(f"length = {longest} - 2 * t * {beta2}**t / (1 - {beta2}**t)  # of the average")
    lines.append("if length > 5:")
    lines.append(
        f"    g = g * ((length - 4) * (length - 2) * {longest} / ({longest - 4} * {longest - 2} * length)) ** 0.5"
    )
    lines.append(f"    g = g * (1 - {beta2}**t) ** 0.5 / (np.sqrt(v) + {eps})")
    return Rule([*lines, f"return w - {lr} * g"], state, "RAdam")


OPTIMIZERS: Mapping[str, Writer] = {
    "SGD": sgd,
    "Adam": adam,
    "AdamW": adamw,
    "RMSprop": rmsprop,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "Adamax": adamax,
    "NAdam": nadam,
    "RAdam": radam,
}
