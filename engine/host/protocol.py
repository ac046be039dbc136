"""The words that the window and the host exchange: one JSON object a line, in both directions.

Both sides import this module, so it knows nothing of torch. To add a message, write a frozen dataclass with a `kind`
and put it in `MESSAGES` (host to window) or `COMMANDS` (window to host).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

# What takes long to import, and is imported before the script asks for it if the script says that it will.
PREPARED = frozenset({"torchvision"})


@dataclass(frozen=True)
class Started:
    """The script is about to run; the recording can be opened."""

    kind: ClassVar[str] = "started"
    recording: str
    torch: str
    pid: int


@dataclass(frozen=True)
class Committed:
    """`events` events of `steps` training steps can be read now."""

    kind: ClassVar[str] = "committed"
    events: int
    steps: int


@dataclass(frozen=True)
class Paused:
    """The script stands still after training step number `step` (counted from 0)."""

    kind: ClassVar[str] = "paused"
    step: int


@dataclass(frozen=True)
class Resumed:
    kind: ClassVar[str] = "resumed"


@dataclass(frozen=True)
class Notice:
    """Something that the user should know and that is no failure."""

    kind: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True)
class Failed:
    """The script raised, or ended with `sys.exit("why")`.

    `traceback` has the user's own frames, or all of the words; `file` and `line` are the innermost frame's.
    """

    kind: ClassVar[str] = "failed"
    error: str
    traceback: str
    file: str
    line: int


@dataclass(frozen=True)
class Finished:
    """The last message of a host that ends in an orderly way."""

    kind: ClassVar[str] = "finished"
    exit_code: int
    reason: Literal["completed", "exit", "error", "stopped"]
    events: int
    steps: int


@dataclass(frozen=True)
class Differences:
    """What finite differences say of one node.

    `state`: "proved", "wrong", "unknown" or "no_data"; `reason` says why it is not proved, or how much was tried. The
    other fields are of the gradient that is worst: its `slot`, its errors as for a proof, and its `worst` element, with
    the numbers there. NaN where there is none.
    """

    kind: ClassVar[str] = "differences"
    node: int
    type: str
    state: Literal["proved", "wrong", "unknown", "no_data"]
    reason: str
    max_abs: float = 0.0
    max_rel: float = 0.0
    slot: int = 0
    worst: tuple[int, ...] = ()
    computed: float = math.nan
    recorded: float = math.nan
    bound: float = 0.0


@dataclass(frozen=True)
class Prepare:
    """Import modules that the script to come will need, of `PREPARED`; others are passed over."""

    kind: ClassVar[str] = "prepare"
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """Run a script; the first command to a host that was started without one, and the only one of its kind.

    `tensors`, `budget` (bytes a step) and `limit` (bytes of all, or null) as for recording; `pause_after` training
    steps it stands still, or null.
    """

    kind: ClassVar[str] = "run"
    script: str
    arguments: tuple[str, ...]
    output: str
    tensors: str
    budget: int
    limit: int | None
    pause_after: int | None
    cwd: str | None


@dataclass(frozen=True)
class Pause:
    """Stand still at the end of the present training step."""

    kind: ClassVar[str] = "pause"


@dataclass(frozen=True)
class Resume:
    kind: ClassVar[str] = "resume"


@dataclass(frozen=True)
class StepOnce:
    """Run one training step and stand still again."""

    kind: ClassVar[str] = "step"


@dataclass(frozen=True)
class Stop:
    """End the script now."""

    kind: ClassVar[str] = "stop"


Message = Started | Committed | Paused | Resumed | Notice | Failed | Finished | Differences
Command = Prepare | Run | Pause | Resume | StepOnce | Stop

MESSAGES: Mapping[str, type[Message]] = {
    cls.kind: cls for cls in (Started, Committed, Paused, Resumed, Notice, Failed, Finished, Differences)
}
COMMANDS: Mapping[str, type[Command]] = {cls.kind: cls for cls in (Prepare, Run, Pause, Resume, StepOnce, Stop)}


def encode(item: Message | Command) -> bytes:
    """One line of ASCII JSON, newline included."""
    key = "message" if item.kind in MESSAGES else "command"
    return (json.dumps({key: item.kind, **asdict(item)}) + "\n").encode("ascii")


def decode(line: bytes | str) -> Message | Command:
    """The message or command in `line`; `ValueError` says what is wrong with a line that holds none."""
    try:
        fields_of_line = json.loads(line)
    except ValueError as error:
        raise ValueError(f"not a line of JSON: {line!r}") from error
    if not isinstance(fields_of_line, dict):
        raise ValueError(f"not a JSON object: {line!r}")
    name, table = _kind(fields_of_line)
    if name not in table:
        raise ValueError(f"unknown message or command {name!r}")
    item: Message | Command = _build(table[name], fields_of_line)
    return item


def _kind(fields_of_line: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if "message" in fields_of_line:
        return str(fields_of_line["message"]), MESSAGES
    return str(fields_of_line.get("command")), COMMANDS


def _build(cls: Any, values: Mapping[str, Any]) -> Any:
    """An object of `cls`; keys that it does not know are left out, so that newer hosts can say more."""
    expected = [field.name for field in fields(cls)]
    missing = [name for name in expected if name not in values]
    if missing:
        raise ValueError(f"{cls.kind!r} lacks {', '.join(missing)}")
    return cls(**{name: _frozen(values[name]) for name in expected})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
