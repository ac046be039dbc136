"""Which number one looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Element:
    """One number of a gradient of the selected node: the one that entered for output `slot` (`side` "in"; of a
    parameter: what arrived), or the one that left for input `slot` ("out")."""

    side: Literal["in", "out"]
    slot: int
    index: tuple[int, ...]
