"""Graphviz's `dot`, where the program is installed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable

import networkx as nx
import numpy as np
import numpy.typing as npt

from engine.layout.model import Cancel, Direction, Floats, Layout, LayoutError, stopper
from engine.layout.net import Net, read
from engine.layout.room import Room

PROGRAM = "dot"
SECONDS = 20.0
WATCH = 0.1  # s between looks at whether it is still wanted
RANKDIR: dict[Direction, str] = {"down": "TB", "up": "BT", "right": "LR"}
INCH = 72.0  # Graphviz speaks in inches, of 72 px here
CURVE_POINTS = 8  # per piece of a curve


def installed() -> bool:
    return shutil.which(PROGRAM) is not None


def dot(
    graph: nx.MultiDiGraph,
    aspect: float,
    *,
    direction: Direction = "down",
    wrap: bool = True,
    room: Room | None = None,
    cancel: Cancel | None = None,
    seconds: float = SECONDS,
) -> Layout:
    """Graphviz's layered layout, with its curves; it has a shape of its own, not `aspect`.

    LayoutError if the program is missing, fails, or is not done in time; LayoutCancelled soon after `cancel` says so.
    """
    net = read(graph, direction)
    program = shutil.which(PROGRAM)
    if program is None:
        raise LayoutError("The layout 'dot' needs the program Graphviz, which is not installed. Choose 'layered'.")
    try:
        plain = _run(program, _source(net), seconds, stopper(cancel))
    except subprocess.TimeoutExpired as error:
        raise LayoutError(
            f"Graphviz was not done with {len(net):,} nodes after {seconds:g} s. Choose 'layered'."
        ) from error
    except (OSError, subprocess.CalledProcessError) as error:
        message = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise LayoutError(f"Graphviz could not lay out this graph: {message[-1] if message else 'unknown'}") from error
    try:
        return _parse(net, plain)
    except (ValueError, LookupError) as error:
        raise LayoutError("Graphviz answered in a form that is not understood. Choose 'layered'.") from error


def _run(program: str, source: str, seconds: float, stop: Callable[[], None]) -> str:
    """What the program answers. It is ended if it takes too long, or when `stop` raises."""
    pipe = subprocess.PIPE
    last = time.monotonic() + seconds
    given: str | None = source
    with subprocess.Popen([program, "-Tplain"], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            while True:
                try:
                    answer, errors = process.communicate(given, timeout=min(WATCH, seconds))
                    break
                except subprocess.TimeoutExpired:
                    given = None  # what was given once is still being written
                    stop()
                    if time.monotonic() > last:
                        raise
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program, answer, errors)
    return answer


def _source(net: Net) -> str:
    lines = [
        "digraph {",
        f"rankdir={RANKDIR[net.direction]}",
        'node [shape=box fixedsize=true label=""]',
        "edge [arrowhead=none]",
    ]
    sizes = zip((net.width / INCH).tolist(), (net.height / INCH).tolist(), strict=True)
    lines += [f"{number} [width={width:.4f} height={height:.4f}]" for number, (width, height) in enumerate(sizes)]
    lines += [f"{tail} -> {head}" for tail, head in zip(net.tail.tolist(), net.head.tolist(), strict=True)]
    return "\n".join([*lines, "}"])


def _parse(net: Net, plain: str) -> Layout:
    """Read the plain format (graphviz.org/docs/outputs/plain), in which y grows upward."""
    points = np.zeros((len(net), 2))
    routes: list[Floats | None] = [None] * len(net.edges)
    waiting: dict[tuple[int, int], list[int]] = {}
    for edge in range(len(net.edges) - 1, -1, -1):
        waiting.setdefault((int(net.tail[edge]), int(net.head[edge])), []).append(edge)
    for line in plain.splitlines():
        kind, *fields = line.split(" ")
        if kind == "node":
            points[int(fields[0])] = float(fields[1]) * INCH, -float(fields[2]) * INCH
        elif kind == "edge":
            count = int(fields[2])
            control = np.array(fields[3 : 3 + 2 * count], dtype=np.float64).reshape(-1, 2) * (INCH, -INCH)
            routes[waiting[int(fields[0]), int(fields[1])].pop()] = _curve(control)
    if any(route is None for route in routes):
        raise ValueError("an edge is missing")
    found = [route for route in routes if route is not None]
    return net.layout(points[:, 0].copy(), points[:, 1].copy(), found, algorithm="dot")


def _curve(control: npt.NDArray[np.float64]) -> Floats:
    """Points along a chain of cubic Bézier curves with control points (3 n + 1, 2)."""
    at = np.linspace(0, 1, CURVE_POINTS + 1)[1:, None]
    weights = np.stack([(1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3], axis=0)
    pieces = [(weights * control[start : start + 4, None, :]).sum(axis=0) for start in range(0, len(control) - 3, 3)]
    return np.concatenate([control[:1], *pieces])
