"""An update event as arrays: what was recorded before it, what after it, and with which hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Bounded, exact, scatter_add, unit_roundoff
from engine.optimizers.model import Array, Sparse
from engine.optimizers.model import UnknownError as UnknownError
from engine.optimizers.registry import as_pairs
from engine.recording.model import Event, Tensor, Value
from engine.recording.reader import Recording

Floats = npt.NDArray[Any]
REAL_OF = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}


class NoDataError(Exception):
    """What the proof needs was not recorded in full."""


class Reading:
    """One update event. Complex arrays come as pairs of real numbers, as PyTorch computes with them."""

    def __init__(self, recording: Recording, event: Event) -> None:
        self.recording = recording
        self.event = event
        self.values: Mapping[tuple[str, int, str], Value] = {
            (value.role, value.slot, value.name): value for value in recording.values(event.id)
        }

    @property
    def hyperparameters(self) -> Mapping[str, Any]:
        return _mapping(self.event.info.get("hyperparameters"))

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What an optimizer outside `torch.optim` keeps to itself, beside its parameter groups."""
        return _mapping(self.event.info.get("attributes"))

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What an optimizer outside `torch.optim` was made with, where the parameter group has something else."""
        return _mapping(self.event.info.get("defaults"))

    def has(self, role: str, name: str = "", slot: int = 0) -> bool:
        return (role, slot, name) in self.values

    def tensor(self, role: str, name: str = "", slot: int = 0) -> Tensor:
        """The row of a tensor. Raises NoDataError if there is none."""
        value = self.values.get((role, slot, name))
        if value is None:
            raise NoDataError(f"{role} {name}".strip() + " was not recorded")
        return self.recording.tensor(value.tensor)

    def array(self, role: str, name: str = "", slot: int = 0) -> Floats:
        """All its elements, as float64 (or in pairs). Raises NoDataError if not all of them were recorded."""
        tensor = self.tensor(role, name, slot)
        data = self.recording.data(tensor.id) if tensor.level == "full" else None
        if data is None:
            raise NoDataError(f"{role} {name}".strip() + f" was recorded as {tensor.level} only")
        data = np.asarray(data)
        return np.asarray(as_pairs(data.astype(np.complex128 if data.dtype.kind == "c" else np.float64)))

    def dtype(self, role: str, name: str = "", slot: int = 0) -> str:
        """torch's name for it; of complex tensors that of their parts."""
        dtype = self.tensor(role, name, slot).dtype
        return REAL_OF.get(dtype, dtype)

    def unit(self, role: str = "param_before", name: str = "", slot: int = 0) -> float:
        return unit_roundoff(self.dtype(role, name, slot))

    def bounded(self, role: str, name: str = "", slot: int = 0) -> Bounded:
        """The recorded array, exact."""
        return exact(self.array(role, name, slot), self.unit(role, name, slot))

    def names(self, role: str) -> list[tuple[str, int]]:
        """(name, slot) of all tensors that play `role`."""
        return sorted((name, slot) for found, slot, name in self.values if found == role)

    def plain(self, key: str) -> Mapping[str, Any]:
        """Plain values of the state: `key` is "state" or "state_after"."""
        return _mapping(self.event.info.get(key))

    def gradient(self) -> Array | Sparse:
        """The gradient that the optimizer read: `Bounded`, or `Sparse`."""
        if self.has("input", "grad.indices"):
            return self._sparse()
        return exact(self.array("grad"), self.unit())

    def _sparse(self) -> Sparse:
        shape = self.tensor("param_before").shape
        places = tuple(self.array("input", "grad.indices").astype(np.int64))
        try:
            dense = scatter_add(shape, places, exact(self.array("input", "grad.values"), self.unit()))
            touched = np.zeros(shape, dtype=bool)
            touched[places] = True
        except (IndexError, ValueError) as error:
            raise UnknownError("the indices of the sparse gradient do not fit its shape") from error
        return Sparse(dense, touched)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
