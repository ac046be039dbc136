"""The update phase: one line a parameter, and the optimizer as a function where it remembers something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.arithmetic.bounded import unit_roundoff
from engine.export.script import names
from engine.export.script.expressions import NoTemplateError, number
from engine.export.script.reading import Array
from engine.export.script.update import OPTIMIZERS, Rule
from engine.export.script.writing import Program
from engine.recording.model import Event

Tensors = Mapping[tuple[str, int, str], int]
_SHOWN = ("lr", "momentum", "dampening", "nesterov", "weight_decay", "betas", "alpha", "rho", "eps", "lr_decay",
          "centered", "amsgrad", "maximize")  # fmt: skip
_COARSE = 1e-4  # unit roundoff: float16 and bfloat16


@dataclass
class UpdateText:
    """`functions`: lines of the optimizers' functions; `lines`: of the step."""

    functions: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    _known: dict[tuple[Any, ...], tuple[str, Rule]] = field(default_factory=dict)
    clip: str = ""
    """The variable of the factor by which gradients were clipped, once it has been computed."""
    _said: str = ""

    def function(self, program: Program, event: Event, has: frozenset[str]) -> tuple[str, Rule]:
        """Name and rule of the optimizer of an update, written down once for all parameters that it treats alike."""
        hyperparameters = event.info.get("hyperparameters", {})
        key = (event.info["optimizer"], repr(sorted(hyperparameters.items(), key=str)), has)
        if key not in self._known:
            rule = OPTIMIZERS[event.info["optimizer"]](hyperparameters, has)
            name = program.optimizer_name(event.info["optimizer"].lower())
            if not _is_formula(rule):
                self.functions += _definition(name, rule, hyperparameters)
            self._known[key] = (name, rule)
        return self._known[key]

    def say(self, text: str) -> None:
        """A comment above the lines that follow, unless it stands there already."""
        if text != self._said:
            self.lines.append(f"# {names.comment(text, 110)}")
            self._said = text


def _is_formula(rule: Rule) -> bool:
    """Whether the update is one line without memory, which needs no function."""
    return not rule.state and len(rule.body) == 2 and rule.body[0] == "g = grad"


def _definition(name: str, rule: Rule, hyperparameters: Mapping[str, Any]) -> list[str]:
    arguments = ", ".join(["w", "grad", *rule.state])
    doc = f'"""The parameter after a step of {rule.words}: {_settings(hyperparameters)}."""'
    return ["", "", f"def {name}({arguments}):", f"    {doc}", *(f"    {line}" for line in rule.body)]


def _settings(hyperparameters: Mapping[str, Any]) -> str:
    """The hyperparameters that are switched on."""
    found = [
        name if hyperparameters[name] is True else f"{name} {hyperparameters[name]}"
        for name in _SHOWN
        if hyperparameters.get(name) not in (None, False, 0)
    ]
    return names.comment(", ".join(found), 90)


def write_updates(program: Program) -> UpdateText:
    """Every update of the step, in order; what each parameter is afterwards goes to what is compared."""
    text = UpdateText()
    _clip(program, text)
    latest = dict(program.parameters)
    after: dict[int, Array] = {}
    for event in program.step.updates:
        parameter = event.parameter
        tensors = program.step.values(event)
        result = tensors.get(("param_after", 0, ""))
        if parameter is None or parameter not in latest or result is None:
            continue
        name = program.names.new(f"{program.parameters[parameter]}_after")
        try:
            expression = _update(program, text, event, tensors, latest[parameter])
        except NoTemplateError as reason:
            what = f"update of {program.parameters[parameter]} by {event.info.get('optimizer', 'unknown')}"
            program.as_recorded.append(f"{what} ({reason})")
            text.say(f"AS RECORDED, not by hand: {names.comment(str(event.info.get('optimizer')))} ({reason})")
            expression = program.tensor(result, f"{name}_recorded")
        text.lines.append(f"{name} = {expression}")
        latest[parameter] = name
        after[parameter] = program.step.array(result)
    for parameter, array in after.items():
        program.after[parameter] = latest[parameter]
        program.recorded[latest[parameter]] = array
    return text


