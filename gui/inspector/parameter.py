"""What there is to say about a parameter: its value, the gradient that arrived, and the optimizer's update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.graph import known
from engine.recording.model import Event, Node, Role
from engine.recording.reader import Recording
from gui import numbers
from gui.inspector.content import Content, Section, TensorItem
from gui.inspector.explanations import explanation
from gui.inspector.moments import Moments
from gui.inspector.operation import contribution, plain, shape_text, source_of, tensor_item, translate
from gui.inspector.titles import title
from gui.tensor_views.facts import Fact


def parameter_content(recording: Recording, playhead: int, node: Node, *, chosen: bool) -> Content:
    """A parameter in the training step of its node."""
    moments = Moments(recording, playhead, node)
    updates = moments.of_parameter("update")
    sections = [_value(moments, updates), _gradient(moments)]
    for place, update in enumerate(updates):
        sections.append(_update(moments, update, place, len(updates)))
    return Content(
        node.id,
        chosen,
        title(recording, node),
        node.type,
        explanation(node),
        _facts(recording, node),
        tuple(sections),
        source_of(recording, node),
        node.function,
    )


def _facts(recording: Recording, node: Node) -> tuple[Fact, ...]:
    parameter = None if node.parameter is None else recording.parameter(node.parameter)
    shape = shape_text(node)
    if parameter is not None:
        shape = f"{numbers.shape(parameter.shape) or translate('inspector', 'scalar')} {parameter.dtype}"
    facts = (
        Fact("name", translate("inspector", "Name"), parameter.name if parameter else node.name),
        Fact("module", translate("inspector", "Module"), (parameter.module if parameter else "") or node.module),
        Fact("module_type", translate("inspector", "Class"), node.module_type),
        Fact("shape", translate("inspector", "Shape"), shape),
    )
    return tuple(fact for fact in facts if fact.value)


def _value(moments: Moments, updates: tuple[Event, ...]) -> Section:
    """Before and after the step's update, and the change."""
    if not updates:
        return _value_without_update(moments)
    last = moments.moment(updates[-1].id)
    before = moments.tensor(updates[0].id, "param_before")
    after = moments.tensor(updates[-1].id, "param_after")
    hint = translate("inspector", "after {minus} before").format(minus=numbers.MINUS)
    if before is not None and after is not None and last.passed:
        change = TensorItem("change", translate("inspector", "change"), "update", "there", after, before, hint)
    else:
        change = TensorItem("change", translate("inspector", "change"), "update", last.state, hint=hint)
    items = (
        # It held this value through the whole step: nothing has to happen first.
        TensorItem(
            "param_before",
            translate("inspector", "before"),
            "update",
            "there" if before is not None else "unrecorded",
            before,
        ),
        tensor_item("param_after", translate("inspector", "after"), "update", last, after),
        change,
    )
    return Section("value", translate("inspector", "Value"), "update", items)


def _value_without_update(moments: Moments) -> Section:
    """No update in this step, or none yet: the value that another step's update tells, if there was one."""
    remark = (
        "" if moments.moment(None).state == "pending" else translate("inspector", "Nothing updated it in this step.")
    )
    parameter = moments.node.parameter
    tensor = None if parameter is None else moments.parameter_value(parameter, moments.first)
    items = (
        ()
        if tensor is None
        else (TensorItem("param_before", translate("inspector", "value"), "update", "there", tensor),)
    )
    return Section(
        "value",
        translate("inspector", "Value"),
        "update",
        items,
        remark=remark or ("" if items else translate("inspector", "not yet")),
    )


def _gradient(moments: Moments) -> Section:
    """What each consumer sent, their sum, and what that made of `.grad`, for each backward pass of the step."""
    node, recording = moments.node, moments.recording
    edges = known.ends(recording, node.graph).entering(node.id)
    items = [contribution(moments, edge, place) for place, edge in enumerate(edges)] if len(edges) > 1 else []
    accumulations = moments.of_parameter("accumulate")
    several = len(accumulations) > 1
    for place, event in enumerate(accumulations):
        moment = moments.moment(event.id)
        suffix = translate("inspector", " (pass {number})").format(number=place + 1) if several else ""
        arrived, held, holds = (moments.tensor(event.id, role) for role in ("grad_input", "grad_before", "grad_after"))
        if event.info.get("returned"):
            items.append(
                tensor_item(
                    f"arrived.{place}", translate("inspector", "returned") + suffix, "backward", moment, arrived
                )
            )
            continue
        hint = translate("inspector", "sum of {count}").format(count=len(edges)) if len(edges) > 1 else ""
        items.append(
            tensor_item(
                f"arrived.{place}", translate("inspector", "arrived") + suffix, "backward", moment, arrived, hint
            )
        )
        if held is not None:
            items.append(
                tensor_item(f"held.{place}", translate("inspector", ".grad before") + suffix, "backward", moment, held)
            )
        items.append(tensor_item(f"holds.{place}", ".grad" + suffix, "backward", moment, holds))
    if not accumulations:
        items.append(TensorItem("arrived.0", translate("inspector", "arrived"), "backward", moments.moment(None).state))
    return Section("gradient", translate("inspector", "Gradient"), "backward", tuple(items))


