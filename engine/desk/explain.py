"""What there is to say about the arithmetic of one node. Runs at the desk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.desk.element import Element
from engine.desk.typeset import pieces, set_formula
from engine.recording.model import Node
from engine.rules.reading import GraphValues
from engine.rules.registry import Rule, find_rule, reason_not_differentiable, without_rule
from engine.rules.substitute import formula_of, latex_number, substitute, symbol, symbols
from engine.rules.terms import SHOWN, break_down
from engine.rules.upstream import Walk, entered, follow, sent
from engine.rules.values import NoDataError, NodeValues, UnsupportedError
from engine.rules.verify import Proof, verify_node

LISTED_PARTS = 4


@dataclass(frozen=True)
class Line:
    """One gradient of a node: its formula, and the same in numbers for one element.

    `element` is that number's place (None for what is no gradient of the node), `target` the node that it goes to, or
    -1. `exact`: no number is rounded. `note` says why there are no numbers.
    """

    name: str
    element: Element | None
    target: int
    formula: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    exact: bool = True
    note: str = ""


@dataclass(frozen=True)
class Explanation:
    """`words` are the rule's; `proof` is what came of computing everything again. `has_rule` is so for parameters."""

    node: int
    words: str
    lines: tuple[Line, ...]
    proof: Proof
    has_rule: bool


@dataclass(frozen=True)
class TermRow:
    """One addend: `coefficient` · `grad` = `value`, or (None, None) if it is sent as it is. It came from `node`."""

    value: complex
    coefficient: complex | None
    grad: complex | None
    label: str
    node: int
    element: Element


@dataclass(frozen=True)
class Breakdown:
    """What one number is the sum of: the largest terms, `total` of all `count`, and `rest` of those not listed."""

    node: int
    element: Element
    value: complex
    rows: tuple[TermRow, ...]
    count: int
    total: complex
    rest: complex
    remark: str = ""


def explain(graph: GraphValues, node: Node, element: Element | None) -> Explanation:
    """Everything about a node that has run. `element`: which number to show in place of the largest of its gradient."""
    proof = verify_node(graph, node)
    with graph.kept(), np.errstate(all="ignore"):
        lines = tuple(_set(line) for line in _lines(graph, node, element))
    found = find_rule(node.type)
    words = found.words if found is not None else (reason_not_differentiable(node.type) or "")
    has_rule = found is not None or node.kind == "parameter" or reason_not_differentiable(node.type) is not None
    return Explanation(node.id, words, lines, proof, has_rule)


def _set(line: Line) -> Line:
    """Have its formulas typeset here, and not in the window."""
    for latex in (*line.formula, *line.numbers):
        set_formula(latex)
    return line


def _lines(graph: GraphValues, node: Node, element: Element | None) -> Iterator[Line]:
    yield from _sums(graph, node, element)
    if node.kind == "parameter":
        yield from _accumulation(graph, node, element)
        return
    values, found = graph.values(node, plain=True), find_rule(node.type)
    if values is None or found is None:
        return
    targets = {edge.slot: edge.target for edge in graph.edges_of(node)}
    for slot in values.slots or range(len(found.formulas)):
        yield _gradient_line(values, found, slot, targets.get(slot, -1), _wanted(element, "out", slot))


def _wanted(element: Element | None, side: str, slot: int) -> Element | None:
    return element if element is not None and (element.side, element.slot) == (side, slot) else None


def _gradient_line(values: NodeValues, rule: Rule, slot: int, target: int, wanted: Element | None) -> Line:
    name, formula = formula_of(rule, slot)
    left = rf"\frac{{\partial L}}{{\partial {symbol(name)}}}" if name else r"\partial L"
    line = Line(name, None, target, pieces(f"{left} = {symbols(formula)}") if formula else ())
    try:
        recorded = values.recorded(slot)
        index = wanted.index if wanted is not None else largest(recorded)
        if index is None:
            return line
        line = replace(line, element=Element("out", slot, index))
        numbers = substitute(rule, values, slot, index)
    except (NoDataError, UnsupportedError) as why:
        return replace(line, note=str(why))
    value = latex_number(recorded[index].item())[0]
    return replace(line, numbers=_equation(numbers.numbers, value, exact=numbers.exact), exact=numbers.exact)


def _equation(numbers: str, value: str, *, exact: bool) -> tuple[str, ...]:
    """ "= 1 · 2 · (−3) = −6"; a number alone is said once."""
    if numbers == value:
        return (f"= {value}",)
    sign = "=" if exact else r"\approx"
    return (*pieces(f"= {numbers}"), f"{sign} {value}")


def largest(array: Any) -> tuple[int, ...] | None:
    """Where the element furthest from zero is; NaN is further than all. None in an empty tensor."""
    if not array.size:
        return None
    size = np.abs(array)
    place = int(np.argmax(np.where(np.isnan(size), np.inf, size)))
    return tuple(int(at) for at in np.unravel_index(place, array.shape))


def _gradients_in(graph: GraphValues, node: Node) -> dict[int, int]:
    """Tensors that entered, by output of the node."""
    event = graph.event_of(node)
    role = "grad_input" if node.kind == "parameter" else "grad_output"
    return {} if event is None else {v.slot: v.tensor for v in graph.recording.values(event.id) if v.role == role}


