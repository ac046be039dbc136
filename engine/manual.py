"""A training step done by hand beside what autograd did, line by line: the Manual ⇄ autograd panel shows it.

`outline` lists the lines of a step, in the order of its events; `work_out` does the arithmetic of one of them. Each
line starts from recorded numbers and is rounded to the dtype of the result, so that both columns can be compared digit
by digit: lines that are equal from the first to the last make the whole calculation equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Array, Bounded, Comparison, compare, value_of
from engine.arithmetic.limits import within_limits
from engine.optimizers.model import Update
from engine.optimizers.reading import UnknownError
from engine.optimizers.verify import explain_update, verify_update
from engine.recording.model import Node
from engine.recording.reader import Recording
from engine.rules.forward import Operand, forward_of, operands
from engine.rules.naming import NUMPY, PLACEHOLDER, Names, derivative, digits, in_brackets, number_text, numbered
from engine.rules.reading import OTHER_VALUES, GraphValues, kept_by_hooks
from engine.rules.registry import Rule, find_rule, reason_not_differentiable, without_rule
from engine.rules.substitute import formula_of, substitute, symbol
from engine.rules.values import NoDataError, UnsupportedError

Stage = Literal["forward", "loss", "gradient", "update"]
Verdict = Literal["equal", "within_rounding", "wrong", "as_recorded", "no_data"]
_PARAMETER, _DECAYED, _RATE, _STEP = (
    r"\theta_{t-1}",
    r"\theta_t'",
    r"\gamma",
    r"\Delta_t",
)  # in the optimizers' formulas
_SMALL = 6  # elements of a tensor that are written out


@dataclass(frozen=True)
class Place:
    """Where a line belongs: the event that it tells of, and for a node with several inputs which of its gradients."""

    stage: Stage
    event: int
    node: int | None
    slot: int = 0


@dataclass(frozen=True)
class Line:
    """One line of the two columns.

    `name` is what is computed (`\\mathrm{prediction}`, `\\frac{\\partial L}{\\partial w}`), `formula` how, `numbers`
    the same with numbers ("" for tensors): all LaTeX, for which `engine.rules.naming.plain_text` has a plain form.
    `by_hand` and `autograd` are the results as text with every digit, or a tensor's shape and norm. `comparison` is
    None where nothing was computed; `remark` says why.
    """

    place: Place
    name: str
    formula: str
    numbers: str
    by_hand: str
    autograd: str
    verdict: Verdict
    comparison: Comparison | None = None
    remark: str = ""


def outline(recording: Recording, step: int) -> tuple[Place, ...]:
    """The lines of training step `step`, in the order in which things happened. Nothing is computed."""
    first, last = recording.timeline.step_bounds(step)
    places: list[Place] = []
    for number in range(first, last + 1):
        event = recording.event(number)
        if event.kind == "forward":
            is_loss = event.graph is not None and event.node == recording.graph(event.graph).root
            places.append(Place("loss" if is_loss else "forward", number, event.node))
        elif event.kind == "backward":
            slots = sorted(value.slot for value in recording.values(number) if value.role == "grad_input")
            places += [Place("gradient", number, event.node, slot) for slot in slots]
        elif event.kind == "update":
            places.append(Place("update", number, event.node))
    return tuple(places)


def doer_of(recording: Recording, place: Place) -> str:
    """What did it in PyTorch: the operator, the `grad_fn`, the optimizer."""
    event = recording.event(place.event)
    if place.stage == "update":
        name = str(event.info.get("optimizer", ""))
        if name != "by hand":
            return name
        return str(event.info.get("hyperparameters", {}).get("operation", "")).removeprefix("aten.")
    if place.node is None:
        return ""
    node = recording.node(place.node)
    return node.type if place.stage == "gradient" else node.operation.removeprefix("aten.").partition(".")[0]


def work_out(recording: Recording, place: Place, kept: dict[int, Any] | None = None) -> Line:
    """Do the arithmetic of one line.

    `kept`, a dict that goes from call to call, saves work where a node has several gradients.
    """
    if place.stage == "update":
        return _update(recording, place)
    event = recording.event(place.event)
    assert event.graph is not None
    assert place.node is not None
    graph = GraphValues(recording, event.graph)
    node = recording.node(place.node)
    with graph.kept(), np.errstate(all="ignore"):
        if place.stage != "gradient":
            return _forward(graph, node, place)
        return _gradient(graph, node, place, {} if kept is None else kept)


def _forward(graph: GraphValues, node: Node, place: Place) -> Line:
    names = Names(graph)
    name = names.of(node)
    output = next((v.tensor for v in graph.recording.values(place.event) if v.role == "output"), None)
    dtype = node.dtype or "float32"
    recorded = None if output is None else graph.data(output)
    shown = "" if recorded is None else text_of(recorded, dtype)
    how = forward_of(node.type)
    if how is None:
        return Line(place, name, "", "", "", shown, "as_recorded", remark="its forward is not done by hand")
    formula = ""
    try:
        given = operands(graph, node, how)
        formula = names.formula(how.written(node), given) if names.called(node) else ""
        numbers = numbered(how.written(node), given)
        if recorded is None:
            raise NoDataError("the result was not recorded in full")
        values = graph.values(node)
        assert values is not None
        computed = how.function([operand.value for operand in given], values)
    except NoDataError as missing:
        return Line(place, name, formula, "", "", shown, "no_data", remark=str(missing))
    except UnsupportedError as unsupported:
        return Line(place, name, formula, "", "", shown, "as_recorded", remark=str(unsupported))
    except (ValueError, TypeError, LookupError, ArithmeticError) as fault:
        remark = f"a case that is not done by hand ({type(fault).__name__}: {fault})"
        return Line(place, name, formula, "", "", shown, "as_recorded", remark=remark)
    shown_numbers = numbers if recorded.size == 1 else ""
    line = _compared(place, name, formula, shown_numbers, computed, recorded, dtype)
    if line.verdict == "wrong":  # then the range of the dtype counts too
        try:
            with within_limits():
                again = how.function([operand.value for operand in operands(graph, node, how)], values)
                limited = _compared(place, name, formula, shown_numbers, again, recorded, dtype)
        except UnsupportedError as unsupported:
            return Line(place, name, formula, "", "", shown, "as_recorded", remark=str(unsupported))
        if limited.verdict != "as_recorded" or not (np.isfinite(recorded).all() and np.isfinite(value_of(again)).all()):
            line = limited  # what stays undecided although all is finite was wrong
    if line.verdict == "wrong" and line.remark and _has_no_bound(computed):
        return Line(place, name, formula, "", "", shown, "as_recorded", remark=line.remark)
    return line


def _has_no_bound(computed: Array) -> bool:
    """Whether nothing can be said of how far rounding has taken it, so that a difference shows nothing."""
    return isinstance(computed, Bounded) and not np.isfinite(computed.errors).all()


def _gradient(graph: GraphValues, node: Node, place: Place, kept: dict[int, Any]) -> Line:
    values, plain = graph.values(node), graph.values(node, plain=True)
    assert values is not None
    assert plain is not None
    target = next((edge.target for edge in graph.edges_of(node) if edge.slot == place.slot), None)
    reached = graph.recording.node(target) if target is not None else None
    name = derivative(Names(graph), reached)
    dtype = values.dtype(place.slot)
    rule = find_rule(node.type)
    formula = _gradient_formula(graph, node, rule, place.slot) if rule is not None else ""
    try:
        recorded = values.recorded(place.slot)
    except NoDataError as missing:
        return Line(place, name, formula, "", "", "", "no_data", remark=str(missing))
    shown = text_of(recorded, dtype)
    stopped = reason_not_differentiable(node.type)
    if stopped is not None:
        return replace(_compared(place, name, "0", "", np.zeros(recorded.shape), recorded, dtype), remark=stopped)
    if rule is None:
        return Line(place, name, "", "", "", shown, "as_recorded", remark=without_rule(node.type))
    try:
        if node.id not in kept:
            gradients = rule.vjp(values)
            kept.clear()
            kept[node.id] = gradients
        computed = kept[node.id][place.slot]
        numbers = substitute(rule, plain, place.slot, (0,) * recorded.ndim).numbers if recorded.size == 1 else ""
    except NoDataError as missing:
        return Line(place, name, formula, "", "", shown, "no_data", remark=str(missing))
    except (UnsupportedError, KeyError) as unsupported:
        return Line(place, name, formula, "", "", shown, "as_recorded", remark=str(unsupported))
    except (ValueError, TypeError, LookupError, ArithmeticError) as fault:
        remark = f"a case that is not done by hand ({type(fault).__name__}: {fault})"
        return Line(place, name, formula, "", "", shown, "as_recorded", remark=remark)
    line = _compared(place, name, formula, numbers, computed, recorded, dtype)
    if line.verdict == "wrong":
        try:
            with within_limits():
                computed = rule.vjp(values)[place.slot]
                line = _compared(place, name, formula, numbers, computed, recorded, dtype)
        except UnsupportedError as unsupported:
            return Line(place, name, formula, "", "", shown, "as_recorded", remark=str(unsupported))
    if line.verdict == "wrong" and kept_by_hooks(node):
        return Line(place, name, formula, "", "", shown, "as_recorded", remark=OTHER_VALUES)
    return line


def _gradient_formula(graph: GraphValues, node: Node, rule: Rule, slot: int) -> str:
    """The rule's formula in the user's names: G is the gradient of the node's result."""
    names = Names(graph)
    try:
        found = operands(graph, node, forward_of(node.type))
        given = dict(zip((*rule.formulas, "other", "exponent"), found, strict=False))
    except (NoDataError, UnsupportedError):
        given = {}
    arguments = node.info.get("args", {}) | node.info.get("saved", {})
    result = names.of(node)
    outer = derivative(names, node)

    def filled(found: re.Match[str]) -> str:
        if found[1] == "G":
            return outer
        if found[1] in given:
            return in_brackets(names.formula(f"<{found[1]}>", [given[found[1]]]), found)
        if isinstance(arguments.get(found[1]), int | float):
            return str(arguments[found[1]])
        return result if found[1] == "result" else symbol(found[1])

    return PLACEHOLDER.sub(filled, formula_of(rule, slot)[1])


