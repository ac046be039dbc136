"""Each content once: tensors that are met again, unchanged, are not measured again.

A parameter is met in the forward pass, as a saved value, before its update, and after the update before: one row.
What makes two meetings the same content is the memory (a storage still alive, offset, shape, strides) and the version
that autograd counts up with every in-place operation. Writes through `.data` do not count up; the forward mode sees
them, and tells `forget`.

A row waits in `_waiting` until something that is written refers to it: the outputs of a forward pass of which no
backward comes are never written.

What is known of memory that is gone is let go of soon: a weak reference keeps a few bytes, and hundreds of them between
the large blocks of a heap leave no room there for the next step's gradients, which then go to new pages.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.multiprocessing.reductions import StorageWeakRef

from engine.capture.buffers import Buffers
from engine.capture.kernel import load
from engine.capture.measure import (
    EMPTY,
    covered,
    dense_equivalent,
    dtype_name,
    inner_tensor,
    is_dense,
    is_readable,
    measure,
    memory,
    preview,
    raw_bytes,
    shape_of,
    snapshot,
)
from engine.recording.beside import SMALLEST, Placed
from engine.recording.database import MAX_LENGTH
from engine.recording.measurement import Content, Measurement, measure_together
from engine.recording.model import Level
from engine.recording.writer import Writer

# Previews and very small tensors are cheap: a step may go beyond its budget by this part of it for their sake.
_PREVIEW_SHARE = 8
_LOOKED_AT = 3  # memories, whenever a content is new: at twice that speed, it would still find most of them alive
_DENSE_ELEMENTS = 4 * 2**20  # a sparse tensor is written down as a dense one up to here


_PLAIN = (torch.Tensor, torch.nn.Parameter)
# What StorageWeakRef.expired asks, without two Python functions between.
_expired: Callable[[int], bool] = torch.UntypedStorage._expired  # type: ignore[assignment]
_keys: Callable[[torch.Tensor], torch._C.DispatchKeySet] = torch._C._dispatch_keys

# Which elements of a memory, and how they are read: offset, shape, strides, dtype, and whether it is a conjugate or a
# negative, which may be a view of the same.
_Place = tuple[int, torch.Size, tuple[int, ...], torch.dtype, bool, bool]
_Known = tuple[int, int, Measurement]  # version, number of the content, and what was measured when it was met first


class _Memory(StorageWeakRef):
    """A storage, and what is known to lie in it. While this is there, no other storage has its address `cdata`."""

    __slots__ = ("exposed", "known")

    def __init__(self, storage: torch.UntypedStorage) -> None:
        super().__init__(storage)  # type: ignore[no-untyped-call]
        self.known: dict[_Place, _Known] = {}
        self.exposed = False  # others write to it, unseen: nothing is ever known of it


class _Make(NamedTuple):
    """What a tensor is like, as its dispatch keys tell."""

    readable: bool
    conjugated: bool
    negated: bool
    versioned: bool
    direct: bool  # NumPy can look at it as it is, if it knows the dtype


def _make(tensor: torch.Tensor) -> _Make:
    readable = is_readable(tensor)
    conjugated, negated = (tensor.is_conj(), tensor.is_neg()) if readable else (False, False)
    direct = readable and type(tensor) in _PLAIN and tensor.is_cpu and not conjugated and not negated
    return _Make(readable, conjugated, negated, not tensor.is_inference(), direct)


class TensorStore:
    """Gives every content a number, and gives out its row when it is first referred to."""

    def __init__(self, level: Level, budget: int, writer: Writer | None = None) -> None:
        self._writer = writer
        self._lock = threading.RLock()  # threads that train side by side
        self.level = level
        """Of what is to come; may be lowered between two steps."""
        self._budget = budget
        self._spent = 0
        self._buffers = Buffers()
        self._kernel = load()
        self._numbers = itertools.count()
        self._memories: dict[int, _Memory] = {}
        self._round: deque[_Memory] = deque()  # the next to be asked whether they are still there
        self._waiting: dict[int, Content] = {}
        self._makes: dict[int, _Make] = {}
        self._oldest_kept = 0
        self._lost_before = 0  # rows from before this one that still wait have lost their data
        self.reduced: dict[Level, list[int]] = {"preview": [0, 0], "stats": [0, 0]}

    def take(self, tensor: torch.Tensor, bumps: int = 0) -> int:
        """The number of `tensor`'s present content, which its version will have after `bumps` more counts.

        The caller holds a `Quiet`.
        """
        with self._lock:
            make = self._make_of(tensor)
            if not make.readable:
                inner = inner_tensor(tensor)
                dense = dense_equivalent(tensor, _DENSE_ELEMENTS) if inner is None else inner
                return self._unreadable(tensor) if dense is None else self._unknown(dense)
            storage = tensor.untyped_storage()
            if not storage.nbytes() and tensor.numel():  # it has been taken away, as sharding does with parameters
                return self._unreadable(tensor)
            memory = self._memories.get(storage._cdata) or self._new_memory(storage)
            place = (
                int(tensor.storage_offset()),
                tensor.shape,
                tensor.stride(),
                tensor.dtype,
                make.conjugated,
                make.negated,
            )
            version = tensor._version + bumps if make.versioned else -1
            known = memory.known.get(place)
            if (
                known is not None
                and known[0] == version >= 0
                and (known[1] >= self._lost_before or known[1] not in self._waiting)
            ):
                return known[1]
            number = next(self._numbers)
            row = self._waiting[number] = self._row(number, tensor, _shared(memory, place, version), make.direct)
            if not memory.exposed:
                memory.known[place] = (version, number, row.measurement)
            return number

    def _make_of(self, tensor: torch.Tensor) -> _Make:
        """Looked at once for each set of dispatch keys, which are those of the layout, the device and all the rest."""
        if type(tensor) not in _PLAIN:
            return _make(tensor)
        keys = _keys(tensor).raw_repr()
        make = self._makes.get(keys)
        if make is None:
            make = self._makes[keys] = _make(tensor)
        return make

    def _new_memory(self, storage: torch.UntypedStorage) -> _Memory:
        """From now on something is known of it. What is gone by now is let go of, a few at a time."""
        made = self._memories[storage._cdata] = _Memory(storage)
        turns = self._round
        for _ in range(min(_LOOKED_AT, len(turns))):
            memory = turns.popleft()
            if _expired(memory.cdata):
                del self._memories[memory.cdata]
            else:
                turns.append(memory)
        turns.append(made)
        return made

    def _row(self, number: int, tensor: torch.Tensor, measurement: Measurement | None, direct: bool) -> Content:
        """`direct`: the tensor may be copied by NumPy."""
        shape, dtype = tuple(tensor.shape) if direct else shape_of(tensor), dtype_name(tensor.dtype)
        device = "cpu" if direct else str(tensor.device)
        count = tensor.numel()
        level = self._affordable(count * tensor.element_size())
        if measurement is None and direct and self._kernel is not None and is_dense(tensor):
            figures = self._kernel.measure(tensor, count)
            measurement = None if figures is None else Measurement.made(figures)
        data: Any
        copy = snapshot(tensor) if direct and (measurement is None or level == "full") else None
        held = 0
        if measurement is None:
            measurement = measure(tensor, self._kernel) if copy is None else Measurement.of(copy)
            held = measurement.held() if copy is None or level != "full" else 0
        if level == "stats":
            return Content(number, shape, dtype, device, level, measurement, held=held)
        if copy is not None and level == "full":
            data, data_shape = copy.reshape(-1).view(np.uint8), shape
        else:
            part = tensor if level == "full" else preview(tensor)
            data = (self._set_aside(part) if direct else None) or raw_bytes(part, self._buffers)
            data_shape = shape_of(part)
        self._spent += data.nbytes
        return Content(number, shape, dtype, device, level, measurement, data_shape, data, held)

    def _set_aside(self, tensor: torch.Tensor) -> Placed | None:
        """Written at once if it is large and lies in one piece, which takes less than a copy does."""
        if self._writer is None or not SMALLEST <= tensor.nbytes <= MAX_LENGTH:
            return None
        return self._writer.set_aside(memory(tensor, np.uint8)) if tensor.is_contiguous() else None

    def _affordable(self, size: int) -> Level:
        """The level that the step's budget still has room for; what is reduced is counted."""
        if self.level == "stats":
            return "stats"
        limit = self._budget if self.level == "full" else 0
        if size <= 4096 * 4 or self._spent + size <= limit:
            level: Level = "full"
            if self._spent <= self._budget + self._budget // _PREVIEW_SHARE:
                return level
        level = "preview" if self._spent <= self._budget + self._budget // _PREVIEW_SHARE else "stats"
        count = self.reduced[level]
        count[0] += 1
        count[1] += size
        return level

    def _unknown(self, tensor: torch.Tensor) -> int:
        """A content that will not be met again."""
        number = next(self._numbers)
        self._waiting[number] = self._row(number, tensor, None, direct=False)
        return number

    def _unreadable(self, tensor: torch.Tensor) -> int:
        number = next(self._numbers)
        shape, dtype = shape_of(tensor), dtype_name(tensor.dtype)
        self._waiting[number] = Content(number, shape, dtype, str(tensor.device), "stats", Measurement(EMPTY))
        return number

    def referred(self, number: int) -> tuple[Content, ...]:
        """Its row if it still waits to be written, else nothing; every reference that is written goes through here."""
        with self._lock:
            row = self._waiting.pop(number, None)
        return () if row is None else (row,)

    def forget(self, tensor: torch.Tensor) -> None:
        """What lies in its memory was written to, it may be behind autograd's back."""
        inner = None if type(tensor) in _PLAIN else inner_tensor(tensor)
        for written in (tensor,) if inner is None else (tensor, inner):
            if written.layout is torch.strided:
                memory = self._memories.get(written.untyped_storage()._cdata)
                if memory is not None:
                    with self._lock:  # another thread may look through it
                        memory.known.clear()

    def expose(self, tensor: torch.Tensor) -> None:
        """Others can write to its memory from now on, unseen: never take it for known again."""
        if tensor.layout is torch.strided:
            storage = tensor.untyped_storage()
            with self._lock:
                memory = self._memories.get(storage._cdata) or self._new_memory(storage)
                memory.known.clear()
                memory.exposed = True

    def mark(self) -> int:
        """A number that parts what was taken before from what will be."""
        return next(self._numbers)

    def end_step(self, *, complete: bool = True, held_since: int | None = None) -> dict[Level, tuple[int, int]]:
        """A fresh budget. Rows that wait since before this step lose their data. Returns (count, bytes) reduced.

        `complete`: the passes that began in this step are over. If another thread has ended it in the middle of them,
        rows go on waiting, at the cost of the next step's budget. `held_since`: a mark; rows from then on are of an
        update that is under way. When what waits takes half of the budget, neither is looked at.
        """
        with self._lock:
            waits = 0
            if not complete or held_since is not None:
                waits = sum(row.data.nbytes for row in self._waiting.values() if row.data is not None)
                if waits > self._budget // 2:
                    complete, held_since = True, None
            if complete:
                self._let_go(self._oldest_kept if held_since is None else min(self._oldest_kept, held_since))
                self._oldest_kept = next(self._numbers)
                waits = 0
            self._spent = waits
            reduced = {level: (count[0], count[1]) for level, count in self.reduced.items() if count[0]}
            self.reduced = {"preview": [0, 0], "stats": [0, 0]}
            return reduced

    def _let_go(self, oldest_kept: int) -> None:
        """Rows from before `oldest_kept` that still wait lose their data."""
        stale = [row for number, row in self._waiting.items() if number < oldest_kept]
        measure_together(row.measurement for row in stale)
        for row in stale:
            if self._writer is not None and type(row.data) is Placed:
                self._writer.take_back(row.data)
            if row.data is not None or row.held:
                self._waiting[row.id] = row._replace(level="stats", data_shape=None, data=None, held=0)
        self._lost_before = oldest_kept


def _shared(memory: _Memory, place: _Place, version: int) -> Measurement | None:
    """What covers the same elements has the same statistics."""
    if not memory.known:
        return None
    offset, shape, strides, *kind = place
    elements = covered(shape, strides)
    for other, known in memory.known.items():
        if (
            known[0] == version >= 0
            and other[0] == offset
            and [*other[3:]] == kind
            and covered(other[1], other[2]) == elements is not None
        ):
            return known[2]
    return None
