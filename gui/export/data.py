"""The graph for other programs. May be called in any thread: nothing here belongs to the window."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from gui.export.subject import Subject


def write_data(subject: Subject, suffix: str, path: Path) -> None:
    """GraphML, DOT or JSON of the graph, or its training step as a Python program. Raises ChainruleError."""
    if suffix == "py":
        from engine.export.script import write

        write(subject.recording, subject.step, path)  # it may write a second file beside it
    else:
        _write(subject, suffix, path)


def as_text(subject: Subject, suffix: str) -> str:
    """GraphML, DOT or JSON. Raises ChainruleError."""
    stream = io.StringIO()
    _write(subject, suffix, stream)
    return stream.getvalue()


def _write(subject: Subject, suffix: str, target: Path | TextIO) -> None:
    """All nodes of the graph, whatever is collapsed, at their places in one layout without boxes, with the norms known
    at the playhead."""
    from engine.graph.annotate import annotate_norms
    from engine.graph.build import build_graph
    from engine.layout import layout
    from gui.canvas.scene import node_sizes

    wish = subject.wish
    graph = build_graph(subject.recording, wish.graph_id, data_leaves=wish.data_leaves)
    node_sizes(graph)
    arranged = layout(graph, algorithm=wish.algorithm, aspect=wish.aspect, direction=wish.direction)
    annotate_norms(graph, subject.recording, subject.picture.state.playhead)
    import_module(f"engine.export.{'json_' if suffix == 'json' else suffix}").write(graph, arranged, target)