def _update(program: Program, text: UpdateText, event: Event, tensors: Tensors, w: str) -> str:
    if event.info.get("optimizer") == "by hand":
        return _by_hand(program, text, event, tensors, w)
    if program.step.dtype(tensors["param_after", 0, ""]).startswith("complex"):
        raise NoTemplateError("complex numbers")
    known = str(event.info.get("module", "")).startswith("torch.optim")
    if not known or event.info.get("optimizer") not in OPTIMIZERS:
        raise NoTemplateError("no template for this optimizer")
    if event.info.get("found_inf") or event.info.get("losses"):
        raise NoTemplateError("it was skipped, or evaluated its gradient several times")
    result = tensors["param_after", 0, ""]
    half = unit_roundoff(program.step.dtype(result)) > _COARSE
    if half and not np.isfinite(program.step.array(result)).all():
        raise NoTemplateError("it left the range of half precision on its way")
    has = frozenset(name for role, _, name in tensors if role == "state_before")
    name, rule = text.function(program, event, has)
    missing = [key for key in rule.state.values() if key not in has and key != "step"]
    if missing:
        raise NoTemplateError(f"its {missing[0]} was not recorded")
    text.say(f"{rule.words}: {_settings(event.info.get('hyperparameters', {}))}")
    grad = _gradient(program, text, event, tensors)
    if _is_formula(rule):
        return str(rule.body[-1]).removeprefix("return w").replace(" g", f" {grad}").join((w, ""))
    options = [f"{short}={_state(program, event, tensors, key, w)}" for short, key in rule.state.items()]
    return f"{name}({', '.join([w, grad, *options])})"


def _state(program: Program, event: Event, tensors: Tensors, key: str, w: str) -> str:
    """What the optimizer remembered: the count of steps as it is after this one, or a tensor."""
    if key == "step":
        tensor = tensors.get(("state_before", 0, "step"))
        count = event.info.get("state", {}).get("step", 0) if tensor is None else program.step.array(tensor).item()
        return str(int(count) + 1)
    return program.tensor(tensors["state_before", 0, key], f"{w}_{key}")


def _gradient(program: Program, text: UpdateText, event: Event, tensors: Tensors) -> str:
    """The variable of the gradient that the update read: as the backward left it, unless the script changed it."""
    tensor = tensors.get(("grad", 0, ""))
    if tensor is None or event.parameter is None:
        raise NoTemplateError("its gradient was not recorded")
    left = program.grads.get(event.parameter)
    read = program.step.array(tensor)
    # Where a gradient is next to zero, rounding decides its sign, and with it the whole step.
    unit = unit_roundoff(program.step.coarsest())
    largest = max((np.max(np.abs(program.recorded[name]), initial=0.0) for name in program.grads.values()), default=0.0)
    is_nothing = np.max(np.abs(read), initial=0.0) <= 16 * unit * largest
    if event.info.get("optimizer") != "SGD" and (unit > _COARSE or is_nothing):
        what = "in half precision" if unit > _COARSE else "of little but rounding"
        remark = f"gradients {what} that the optimizer divides by their size"
        if remark not in program.as_recorded:
            program.as_recorded.append(remark)
        return program.tensor(tensor, f"grad_{program.parameters[event.parameter]}_read")
    if left is not None and np.array_equal(program.recorded[left], read, equal_nan=True):
        return left
    name = f"grad_{program.parameters[event.parameter]}_read"
    if left is not None and text.clip:
        name = program.names.new(f"{left}_clipped")
        text.lines.append(f"{name} = {text.clip} * {left}")
        return name
    factor = None if left is None or read.size == 1 else _factor(program.recorded[left], read)
    if left is not None and factor is not None:
        name = program.names.new(name)
        text.lines.append(f"{name} = {number(factor)} * {left}  # the script scaled it (clipping?); factor as recorded")
        remark = f"the factor {factor!r} by which the script scaled the gradients"
        if remark not in program.as_recorded:
            program.as_recorded.append(remark)
        return name
    program.as_recorded.append(f"{name}: the script changed the gradient between backward and update")
    name = program.tensor(tensor, name)
    text.lines.append(f"# AS RECORDED: the script changed the gradient before the update: {name}")
    return name