def _update(recording: Recording, place: Place) -> Line:
    proof = verify_update(recording, place.event)
    name = "" if proof.parameter is None else symbol(recording.parameter(proof.parameter).name)
    found = next((result for result in proof.results if result.what == "param_after"), None)
    if found is None:
        verdict: Verdict = "no_data" if proof.state == "no_data" else "as_recorded"
        return Line(place, name, "", "", "", "", verdict, remark=proof.reason)
    tensors = {value.role: value.tensor for value in recording.values(place.event)}
    before, after = (recording.data(tensors[role]) for role in ("param_before", "param_after"))
    assert before is not None
    assert after is not None
    dtype = recording.tensor(tensors["param_after"]).dtype
    try:
        by_hand = explain_update(recording, place.event)
    except UnknownError as unknown:
        return Line(place, name, "", "", "", text_of(after, dtype), "as_recorded", remark=str(unknown))
    formula, numbers = (_write_formula if proof.optimizer == "by hand" else _update_formula)(
        by_hand, recording.event(place.event).info.get("hyperparameters", {}), name, before, dtype
    )
    computed = value_of(by_hand.param).reshape(after.shape)
    return _judged(place, name, formula, numbers, computed, after, dtype, found.comparison)


def _update_formula(
    update: Update, hyperparameters: Mapping[str, Any], name: str, before: npt.NDArray[Any], dtype: str
) -> tuple[str, str]:
    """The last equation of an update in the user's words, and with numbers if the parameter is a single one."""
    if not update.quantities:
        return "", ""
    *earlier, last = update.quantities
    right = last.formula.partition(" = ")[2]
    for quantity in earlier:  # a step that is a plain product is written out: w - lr · ∂L/∂w
        product = quantity.formula.partition(" = ")[2]
        if quantity.symbol == _STEP and re.fullmatch(r"[^+\-/]*", product) and "frac" not in product:
            right = right.replace(_STEP, product.replace(r"\,", r" \cdot"))
    gradient = rf"\frac{{\partial L}}{{\partial {name}}}" if len(earlier) <= 2 else "g_t"
    if len(earlier) <= 2 and update.quantities[0].formula.startswith("g_t = -"):  # the objective is to grow
        gradient = rf"\left(-{gradient}\right)"
    formula = right
    for sign, words in ((_PARAMETER, name), (_DECAYED, f"{name}'"), (_RATE, r"\mathrm{lr}"), ("g_t", gradient)):
        formula = formula.replace(sign, words)
    numbers = {quantity.symbol: quantity.value for quantity in earlier} | {_PARAMETER: before}
    if isinstance(hyperparameters.get("lr"), int | float):
        numbers[_RATE] = np.float64(hyperparameters["lr"])
    if any(np.size(number) != 1 for number in numbers.values()):
        return formula, ""
    for sign in sorted(numbers, key=len, reverse=True):
        text = number_text(Operand("", np.asarray(numbers[sign], dtype=np.float64).reshape(()), dtype))
        right = right.replace(sign, rf"\left({text}\right)" if text.startswith("-") else text)
    return formula, "" if re.search(r"\\(?!left|right|cdot)\w", right) else right