def _sums(graph: GraphValues, node: Node, element: Element | None) -> Iterator[Line]:
    """Where several gradients meet: each contribution, and their sum."""
    for slot, tensor in _gradients_in(graph, node).items():
        count = len(graph.contributions(node, slot))
        if count < 2:
            continue
        name = "G" if slot == 0 else f"G_{{{slot}}}"
        shown = [f"G^{{({place + 1})}}" for place in range(min(count, LISTED_PARTS - 1))]
        end = [] if count < LISTED_PARTS else [r"\cdots", f"G^{{({count})}}"]
        line = Line("grad_output", None, -1, pieces(f"{name} = {' + '.join([*shown, *end])}"))
        data, wanted = graph.data(tensor), _wanted(element, "in", slot)
        index = wanted.index if wanted is not None else None if data is None else largest(data)
        if data is None or index is None:
            yield replace(line, note="it was not recorded in full" if data is None else "")
            continue
        try:
            parts = [latex_number(value) for _, value in sent(graph, node, slot, index)]
        except (NoDataError, UnsupportedError) as why:
            yield replace(line, note=str(why))
            continue
        total = latex_number(data[index].item())
        exact = total[1] and all(fits for _, fits in parts) and count <= LISTED_PARTS
        numbers = _added([text for text, _ in parts[:LISTED_PARTS]], more=count > LISTED_PARTS)
        yield replace(line, element=Element("in", slot, index), numbers=_equation(numbers, total[0], exact=exact),
                      exact=exact)  # fmt: skip


def _added(numbers: list[str], *, more: bool) -> str:
    text = numbers[0]
    for number in numbers[1:]:
        text += f" - {number[1:]}" if number.startswith("-") else f" + {number}"
    return rf"{text} + \cdots" if more else text


def _accumulation(graph: GraphValues, node: Node, element: Element | None) -> Iterator[Line]:
    """What arrived is added to what `.grad` held."""
    event = graph.event_of(node)
    values = graph.recording.values(event.id) if event is not None else ()
    tensors = {value.role: value.tensor for value in values}
    if "grad_after" not in tensors:
        return
    formula = r"\mathrm{grad} = \mathrm{grad}_{\mathrm{before}} + G"
    line = Line(".grad", None, -1, pieces(formula if "grad_before" in tensors else r"\mathrm{grad} = G"))
    found = {role: graph.data(tensors[role]) for role in ("grad_before", "grad_input", "grad_after") if role in tensors}
    arrived, after = found["grad_input"], found["grad_after"]
    wanted = _wanted(element, "in", 0)
    if arrived is None or after is None or any(data is None for data in found.values()):
        yield replace(line, note="it was not recorded in full")
        return
    index = wanted.index if wanted is not None else largest(arrived)
    if index is None:
        yield line
        return
    parts = [latex_number(data[index].item()) for data in (found.get("grad_before"), arrived) if data is not None]
    total = latex_number(after[index].item())
    exact = total[1] and all(fits for _, fits in parts)
    numbers = _equation(_added([text for text, _ in parts], more=False), total[0], exact=exact)
    yield replace(line, element=Element("in", 0, index), numbers=numbers, exact=exact)


def break_element(graph: GraphValues, node: Node, element: Element) -> Breakdown:
    """What one number is the sum of: terms of a gradient that left, contributions to one that entered."""
    with graph.kept(), np.errstate(all="ignore"):
        value = entered(graph, node, element.side, element.slot, element.index)
        if element.side == "in":
            return _contributions(graph, node, element, value)
        try:
            return _terms(graph, node, element, value)
        except (NoDataError, UnsupportedError) as why:
            return Breakdown(node.id, element, value, (), 0, value, 0.0, str(why))


def _contributions(graph: GraphValues, node: Node, element: Element, value: complex) -> Breakdown:
    found = sent(graph, node, element.slot, element.index)
    rows = [
        TermRow(part, None, None, "", one.node, Element("out", one.slot, element.index)) for one, part in found[:SHOWN]
    ]
    total: complex = sum(part for _, part in found)
    rest = sum(part for _, part in found[SHOWN:])
    return Breakdown(node.id, element, value, tuple(rows), len(found), total, rest, "" if found else "start")


def _terms(graph: GraphValues, node: Node, element: Element, value: complex) -> Breakdown:
    rule, values = find_rule(node.type), graph.values(node, plain=True)
    if rule is None or values is None:
        raise UnsupportedError(without_rule(node.type))
    terms = break_down(rule, values, element.slot, element.index)
    rows = [
        TermRow(term.value, term.coefficient, term.grad, term.label, node.id,
                Element("in", term.grad_output, term.index))
        for term in terms.listed
    ]  # fmt: skip
    return Breakdown(node.id, element, value, tuple(rows), terms.count, terms.total, terms.rest)


def walk_from(graph: GraphValues, node: Node, element: Element) -> Walk:
    """The way from one number to the loss, along the largest terms."""
    return follow(graph, node, element.side, element.slot, element.index)
