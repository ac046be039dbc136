"""What there is to say about an operation or a data leaf."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from engine.graph import known
from engine.graph.labels import TORCHSCRIPT
from engine.recording.model import Edge, Node, Phase, Value
from engine.recording.reader import Recording
from gui import numbers
from gui.inspector.content import Content, Section, TensorItem
from gui.inspector.explanations import explanation
from gui.inspector.moments import Moment, Moments
from gui.inspector.titles import title
from gui.tensor_views.facts import Fact

translate = QCoreApplication.translate

DATA_SLOTS = 1000


def shape_text(node: Node) -> str:
    """Shape and dtype of the forward output: "64 × 3 float32"."""
    if node.shape is None:
        return node.dtype or ""
    return f"{numbers.shape(node.shape) or translate('inspector', 'scalar')} {node.dtype or ''}".strip()


def source_of(recording: Recording, node: Node) -> tuple[str, int] | None:
    """The file and line of the user's program that made the node."""
    if node.source is None or node.line is None:
        return None
    return recording.source(node.source).path, node.line


def operation_content(recording: Recording, playhead: int, node: Node, *, chosen: bool) -> Content:
    """An operation: what it is, what went through it forwards, what it kept, what came back."""
    moments = Moments(recording, playhead, node)
    ends = known.ends(recording, node.graph)
    leaving, entering = ends.leaving(node.id), ends.entering(node.id)
    sections = (
        _arguments(node),
        _forward(moments, leaving),
        _saved(moments),
        _incoming(moments, entering),
        _outgoing(moments, [edge for edge in leaving if edge.slot < DATA_SLOTS]),
    )
    return Content(
        node.id,
        chosen,
        title(recording, node),
        node.type,
        explanation(node),
        _facts(node),
        tuple(section for section in sections if section is not None),
        source_of(recording, node),
        node.function,
    )


def data_content(recording: Recording, playhead: int, node: Node, *, chosen: bool) -> Content:
    """A tensor that needs no gradient: its name and value."""
    moments = Moments(recording, playhead, node)
    item = TensorItem("data", node.name or translate("inspector", "value"), "forward", moments.forward().state)
    for edge in known.ends(recording, node.graph).entering(node.id):
        event = recording.node(edge.source).forward_event
        tensor = _data_tensor(moments, node, edge, event)
        if tensor is not None and (item.tensor is None or moments.moment(event).passed):
            item = tensor_item("data", item.label, "forward", moments.moment(event), tensor)
            break
    facts = (Fact("shape", translate("inspector", "Shape"), shape_text(node)),) if shape_text(node) else ()
    section = Section("value", translate("inspector", "Value"), "forward", (item,))
    return Content(
        node.id,
        chosen,
        title(recording, node),
        "",
        explanation(node),
        facts,
        (section,),
        source_of(recording, node),
    )


def _data_tensor(moments: Moments, node: Node, edge: Edge, event: int | None) -> int | None:
    """The tensor that the consumer's forward event recorded for this leaf."""
    return moments.tensor(event, "input", edge.slot - DATA_SLOTS)


def _facts(node: Node) -> tuple[Fact, ...]:
    facts = [
        Fact("operation", translate("inspector", "Operator"), "" if node.type == TORCHSCRIPT else node.operation),
        Fact("module", translate("inspector", "Module"), node.module),
        Fact("module_type", translate("inspector", "Class"), node.module_type),
        Fact("shape", translate("inspector", "Shape"), shape_text(node)),
        Fact("note", translate("inspector", "Note"), str(node.info.get("note", ""))),
    ]
    if node.info.get("during_backward"):
        facts.append(
            Fact("during_backward", translate("inspector", "Made"), translate("inspector", "while a backward pass ran"))
        )
    return tuple(fact for fact in facts if fact.value)


def plain_facts(key: str, values: Any) -> tuple[Fact, ...]:
    """Plain values by name (a mapping), or by position (a sequence), as facts."""
    if isinstance(values, Mapping):
        pairs = [(str(name), value) for name, value in values.items()]
    elif isinstance(values, list | tuple):
        pairs = [
            (translate("inspector", "argument {number}").format(number=place), value)
            for place, value in enumerate(values)
        ]
    else:
        return ()
    return tuple(Fact(f"{key}.{name}", name, plain(value), str(value)) for name, value in pairs)