def _write_formula(
    write: Update, hyperparameters: Mapping[str, Any], name: str, before: npt.NDArray[Any], dtype: str
) -> tuple[str, str]:
    """What an update that the script itself wrote does, and with numbers: `w - lr · ∂L/∂w`, or `w - other`."""
    values = {quantity.name: np.asarray(quantity.value) for quantity in write.quantities}
    operation = str(hyperparameters.get("operation", "")).removeprefix("aten.").partition(".")[0].rstrip("_")
    sign = {"sub": "-", "add": "+"}.get(operation)
    if sign is None or "other" not in values:
        return (rf"\text{{{operation}}}\left({name}\right)" if operation.isidentifier() else ""), ""
    formula, operand = rf"{name} {sign} <other>", [values["other"]]
    shown = r"\mathrm{other}"
    if "learning rate" in values:
        rate = values["learning rate"]
        formula, shown = rf"{name} - <lr> \cdot <g>", rf"\mathrm{{lr}} \cdot \frac{{\partial L}}{{\partial {name}}}"
        operand = [rate, np.divide(values["other"], rate if sign == "-" else -rate)]
    given = [Operand("", np.asarray(value, dtype=np.float64), dtype) for value in (before, *operand)]
    numbers = numbered(formula.replace(name, "<w>", 1), given)
    return f"{name} {formula[len(name) + 1]} {shown}", numbers


