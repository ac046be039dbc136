"""What stays where it is on screen while modules are opened and closed round it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gui.canvas.loader import Wish
    from gui.canvas.scene import Scene
    from gui.session import Session


def anchor(before: Scene, known: Wish, after: Scene, wish: Wish, session: Session) -> tuple[float, float] | None:
    """How far, in scene px, the place that one looks at has moved; None if the two are not pictures of one graph.

    That place is the module that was opened or closed, the selected node, or else the first that both show.
    """
    if known.collapsed == wish.collapsed or replace(known, collapsed=wish.collapsed) != wish:
        return None
    for node in _places_to_look_at(before, after, session):
        here, there = before.position.get(node), after.position.get(node)
        if here is not None and there is not None:
            (x, y), (new_x, new_y) = before.center(here), after.center(there)
            return new_x - x, new_y - y
    return None


def _places_to_look_at(before: Scene, after: Scene, session: Session) -> list[int]:
    nodes: list[int] = []
    for one, other in ((before, after), (after, before)):
        inner = one.inner
        if inner is not None:
            changed = inner.collapsed - other.collapsed
            places = [inner.place_of_group[key] for key in sorted(changed) if key in inner.place_of_group]
            nodes += [int(node) for place in places[:1] for node in inner.members(place)[:1]]
    if session.selection is not None:
        nodes.insert(0, session.selection)
    return [*nodes, *(int(node) for node in after.every[:1])]
