"""Each content once: tensors that are met again, unchanged, are not measured again.

A parameter is met in the forward pass, as a saved value, before its update, and after the update before: one row.
What makes two meetings the same content is the memory (a storage still alive, offset, shape, strides) and the version
that autograd counts up with every in-place operation. Writes through `.data` do not count up; the forward mode sees
them, and tells `forget_storage`.

A row waits in `_waiting` until something that is written refers to it: the outputs of a forward pass of which no
backward comes are never written.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from engine.capture.measure import (
    EMPTY,
    covered,
    dense_equivalent,
    dtype_name,
    is_readable,
    measure,
    preview,
    raw_bytes,
    shape_of,
)
from engine.recording.model import Histogram, Level, Statistics, Tensor

# Previews and very small tensors are cheap: a step may go beyond its budget by this part of it for their sake.
_PREVIEW_SHARE = 8
_SWEEP_EVERY = 4096
_DENSE_ELEMENTS = 4 * 2**20  # a sparse tensor is written down as a dense one up to here


class _Place(NamedTuple):
    """Where a tensor's elements lie, and how they are read: a conjugate or a negative may be a view of the same."""

    storage: int
    offset: int
    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype
    conjugated: bool
    negated: bool


@dataclass(slots=True)
class _Known:
    """What was measured when this content was met first."""

    storage: StorageWeakRef
    version: int
    tensor: int
    level: Level
    statistics: Statistics
    histogram: Histogram | None


class TensorStore:
    """Gives every content a number, and gives out its row when it is first referred to."""

    def __init__(self, level: Level, budget: int) -> None:
        self._level = level
        self._budget = budget
        self._spent = 0
        self._numbers = itertools.count()
        self._known: dict[_Place, _Known] = {}
        self._places_in: dict[int, list[_Place]] = {}
        self._waiting: dict[int, Tensor] = {}
        self._exposed: dict[int, StorageWeakRef] = {}
        self._oldest_kept = 0
        self._measured = 0
        self.reduced: dict[Level, list[int]] = {"preview": [0, 0], "stats": [0, 0]}

    def take(self, tensor: torch.Tensor, bumps: int = 0) -> int:
        """The number of `tensor`'s present content, which its version will have after `bumps` more counts.

        The caller holds a `Quiet`.
        """
        if not is_readable(tensor):
            dense = dense_equivalent(tensor, _DENSE_ELEMENTS)
            return self._unreadable(tensor) if dense is None else self._unknown(dense)
        storage = tensor.untyped_storage()
        address = storage._cdata
        place = _Place(
            address,
            int(tensor.storage_offset()),
            tensor.shape,
            tensor.stride(),
            tensor.dtype,
            tensor.is_conj(),
            tensor.is_neg(),
        )
        version = -1 if tensor.is_inference() else tensor._version + bumps
        known = self._known.get(place)
        if known is not None and known.version == version >= 0 and not known.storage.expired():
            return known.tensor
        statistics, histogram = self._measure_once(tensor, place, version)
        number = next(self._numbers)
        row = self._row(number, tensor, statistics, histogram)
        self._waiting[number] = row
        if self._exposed and self._is_exposed(address):
            return number
        self._known[place] = _Known(StorageWeakRef(storage), version, number, row.level, statistics, histogram)
        self._places_in.setdefault(address, []).append(place)
        self._sweep()
        return number

    def _measure_once(self, tensor: torch.Tensor, place: _Place, version: int) -> tuple[Statistics, Histogram | None]:
        """What covers the same elements has the same statistics."""
        elements = covered(place.shape, place.stride) if place.storage in self._places_in else None
        for other in self._places_in.get(place.storage, ()):
            known = self._known.get(other)
            if (
                known is not None
                and known.version == version >= 0
                and (other.offset, *other[4:]) == (place.offset, *place[4:])
                and covered(other.shape, other.stride) == elements is not None
                and not known.storage.expired()
            ):
                return known.statistics, known.histogram
        return measure(tensor)

    def _row(self, number: int, tensor: torch.Tensor, statistics: Statistics, histogram: Histogram | None) -> Tensor:
        size = tensor.numel() * tensor.element_size()
        level = self._affordable(size)
        row = Tensor(
            number, shape_of(tensor), dtype_name(tensor.dtype), str(tensor.device), level, statistics, histogram
        )
        if level == "stats":
            return row
        part = tensor if level == "full" else preview(tensor)
        data = raw_bytes(part)
        self._spent += data.nbytes
        return replace(row, data_shape=shape_of(part), data=data)

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
        self._waiting[number] = self._row(number, tensor, *measure(tensor))
        return number

    def _unreadable(self, tensor: torch.Tensor) -> int:
        number = next(self._numbers)
        self._waiting[number] = Tensor(
            number, shape_of(tensor), dtype_name(tensor.dtype), str(tensor.device), "stats", EMPTY, None
        )
        return number

    def referred(self, number: int) -> tuple[Tensor, ...]:
        """Its row if it still waits to be written, else nothing; every reference that is written goes through here."""
        row = self._waiting.pop(number, None)
        return () if row is None else (row,)

    def forget_storage(self, address: int) -> None:
        """What lies in this storage was written to behind autograd's back."""
        for place in self._places_in.pop(address, ()):
            self._known.pop(place, None)

    def expose_storage(self, storage: torch.UntypedStorage) -> None:
        """Others can write to this memory from now on, unseen: never take it for known again."""
        self.forget_storage(storage._cdata)
        self._exposed[storage._cdata] = StorageWeakRef(storage)

    def _is_exposed(self, address: int) -> bool:
        reference = self._exposed.get(address)
        if reference is not None and reference.expired():
            del self._exposed[address]
            return False
        return reference is not None

    def end_step(self) -> dict[Level, tuple[int, int]]:
        """A fresh budget. Rows that wait since before this step lose their data. Returns (count, bytes) reduced."""
        stale = [number for number in self._waiting if number < self._oldest_kept]
        for number in stale:
            row = self._waiting[number]
            if row.data is not None:
                self._waiting[number] = replace(row, level="stats", data_shape=None, data=None)
        self._oldest_kept = next(self._numbers)
        self._spent = 0
        reduced = {level: (count[0], count[1]) for level, count in self.reduced.items() if count[0]}
        self.reduced = {"preview": [0, 0], "stats": [0, 0]}
        return reduced

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
            self._places_in.setdefault(place.storage, []).append(place)
