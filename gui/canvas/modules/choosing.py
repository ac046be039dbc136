"""What a click on the canvas chooses: a node, or a collapsed module."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.graph.modules import Group
    from gui.canvas.scene import Scene
    from gui.session import Session


def choose(session: Session, scene: Scene | None, node: int | None) -> None:
    """Select the node at a position of the scene, or none; of a collapsed module, look at it and mark what it holds."""
    inner = None if scene is None else scene.inner
    if scene is not None and inner is not None and node is not None and node in inner.groups:
        choose_group(session, scene, inner.groups[node])
        return
    session.modules.look_at("")
    session.select(None if node is None or scene is None else int(scene.node_ids[node]))


def choose_group(session: Session, scene: Scene, group: Group) -> None:
    """Look at a module, collapsed or open."""
    from engine.graph.modules import title_of

    if scene.tree is not None:
        members = scene.every[scene.tree.members(group)]
        session.select(None)
        session.mark(members.tolist(), title_of(group))
        session.modules.look_at(group.key)


def group_looked_at(session: Session, scene: Scene | None) -> Group | None:
    """The module that one looks at; else the innermost one round the selected node."""
    tree = None if scene is None else scene.tree
    if scene is None or tree is None:
        return None
    found = tree.by_key.get(session.modules.current)
    if found is not None:
        return found
    around = enclosing(scene, session.selection)
    return around[-1] if around else None


def enclosing(scene: Scene, node_id: int | None) -> tuple[Group, ...]:
    """The modules round a recorded node, outermost first; repeats are none."""
    tree = scene.tree
    if node_id is None or tree is None:
        return ()
    place = (scene.inner.plain if scene.inner is not None else scene).position.get(node_id)
    return () if place is None else tuple(group for group in tree.enclosing(place) if not group.count)
