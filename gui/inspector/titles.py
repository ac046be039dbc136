"""What nodes are called, and where they were made: the same titles as on the canvas."""

from __future__ import annotations

from engine.graph import known
from engine.recording.model import Node
from engine.recording.reader import Recording


def title(recording: Recording, node: Node) -> str:
    """The node in the user's words."""
    return known.labels(recording, node.graph).title(node)
