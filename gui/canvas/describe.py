"""What is said about the graph and its nodes in words: breadcrumbs and tooltips."""

from __future__ import annotations

import html
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from gui.canvas import leaf_sign
from gui.canvas.cards import MODULE, PARAMETER
from gui.canvas.kept import kept_by
from gui.canvas.proof_marks import NONE
from gui.canvas.readings import gradient_of, value_of
from gui.canvas.state import HAS_NAN
from gui.numbers import full, number, shape
from gui.proof import states
from gui.proof.store import STATES

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.painter import Picture


_SIDES = (bisect_left, bisect_right)  # steps and graphs come in their order


def crumbs(recording: Recording, playhead: int, graph_id: int | None, picture: Picture) -> list[str]:
    """Training step, backward pass (where a step has several), and the module or node that one looks at."""
    tr = QCoreApplication.translate
    parts: list[str] = []
    if 0 <= playhead < len(recording.timeline):
        index = int(recording.timeline.step[playhead])
        steps = recording.steps
        at = bisect_left(steps, index, key=lambda step: step.index)
        place = at + 1 if at < len(steps) and steps[at].index == index else index + 1
        parts.append(tr("Canvas", "step {place} of {count}").format(place=f"{place:,}", count=f"{len(steps):,}"))
        among = slice(*(side(recording.graphs, index, key=lambda graph: graph.step) for side in _SIDES))
        graphs = [graph.id for graph in recording.graphs[among]]
        if len(graphs) > 1 and graph_id in graphs:
            parts.append(
                tr("Canvas", "backward pass {place} of {count}").format(
                    place=graphs.index(graph_id) + 1, count=len(graphs)
                )
            )
    scene = picture.scene
    group = scene.tree.by_key.get(picture.module) if scene.tree is not None and picture.selection is None else None
    node = picture.selection if picture.selection is not None else picture.state.active
    if group is not None:
        parts += group.path.split(".")
    elif node >= 0:
        module = scene.modules[node]
        title = scene.cards[scene.card[node]].title
        if scene.kind[node] == PARAMETER:  # its name has the module's path in it
            module, title = "", recording.node(int(scene.node_ids[node])).name or title
            *path, title = title.split(".")
            parts += path
        parts += module.split(".") if module else []
        if not module or not title.startswith(module):
            parts.append(title)
    return parts


def tooltip(recording: Recording, picture: Picture, node: int) -> str:
    """Rich text: what the node is, its shape, and its numbers with all their digits."""
    tr = QCoreApplication.translate
    scene, state = picture.scene, picture.state
    if scene.kind[node] == MODULE:
        return _of_module(picture, node)
    row = recording.node(int(scene.node_ids[node]))
    lines = [f"<b>{html.escape(row.name or scene.cards[scene.card[node]].title)}</b>"]
    if row.kind == "data":
        lines.append(leaf_sign.words(scene.cards[scene.card[node]].subtitle))
    elif row.type:
        lines.append(html.escape(row.type))
    if row.module:
        lines.append(html.escape(f"{row.module} ({row.module_type})" if row.module_type else row.module))
    if row.shape is not None:
        size = shape(row.shape) or tr("Canvas", "scalar")
        lines.append(html.escape(f"{size} · {row.dtype}" if row.dtype else size))
    value = value_of(picture.readings, scene, state, node)
    if value is not None:
        lines.append(tr("Canvas", "value {number}").format(number=full(value)))
    gradient = gradient_of(picture.readings, scene, state, node)
    norm = float(state.norm[node])
    if gradient is not None:
        lines.append(tr("Canvas", "gradient {number}").format(number=full(gradient)))
    elif state.odd[node]:
        lines.append(tr("Canvas", "gradient with NaN in it") if state.odd[node] == HAS_NAN
                     else tr("Canvas", "gradient with infinities in it"))  # fmt: skip
    elif norm == norm:  # not NaN: one was recorded
        lines.append(tr("Canvas", "gradient norm {number}").format(number=number(norm, 6)))
    if picture.kept is not None and (kept := kept_by(scene, node, picture.kept())):
        lines.append(tr("Canvas", "keeps {count} bytes for backward").format(count=f"{kept:,}"))
    if picture.proofs is not None and picture.proofs.state[node] != NONE:
        lines.append(states.words(STATES[picture.proofs.state[node]]))
    return "<br>".join(lines)


def _of_module(picture: Picture, node: int) -> str:
    """The same for a collapsed module."""
    tr = QCoreApplication.translate
    scene, norm = picture.scene, float(picture.state.norm[node])
    card = scene.cards[scene.card[node]]
    lines = [f"<b>{html.escape(card.title)}</b>", html.escape(card.subtitle)]
    if card.detail:
        lines.append(tr("Canvas", "{0} in parameters").format(card.detail))
    if picture.kept is not None and (kept := kept_by(scene, node, picture.kept())):
        lines.append(tr("Canvas", "keeps {count} bytes for backward").format(count=f"{kept:,}"))
    if norm == norm:
        lines.append(tr("Canvas", "norm of all its gradients {0}").format(number(norm, 6)))
    lines.append(tr("Canvas", "double click to open"))
    return "<br>".join(lines)
