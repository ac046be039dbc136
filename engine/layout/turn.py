"""From the frame of the passes to the page.

The passes draw downward: ranks follow each other along the second coordinate, the nodes of a rank stand side by side
along the first. `up` is the same drawing turned by half a circle, so that what comes first in the program is at the top
left and the loss at the bottom right; `right` is the same drawing mirrored at its diagonal.
"""

from __future__ import annotations

from engine.layout.model import Direction, Floats


def turned(points: Floats, direction: Direction) -> Floats:
    """Points (…, 2) of the frame on the page; the other way round it is the same."""
    if direction == "up":
        return -points
    return points[..., ::-1] if direction == "right" else points


def mirrored(direction: Direction) -> bool:
    """Whether what is right of something on the page is left of it in the frame."""
    return direction == "up"
