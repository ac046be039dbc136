"""Ties the eyes of capture together: `with record("run.chain"): …`."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from engine.capture.backward import BackwardMode
from engine.capture.collector import Collector
from engine.capture.dynamo import compiled_runs_as_python, dynamo_put_off, exported_without
from engine.capture.forward import ForwardMode
from engine.capture.frames import Frames, read_source
from engine.capture.guard import Quiet
from engine.capture.hooks import UserHooks
from engine.capture.known import ByTensor
from engine.capture.measure import dtype_name, shape_of
from engine.capture.modes import Modes
from engine.capture.names import Names
from engine.capture.operations import Operations
from engine.capture.optimizer import Updates, steps_under_way
from engine.capture.tensors import TensorStore
from engine.errors import RecordingError, UsageError
from engine.recording.encode import Columns
from engine.recording.measurement import Content
from engine.recording.model import (
    DEFAULT_BUDGET,
    LEVELS,
    Event,
    Level,
    Note,
    Parameter,
    RecordingInfo,
    Row,
    Source,
    StepStart,
)
from engine.recording.room import Room
from engine.recording.writer import Writer

STRICT = "CHAINRULE_STRICT"


class Recorder:
    """What the parts of capture share: numbers for rows, the present step, and the way to the file."""

    def __init__(
        self,
        writer: Writer,
        level: Level,
        budget: int,
        script: str = "",
        on_step: Callable[[int], None] | None = None,
        limit: int | None = None,
    ) -> None:
        self._writer = writer
        self._room = Room(writer.path.absolute().parent, limit)
        self._on_step = on_step
        self._pid = os.getpid()
        self.lock = threading.RLock()  # what is written under it is of one step
        self._counts = {"node": 0, "graph": 0, "note": 0}
        self._sources: dict[str, int] = {}
        self._leaf_numbers: ByTensor[int] = ByTensor()
        self._thread = threading.get_ident()
        self._updated = False
        self._complete = False  # an update has come of the passes of this thread; of another's, nothing more is seen
        self._under_way = False  # a backward pass has run of which no update has come
        self._budget = budget
        self.notes: dict[str, Note] = {}
        self.active = False
        self.step = -1
        self.steps = 0  # up to the last that has an event: a forward pass that nothing comes back from has none
        self.next_event = 0
        self._first_event = 0  # of this step
        self.backward_depth = 0
        self.in_optimizer = 0
        self.parameters: list[Parameter] = []
        self._nodes_of: dict[int, tuple[int, int, int]] = {}
        self.frames = Frames(script)
        self.names = Names(self.frames)
        self.operations = Operations()
        self.store = TensorStore(level, budget, writer)
        self._collector = Collector()
        self.updates = Updates(self)
        self.hooks = UserHooks(self)
        self.modes: Modes

    # Numbers and rows -------------------------------------------------------------------------------------------------

    def put(self, *rows: Row | Content) -> None:
        """Hand rows to the writer; what a row refers to comes before it."""
        self._writer.put_all(rows)

    def _next(self, what: str) -> int:
        with self.lock:
            number = self._counts[what]
            self._counts[what] = number + 1
        return number

    def new_node(self) -> int:
        return self._next("node")

    def new_graph(self) -> int:
        return self._next("graph")

    def event(
        self,
        kind: Any,
        values: Sequence[tuple[Any, int, str, int]],
        *,
        graph: int | None,
        node: int | None,
        parameter: int | None = None,
        info: Mapping[str, Any] | None = None,
        time: float | None = None,
    ) -> int:
        """Write one event. It goes last, so that whoever reads it finds everything that belongs to it."""
        with self.lock:
            number = self.next_event
            self.next_event = number + 1
            self.steps = self.step + 1
            rows: list[Row | Content | Columns] = []
            for role, slot, name, tensor in values:
                rows += self.store.referred(tensor)
                rows.append((number, role, slot, name, tensor))
            when = _now() if time is None else time
            rows.append(Event(number, self.step, graph, kind, node, parameter, when, info or {}))
            self._writer.put_all(rows)
            if kind == "update":
                self._updated = True
                if node is not None or threading.get_ident() == self._thread:
                    self._complete, self._under_way = True, False
        return number

    def parameter(self, leaf: torch.Tensor) -> int:
        """The number of a leaf; its row is written when it is met first."""
        known = self._leaf_numbers.get(leaf)
        if known is not None:
            return known
        with self.lock, Quiet():
            known = self._leaf_numbers.get(leaf)  # another thread may have met it meanwhile
            if known is not None:
                return known
            number = len(self.parameters)
            name = self.names.leaf_name(leaf)
            row = Parameter(number, name, name.rpartition(".")[0], shape_of(leaf), dtype_name(leaf.dtype))
            self.parameters.append(row)
            self.updates.know(leaf, number)
            self.put(row)
            self._leaf_numbers[leaf] = number
        return number

    def stands_at(self, parameter: int, graph: int, node: int) -> None:
        """A backward pass has reached a leaf: its updates in this step are shown there."""
        self._nodes_of[parameter] = (self.step, graph, node)

    def place_of(self, parameter: int) -> tuple[int | None, int | None]:
        """(graph, node) of a leaf in the last backward pass of this step that reached it; twice None if none did."""
        step, graph, node = self._nodes_of.get(parameter, (-1, 0, 0))
        return (graph, node) if step == self.step else (None, None)

    def source(self, path: str) -> int:
        """The number of a source file; its text is written when it is met first."""
        number = self._sources.get(path)
        if number is not None:
            return number
        with self.lock:
            number = self._sources.get(path)
            if number is None:
                number = len(self._sources)
                self.put(Source(number, str(Path(path).resolve()), read_source(path)))
                self._sources[path] = number
        return number

    def note(self, text: str, step: int | None = None) -> None:
        """A remark to whoever reads the recording; the same remark is made once."""
        with self.lock:
            if text not in self.notes:
                self.notes[text] = Note(self._next("note"), step, text)
                self.put(self.notes[text])

    # Steps ------------------------------------------------------------------------------------------------------------

    def before_operation(self) -> None:
        """Something of a forward or backward pass is about to happen: after an update, it begins a new step.

        Where nothing can be written any more, recording ends, and the script goes on.
        """
        if self.in_optimizer and not any(True for _ in steps_under_way()):
            self.updates.give_up()
        try:
            if self._updated and not self._under_way and not self.backward_depth and not self.in_optimizer:
                self._end_step()
            if self.step < 0:
                self._begin_step(0)
        except RecordingError as error:
            self.give_up(error)

    def before_backward(self) -> None:
        """A backward pass is about to begin. Until its update comes, updates of other threads end no step."""
        self.before_operation()
        if not self.backward_depth and not self.in_optimizer:
            self._under_way = True

    def _begin_step(self, step: int) -> None:
        with self.lock:
            if step > self.step:  # else another thread has begun it
                self.step = step
                self.put(StepStart(step, _now()))

    def _end_step(self) -> None:
        with self.lock:
            if not self._updated:  # another thread has ended it
                return
            self._updated = False
            self._note_reduced(self.store.end_step(complete=self._complete, held_since=self.updates.held_since()))
            self._complete = False
            self.operations.end_step()
            self._collector.expect(self.next_event - self._first_event)
            self._first_event = self.next_event
            finished = self.step
        if self._on_step is not None:
            self._on_step(finished)
        self._leave_room()
        if self.active:
            self._begin_step(finished + 1)

    def _leave_room(self) -> None:
        """Keep less of the steps to come, or nothing, before the disk is full."""
        here = f"From {_named(self.step + 1)} on,"
        if why := self._room.why_nothing():
            self.note(f"{here} nothing is recorded: {why}")
            self.active = False
        elif self.store.level != "stats" and (
            why := self._room.why_no_tensors(self._writer.bytes_taken, self._writer.bytes_to_copy)
        ):
            self.note(f"{here} tensors are kept as statistics only: {why}")
            self.store.level = "stats"

    def _note_reduced(self, reduced: Mapping[Level, tuple[int, int]]) -> None:
        for level, (count, size) in reduced.items():
            what = "as evenly spaced samples" if level == "preview" else "as statistics only"
            self.note(
                f"In {_named(self.step)}, {count} tensors ({size / 2**20:,.0f} MiB) were kept {what}; "
                f"the budget of {self._budget / 2**20:,.0f} MiB a step was used up.",
                self.step,
            )

    # Coming and going -------------------------------------------------------------------------------------------------

    def careful(self) -> Careful:
        """Whatever goes wrong in capture must not reach the script: recording ends, with a note that says why."""
        return Careful(self)

    def give_up(self, error: Exception) -> None:
        """Record nothing more, and say why. Where nothing can be written, whoever closes the writer hears of it."""
        self.active = False
        with suppress(RecordingError):
            where = _named(max(self.step, 0))
            self.note(f"Recording ended early, in {where}: {type(error).__name__}: {error}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hooks and modes are in place inside, and gone afterwards."""
        _watching.add(self)
        hooks = (
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module, always_call=True),
        )
        self.updates.watch()
        self.active = True
        forward, backward = ForwardMode(self), BackwardMode(self)
        self.modes = Modes(forward, backward)
        try:
            with (
                compiled_runs_as_python(),
                dynamo_put_off(ForwardMode, torch.optim.Optimizer),
                exported_without(hooks),
                forward,
                backward,
            ):
                yield
        finally:
            if os.getpid() == self._pid:
                self.active = False
                with suppress(RecordingError):  # whoever closes the writer hears of it
                    self._note_reduced(self.store.end_step())
            self._collector.restore()
            self.updates.unwatch()
            for hook in hooks:
                hook.remove()

    def _enter_module(self, module: torch.nn.Module, args: Any) -> None:
        if self.active:
            with self.careful(), torch._C.DisableTorchFunction():
                self.names.enter(module)

    def _leave_module(self, module: torch.nn.Module, args: Any, result: Any) -> None:
        if self.active:
            self.names.leave(module)


