"""The source pane: the user's script, the lines that made nodes, and the one that made the current node."""

from gui.source.pane import SourcePane

__all__ = ["SourcePane"]