def plain(value: Any) -> str:
    """A plain value in few characters; numbers with four significant digits."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return numbers.number(value)
    if isinstance(value, float):
        return numbers.compact(value)
    if isinstance(value, list | tuple):
        return f"({', '.join(plain(part) for part in value)})"
    return str(value)


def tensor_item(key: str, label: str, phase: Phase, moment: Moment, tensor: int | None, hint: str = "") -> TensorItem:
    """A row for a tensor of the event at `moment`: there once the playhead has passed it."""
    if tensor is not None and moment.passed:
        return TensorItem(key, label, phase, "there", tensor, None, hint)
    return TensorItem(key, label, phase, moment.state, None, None, hint)


def _arguments(node: Node) -> Section | None:
    """What the operation was given besides tensors."""
    facts = plain_facts("args", node.info.get("args"))
    return Section("arguments", translate("inspector", "Arguments"), None, (), facts) if facts else None


def _forward(moments: Moments, edges: list[Edge]) -> Section:
    """The output first; then what went in: recorded data, and outputs of the nodes that the edges lead to."""
    moment = moments.forward()
    outputs = moments.values(moments.node.forward_event, "output")
    items = [
        tensor_item(
            f"output.{v.slot}",
            _numbered(translate("inspector", "output"), v.slot, outputs),
            "forward",
            moment,
            v.tensor,
        )
        for v in outputs
    ]
    if not outputs:
        items = [TensorItem("output.0", translate("inspector", "output"), "forward", moment.state)]
    for edge in sorted(edges, key=lambda edge: edge.slot):
        target = moments.recording.node(edge.target)
        if target.kind == "parameter" and target.parameter is not None and moment.event is not None:
            held = moments.parameter_value(target.parameter, moment.event)
            label = title(moments.recording, target)
            items.append(
                tensor_item(f"input.{edge.slot}", label, "forward", moment, held, translate("inspector", "parameter"))
            )
        if target.kind == "operation":
            tensor = moments.tensor(target.forward_event, "output", edge.input_number)
            hint = translate("inspector", "from {node}").format(node=title(moments.recording, target))
            items.append(
                tensor_item(
                    f"input.{edge.slot}",
                    translate("inspector", "input"),
                    "forward",
                    moments.moment(target.forward_event),
                    tensor,
                    hint,
                )
            )
    for value in moments.values(moments.node.forward_event, "input"):
        label = value.name or translate("inspector", "data")
        items.append(
            tensor_item(
                f"data.{value.slot}",
                label,
                "forward",
                moment,
                value.tensor,
                translate("inspector", "needs no gradient"),
            )
        )
    return Section("forward", translate("inspector", "Forward"), "forward", tuple(items))


def _numbered(label: str, slot: int, values: tuple[Value, ...]) -> str:
    return label if len(values) == 1 and slot == 0 else f"{label} {slot}"


def _saved(moments: Moments) -> Section | None:
    """What the node kept from its forward. It is recorded when the node runs, and is the same since the forward."""
    kept_since = moments.forward() if moments.node.forward_event is not None else moments.backward()
    run = moments.backward()
    items = tuple(
        tensor_item(
            f"saved.{v.name}.{v.slot}", v.name or translate("inspector", "saved"), "forward", kept_since, v.tensor
        )
        for v in moments.values(run.event, "saved")
    )
    facts = list(plain_facts("saved", _without(moments.node.info.get("saved"), moments.node.info.get("args"))))
    size = moments.node.info.get("saved_bytes")
    if size:
        facts.insert(
            0,
            Fact(
                "saved_bytes",
                translate("inspector", "Memory"),
                numbers.size(int(size)),
                translate("inspector", "{count} bytes").format(count=size),
            ),
        )
    if not items and not facts:
        return None
    return Section("saved", translate("inspector", "Saved for backward"), "forward", items, tuple(facts))


def _without(values: Any, known: Any) -> Any:
    """`values` less those that `known` has under the same name."""
    if not isinstance(values, Mapping) or not isinstance(known, Mapping):
        return values
    return {name: value for name, value in values.items() if name not in known or known[name] != value}


def _incoming(moments: Moments, edges: list[Edge]) -> Section:
    """The gradient that entered; where several edges meet, each one's contribution before the sum."""
    run = moments.backward()
    meeting = Counter(edge.input_number for edge in edges)
    by_input: dict[int, list[TensorItem]] = defaultdict(list)
    for edge in edges:
        if meeting[edge.input_number] > 1:
            parts = by_input[edge.input_number]
            parts.append(contribution(moments, edge, len(parts)))
    values = moments.values(run.event, "grad_output")
    items: list[TensorItem] = []
    for value in values:
        parts = by_input.pop(value.slot, [])
        hint = (
            translate("inspector", "sum of {count}").format(count=len(parts))
            if parts
            else _origin(moments, edges, value.slot)
        )
        items += parts
        label = _numbered("grad_output", value.slot, values)
        items.append(tensor_item(f"grad_output.{value.slot}", label, "backward", run, value.tensor, hint))
    for parts in by_input.values():
        items += parts
    if not values:
        items.append(TensorItem("grad_output.0", "grad_output", "backward", run.state))
    return Section("grad_output", translate("inspector", "Gradient in"), "backward", tuple(items))


def _origin(moments: Moments, edges: list[Edge], slot: int) -> str:
    sources = [edge.source for edge in edges if edge.input_number == slot]
    if sources:
        return translate("inspector", "from {node}").format(
            node=title(moments.recording, moments.recording.node(sources[0]))
        )
    if moments.recording.graph(moments.node.graph).root == moments.node.id:
        return translate("inspector", "backward starts here")
    return ""


def contribution(moments: Moments, edge: Edge, place: int) -> TensorItem:
    """What one edge carried into its target, as one part (number `place`) of the sum there."""
    source = moments.recording.node(edge.source)
    run = moments.backward(edge.source)
    tensor = moments.tensor(run.event, "grad_input", edge.slot)
    hint = translate("inspector", "from {node}").format(node=title(moments.recording, source))
    return tensor_item(
        f"part.{edge.input_number}.{place}", translate("inspector", "part"), "backward", run, tensor, hint
    )


def _outgoing(moments: Moments, edges: list[Edge]) -> Section | None:
    """The gradients that left, one for each edge."""
    run = moments.backward()
    found = {value.slot: value.tensor for value in moments.values(run.event, "grad_input")}
    items = []
    targets = {edge.slot: moments.recording.node(edge.target) for edge in edges}
    for slot in sorted(found.keys() | targets.keys()):
        hint = (
            translate("inspector", "to {node}").format(node=title(moments.recording, targets[slot]))
            if slot in targets
            else ""
        )
        label = "grad_input" if len(targets) == 1 else f"grad_input {slot}"
        items.append(tensor_item(f"grad_input.{slot}", label, "backward", run, found.get(slot), hint))
    if not items:
        return None
    return Section("grad_input", translate("inspector", "Gradient out"), "backward", tuple(items))
