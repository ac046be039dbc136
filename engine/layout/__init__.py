"""Where the nodes of a graph go, and how its edges run."""

from __future__ import annotations

from engine.layout.algorithms import ALGORITHMS, layout
from engine.layout.model import Ghost, Layout, LayoutError

__all__ = ["ALGORITHMS", "Ghost", "Layout", "LayoutError", "layout"]
