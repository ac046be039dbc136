"""The layered layout: an ordered list of passes over one `State`.

Each pass is a function of what the passes before it found, lives in a module that is about one thing, and comes with a
`check` that lists what is wrong with its result; tests run every check after every pass. To add a pass, write its
module, give `State` a field for its result, and put a line into `PASSES`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import networkx as nx

from engine.layout import (
    balance,
    chips,
    coordinates,
    core,
    cuts,
    dummies,
    fold,
    loosen,
    net,
    order,
    rank,
    routes,
    segments,
    straighten,
    wrap,
)
from engine.layout.model import Cancel, Direction, Floats, Ghost, Ints, Layout, LayoutError, go_on, stopper
from engine.layout.room import Room, made_readable


@dataclass(eq=False)
class State:
    """What is known of the drawing so far; each field is set by one pass.

    `aspect` is that of the frame in which the passes draw (None: do not wrap), in columns that may be `short`; long
    passes call `stop` now and then.
    """

    graph: nx.MultiDiGraph
    aspect: float | None
    direction: Direction = "down"
    stop: Callable[[], None] = go_on
    short: bool = False
    net: net.Net = field(init=False)
    folding: fold.Folding = field(init=False)
    core: core.Core = field(init=False)
    ranks: Ints = field(init=False)
    cuts: cuts.Cuts = field(init=False)
    lines: loosen.Lines = field(init=False)
    segments: segments.Segments = field(init=False)
    strip: dummies.Strip = field(init=False)
    item_x: Floats = field(init=False)
    profile: wrap.Profile = field(init=False)
    columns: wrap.Columns = field(init=False)
    drawing: routes.Drawing = field(init=False)
    ghosts: list[Ghost] = field(default_factory=list)


@dataclass(frozen=True)
class Pass:
    """`run` sets fields of the state; `check` lists what is wrong with them, and is empty if all is well."""

    name: str
    run: Callable[[State], None]
    check: Callable[[State], list[str]]


def _read(state: State) -> None:
    state.net = net.read(state.graph, state.direction)


def _fold(state: State) -> None:
    state.folding = fold.fold(state.net)


def _core(state: State) -> None:
    state.core = core.take_core(state.net, state.folding)


def _rank(state: State) -> None:
    state.ranks = rank.rank(state.core)


def _cuts(state: State) -> None:
    state.cuts = cuts.find_cuts(state.core, state.ranks)


def _loosen(state: State) -> None:
    state.lines = loosen.loosen(state.core, state.ranks, state.cuts)


def _segments(state: State) -> None:
    state.segments = segments.cut(state.core, state.ranks, state.cuts, state.lines)


def _dummies(state: State) -> None:
    state.strip = dummies.bend_edges(state.segments)


def _order(state: State) -> None:
    order.order(state.strip, state.stop)


def _coordinates(state: State) -> None:
    state.item_x = coordinates.place_items(state.strip, state.stop)


def _straighten(state: State) -> None:
    state.item_x = straighten.straighten(state.strip, state.item_x, state.stop)


def _balance(state: State) -> None:
    state.item_x = balance.balance(state.strip, state.item_x)


def _wrap(state: State) -> None:
    state.profile = wrap.profile(state.core, state.ranks, state.segments, state.strip, state.item_x)
    state.columns = wrap.wrap(state.profile, state.aspect, short=state.short)


def _routes(state: State) -> None:
    state.drawing = routes.route(
        state.net, state.core, state.ranks, state.lines, state.segments, state.strip, state.item_x, state.columns
    )


def _chips(state: State) -> None:
    state.ghosts = chips.place_chips(state.net, state.folding, state.drawing)
    chips.draw_loops(state.net, state.core, state.drawing)


PASSES: tuple[Pass, ...] = (
    Pass("read", _read, lambda s: net.check(s.net)),
    Pass("fold", _fold, lambda s: fold.check(s.net, s.folding)),
    Pass("core", _core, lambda s: core.check(s.core)),
    Pass("rank", _rank, lambda s: rank.check(s.core, s.ranks)),
    Pass("cuts", _cuts, lambda s: cuts.check(s.core, s.ranks, s.cuts)),
    Pass("loosen", _loosen, lambda s: loosen.check(s.core, s.ranks, s.cuts, s.lines)),
    Pass("segments", _segments, lambda s: segments.check(s.core, s.segments)),
    Pass("dummies", _dummies, lambda s: dummies.check(s.segments, s.strip)),
    Pass("order", _order, lambda s: order.check(s.strip)),
    Pass("coordinates", _coordinates, lambda s: coordinates.check(s.strip, s.item_x)),
    Pass("straighten", _straighten, lambda s: coordinates.check(s.strip, s.item_x)),
    Pass("balance", _balance, lambda s: coordinates.check(s.strip, s.item_x)),
    Pass("wrap", _wrap, lambda s: wrap.check(s.profile, s.columns)),
    Pass("routes", _routes, lambda s: routes.check(s.net, s.core, s.drawing)),
    Pass("chips", _chips, lambda s: chips.check(s.net, s.folding, s.drawing, s.ghosts)),
)
_WRAPPED_FROM = [step.name for step in PASSES].index("wrap")


@contextmanager
def _no_collection() -> Iterator[None]:
    """The passes make many small objects and no cycles: collecting garbage in between would be for nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def layered(
    graph: nx.MultiDiGraph,
    aspect: float = 1.6,
    *,
    direction: Direction = "down",
    wrap: bool = True,
    room: Room | None = None,
    cancel: Cancel | None = None,
    checked: bool = False,
) -> Layout:
    """Run all passes. Without `wrap` everything is one column. In a `room` where its names could otherwise not be read,
    the drawing has shorter columns.

    Raises LayoutCancelled soon after `cancel` has answered True. With `checked`, a pass that left something wrong
    raises LayoutError, which names it.
    """
    layering = Layering(graph, direction=direction, cancel=cancel, checked=checked)
    if not wrap:
        return layering.drawn(None)
    return made_readable(layering.drawn(aspect), room, [lambda: layering.drawn(aspect, short=True)])


class Layering:
    """The passes over one graph up to the wrapping into columns: to wrap it in another way costs the last ones only.

    Raises what `layered` does.
    """

    def __init__(
        self,
        graph: nx.MultiDiGraph,
        *,
        direction: Direction = "down",
        cancel: Cancel | None = None,
        checked: bool = False,
    ) -> None:
        self._state = State(graph, None, direction, stopper(cancel))
        self._checked = checked
        self._times = self._run(PASSES[:_WRAPPED_FROM])

    def drawn(self, aspect: float | None, *, short: bool = False) -> Layout:
        """In columns so that it has this shape, which may be `short`; None: in one."""
        state = self._state
        state.short = short
        state.aspect = 1 / aspect if aspect is not None and state.direction == "right" else aspect
        times = self._run(PASSES[_WRAPPED_FROM:])
        return state.net.layout(
            state.drawing.x,
            state.drawing.y,
            state.drawing.routes,
            algorithm="layered",
            ghosts=state.ghosts,
            loose=state.core.edges[state.lines.loose].tolist(),
            passes=(*self._times, *times),
        )

    def _run(self, passes: tuple[Pass, ...]) -> tuple[tuple[str, float], ...]:
        times = []
        with _no_collection():
            for step in passes:
                self._state.stop()
                begin = time.perf_counter()
                step.run(self._state)
                times.append((step.name, (time.perf_counter() - begin) * 1000))
                problems = step.check(self._state) if self._checked else []
                if problems:
                    raise LayoutError(f"Layout pass '{step.name}': {'; '.join(problems[:3])}.")
        return tuple(times)