def _clip(program: Program, text: UpdateText) -> None:
    """If every gradient was scaled to a norm with few digits, write down how: as torch's clip_grad_norm_ does it."""
    pairs = {}
    for event in program.step.updates:
        tensor = program.step.values(event).get(("grad", 0, ""))
        if event.parameter in program.grads and tensor is not None:
            left = program.grads[event.parameter]
            pairs[left] = (program.recorded[left], program.step.array(tensor))
    if not pairs or any(one.dtype.kind != "f" or one.shape != two.shape for one, two in pairs.values()):
        return
    pairs = {left: (one.astype(np.float64), two.astype(np.float64)) for left, (one, two) in pairs.items()}
    norm, after = (float(np.sqrt(sum(np.sum(pair[side] ** 2) for pair in pairs.values()))) for side in (0, 1))
    if not norm or not np.isfinite(norm) or after > 0.9999 * norm:
        return
    limit = float(f"{after / norm * (norm + 1e-6):.4g}")
    factor = limit / (norm + 1e-6)
    slack = 64 * max(np.finfo(program.recorded[left].dtype).eps for left in pairs) * after
    if any(np.max(np.abs(factor * one - two), initial=0.0) > slack for one, two in pairs.values()):
        return
    text.clip = program.names.new("clip")
    whole = program.names.new("whole_norm")
    text.lines += [
        "# The script clipped the gradients, as clip_grad_norm_ does: together they are no longer than this",
        f"{whole} = np.sqrt(sum([{', '.join(f'({name} * {name}).sum()' for name in pairs)}]))",
        f"{text.clip} = {limit!r} / ({whole} + 1e-06)",
    ]


def _factor(before: Array, after: Array) -> float | None:
    """The number that turns `before` into `after` (to a few roundings), in as few digits as do; None if none does."""
    if before.shape != after.shape or before.dtype.kind != "f" or not before.size:
        return None
    place = np.unravel_index(int(np.argmax(np.abs(before))), before.shape)
    if before[place] == 0 or not np.isfinite(before[place]):
        return None
    ratio = float(after[place]) / float(before[place])
    for digits in range(1, 18):
        factor = float(f"{ratio:.{digits}g}")
        scaled = (before * before.dtype.type(factor)).astype(after.dtype)
        if np.allclose(scaled, after, rtol=2 * np.finfo(before.dtype).eps, atol=0):
            return factor
    return None


def _by_hand(program: Program, text: UpdateText, event: Event, tensors: Tensors, w: str) -> str:
    """An operator that the script called on the parameter itself: `w -= lr * w.grad`."""
    operation = str(event.info.get("hyperparameters", {}).get("operation", ""))
    plain = event.info.get("arguments", {})
    signs = {"aten.sub_": " - ", "aten.add_": " + ", "aten.mul_": " * "}
    base = operation.rpartition(".")[0]
    if base not in signs or "view" in event.info:
        raise NoTemplateError(f"{operation} by hand")
    text.say("By hand, as the script does")
    alpha = plain.get("alpha", 1)
    if not isinstance(alpha, (int, float)):
        raise NoTemplateError("its alpha is not a number")
    tensor = tensors.get(("input", 1, "other"))
    if tensor is None:
        other = plain.get("other")
        if not isinstance(other, (int, float)):
            raise NoTemplateError(f"{operation} with what was not recorded")
        return f"{w}{signs[base]}{number(other if alpha == 1 else alpha * other)}"
    left = None if event.parameter is None else program.grads.get(event.parameter)
    factor = None if left is None else _factor(program.recorded[left], program.step.array(tensor))
    if left is not None and factor is not None:
        factor = alpha * factor if alpha != 1 else factor
        return f"{w}{signs[base]}{'' if factor == 1 else f'{number(factor)} * '}{left}"
    program.as_recorded.append(f"what the script wrote to {w}")
    given = program.tensor(tensor, f"{w}_operand")
    text.lines.append(f"# AS RECORDED: what the script computed for {w}")
    return f"{w}{signs[base]}{'' if alpha == 1 else f'{number(alpha)} * '}{given}"
