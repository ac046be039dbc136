"""Updates without an optimizer: one operator that writes to a parameter, such as `w -= lr * w.grad`.

What is proved is the write: from the parameter before it and the operands that the operator had. How the script came by
its operands is shown by the events before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Bounded, exact, unit_roundoff
from engine.optimizers.model import Array, Notes, Update, lerp, scaled, value_of
from engine.optimizers.reading import Reading, UnknownError

Arguments = Mapping[str, Any]
_ASSIGNMENT = "Tensor.data = …"


def _power(base: Array, a: Arguments) -> Array:
    exponent = a["exponent"]
    return base * base if isinstance(exponent, int | float) and exponent == 2 else base**exponent


def _divide(base: Array, a: Arguments) -> Array:
    if a.get("rounding_mode") is not None:
        raise UnknownError("a division that rounds has no rule")
    return base / a["other"]


def _clamp(base: Array, a: Arguments) -> Array:
    if a.get("min") is not None:
        base = np.maximum(base, a["min"])
    return base if a.get("max") is None else np.minimum(base, a["max"])


def _product(base: Array, a: Arguments) -> Array:
    return scaled(a.get("value", 1), base * 0 + a["tensor1"]) * a["tensor2"]


# Operator → what it writes, from the parameter before and the arguments by the names of the operator's schema.
WRITES: Mapping[str, Callable[[Array, Arguments], Array]] = {
    "add": lambda w, a: w + scaled(a.get("alpha", 1), w * 0 + a["other"]),
    "sub": lambda w, a: w - scaled(a.get("alpha", 1), w * 0 + a["other"]),
    "mul": lambda w, a: w * a["other"],
    "div": _divide,
    "addcmul": lambda w, a: w + _product(w, a),
    "addcdiv": lambda w, a: w + scaled(a.get("value", 1), w * 0 + a["tensor1"]) / a["tensor2"],
    "lerp": lambda w, a: lerp(w, a["end"], a["weight"]),
    "addmm": lambda w, a: scaled(a.get("beta", 1), w) + scaled(a.get("alpha", 1), a["mat1"] @ a["mat2"]),
    "copy": lambda w, a: w * 0 + a["src"],
    "zero": lambda w, a: np.zeros_like(w),
    "fill": lambda w, a: np.zeros_like(w) + a["value"],
    "clamp": _clamp,
    "clamp_min": lambda w, a: np.maximum(w, a["min"]),
    "clamp_max": lambda w, a: np.minimum(w, a["max"]),
    "maximum": lambda w, a: np.maximum(w, a["other"]),
    "minimum": lambda w, a: np.minimum(w, a["other"]),
    "pow": _power,
    "neg": lambda w, a: -w,
    "abs": lambda w, a: np.abs(w),
    "sqrt": lambda w, a: np.sqrt(w),
    "square": lambda w, a: w * w,
    "reciprocal": lambda w, a: 1 / w,
    "exp": lambda w, a: np.exp(w),
    "tanh": lambda w, a: np.tanh(w),
    "masked_fill": lambda w, a: np.where(np.asarray(value_of(a["mask"])) != 0, a["value"], w),
}
_WORDS: Mapping[str, str] = {
    "add": "+=", "sub": "-=", "mul": "*=", "div": "/=", "copy": "=", "zero": "= 0", "fill": "=",
}  # fmt: skip
_ALIASES = {"tensors1": "tensor1", "scalar": "other", "weights": "weight"}


def write(reading: Reading) -> Update:
    """The parameter after the write, `Bounded`, and what went into it. Raises UnknownError for what has no rule."""
    operation = str(reading.hyperparameters.get("operation", ""))
    note = Notes()
    before = reading.bounded("param_before")
    if operation == _ASSIGNMENT:
        return note.update(
            note(r"\theta_t", "assigned", reading.bounded("input", "data", 1), "x", "The tensor assigned.")
        )
    name = _packet(operation)
    if name not in WRITES:
        raise UnknownError(f"{operation or 'this write'} has no rule")
    if "arguments" not in reading.event.info:
        raise UnknownError("the recording does not have the operands of the write")
    if reading.recording.tensor(reading.values["param_before", 0, ""].tensor).dtype.startswith("complex"):
        raise UnknownError("writes to complex parameters have no rule")
    arguments = _arguments(reading, name)
    _note_operands(note, reading, name, arguments)
    places = _places(reading)
    target = before if places is None else before.reshape(-1)[places]
    base = arguments.pop("self", target)
    try:
        written = WRITES[name](base, arguments)
        after = _placed(before, places, np.broadcast_to(written, target.shape))
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise UnknownError(f"the operands of {operation} do not fit") from error
    return note.update(note(r"\theta_t", "parameter", after, _formula(name, arguments)))


def _formula(name: str, arguments: Arguments) -> str:
    """The write as an equation's right side."""
    sign = {"add": "+", "sub": "-", "mul": r"\cdot", "div": "/"}.get(name)
    if sign is None or "other" not in arguments or arguments.get("alpha", 1) != 1:
        return rf"\text{{{name}}}(\theta_{{t-1}})"
    return rf"\theta_{{t-1}} {sign} \text{{other}}"


