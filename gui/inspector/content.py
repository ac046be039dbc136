"""What the inspector says, as frozen dataclasses: a pure function of (recording, playhead, node). No widgets.

`State` tells why a tensor is or is not there at the playhead: "there"; "pending", it has not happened yet;
"unrecorded", it happened but was not kept; "none", there is no such tensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.recording.model import Phase
from gui.tensor_views.facts import Fact

State = Literal["there", "pending", "unrecorded", "none"]


@dataclass(frozen=True)
class TensorItem:
    """One tensor of a section. `key` is the same for the same role in every node: a row keeps its state by it.

    `tensor` is the recorded tensor's id, or None; with `minus` the row shows the difference of the two. `hint` says in
    a few words where it comes from or goes to.
    """

    key: str
    label: str
    phase: Phase
    state: State
    tensor: int | None = None
    minus: int | None = None
    hint: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with facts and tensors under it; `remark` is said when both are missing, or about all of them."""

    key: str
    title: str
    phase: Phase | None
    tensors: tuple[TensorItem, ...] = ()
    facts: tuple[Fact, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Content:
    """Everything about one node. `chosen`: the user selected it; otherwise it is the node of the playhead's event."""

    node: int
    chosen: bool
    title: str
    type: str
    explanation: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    source: tuple[str, int] | None = None
    function: str = ""
