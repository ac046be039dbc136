"""The rules by type of `grad_fn`.

A rule is a function of a node's values (`engine.rules.values.NodeValues`) to the gradients of its inputs, by slot: a
tuple with one entry an input (None for what is not needed), or a mapping. It is written in plain NumPy. Formulas are
LaTeX, one for each input of the operator by PyTorch's name for it, in the order of the slots; `G` is the gradient that
enters, and `<name>` stands for a number that the node has, so that the formula can be shown with this node's numbers:

    @elementwise("SinBackward0", {"self": r"<G> \\cdot \\cos <self>"}, "The slope of the sine is the cosine.")
    def sin(n):
        return (np.cos(n.saved("self")),)          # the local derivative; the gradient times it is formed for you

    @moving("TransposeBackward0", {"self": r"G^\\mathsf{T}"}, "Moves each number back to its place.")
    def transpose(n):
        return (np.swapaxes(n.grad(), n.argument("dim0"), n.argument("dim1")),)

    @rule("AddmmBackward0", {"self": "…", "mat1": "…", "mat2": "…"}, "…", terms=addmm_terms)
    def addmm(n):
        …

Each takes several types at once, separated by spaces. `not_differentiable` declares a type that passes no gradient on.
What is in neither list is unknown, and said to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.arithmetic import Array, Bounded, value_of
from engine.arithmetic.limits import in_any_order, limited
from engine.graph.labels import TORCHSCRIPT
from engine.recording.model import Shape
from engine.rules.values import NodeValues

if TYPE_CHECKING:
    from engine.rules.terms import TermGroup

Function = Callable[[NodeValues], Any]
TermsFunction = Callable[[NodeValues, int, tuple[int, ...]], "Sequence[TermGroup]"]
Kind = Literal["elementwise", "moving", "general"]

OF_TORCHSCRIPT = (
    "it is a part of a function that TorchScript compiled and differentiates by itself; without torch.jit the script "
    "shows what is in it"
)
FAMILIES = (
    "elementwise",
    "choosing",
    "transcendental",
    "activation",
    "activation_twice",
    "special",
    "complex_numbers",
    "shape",
    "slicing",
    "joining",
    "overlapping",
    "indexing",
    "reducing_by_index",
    "reduction",
    "ordering",
    "product",
    "grouped_product",
    "convolution",
    "normalization",
    "normalization_twice",
    "weight_norm",
    "softmax",
    "attention",
    "recurrent",
    "packing",
    "loss",
    "loss_twice",
    "cross_entropy",
    "alignment",
    "pooling",
    "resampling",
    "padding",
    "sampling",
    "embedding",
    "randomness",
    "quantization",
    "decomposition",
    "equations",
    "fourier",
    "distance",
    "copying",
)


@dataclass(frozen=True)
class Rule:
    """How the gradients of one type of `grad_fn` are computed.

    `formulas`: LaTeX by input, in the order of the slots. `words`: what the node passes on, for a reader. `function`:
    the gradients; of an elementwise rule, the local derivatives. `terms`: of one element, what it is the sum of.
    `stops`: where a local derivative is zero, nothing passes, not even infinity or NaN.
    """

    type: str
    kind: Kind
    formulas: Mapping[str, str]
    words: str
    function: Function
    terms: TermsFunction | None = None
    stops: bool = False

    def vjp(self, values: NodeValues) -> dict[int, Array]:
        """The vector-Jacobian product: the gradient of each input that got one, by slot."""
        with np.errstate(all="ignore"):  # infinities and NaN are numbers like others here
            found = {slot: local for slot, local in by_slot(self.function(values)).items() if values.needs(slot)}
            if self.kind == "elementwise":
                found = {
                    slot: unbroadcast(self._passed(values, local), values.shape(slot)) for slot, local in found.items()
                }
            elif limited():
                found = {slot: _in_range(array, values) for slot, array in found.items()}
        return {slot: _in(values.dtype(slot), array) for slot, array in found.items()}

    def _passed(self, values: NodeValues, local: Array) -> Array:
        product = values.grad() * np.conj(local)
        if limited() and isinstance(product, Bounded):
            product = in_any_order(product, values.numbers())
        if not self.stops:
            return product
        surely = np.asarray(value_of(local) == 0)
        if isinstance(local, Bounded) and local.error is not None:
            surely = surely & (local.error == 0)
        return np.where(surely, 0.0, product)


def _in_range(array: Array, values: NodeValues) -> Array:
    """Open everywhere if the largest numbers together leave the range of the dtype."""
    largest = [np.max(np.abs(value_of(one)), initial=1.0, where=np.isfinite(value_of(one))) for one in values.numbers()]
    return in_any_order(array, largest) if isinstance(array, Bounded) else array


def _in(dtype: str, array: Array) -> Array:
    """A real input gets the real part of a complex gradient."""
    return array.real if np.iscomplexobj(value_of(array)) and not dtype.startswith("complex") else array


_RULES: dict[str, Rule] = {}
_NOT_DIFFERENTIABLE: dict[str, str] = {}


def rule(
    types: str, formulas: Mapping[str, str], words: str, *, terms: TermsFunction | None = None
) -> Callable[[Function], Function]:
    """Register the decorated function as the rule of `types`."""
    return _register(types, "general", formulas, words, terms)


def elementwise(
    types: str, formulas: Mapping[str, str], words: str, *, stops: bool = False
) -> Callable[[Function], Function]:
    """The same for a function that gives the local derivative of each input, of the shape of the output.

    `stops`: where that is zero, the gradient is put to zero rather than multiplied by it, which matters to infinities.
    """
    return _register(types, "elementwise", formulas, words, None, stops)


def moving(types: str, formulas: Mapping[str, str], words: str) -> Callable[[Function], Function]:
    """The same for a function that moves elements of `n.grad()` to other places, adds zeros, and computes nothing."""
    return _register(types, "moving", formulas, words, None)


def not_differentiable(types: str, words: str) -> None:
    """Declare types that pass no gradient on."""
    for name in types.split():
        _claim(name)
        _NOT_DIFFERENTIABLE[name] = words


def _register(
    types: str, kind: Kind, formulas: Mapping[str, str], words: str, terms: TermsFunction | None, stops: bool = False
) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        for name in types.split():
            _claim(name)
            _RULES[name] = Rule(name, kind, formulas, words, function, terms, stops)
        return function

    return register


def _claim(name: str) -> None:
    if name in _RULES or name in _NOT_DIFFERENTIABLE:
        raise ValueError(f"there are two rules for {name}")


@cache
def _load() -> None:
    for family in FAMILIES:
        import_module(f"engine.rules.families.{family}")


def find_rule(type_: str) -> Rule | None:
    """The rule of a type of `grad_fn`, or None. Operators that end in "_copy" have the rule of the same without."""
    _load()
    return _RULES.get(type_.removesuffix("_copy"))


def without_rule(type_: str) -> str:
    """What is to be said of a node whose type has no rule. Only custom functions' types do not end in a digit, and
    TorchScript's."""
    if type_ == TORCHSCRIPT:
        return f"there is no rule for {type_}: {OF_TORCHSCRIPT}"
    if type_.endswith("Backward"):
        return f"there is no rule for {type_}, a custom autograd.Function: only finite differences can check it"
    return f"there is no rule for {type_} yet"