def _packet(operation: str) -> str:
    """ "aten._foreach_add_.List" → "add", "aten.sub.out" → "sub"."""
    parts = operation.split(".")
    return parts[1].removeprefix("_foreach_").rstrip("_") if len(parts) > 1 and parts[0] == "aten" else ""


def _arguments(reading: Reading, operation: str) -> dict[str, Any]:
    """Tensor operands and plain arguments by name, as the operator's schema calls them."""
    plain = reading.event.info["arguments"]
    found: dict[str, Any] = {_ALIASES.get(name, name): value for name, value in plain.items()}
    unit = reading.unit()
    for name, slot in reading.names("input"):
        if not name.startswith("grad."):
            finer = max(unit, unit_roundoff(reading.dtype("input", name, slot)))
            found[_ALIASES.get(name, name)] = exact(reading.array("input", name, slot), finer if finer else unit)
    if operation == "lerp" and "tensor1" in found:
        found["end"] = found.pop("tensor1")
    scalars = found.pop("scalars", None)
    if scalars is not None:
        found["value" if operation.startswith("addc") else "exponent" if operation == "pow" else "other"] = scalars
    found.pop("out", None)
    return found


def _note_operands(note: Notes, reading: Reading, operation: str, arguments: Arguments) -> None:
    """What was written with; and how it is made of the gradient, where it is a multiple of it."""
    sign = _WORDS.get(operation, operation)
    for name, value in arguments.items():
        if name != "self" and not isinstance(value, str | list | None):
            note(rf"\text{{{name}}}", name, value, rf"\text{{{name}}}", f"An operand of the write ({sign}).")
    other = arguments.get("other")
    if operation not in ("add", "sub") or not isinstance(other, Bounded) or not reading.has("grad"):
        return
    grad = reading.array("grad")
    factor = multiple(np.asarray(other.value), grad, reading.unit())
    if factor is not None:
        rate = factor * float(arguments.get("alpha", 1)) * (1 if operation == "sub" else -1)
        note(r"\gamma", "learning rate", rate, r"\text{other} / g_t", "The operand is the gradient times this number.")


def multiple(operand: npt.NDArray[Any], grad: npt.NDArray[Any], unit: float) -> float | None:
    """The number that `grad` was multiplied with to give `operand`, if there is one within rounding."""
    square = float(np.sum(grad * grad))
    if operand.shape != grad.shape or not math.isfinite(square) or square == 0.0:
        return None
    factor = float(np.sum(operand * grad)) / square
    fits = np.abs(operand - factor * grad) <= 4 * unit * np.abs(factor * grad)
    return factor if bool(np.all(fits)) else None


def _places(reading: Reading) -> npt.NDArray[np.int64] | None:
    """Which elements of the flat parameter a view of it covers, in the view's shape; None if it is the whole."""
    view = reading.event.info.get("view")
    if not isinstance(view, Mapping):
        return None
    tensor = reading.tensor("param_before")
    if view.get("dtype") != tensor.dtype:
        raise UnknownError("the write went through a view of another dtype")
    by_memory = np.full(1 + _span(tensor.shape, view["leaf_stride"]), -1, dtype=np.int64)
    by_memory[_memory(tensor.shape, view["leaf_stride"], 0)] = np.arange(tensor.numel).reshape(tensor.shape)
    wanted = _memory(view["shape"], view["stride"], view["offset"])
    if wanted.size and (wanted.min() < 0 or wanted.max() >= by_memory.size):
        raise UnknownError("the view is larger than the parameter")
    places = by_memory[wanted]
    if wanted.size and places.min() < 0:
        raise UnknownError("the view does not lie in the parameter")
    return np.asarray(places)


def _memory(shape: Any, stride: Any, offset: int) -> npt.NDArray[np.int64]:
    """Where in memory each element lies, in elements from the start of the leaf."""
    found = np.full((), int(offset), dtype=np.int64)
    for dimension, (length, step) in enumerate(zip(shape, stride, strict=True)):
        along = np.arange(length, dtype=np.int64) * int(step)
        found = found + along.reshape((length,) + (1,) * (len(shape) - dimension - 1))
    return np.broadcast_to(found, tuple(shape))


def _span(shape: Any, stride: Any) -> int:
    span = sum((length - 1) * step for length, step in zip(shape, stride, strict=True) if length)
    if span > 64 * max(1, math.prod(shape)):
        raise UnknownError("the parameter's memory has gaps")
    return int(span)


def _placed(before: Bounded, places: npt.NDArray[np.int64] | None, written: Array) -> Array:
    if places is None:
        return written
    after = before.reshape(-1).copy()
    after[places] = written
    return after.reshape(before.shape)
