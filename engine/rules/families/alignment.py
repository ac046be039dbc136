"""The CTC loss: all ways in which a text may lie along a sequence.

Graves et al., "Connectionist Temporal Classification" (2006). A text is written with a blank before, between and after
its letters; `alpha` is the logarithm of the probability of all ways to have reached a place of it at a time, and `beta`
of all ways to go on from there. The node has saved the first; the second is computed here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded, value_of
from engine.arithmetic.bounded import Floats
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues

Index = tuple[int, ...]
_ULPS = 2  # roundings of a logarithm of a sum of exponentials, in units of its own size and of 1


def _lengths(n: NodeValues, name: str, count: int) -> Any:
    lengths = np.asarray(n.saved(name) if n.has(name) else n.argument(name), dtype=int)
    return np.broadcast_to(lengths, (count,))


def _texts(n: NodeValues, lengths: Any, places: int, blank: int) -> Any:
    """The class at each place of each text, blanks included: (batch, places)."""
    targets = np.asarray(n.saved("targets"))
    texts = np.full((len(lengths), places), blank)
    start = 0
    for row, length in enumerate(lengths):
        text = targets[row, :length] if targets.ndim == 2 else targets[start : start + length]
        texts[row, 1 : 2 * length : 2] = text
        start += length
    return texts


def ways_on(emitted: Floats, texts: Any, times: Any, lengths: Any, unit: float) -> tuple[Floats, Floats]:
    """`beta` and a bound of its rounding errors, (times, batch, places).

    The roundings of all times are independent, so that they add up like the steps of a random walk. `emitted`: the
    log probability of the class at each place at each time; `times`, `lengths`: those of each text.
    """
    longest, batch, places = emitted.shape
    beta = np.full((longest, batch, places), -np.inf)
    error = np.zeros(beta.shape)
    rows = np.arange(batch)
    skips = np.zeros(texts.shape, dtype=bool)
    skips[:, :-2] = texts[:, :-2] != texts[:, 2:]
    for t in range(longest - 1, -1, -1):
        if t + 1 < longest:
            after = np.pad(beta[t + 1], [(0, 0), (0, 2)], constant_values=-np.inf)
            moved = np.pad(error[t + 1], [(0, 0), (0, 2)])
            skipped = np.where(skips, after[:, 2:], -np.inf)
            beta[t] = np.logaddexp(np.logaddexp(after[:, :-2], after[:, 1:-1]), skipped) + emitted[t]
            error[t] = np.maximum(np.maximum(moved[:, :-2], moved[:, 1:-1]), np.where(skips, moved[:, 2:], 0.0))
        ends = times - 1 == t
        beta[t, ends] = -np.inf
        for place in (2 * lengths, 2 * lengths - 1):
            last = ends & (place >= 0)
            beta[t, rows[last], place[last]] = emitted[t, rows[last], place[last]]
        own = _ULPS * unit * (1 + np.abs(beta[t]))
        error[t] = np.where(np.isfinite(beta[t]), np.hypot(error[t], own), 0.0)
    return beta, error


def _occupied(n: NodeValues) -> Array:
    """The probability that each class is where the text is, at each time: (times, batch, classes)."""
    scores = value_of(n.saved("log_probs"))
    scores = scores if scores.ndim == 3 else scores[:, None]
    longest, batch, _ = scores.shape
    alpha = np.moveaxis(value_of(n.saved("result1")).reshape(batch, longest, -1), 0, 1)
    times, lengths = _lengths(n, "input_lengths", batch), _lengths(n, "target_lengths", batch)
    texts = _texts(n, lengths, alpha.shape[2], int(n.argument("blank", 0)))
    emitted = np.take_along_axis(scores, np.broadcast_to(texts, (longest, *texts.shape)), axis=2)
    beta, error = ways_on(emitted, texts, times, lengths, n.unit)
    through = np.where(np.isfinite(beta), alpha + beta, -np.inf)  # alpha is not initialized where no text can be
    summed, moved = np.full(scores.shape, -np.inf), np.zeros(scores.shape)
    at = (*np.indices(through.shape)[:2], np.broadcast_to(texts, through.shape))
    np.logaddexp.at(summed, at, through)
    error = np.where(np.isfinite(through), error + n.unit * (1 + np.abs(through)), 0.0)
    np.maximum.at(moved, at, error)
    loss = value_of(n.saved("result0")).reshape(1, batch, 1)
    power = summed + loss - scores
    probability = np.exp(power)
    known = np.isfinite(summed)
    sizes = np.abs(summed) + np.abs(loss) + np.abs(scores)
    moved = np.where(known, probability * (moved + _ULPS * n.unit * (1 + np.where(known, sizes, 0.0))), 0.0)
    return probability if n.plain else Bounded(probability, moved, n.unit)


def _slope(n: NodeValues) -> Array:
    """The local derivative: the probability of each class, less how much of it the text accounts for.

    What cannot be has a logarithm of minus infinity.
    """
    with np.errstate(all="ignore"):
        return _difference(n)


def _difference(n: NodeValues) -> Array:
    scores = n.saved("log_probs")
    scores = scores if np.ndim(scores) == 3 else scores[:, None]
    slope = np.exp(scores) - _occupied(n)
    longest, batch = value_of(scores).shape[:2]
    used = np.arange(longest)[:, None] < _lengths(n, "input_lengths", batch)
    if n.argument("zero_infinity", False):
        used = used & np.isfinite(value_of(n.saved("result0")).reshape(1, batch))
    return np.where(used[:, :, None], slope, 0.0)


def _terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    slope = value_of(_slope(n)).reshape(n.shape(0))
    at = (np.array([index[1]]),) if len(n.grad_shape()) else ()
    return [TermGroup(0, at, slope[index].reshape(1 if at else ()), "slope")]


@rule(
    "CtcLossBackward0 CtcLossBackward1",
    {"log_probs": r"G \left( e^{x_{t,c}} - \frac{1}{P e^{x_{t,c}}} \sum_{s: l_s = c} \alpha_{t,s} \beta_{t,s} \right)"},
    "At each time, the gradient of a class is its probability, less how likely it is that the text has that letter "
    "there.",
    terms=_terms,
)
def ctc_loss(n: NodeValues) -> tuple[Array, ...]:
    slope = _slope(n)
    return (np.reshape(np.reshape(n.grad(), (1, -1, 1)) * slope, n.shape(0)),)
