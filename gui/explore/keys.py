"""Walking the graph by keys: along edges, up towards the loss, and among the nodes beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gui.canvas.cards import OPERATION

if TYPE_CHECKING:
    from gui.canvas.scene import Scene

Way = Literal["upstream", "downstream", "next", "previous"]


def walked(scene: Scene, position: int, way: Way) -> int | None:
    """The position one comes to from another; None if that way leads nowhere.

    Of several nodes upstream, or downstream, the operation that lies straightest ahead. "next" and "previous" go round
    among all that the same node hands its gradients to, from left to right.
    """
    links = scene.links
    if way in ("next", "previous"):
        sources = links.sources(position)
        beside = _from_left(scene, links.targets(sources[0])) if sources else []
        if len(beside) < 2:
            return None
        return beside[(beside.index(position) + (1 if way == "next" else -1)) % len(beside)]
    found = links.sources(position) if way == "upstream" else links.targets(position)
    if not found:
        return None
    x, y = scene.center(position)

    def strain(other: int) -> tuple[bool, float]:
        other_x, other_y = scene.center(other)
        return bool(scene.kind[other] != OPERATION), min(abs(other_x - x), abs(other_y - y))

    return min(dict.fromkeys(found), key=strain)


def _from_left(scene: Scene, positions: list[int]) -> list[int]:
    return sorted(dict.fromkeys(positions), key=scene.center)
