"""Each content once: tensors that are met again, unchanged, are not measured again.

A parameter is met in the forward pass, as a saved value, before its update, and after the update before: one row.
What makes two meetings the same content is the memory (a storage still alive, offset, shape, strides) and the version
that autograd counts up with every in-place operation. Writes through `.data` do not count up; the forward mode sees
them, and tells `forget`.

A row waits in `_waiting` until something that is written refers to it: the outputs of a forward pass of which no
backward comes are never written.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import NamedTuple

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
    is_readable,
    measure,
    preview,
    raw_bytes,
    shape_of,
    snapshot,
)
from engine.recording.measurement import Content, Measurement, measure_together
from engine.recording.model import Level

# Previews and very small tensors are cheap: a step may go beyond its budget by this part of it for their sake.
_PREVIEW_SHARE = 8
_SWEEP_EVERY = 4096
_DENSE_ELEMENTS = 4 * 2**20  # a sparse tensor is written down as a dense one up to here


_PLAIN = (torch.Tensor, torch.nn.Parameter)
# What StorageWeakRef.expired asks, without two Python functions between.
_expired: Callable[[int], bool] = torch.UntypedStorage._expired  # type: ignore[assignment]
_keys: Callable[[torch.Tensor], torch._C.DispatchKeySet] = torch._C._dispatch_keys

# Where a tensor's elements lie, and how they are read: storage, offset, shape, strides, dtype, and whether it is a
# conjugate or a negative, which may be a view of the same.
_Place = tuple[int, int, torch.Size, tuple[int, ...], torch.dtype, bool, bool]


class _Known(NamedTuple):
    """What was measured when this content was met first."""

    storage: StorageWeakRef
    version: int
    tensor: int
    measurement: Measurement


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

    def __init__(self, level: Level, budget: int) -> None:
        self._lock = threading.RLock()  # threads that train side by side
        self._level = level
        self._budget = budget
        self._spent = 0
        self._buffers = Buffers()
        self._kernel = load()
        self._numbers = itertools.count()
        self._known: dict[_Place, _Known] = {}
        self._places_in: dict[int, list[_Place]] = {}
        self._waiting: dict[int, Content] = {}
        self._makes: dict[int, _Make] = {}
        self._exposed: dict[int, StorageWeakRef] = {}
        self._oldest_kept = 0
        self._lost_before = 0  # rows from before this one that still wait have lost their data
        self._measured = 0
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
            memory = tensor.untyped_storage()
            if not memory.nbytes() and tensor.numel():  # it has been taken away, as sharding does with parameters
                return self._unreadable(tensor)
            address: int = memory._cdata
            shape, offset = tensor.shape, int(tensor.storage_offset())
            place = (address, offset, shape, tensor.stride(), tensor.dtype, make.conjugated, make.negated)
            version = tensor._version + bumps if make.versioned else -1
            known = self._known.get(place)
            if (
                known is not None
                and known.version == version >= 0
                and not _expired(known.storage.cdata)
                and (known.tensor >= self._lost_before or known.tensor not in self._waiting)
            ):
                return known.tensor
            number = next(self._numbers)
            measurement = self._shared(place, version)
            row = self._waiting[number] = self._row(number, tensor, measurement, make.direct)
            if self._exposed and self._is_exposed(address):
                return number
            self._known[place] = _Known(StorageWeakRef(memory), version, number, row.measurement)
            self._places_in.setdefault(address, []).append(place)
            self._sweep()
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

    def _shared(self, place: _Place, version: int) -> Measurement | None:
        """What covers the same elements has the same statistics."""
        others = self._places_in.get(place[0])
        if others is None:
            return None
        elements = covered(place[2], place[3])
        for other in others:
            known = self._known.get(other)
            if (
                known is not None
                and known.version == version >= 0
                and (other[1], *other[4:]) == (place[1], *place[4:])
                and covered(other[2], other[3]) == elements is not None
                and not known.storage.expired()
            ):
                return known.measurement
        return None

    def _row(self, number: int, tensor: torch.Tensor, measurement: Measurement | None, direct: bool) -> Content:
        """`direct`: the tensor may be copied by NumPy."""
        shape, dtype = tuple(tensor.shape) if direct else shape_of(tensor), dtype_name(tensor.dtype)
        device = "cpu" if direct else str(tensor.device)
        count = tensor.numel()
        level = self._affordable(count * tensor.element_size())
        if measurement is None and direct and self._kernel is not None and tensor.is_contiguous():
            figures = self._kernel.measure(tensor, count)
            measurement = None if figures is None else Measurement.made(figures)
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
            data, data_shape = raw_bytes(part, self._buffers), shape_of(part)
        self._spent += data.nbytes
        return Content(number, shape, dtype, device, level, measurement, data_shape, data, held)

    def _affordable(self, size: int) -> Level:
        """The level that the step's budget still has room for; what is reduced is counted."""
        if self._level == "stats":
            return "stats"
        limit = self._budget if self._level == "full" else 0
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
                self._forget_storage(written.untyped_storage()._cdata)

    def expose(self, tensor: torch.Tensor) -> None:
        """Others can write to its memory from now on, unseen: never take it for known again."""
        if tensor.layout is torch.strided:
            storage = tensor.untyped_storage()
            self._forget_storage(storage._cdata)
            self._exposed[storage._cdata] = StorageWeakRef(storage)

    def _forget_storage(self, address: int) -> None:
        with self._lock:
            for place in self._places_in.pop(address, ()):
                self._known.pop(place, None)

    def _is_exposed(self, address: int) -> bool:
        reference = self._exposed.get(address)
        if reference is not None and reference.expired():
            del self._exposed[address]
            return False
        return reference is not None

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
            if row.data is not None or row.held:
                self._waiting[row.id] = row._replace(level="stats", data_shape=None, data=None, held=0)
        self._lost_before = oldest_kept

    def _sweep(self) -> None:
        """Now and then, drop what is known of storages that are gone."""
        self._measured += 1
        if self._measured % _SWEEP_EVERY:
            return
        gone = [place for place, known in self._known.items() if known.storage.expired()]
        for place in gone:
            del self._known[place]
        self._places_in = {}
        for place in self._known:
            self._places_in.setdefault(place[0], []).append(place)
