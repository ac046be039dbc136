"""Updates that treat each element alone, proved piece by piece: what is computed stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from engine.arithmetic.compare import PIECE, Comparison, merged
from engine.optimizers.reading import Floats, Reading
from engine.optimizers.result import Result

WHOLE = {"LBFGS", "Muon", "Adafactor", "by hand"}
"""Optimizers that look at more than one element at a time."""


class Piece(Reading):
    """A stretch of an update: arrays of the parameter's shape come flat, and only that stretch of them."""

    def __init__(self, whole: Reading) -> None:
        super().__init__(whole.recording, whole.event)
        self._shape = whole.tensor("param_before").shape
        self._kept: dict[tuple[str, str, int], Floats] = {}
        self.stretch = slice(0, PIECE)

    def array(self, role: str, name: str = "", slot: int = 0) -> Floats:
        if self.tensor(role, name, slot).shape != self._shape:
            return super().array(role, name, slot)
        key = (role, name, slot)
        if key not in self._kept:
            self._kept[key] = np.ravel(self.data(role, name, slot))
        return self._kept[key][self.stretch].astype(np.float64)


def fits(reading: Reading, optimizer: str) -> bool:
    """Whether the update is large enough to be worth it, and each element of it stands for itself."""
    tensor = reading.tensor("param_before")
    plain = not tensor.dtype.startswith("complex") and not reading.has("input", "grad.indices")
    return optimizer not in WHOLE and plain and tensor.numel > PIECE


def in_pieces(reading: Reading, prove: Callable[[Reading], Sequence[Result]]) -> Iterator[Result]:
    """The results of the whole update from those of its pieces."""
    piece = Piece(reading)
    shape = reading.tensor("param_before").shape
    parts: dict[tuple[str, str, int], list[tuple[int, Comparison]]] = {}
    first: list[Result] = []
    for start in range(0, reading.tensor("param_before").numel, PIECE):
        piece.stretch = slice(start, start + PIECE)
        results = prove(piece)
        first = first or list(results)
        for result in results:
            parts.setdefault((result.what, result.name, result.slot), []).append((start, result.comparison))
    for result in first:
        found = parts[result.what, result.name, result.slot]
        single = result.comparison.worst == () and not result.comparison.reason
        comparison = found[0][1] if single else merged(found, shape)
        yield Result(result.what, result.name, result.slot, comparison)
