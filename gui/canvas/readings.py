"""The numbers that stand on nodes and edges, read from the recording when they are first shown, and kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.recording.model import Role, Tensor, Value
from gui.canvas.cards import DATA, PARAMETER
from gui.canvas.scene import DATA_SLOTS
from gui.canvas.state import VALUE_ROLES
from gui.numbers import number

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState

_KEPT = 50_000


class Readings:
    """Numbers of one recording. What was recorded never changes, so nothing here is ever out of date."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._values: dict[int, tuple[Value, ...]] = {}
        self._numbers: dict[tuple[int, Role, int | None], float | complex | None] = {}

    def number(self, event: int, role: Role, slot: int | None = None) -> float | complex | None:
        """The one number that played `role` in an event (`slot` None: the first); None if there is no such number.

        Real ones are floats; of a complex one the statistics know the absolute value only, so its data are read.
        """
        key = (event, role, slot)
        if key not in self._numbers:
            if len(self._numbers) > _KEPT:
                self._numbers.clear()
            self._numbers[key] = self._read(event, role, slot)
        return self._numbers[key]

    def norm(self, event: int, role: Role, slot: int) -> float | None:
        """The L2 norm of what played `role` in an event; None if nothing did."""
        for value in self._values_of(event):
            if value.role == role and value.slot == slot:
                return self.recording.tensor(value.tensor).statistics.norm
        return None

    def _read(self, event: int, role: Role, slot: int | None) -> float | complex | None:
        for value in self._values_of(event):
            if value.role == role and slot in (None, value.slot):
                tensor = self.recording.tensor(value.tensor)
                statistics = tensor.statistics
                if tensor.numel != 1:
                    return None
                if tensor.dtype.startswith("complex"):
                    return self._complex(tensor)
                if statistics.infs:
                    return self._infinity(tensor)
                return math.nan if statistics.nans else statistics.mean  # the mean is of finite elements
        return None

    def _infinity(self, tensor: Tensor) -> float:
        """With its sign, as long as the element itself was recorded: the statistics only count it."""
        data = self.recording.data(tensor.id)
        return math.inf if data is None or not data.size else float(data.reshape(-1)[0])

    def _complex(self, tensor: Tensor) -> float | complex | None:
        data = self.recording.data(tensor.id)
        return None if data is None or not data.size else complex(data.reshape(-1)[0])

    def _values_of(self, event: int) -> tuple[Value, ...]:
        if event not in self._values:
            if len(self._values) > _KEPT:
                self._values.clear()
            self._values[event] = self.recording.values(event)
        return self._values[event]


def value_of(readings: Readings, scene: Scene, state: DrawState, node: int) -> float | complex | None:
    """The scalar value of a node (by position) at the state's playhead."""
    event = int(state.value_event[node])
    if event < 0:
        return None
    role = VALUE_ROLES[state.value_role[node]]
    slot = _argument(scene, node) if scene.kind[node] == DATA else None
    return readings.number(event, role, slot)


def gradient_of(readings: Readings, scene: Scene, state: DrawState, node: int) -> float | complex | None:
    """The scalar gradient that entered a node, or that stands in a parameter's `.grad` after it arrived."""
    event = int(state.gradient_event[node])
    if event < 0:
        return None
    return readings.number(event, "grad_after" if scene.kind[node] == PARAMETER else "grad_output")


def _argument(scene: Scene, node: int) -> int | None:
    """Which argument of its consumer a data leaf is."""
    edges = scene.slot[scene.target == node]
    return int(edges[0]) - DATA_SLOTS if len(edges) and edges[0] >= DATA_SLOTS else None


def text_of(value: float | complex | None) -> str:
    """Four significant digits; two for each part of a complex number, for which there is no more room."""
    return "" if value is None else number(value) if isinstance(value, float) else number(value, 2)
