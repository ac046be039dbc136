"""Losses: predictions and targets become one number."""

from __future__ import annotations

import numpy as np

from engine.export.script.expressions import NoTemplateError, number
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText


def _mean(n: NodeText) -> str:
    """What the sum of the losses is divided by, and the shape goes with it: "mean", "sum" or ""."""
    return ("", "mean", "sum")[int(n.argument("reduction", 1))]


def _count(n: NodeText) -> int:
    return int(np.prod(n.shape(0)))


def _put(n: NodeText, each: str) -> None:
    """The loss of each element, reduced."""
    how = _mean(n)
    n.put(f"({each}).{how}()" if how else each)


def _by_count(n: NodeText) -> str:
    return f" / {_count(n)}" if _mean(n) == "mean" else ""


@forward("MseLossBackward0")
def mse(n: NodeText) -> None:
    _put(n, f"({n.x(0)} - {n.x(1)}) ** 2")


@backward("MseLossBackward0")
def mse_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * 2 * ({n.x(0)} - {n.x(1)}){_by_count(n)}", broadcast=False)
    n.give(1, f"{n.g} * 2 * ({n.x(1)} - {n.x(0)}){_by_count(n)}", broadcast=False)


@forward("L1LossBackward0")
def l1(n: NodeText) -> None:
    _put(n, f"np.abs({n.x(0)} - {n.x(1)})")


@backward("L1LossBackward0")
def l1_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * np.sign({n.x(0)} - {n.x(1)}){_by_count(n)}", broadcast=False)
    n.give(1, f"{n.g} * np.sign({n.x(1)} - {n.x(0)}){_by_count(n)}", broadcast=False)


@forward("SmoothL1LossBackward0")
def smooth_l1(n: NodeText) -> None:
    beta, miss = float(n.argument("beta", 1.0)), n.new("miss")
    if beta == 0:
        raise NoTemplateError("beta is zero")
    n.line(f"{miss} = {n.x(0)} - {n.x(1)}")
    near, far = f"{miss}**2 / {number(2 * beta)}", f"np.abs({miss}) - {number(beta / 2)}"
    _put(n, f"np.where(np.abs({miss}) < {number(beta)}, {near}, {far})")


@backward("SmoothL1LossBackward0")
def smooth_l1_backward(n: NodeText) -> None:
    slope = f"np.clip({n.kept('miss')} / {number(float(n.argument('beta', 1.0)))}, -1, 1)"
    n.give(0, f"{n.g} * {slope}{_by_count(n)}", broadcast=False)
    n.give(1, f"{n.g} * -{slope}{_by_count(n)}", broadcast=False)


@forward("HuberLossBackward0")
def huber(n: NodeText) -> None:
    delta, miss = float(n.argument("delta", 1.0)), n.new("miss")
    n.line(f"{miss} = {n.x(0)} - {n.x(1)}")
    near, far = f"0.5 * {miss}**2", f"{number(delta)} * (np.abs({miss}) - {number(delta / 2)})"
    _put(n, f"np.where(np.abs({miss}) <= {number(delta)}, {near}, {far})")


@backward("HuberLossBackward0")
def huber_backward(n: NodeText) -> None:
    delta = float(n.argument("delta", 1.0))
    slope = f"np.clip({n.kept('miss')}, {number(-delta)}, {number(delta)})"
    n.give(0, f"{n.g} * {slope}{_by_count(n)}", broadcast=False)
    n.give(1, f"{n.g} * -{slope}{_by_count(n)}", broadcast=False)


@forward("BinaryCrossEntropyWithLogitsBackward0")
def bce_with_logits(n: NodeText) -> None:
    _unweighted(n)
    _put(n, f"np.logaddexp({n.x(0)}, 0) - {n.x(0)} * {n.x(1)}")


@backward("BinaryCrossEntropyWithLogitsBackward0")
def bce_with_logits_backward(n: NodeText) -> None:
    _unweighted(n)
    n.give(0, f"{n.g} * (1 / (1 + np.exp(-{n.x(0)})) - {n.x(1)}){_by_count(n)}", broadcast=False)
    if n.needs(1):
        n.give(1, f"{n.g} * -{n.x(0)}{_by_count(n)}", broadcast=False)


@forward("BinaryCrossEntropyBackward0")
def bce(n: NodeText) -> None:
    """Logarithms are kept from falling below −100, as PyTorch does."""
    _unweighted(n)
    p, y = n.x(0), n.x(1)
    _put(n, f"-{y} * np.maximum(np.log({p}), -100) - (1 - {y}) * np.maximum(np.log(1 - {p}), -100)")


@backward("BinaryCrossEntropyBackward0")
def bce_backward(n: NodeText) -> None:
    _unweighted(n)
    p, y = n.x(0), n.x(1)
    n.give(0, f"{n.g} * ({p} - {y}) / np.maximum((1 - {p}) * {p}, 1e-12){_by_count(n)}", broadcast=False)
    if n.needs(1):
        n.give(1, f"{n.g} * (np.log(1 - {p}) - np.log({p})){_by_count(n)}", broadcast=False)


def _unweighted(n: NodeText) -> None:
    if n.has(2) or n.has(3):
        raise NoTemplateError("a loss with weights")


def _picked(n: NodeText) -> tuple[str, int]:
    """The index that picks each sample's own class, and how many samples there are."""
    target = n.given_array(1)
    if target is None or n.has(1, 2):
        raise NoTemplateError("a loss with weights, or without its labels")
    if np.any(target == int(n.argument("ignore_index", -100))):
        raise NoTemplateError("labels that are ignored")
    if target.ndim == 0:
        return n.given(1), 1
    if target.ndim == 1:
        return f"np.arange({target.size}), {n.given(1)}", target.size
    raise NoTemplateError("a loss of images")


@forward("NllLossBackward0")
def nll(n: NodeText) -> None:
    index, _ = _picked(n)
    how = _mean(n)
    n.put(f"-{n.x()}[{index}]{f'.{how}()' if how else ''}")


@backward("NllLossBackward0")
def nll_backward(n: NodeText) -> None:
    index, count = _picked(n)
    by = f" / {count}" if _mean(n) == "mean" else ""
    n.give_written(0, lambda name: f"{name}[{index}] = -{n.g}{by}")
