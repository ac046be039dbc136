"""Which edge is at a point, and what is said about it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication

from gui.canvas.state import NEVER
from gui.numbers import full, shape

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.picture import Picture
    from gui.canvas.scene import Scene

SAMPLES = 17  # points along a piece
MOST_PIECES = 2000  # that come near a point; with more of them nothing could be told apart anyway


def edge_at(scene: Scene, x: float, y: float, slack: float) -> int | None:
    """The edge that passes nearest to a point (scene px), within `slack`."""
    pieces = scene.pieces
    found = pieces.visible(x - slack, y - slack, x + slack, y + slack)[:MOST_PIECES]
    if not len(found):
        return None
    t = np.linspace(0.0, 1.0, SAMPLES)[None, :, None]
    c = pieces.curve[found].reshape(-1, 1, 8)
    u = 1.0 - t
    points = u**3 * c[..., 0:2] + 3 * u**2 * t * c[..., 2:4] + 3 * u * t**2 * c[..., 4:6] + t**3 * c[..., 6:8]
    start, step = points[:, :-1], np.diff(points, axis=1)
    away = np.array([x, y]) - start
    along = np.clip((away * step).sum(axis=2) / np.maximum((step**2).sum(axis=2), 1e-12), 0.0, 1.0)[..., None]
    distance = np.hypot(*np.moveaxis(away - along * step, 2, 0)).min(axis=1)
    nearest = int(np.argmin(distance))
    return int(pieces.edge[found[nearest]]) if distance[nearest] <= slack else None


def edge_tooltip(recording: Recording, picture: Picture, edge: int) -> str:
    """Rich text: from where to where, and the gradient that runs along the edge, once it has."""
    tr = QCoreApplication.translate
    scene, state, track = picture.scene, picture.state, picture.track
    source, target = int(scene.source[edge]), int(scene.target[edge])
    upper, lower = (scene.cards[scene.card[node]].title for node in (source, target))
    lines = [f"<b>{html.escape(upper)} → {html.escape(lower)}</b>"]
    if scene.data_edge[edge]:
        lines.append(tr("explore", "a value, read on the way forward; no gradient is asked of it"))
        return "<br>".join(lines)
    event, slot = int(track.backward[source]), int(scene.slot[edge])
    if event == NEVER:
        lines.append(tr("explore", "no gradient ran along here"))
    elif event > state.playhead:
        lines.append(tr("explore", "its gradient has not come here yet"))
    else:
        lines += _gradient_lines(recording, picture, event, slot)
    return "<br>".join(lines)


def _gradient_lines(recording: Recording, picture: Picture, event: int, slot: int) -> list[str]:
    tr = QCoreApplication.translate
    for value in recording.values(event):
        if value.role == "grad_input" and value.slot == slot:
            tensor = recording.tensor(value.tensor)
            size = shape(tensor.shape) or tr("explore", "scalar")
            lines = [tr("explore", "gradient {shape} · {dtype}").format(shape=size, dtype=tensor.dtype)]
            one = picture.readings.number(event, "grad_input", slot)
            norm = tensor.statistics.norm
            if one is not None:
                lines.append(full(one))
            elif norm is not None:
                lines.append(tr("explore", "norm {number}").format(number=full(norm)))
            return lines
    return [tr("explore", "its gradient was not recorded here")]