def reason_not_differentiable(type_: str) -> str | None:
    """Why a type passes no gradient on, or None if it is not known to be so."""
    _load()
    return _NOT_DIFFERENTIABLE.get(type_.removesuffix("_copy"))


def all_rules() -> Mapping[str, Rule]:
    """Every rule by type."""
    _load()
    return dict(_RULES)


def all_not_differentiable() -> Mapping[str, str]:
    _load()
    return dict(_NOT_DIFFERENTIABLE)


def by_slot(result: Any) -> dict[int, Array]:
    """What a rule returned, as a mapping without the entries that are None."""
    pairs = result.items() if isinstance(result, Mapping) else enumerate(result)
    return {slot: array for slot, array in pairs if array is not None}


def unbroadcast(array: Array, shape: Shape) -> Array:
    """Sum over the dimensions along which a tensor of `shape` was broadcast to become as large as `array`."""
    if tuple(np.shape(value_of(array))) == tuple(shape):
        return array
    extra = np.ndim(value_of(array)) - len(shape)
    if extra < 0:
        return np.broadcast_to(array, shape)
    if extra:
        array = np.sum(array, axis=tuple(range(extra)))
    current = np.shape(value_of(array))
    axes = tuple(axis for axis, length in enumerate(shape) if length == 1 and current[axis] != 1)
    if axes:
        array = np.sum(array, axis=axes, keepdims=True)
    return np.broadcast_to(array, shape)
