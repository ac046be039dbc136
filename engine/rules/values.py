"""What a rule sees of one node: the gradients that entered, what the node saved, and its operator's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np

from engine.arithmetic import Array, exact, unit_roundoff
from engine.arithmetic.bounded import Floats
from engine.errors import ChainruleError
from engine.recording.model import Node, Shape

DATA_SLOT = 1000  # edges from here on lead to tensors that need no gradient
_REQUIRED: Any = object()
_NEVER_WRITTEN = ("CtcLossBackward", "result1")  # in part


class NoDataError(ChainruleError):
    """A tensor that the arithmetic needs was not recorded in full."""


class UnsupportedError(ChainruleError):
    """The rule does not cover this case: the node counts as unknown, with this reason."""


class NotRecordedError(NoDataError, UnsupportedError):
    """A tensor is not there at all: it was saved through a hook, or the operator was called without it."""


class NodeValues:
    """The recorded values of one run of one node, by role.

    Floating-point tensors come as float64 or complex128: as `Bounded` for a proof, or, if `plain`, as arrays. Integers
    and bools come as recorded. Every method that needs a tensor raises NoDataError if it was not recorded in full.

    `read` gives a tensor's elements by its number, or None; `describe` its shape and dtype.
    """

    def __init__(
        self,
        node: Node,
        tensors: Mapping[tuple[str, int, str], int],
        read: Callable[[int], Floats | None],
        describe: Callable[[int], tuple[Shape, str]],
        *,
        edges: tuple[int, ...] = (),
        plain: bool = False,
    ) -> None:
        self.node = node
        self.plain = plain
        self.edges = edges
        """Slots of the inputs that need a gradient."""
        self._tensors = tensors
        self._read = read
        self._describe = describe
        self._kept: dict[tuple[str, int, str], Array] = {}

    @property
    def type(self) -> str:
        return self.node.type

    @property
    def tensors(self) -> Mapping[tuple[str, int, str], int]:
        """Numbers of the recorded tensors by (role, slot, name)."""
        return self._tensors

    @cached_property
    def unit(self) -> float:
        """Unit roundoff of the coarsest dtype among the gradients."""
        dtypes = [
            self._describe(tensor)[1]
            for (role, _, _), tensor in self._tensors.items()
            if role in ("grad_output", "grad_input")
        ]
        return max((unit_roundoff(dtype) for dtype in dtypes), default=unit_roundoff("float32"))

    @cached_property
    def slots(self) -> tuple[int, ...]:
        """Slots of the gradients that left the node."""
        return tuple(sorted(slot for role, slot, _ in self._tensors if role == "grad_input"))

    def needs(self, slot: int) -> bool:
        """Whether input `slot` got a gradient, so that there is something to compute."""
        return ("grad_input", slot, "") in self._tensors

    def shape(self, slot: int) -> Shape:
        """Shape of input `slot`, which got a gradient."""
        return self._described("grad_input", slot)[0]

    def dtype(self, slot: int) -> str:
        """torch's name for the dtype of the gradient of input `slot`."""
        return self._described("grad_input", slot)[1]

    def _described(self, role: str, slot: int, name: str = "") -> tuple[Shape, str]:
        tensor = self._tensors.get((role, slot, name))
        if tensor is None:
            raise UnsupportedError(f"{self.type} has no {role} {slot} {name}".rstrip())
        return self._describe(tensor)

    def has_grad(self, slot: int = 0) -> bool:
        """Whether a gradient entered for output `slot`."""
        return ("grad_output", slot, "") in self._tensors

    def grad_shape(self, slot: int = 0) -> Shape:
        return self._described("grad_output", slot)[0]

    def grad(self, slot: int = 0, like: Shape | None = None) -> Array:
        """The gradient that entered for output `slot`; where none did, zeros of shape `like`."""
        if not self.has_grad(slot):
            shape = self.output_shape(slot) if like is None else like
            zeros = np.zeros(shape)
            return zeros if self.plain else exact(zeros, self.unit)
        return self._array("grad_output", slot, "")

    def output_shape(self, slot: int = 0) -> Shape:
        """Shape of forward output `slot`."""
        if self.has_grad(slot):
            return self.grad_shape(slot)
        if ("output", slot, "") in self._tensors:
            return self._described("output", slot)[0]
        outputs = self.node.info.get("outputs", ())
        if slot < len(outputs):
            return tuple(outputs[slot][0])
        if slot == 0 and self.node.shape is not None:
            return self.node.shape
        raise UnsupportedError(f"{self.type}: the shape of output {slot} was not recorded")

    def output(self, slot: int = 0) -> Array:
        """Forward output `slot`."""
        return self._array("output", slot, "")

    def has(self, name: str, slot: int = 0) -> bool:
        """Whether the node saved a tensor of this name."""
        return ("saved", slot, name) in self._tensors

    def saved(self, name: str, slot: int = 0) -> Array:
        """The saved tensor `name` (torch's name without "_saved_"), for a list its member `slot`."""
        return self._array("saved", slot, name)

    def saved_shape(self, name: str, slot: int = 0) -> Shape:
        """Its shape, which is known without its elements."""
        return self._described("saved", slot, name)[0]

    def saved_dtype(self, name: str, slot: int = 0) -> str:
        return self._described("saved", slot, name)[1]

    def numbers(self) -> list[Array]:
        """The gradients that entered, and the floating-point tensors that the node saved or got, if recorded."""
        found = []
        for role, slot, name in self._tensors:
            if role in ("grad_output", "saved", "input", "output") and (self.type[:-1], name) != _NEVER_WRITTEN:
                with suppress(NoDataError):
                    found.append(self._array(role, slot, name))
        return [array for array in found if array.dtype.kind in "fc"]

    def input(self, position: int, index: int = 0) -> Array:
        """The tensor at argument `position` of the operator (member `index` of a list), if it needs no gradient."""
        return self._array("input", position + 100 * index, "")

    def has_input(self, position: int, index: int = 0) -> bool:
        return ("input", position + 100 * index, "") in self._tensors

    def input_shape(self, position: int, index: int = 0) -> Shape:
        """Its shape, which is known without its elements."""
        return self._described("input", position + 100 * index)[0]

    def argument(self, name: str, default: Any = _REQUIRED) -> Any:
        """A plain value by name: as the node saved it, or as the operator was called; arguments left out: `default`."""
        for source in ("saved", "args"):
            found = self.node.info.get(source, {})
            if name in found:
                return _signed(found[name])
        if default is _REQUIRED:
            raise UnsupportedError(f"{self.type}: its argument {name!r} was not recorded")
        return default

    def recorded(self, slot: int) -> Floats:
        """The gradient of input `slot` as autograd computed it, in the recorded precision."""
        computed = self._tensors.get(("grad_computed", slot, ""))  # before a hook of the user's replaced it
        tensor = self._tensors[("grad_input", slot, "")] if computed is None else computed
        return self._data(tensor, f"the gradient of input {slot}")

    def within(
        self, type_: str, tensors: Mapping[tuple[str, int, str], int], arrays: Mapping[int, tuple[Floats, str]]
    ) -> NodeValues:
        """The values of an operation inside this one. `arrays`: tensors that were not recorded, with dtypes."""

        def read(tensor: int) -> Floats | None:
            return arrays[tensor][0] if tensor in arrays else self._read(tensor)

        def describe(tensor: int) -> tuple[Shape, str]:
            return (arrays[tensor][0].shape, arrays[tensor][1]) if tensor in arrays else self._describe(tensor)

        node = self.node._replace(type=type_)
        return NodeValues(node, tensors, read, describe, edges=self.edges, plain=self.plain)

    def _array(self, role: str, slot: int, name: str) -> Array:
        key = (role, slot, name)
        if key not in self._kept:
            tensor = self._tensors.get(key)
            if tensor is None:
                raise NotRecordedError(f"{name or role}{f' {slot}' if slot else ''} was not recorded")
            data = self._data(tensor, name or f"{role} {slot}")
            if data.dtype.kind not in "fc":
                self._kept[key] = data
            elif self.plain:
                self._kept[key] = data.astype(np.complex128 if data.dtype.kind == "c" else np.float64)
            else:
                self._kept[key] = exact(data, max(self.unit, unit_roundoff(self._describe(tensor)[1])))
        return self._kept[key]

    def _data(self, tensor: int, what: str) -> Floats:
        data = self._read(tensor)
        if data is None or tuple(data.shape) != tuple(self._describe(tensor)[0]):
            raise NoDataError(f"{what} was not recorded in full")
        return data


def _signed(value: Any) -> Any:
    """Nodes show some of their negative numbers as unsigned."""
    if isinstance(value, list):
        return [_signed(item) for item in value]
    return value - 2**64 if isinstance(value, int) and value >= 2**63 else value