def _update(moments: Moments, event: Event, place: int, count: int) -> Section:
    """The optimizer's hyperparameters and its memory, before and after."""
    moment = moments.moment(event.id)
    optimizer = str(event.info.get("optimizer", ""))
    heading = (
        translate("inspector", "Update by {optimizer}").format(optimizer=optimizer)
        if optimizer
        else translate("inspector", "Update")
    )
    if optimizer == "by hand":
        heading = translate("inspector", "Update by hand")
    if count > 1:
        heading = translate("inspector", "{title}, {number} of {count}").format(
            title=heading, number=place + 1, count=count
        )
    prefix = f"update{place}"
    facts = [
        Fact(f"{prefix}.{name}", str(name), plain(value), str(value))
        for name, value in _mapping(event.info.get("hyperparameters")).items()
    ]
    facts += _state_facts(event, prefix, moment.passed)
    items = [
        tensor_item(f"{prefix}.grad", translate("inspector", "gradient read"), "backward", moment, tensor)
        for tensor in [moments.tensor(event.id, "grad")]
        if tensor is not None and not _is_accumulated(moments, tensor)
    ]
    if count > 1:
        roles: tuple[tuple[Role, str], ...] = (
            ("param_before", translate("inspector", "before")),
            ("param_after", translate("inspector", "after")),
        )
        for role, label in roles:
            tensor = moments.tensor(event.id, role)
            items.append(tensor_item(f"{prefix}.{role}", label, "update", moment, tensor))
    items += _state_tensors(moments, event, prefix)
    return Section(prefix, heading, "update", tuple(items), tuple(facts))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_accumulated(moments: Moments, tensor: int) -> bool:
    """Whether the optimizer read exactly what `.grad` held; if not (clipping), its gradient is shown of its own."""
    return any(moments.tensor(event.id, "grad_after") == tensor for event in moments.of_parameter("accumulate")[-1:])


def _state_facts(event: Event, prefix: str, passed: bool) -> list[Fact]:
    """Plain values of the optimizer's state: "step: 3 → 4"."""
    before, after = _mapping(event.info.get("state")), _mapping(event.info.get("state_after"))
    facts = []
    for name in dict.fromkeys([*before, *after]):
        old, new = (plain(state[name]) if name in state else numbers.ABSENT for state in (before, after))
        text = f"{old} \u2192 {new if passed else translate('inspector', 'not yet')}"
        facts.append(
            Fact(
                f"{prefix}.state.{name}",
                str(name),
                text,
                f"{before.get(name)} \u2192 {after.get(name)}" if passed else old,
            )
        )
    return facts


def _state_tensors(moments: Moments, event: Event, prefix: str) -> list[TensorItem]:
    """The optimizer's memory of this parameter, each before and after."""
    moment = moments.moment(event.id)
    found = {
        (value.role, value.name): value.tensor for value in moments.values(event.id, "state_before", "state_after")
    }
    items = []
    for name in dict.fromkeys(name for _, name in found):
        old, new = found.get(("state_before", name)), found.get(("state_after", name))
        if old is not None:
            items.append(
                TensorItem(
                    f"{prefix}.{name}.before",
                    translate("inspector", "{name} before").format(name=name),
                    "update",
                    "there",
                    old,
                )
            )
        else:
            hint = translate("inspector", "did not exist")
            items.append(
                TensorItem(
                    f"{prefix}.{name}.before",
                    translate("inspector", "{name} before").format(name=name),
                    "update",
                    "none",
                    hint=hint,
                )
            )
        items.append(
            tensor_item(
                f"{prefix}.{name}.after",
                translate("inspector", "{name} after").format(name=name),
                "update",
                moment,
                new,
            )
        )
    return items
