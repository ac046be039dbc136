"""Tensors with their data, and differences of two, with the statistics that a recording would give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.recording.model import Level, Tensor
from engine.recording.reader import Recording
from engine.recording.statistics import histogram_of, statistics_of

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A tensor's description with its data, None where only statistics were kept."""

    tensor: Tensor
    data: Array | None


def load(recording: Recording, tensor: int) -> Loaded:
    """The recorded tensor with its data."""
    return Loaded(recording.tensor(tensor), recording.data(tensor))


def difference(recording: Recording, after: int, before: int) -> Loaded | None:
    """after − before, element by element, of the data that both have; None if one has none or they do not match.

    Where one of the two is a preview, so is the difference: its statistics are those of the elements that were kept.
    """
    new, old = load(recording, after), load(recording, before)
    if new.data is None or old.data is None or new.data.shape != old.data.shape or new.data.dtype != old.data.dtype:
        return None
    if new.data.dtype == np.bool_:
        return None
    level: Level = "full" if new.tensor.level == old.tensor.level == "full" else "preview"
    with np.errstate(over="ignore", invalid="ignore"):
        data = np.asarray(new.data - old.data)
    tensor = Tensor(
        -1,
        new.tensor.shape,
        new.tensor.dtype,
        new.tensor.device,
        level,
        statistics_of(data),
        histogram_of(data),
        data.shape,
    )
    return Loaded(tensor, data)


def element(loaded: Loaded) -> Any:
    """The value of a tensor of one element: from its data, else from its statistics; None if unknown.

    Of a complex one the statistics know the absolute value only, and of NaN and infinity just that there is one.
    """
    if loaded.data is not None and loaded.data.size == 1:
        return loaded.data.reshape(-1)[0]
    if loaded.tensor.statistics.nans:
        return float("nan")
    return None if loaded.tensor.dtype.startswith("complex") else loaded.tensor.statistics.mean
