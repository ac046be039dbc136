"""What a recording holds, as frozen dataclasses, and as tuples where there are many.

The recorder writes these rows, the reader returns them, and nothing changes one after it was made. Shapes are tuples of
int; dtypes are torch's names without the prefix ("float32", "bfloat16", "int64"); times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:  # the window reads these names before its first picture, which must not wait for numpy
    import numpy as np
    import numpy.typing as npt

FORMAT_VERSION = 1
HISTOGRAM_BINS = 64
HISTOGRAM_SAMPLE = 4096
HISTOGRAM_RUNS = 16  # in which a sample is spread over a large tensor
DEFAULT_BUDGET = 256 * 2**20  # bytes of tensors that one training step may take

EventKind = Literal["forward", "backward", "accumulate", "update"]
Phase = Literal["forward", "backward", "update"]
NodeKind = Literal["operation", "parameter", "data"]
GraphKind = Literal["backward", "grad"]
Level = Literal["full", "preview", "stats"]
Shape = tuple[int, ...]

EVENT_KINDS: tuple[EventKind, ...] = ("forward", "backward", "accumulate", "update")
PHASES: tuple[Phase, ...] = ("forward", "backward", "update")
LEVELS: tuple[Level, ...] = ("full", "preview", "stats")
PHASE_OF_KIND: Mapping[EventKind, Phase] = {
    "forward": "forward",
    "backward": "backward",
    "accumulate": "backward",
    "update": "update",
}

NOTHING: Mapping[str, Any] = {}  # nobody writes into it
KEPT_BY_HOOKS = "its saved values are kept through hooks"  # how the note of such a node begins

Role = Literal[
    "input",  # forward: a tensor that went in and needs no gradient (slot: argument number)
    "output",  # forward: what came out (slot: output number)
    "operand",  # forward: a tensor that went in and needs a gradient, of custom functions and of writes to views;
    # with a name: what went in or came out where hooks keep what the node saves under that name (slot: place in a list)
    "written",  # forward, of a write to a view: what the view held afterwards
    "saved",  # backward: a value that the node kept from its forward (name: torch's, without "_saved_")
    "grad_start",  # backward, accumulate: what the pass began with here (slot: input number; name: number of the root)
    "grad_arrived",  # backward, accumulate: what came before a hook of the user's replaced it
    "grad_output",  # backward: a gradient that entered the node (slot: input number of the node)
    "grad_computed",  # backward: what the node computed before a hook of the user's replaced it (slot: edge number)
    "grad_input",  # backward: a gradient that left it (slot: edge number); accumulate: what arrived
    "grad_before",  # accumulate: what .grad held before, if anything
    "grad_after",  # accumulate: what .grad holds now
    "param_before",  # update: the parameter; accumulate: the same, for those that are never updated
    "param_after",
    "grad",  # update: the gradient that the optimizer read
    "state_before",  # update: a tensor of the optimizer's state (name: its key)
    "state_after",
]


@dataclass(frozen=True)
class RecordingInfo:
    """What `meta` says of the whole run; `argv` are the arguments after the script, `budget` is in bytes per step."""

    script: str
    argv: tuple[str, ...]
    cwd: str
    torch: str
    python: str
    created: float
    tensors: Level
    budget: int
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True)
class Source:
    id: int
    path: str
    text: str


@dataclass(frozen=True)
class Parameter:
    """A leaf with `requires_grad`; `name` as in `named_parameters()`, or the script's variable."""

    id: int
    name: str
    module: str
    shape: Shape
    dtype: str


@dataclass(frozen=True)
class StepStart:
    """The row written when a training step begins."""

    index: int
    started: float


@dataclass(frozen=True)
class Graph:
    """One backward pass. `root` is the node that it started from; `loss` the root's value if it is one number."""

    id: int
    step: int
    kind: GraphKind
    root: int
    loss: float | None


class Node(NamedTuple):
    """One `grad_fn`, or a leaf.

    `type` is torch's name ("AddmmBackward0"); `operation` the operator that made it ("aten.addmm"); `name` the variable
    or parameter name, or "" if it has none; `module` the path of the innermost module call ("layer1.0.conv1"), or "".
    `shape` and `dtype` are those of the forward output. `info` holds plain values: "args" (non-tensor arguments),
    "saved" (saved plain values by name), "saved_bytes", "during_backward", "note", "outputs" (shape and dtype of each
    output, if there are several), "view" (of CopySlices: "base" and "view" as [shape, strides, offset], and the view's
    "dtype").
    """

    id: int
    graph: int
    kind: NodeKind
    type: str
    operation: str = ""
    name: str = ""
    module: str = ""
    module_type: str = ""
    source: int | None = None
    line: int | None = None
    function: str = ""
    shape: Shape | None = None
    dtype: str | None = None
    sequence_nr: int | None = None
    parameter: int | None = None
    forward_event: int | None = None
    info: Mapping[str, Any] = NOTHING


class Edge(NamedTuple):
    """A `next_functions` link, in the direction of the gradient; links to data leaves run the same way."""

    graph: int
    source: int
    slot: int
    target: int
    input_number: int


@dataclass(frozen=True)
class Event:
    """One atomic thing that happened.

    `info` of an update: "optimizer" (class name, or "by hand"), "group" (index), "hyperparameters" (plain values),
    "state" (plain values of the optimizer's state, before), "state_after". Of an accumulate: "returned" if
    autograd.grad gave it out. Of backward and accumulate: "hooks" if hooks of the user ran that were not seen.
    """

    id: int
    step: int
    graph: int | None
    kind: EventKind
    node: int | None
    parameter: int | None
    time: float
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def phase(self) -> Phase:
        return PHASE_OF_KIND[self.kind]


class Value(NamedTuple):
    """Tensor number `tensor` played `role` in event number `event`."""

    event: int
    role: Role
    slot: int
    name: str
    tensor: int


@dataclass(frozen=True)
class Statistics:
    """Of all elements; min, max, mean, std (population) and norm (L2) of the finite ones, None if there are none.

    Complex tensors: of the absolute values. bool: of 0 and 1.
    """

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    norm: float | None
    zeros: int
    nans: int
    infs: int


@dataclass(frozen=True, eq=False)
class Histogram:
    """64 counts between `low` and `high`.

    Of every element, or, for a tensor of more than `HISTOGRAM_SAMPLE`, of that many in evenly spread runs:
    `counts.sum()` says of how many.
    """

    counts: npt.NDArray[np.int64]
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor's content. `data` is None at level "stats"; at "preview" it has `data_shape`, evenly spaced elements.

    The writer is given raw little-endian bytes (anything with the buffer protocol); `Recording.tensor` leaves `data`
    None, `Recording.data` returns it as an array.
    """

    id: int
    shape: Shape
    dtype: str
    device: str
    level: Level
    statistics: Statistics
    histogram: Histogram | None
    data_shape: Shape | None = None
    data: Any = None

    @property
    def numel(self) -> int:
        """Number of elements; a scalar has one."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True)
class Note:
    """What was left out, and other remarks. `step` is None if it concerns the whole run."""

    id: int
    step: int | None
    text: str


@dataclass(frozen=True)
class Step:
    """One training step as read back: events `first_event` to `last_event`, both included."""

    index: int
    first_event: int
    last_event: int
    loss: float | None
    optimizer: str | None


Row = Source | Parameter | StepStart | Graph | Node | Edge | Event | Value | Tensor | Note
