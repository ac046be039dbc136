"""What an update is made of: its named quantities, the parameter and the state that it leaves.

An optimizer is a plain function of NumPy arrays. It runs on float64 arrays, to teach, or on
`engine.arithmetic.bounded.Bounded` arrays, to prove: values with a bound of the rounding error that a computation in
the parameter's dtype makes. So it never compares what it computed, except through `value_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Bounded
from engine.arithmetic.compare import SAFETY

# A float64 array of any shape, a `Bounded` of any shape, or a number.
Array = Any
Hyperparameters = Mapping[str, Any]
State = Mapping[str, Any]

_SMALLEST = {2.0**-11: 2.0**-24, 2.0**-8: 2.0**-133, 2.0**-24: 2.0**-149, 2.0**-53: 2.0**-1074}  # by unit roundoff


class UnknownError(Exception):
    """There is no rule for this update, or it cannot be decided what it did; the message says why."""


@dataclass(frozen=True)
class Quantity:
    """One intermediate result: the paper's name, its symbol and formula in LaTeX, its value, and what it is for."""

    name: str
    symbol: str
    value: Array
    formula: str
    words: str


@dataclass(frozen=True)
class Update:
    """What one update left: the parameter, the optimizer's state under torch's keys, and how they came about."""

    param: Array
    state: Mapping[str, Any]
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True)
class Sparse:
    """A gradient that reached some elements only: `dense` has zeros elsewhere, `touched` is True where it arrived."""

    dense: Array
    touched: npt.NDArray[np.bool_]


class Notes:
    """Collects quantities in order of computation: `m = note("m_t", "first moment", …)` returns what it is given."""

    def __init__(self) -> None:
        self.quantities: list[Quantity] = []

    def __call__(self, symbol: str, name: str, value: Array, formula: str, words: str = "") -> Array:
        """Note `value` as `symbol = formula`, and return it."""
        self.quantities.append(Quantity(name, symbol, value, f"{symbol} = {formula}", words))
        return value

    def symbol(self, value: Array, otherwise: str = r"\theta_{t-1}") -> str:
        """What this very array was noted as last; `otherwise` if it was not: of a parameter, what it was before."""
        found = [quantity.symbol for quantity in self.quantities if quantity.value is value]
        return found[-1] if found else otherwise

    def update(self, param: Array, **state: Array) -> Update:
        """The update with everything noted so far."""
        return Update(param, state, tuple(self.quantities))


Rule = Callable[[Notes, Hyperparameters, Array, Any, State], Update]


@dataclass(frozen=True)
class Optimizer:
    """One entry of the registry.

    `formulas` are the lines of the algorithm in LaTeX, in order; `remembers` says in words what each key of the state
    holds; `paper` is where the algorithm was published.

    Of an optimizer outside `torch.optim`, `modules` are those whose class of that name is meant, and `options` the
    hyperparameters that the rule knows what to do with: any other must be switched off. `norm` asks for the norm of all
    gradients together, as `state["norm"]`.
    """

    name: str
    rule: Rule
    formulas: tuple[str, ...]
    remembers: Mapping[str, str] = field(default_factory=dict)
    paper: str = ""
    modules: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()
    norm: bool = False


def value_of(number: Array) -> Any:
    """The value itself, without its bound: what a decision may look at."""
    return number.value if isinstance(number, Bounded) else number


def scalar(number: Array, like: Array) -> Array:
    """A factor as an operator of `like`'s dtype gets it: rounded to that dtype once.

    A plain float64 array takes it as it is.
    """
    if not isinstance(like, Bounded):
        return number
    value, errors = (number.value, number.errors) if isinstance(number, Bounded) else (np.asarray(number), 0.0)
    return Bounded(value, errors + like.unit * np.abs(value), like.unit)


def stored(array: Array) -> Array:
    """A result that may have been too small for its dtype: near zero its error is that of the smallest number."""
    if isinstance(array, Bounded):
        return Bounded(array.value, array.errors + _SMALLEST.get(array.unit, 0.0), array.unit)
    return array


def scaled(factor: Array, array: Array) -> Array:
    """`factor · array`, the factor rounded to the array's dtype as `scalar` says."""
    return scalar(factor, array) * array


def lerp(start: Array, end: Array, weight: Array) -> Array:
    """`(1 − weight) · start + weight · end`, in the order in which torch computes it."""
    return start + scaled(weight, end - start)


def sign(number: Array) -> Array:
    """1, 0 or −1. Where rounding could turn a sign, its bound allows for either."""
    if not isinstance(number, Bounded):
        return np.sign(number)
    open_ = (number.errors > 0) & (np.abs(number.value) <= SAFETY * number.errors)
    return Bounded(np.sign(number.value), np.where(open_, 2.0 / SAFETY, 0.0), number.unit)


def rms(array: Array) -> Array:
    """The root of the mean of squares."""
    return np.sqrt((array * array).sum()) / array.size**0.5


def gradient(note: Notes, h: Hyperparameters, param: Array, grad: Array) -> Array:
    """The gradient that the equations start from: against the objective if it is maximized, with the L2 penalty's.

    Decoupled weight decay does not belong to the gradient: see `decay`.
    """
    if h.get("maximize"):
        grad = note("g_t", "gradient", -grad, r"-\nabla_\theta f_t(\theta_{t-1})", "The objective is to grow: uphill.")
    else:
        note("g_t", "gradient", grad, r"\nabla_\theta f_t(\theta_{t-1})", "What the backward pass left in .grad.")
    if not is_zero(h.get("weight_decay", 0)) and not h.get("decoupled_weight_decay"):
        penalty = note(
            r"\lambda \theta_{t-1}",
            "weight decay",
            scaled(h["weight_decay"], param),
            rf"{short(h['weight_decay'])} \cdot \theta_{{t-1}}",
            "The gradient of the L2 penalty: pulls every weight towards zero.",
        )
        grad = note("g_t", "gradient with weight decay", grad + penalty, r"g_t + \lambda \theta_{t-1}")
    return grad


def decay(note: Notes, h: Hyperparameters, param: Array) -> Array:
    """Decoupled weight decay: the parameter shrunk by a factor, apart from its gradient."""
    if is_zero(h.get("weight_decay", 0)):
        return param
    factor = note(
        r"1 - \gamma \lambda",
        "weight decay factor",
        1 - h["lr"] * h["weight_decay"],
        rf"1 - {short(h['lr'])} \cdot {short(h['weight_decay'])}",
        "Decoupled from the gradient: every weight shrinks by the same factor.",
    )
    return note(
        r"\theta_t'",
        "decayed parameter",
        scaled(factor, param),
        r"(1 - \gamma \lambda)\, \theta_{t-1}",
    )


def is_zero(number: Array) -> bool:
    """Whether a hyperparameter, a number or a bounded one, is switched off."""
    return bool(np.all(np.asarray(value_of(number)) == 0))


def short(number: Array) -> str:
    """A hyperparameter as it is written in a formula."""
    return f"{float(np.asarray(value_of(number))):g}"


def concatenate(parts: Sequence[Array]) -> Array:
    """Arrays one after the other, flat."""
    flat = [part.reshape(-1) for part in parts]
    return flat[0] if len(flat) == 1 else np.concatenate(flat)
