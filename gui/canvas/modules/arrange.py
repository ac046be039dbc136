"""From a graph and the modules that are to be collapsed in it to a scene."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UsageError
from engine.layout.room import shown_at
from gui.canvas.modules.inner import DATA_SLOTS

if TYPE_CHECKING:
    import networkx as nx

    from engine.graph.modules import ModuleTree
    from engine.layout import Direction
    from engine.layout.nested import Frames
    from engine.layout.room import Room
    from gui.canvas.loader import Wish
    from gui.canvas.modules.inner import Inner, Ints
    from gui.canvas.modules.source import Source
    from gui.canvas.scene import Scene

FITTING = 100  # nodes that a screen shows at a readable scale
OPEN_UP_TO = 100  # operations of a graph that opens with nothing collapsed; parameters stand beside theirs
FEWER = (60, 30, 16)  # and so many where the screen is smaller than that
ASPECT = 1.6  # of a picture that is not made for a window


def arrange(source: Source, wish: Wish, cancel: Callable[[], bool] | None = None) -> Scene:
    """Collapse, lay out, and put into arrays. Raises LayoutError, and LayoutCancelled."""
    collecting = gc.isenabled()
    gc.disable()  # many small objects and no cycles, as in the passes of a layout
    try:
        return _arrange(source, wish, cancel)
    finally:
        if collecting:
            gc.enable()


def _arrange(source: Source, wish: Wish, cancel: Callable[[], bool] | None) -> Scene:
    tree = source.tree
    boxes = wish.algorithm == "layered" and wish.boxes and bool(tree.groups)
    if wish.collapsed is None and boxes and wish.room is not None:
        return _readable(source, wish, wish.room, cancel)
    collapsed = tree.tidy(wish.collapsed) if wish.collapsed is not None else default(source)
    return (_in_boxes if boxes else _flat)(source, wish, collapsed, cancel)


def _readable(source: Source, wish: Wish, room: Room, cancel: Callable[[], bool] | None) -> Scene:
    """With as much open as can be read, where nobody has chosen. What is open stays so when there is less room for a
    while, as below a message."""
    choices = list(dict.fromkeys((default(source), *map(source.tree.fitting, FEWER))))
    most = len(choices) - 1 if source.closing.degree is None else source.closing.degree
    for degree, collapsed in enumerate(choices[: most + 1]):
        scene = _in_boxes(source, wish, collapsed, cancel)
        if degree == most or shown_at(scene.bounds, room) >= 1.0:
            break
    source.closing.degree = degree
    return scene


def _flat(source: Source, wish: Wish, collapsed: frozenset[str], cancel: Callable[[], bool] | None) -> Scene:
    from engine.graph.modules import collapse
    from engine.layout import layout
    from gui.canvas.modules.inner import inner_of
    from gui.canvas.scene import build_scene, node_sizes

    tree = source.tree
    graph = collapse(source.graph, collapsed, tree) if collapsed else source.graph
    node_sizes(graph)
    arranged = layout(
        graph, algorithm=wish.algorithm, aspect=wish.aspect, direction=wish.direction, room=wish.room, cancel=cancel
    )
    scene = build_scene(graph, arranged, tree)
    if not collapsed:
        return scene
    inner = inner_of(source.plain, tree, collapsed, scene.node_ids, scene.source, scene.target, scene.slot)
    return replace(scene, inner=inner, slot=_slots(scene.slot, inner))


def _in_boxes(source: Source, wish: Wish, collapsed: frozenset[str], cancel: Callable[[], bool] | None) -> Scene:
    """All of it as arrays: what is drawn, the layout, the scene."""
    from engine.graph.quotient import quotient
    from engine.layout.nested import nested_parts
    from gui.canvas.modules.inner import Inner
    from gui.canvas.scene import put_together

    tree, stock = source.tree, source.stock
    drawn = quotient(tree, collapsed)
    stock.meet(drawn)
    frames, frame_of = frames_of(tree, collapsed)
    home = frame_of[np.where(drawn.names < 0, -1 - drawn.names, tree.owner[drawn.first])]
    arranged = nested_parts(
        stock.parts_of(drawn), frames, home, wish.aspect,
        room=wish.room, direction=wish.direction, cancel=cancel, templates=source.templates,
    )  # fmt: skip
    inner, slot = None, drawn.key
    if collapsed:
        places = np.flatnonzero(drawn.names < 0)
        numbers = (-1 - drawn.names[places]).tolist()
        groups = {place: tree.groups[number] for place, number in zip(places.tolist(), numbers, strict=True)}
        inner = Inner(source.plain, tree, collapsed, drawn.place, drawn.edge_place, groups)
        slot = _slots(slot, inner)
    card = stock.card_of(drawn)
    return put_together(
        arranged, drawn.names, tree, (stock.deck, card), drawn.tail, drawn.head, slot,
        stock.input_numbers_of(drawn), stock.modules_of(drawn), inner,
    )  # fmt: skip


def at_level(graph: nx.MultiDiGraph, level: int, algorithm: str, direction: Direction) -> Scene:
    """A graph of `engine.graph.build` with its modules open down to a level, as the window collapses to it. Raises
    UsageError if they are not nested so deep, and LayoutError."""
    from gui.canvas.loader import Wish
    from gui.canvas.modules.source import source_of

    source = source_of(graph, np.sort(np.array(graph.nodes, dtype=np.int64)))
    levels = source.tree.levels
    if level > levels:
        raise UsageError(
            f"modules cannot be collapsed to level {level}: "
            + (f"they are nested {levels} deep here." if levels else "this graph has none.")
        )
    collapsed = source.tree.at_level(level)
    wish = Wish(int(graph.graph["id"]), "", algorithm, False, ASPECT, direction, collapsed)
    return arrange(source, wish)


def frames_of(tree: ModuleTree, collapsed: frozenset[str]) -> tuple[Frames, Ints]:
    """A frame for each module that is open, and in which one each group stands (a repeat has none, and what is in it is
    in that round it); the last is -1, for what no group is round. Of an open module: the frame that it is."""
    from engine.layout.nested import Frames

    framed = np.append((tree.shown(collapsed) < 0) & ~tree.repeated, True)  # the last one is the page
    around = np.where(framed, np.arange(len(framed)), np.append(tree.parents, -1))
    while not (found := framed[around]).all():
        around = np.where(found, around, around[around])
    number = np.cumsum(framed) - 1
    number[-1] = -1
    frame_of: Ints = number[around]
    open_ = np.flatnonzero(framed[:-1])
    parent = frame_of[np.append(tree.parents, -1)[open_]]
    return Frames(tree.keys[open_].tolist(), tree.titles[open_].tolist(), parent), frame_of


def _slots(slot: Ints, inner: Inner) -> Ints:
    """Merged edges count as links to data if all that they stand for are."""
    order, start = inner.edge_order
    to_data = np.minimum.reduceat(inner.plain.data_edge[order], start) if len(start) else start > 0
    slots: Ints = np.where((slot < 0) & to_data, DATA_SLOTS, slot)
    return slots


def default(source: Source) -> frozenset[str]:
    """What is collapsed where nobody has chosen: nothing in a small graph, else what a screen cannot show."""
    operations = sum(kind == "operation" for _, kind in source.graph.nodes(data="kind"))
    return frozenset() if operations <= OPEN_UP_TO else source.tree.fitting(FITTING)