_watching: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _forked() -> None:
    """A child of the script is not recorded: the file belongs to its parent."""
    for recorder in _watching:
        recorder.active = False


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_forked)


class Careful:
    """The context of `Recorder.careful`; a class, because it is entered thousands of times a step."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or os.environ.get(STRICT):
            return False
        self._recorder.give_up(error)
        return True


def _named(step: int) -> str:
    """For people: the window counts from 1, the command line from 0."""
    return f"training step {step + 1} (counted from 1)"


def _now() -> float:
    return time.time()


@contextmanager
def record(
    path: str | os.PathLike[str],
    *,
    tensors: Level = "full",
    budget: int = DEFAULT_BUDGET,
    limit: int | None = None,
    script: str = "",
    argv: Sequence[str] = (),
    on_step: Callable[[int], None] | None = None,
    on_writer: Callable[[Writer], None] | None = None,
    one_file: bool = True,
) -> Iterator[Recorder]:
    """Record every training step that runs inside the `with` block into the file at `path`.

    `tensors` says what is kept of each tensor ("full", "preview", "stats"); `budget` how many bytes a step may take
    before larger tensors are reduced to previews, then to statistics; `limit` how many the whole recording may, before
    the steps to come have statistics only (None: as many as the disk has room for; some is always left to others).
    `on_step(index)` is called between two training steps, in the thread that trains. Without `one_file` large tensors
    stay in a file beside `path`, which saves some seconds for each gigabyte at the end. Raises `UsageError` for a wrong
    argument, `RecordingError` if the file cannot be written.
    """
    if tensors not in LEVELS:
        raise UsageError(f"tensors={tensors!r} is none of {', '.join(LEVELS)}.")
    if budget < 0:
        raise UsageError(f"budget={budget} is negative; give the bytes that one step may take.")
    if limit is not None and limit < 0:
        raise UsageError(f"limit={limit} is negative; give the bytes that all steps may take, or None.")
    info = RecordingInfo(
        script=script or sys.argv[0] if sys.argv else script,
        argv=tuple(argv),
        cwd=os.getcwd(),
        torch=str(torch.__version__),
        python=sys.version.split()[0],
        created=_now(),
        tensors=tensors,
        budget=budget,
    )
    with Writer(Path(path), info, one_file=one_file) as writer:
        if on_writer is not None:
            on_writer(writer)
        recorder = Recorder(writer, tensors, budget, script, on_step, limit)
        with recorder.watching():
            yield recorder
