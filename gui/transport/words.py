"""What an event is, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from engine.errors import RecordingError
from engine.recording.model import Phase

if TYPE_CHECKING:
    from engine.recording.model import Event, Node
    from engine.recording.reader import Recording


def phase_name(phase: Phase) -> str:
    translate = QCoreApplication.translate
    names = {
        "forward": translate("events", "forward"),
        "backward": translate("events", "backward"),
        "update": translate("events", "update"),
    }
    return names[phase]


def describe(recording: Recording, event_id: int) -> str:
    """For instance "AddmmBackward0 of fc", "gradient of fc.weight arrives", "SGD updates fc.weight".

    Of an event that the file has lost, why it cannot be read.
    """
    try:
        return _describe(recording, event_id)
    except RecordingError as error:
        return str(error)


def _describe(recording: Recording, event_id: int) -> str:
    translate = QCoreApplication.translate
    event = recording.event(event_id)
    node = recording.node(event.node) if event.node is not None else None
    if event.kind == "forward":
        return _forward(event, node)
    if event.kind == "backward":
        return _of(node.type, node) if node is not None else translate("events", "a node of another graph")
    name = recording.parameter(event.parameter).name if event.parameter is not None else "?"
    if event.kind == "accumulate":
        return translate("events", "gradient of {0} arrives").format(name)
    optimizer = str(event.info.get("optimizer", ""))
    if not optimizer or optimizer == "by hand":
        return translate("events", "{0} is updated by hand").format(name)
    return translate("events", "{0} updates {1}").format(optimizer, name)


def _forward(event: Event, node: Node | None) -> str:
    operation = str(event.info.get("operation", "")) if node is None else node.operation or node.type
    short = operation.removeprefix("aten.").split(".")[0] or QCoreApplication.translate("events", "an operation")
    return _of(short, node)


def _of(what: str, node: Node | None) -> str:
    owner = (node.module or node.name) if node is not None else ""
    return QCoreApplication.translate("events", "{0} of {1}").format(what, owner) if owner else what