def _compared(
    place: Place, name: str, formula: str, numbers: str, computed: Array, recorded: npt.NDArray[Any], dtype: str
) -> Line:
    return _judged(
        place, name, formula, numbers, value_of(computed), recorded, dtype, compare(computed, recorded, dtype)
    )


def _judged(
    place: Place,
    name: str,
    formula: str,
    numbers: str,
    computed: npt.NDArray[Any],
    recorded: npt.NDArray[Any],
    dtype: str,
    found: Comparison,
) -> Line:
    by_hand = rounded(computed, dtype, recorded)
    verdict: Verdict = "as_recorded" if found.undecided else "wrong"
    if found.holds:
        verdict = "equal" if np.array_equal(by_hand, recorded, equal_nan=True) else "within_rounding"
    return Line(
        place, name, formula, numbers, text_of(by_hand, dtype), text_of(recorded, dtype), verdict, found,
        found.reason,
    )  # fmt: skip


def rounded(value: npt.NDArray[Any], dtype: str, like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A float64 result in the dtype that it was recorded in; shape (of `like`) and kind (real or complex) are its."""
    if value.dtype.kind == "c" and like.dtype.kind != "c":
        value = value.real
    if dtype == "bfloat16":
        bits = value.astype(np.float32).view(np.uint32)
        bits = bits + 0x7FFF + ((bits >> 16) & 1)
        return (bits & np.uint32(0xFFFF0000)).view(np.float32)
    return value.astype(NUMPY.get(dtype, like.dtype.type))


def text_of(array: npt.NDArray[Any], dtype: str) -> str:
    """A number with every digit that its dtype has; a small tensor in brackets; of a larger one shape and norm."""
    typed = array.astype(NUMPY.get(dtype, array.dtype.type))
    if array.size == 1:
        return digits(typed.reshape(()))
    if array.size <= _SMALL:
        return f"[{', '.join(digits(item) for item in typed.ravel())}]"
    norm = float(np.sqrt(np.sum(np.square(np.abs(array.astype(np.complex128 if array.dtype.kind == "c" else float))))))
    return f"{' × '.join(map(str, array.shape))}, norm {norm:.7g}"
