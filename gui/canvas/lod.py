"""Level of detail: what can be seen of a node at which scale."""

from __future__ import annotations

import math
from enum import IntEnum

FAR_BELOW = 0.24
NAMED_FROM = 0.25  # the first step of the ladder from there on
NAME_BELOW = 0.7  # from there on the smallest words of a card are 7 px high
CLOSE_FROM = 1.30

STEPS_PER_OCTAVE = 8
SMALLEST, LARGEST = 0.004, 4.0


class Detail(IntEnum):
    """DOT: a patch of colour. NAME: one short line. TEXT: the whole card. CLOSE: shape and norm as well."""

    DOT = 0
    NAME = 1
    TEXT = 2
    CLOSE = 3


def detail_at(scale: float, pixel_ratio: float = 1.0) -> Detail:
    """`scale` is in device px for one scene px; fine screens show small text as well, but eyes do not see it."""
    seen = scale / pixel_ratio
    if seen < FAR_BELOW:
        return Detail.DOT
    if seen < NAME_BELOW:
        return Detail.NAME
    return Detail.TEXT if seen < CLOSE_FROM else Detail.CLOSE


def snapped(scale: float, *, down: bool = False) -> float:
    """The nearest scale (`down`: not larger) of a ladder of eight steps for each doubling.

    At rest the canvas stands on the ladder: sprites are then drawn 1:1, sharp, and found again when one comes back.
    """
    place = math.log2(min(max(scale, SMALLEST), LARGEST)) * STEPS_PER_OCTAVE
    step = math.floor(place + 1e-9) if down else round(place)
    return float(2.0 ** (step / STEPS_PER_OCTAVE))
