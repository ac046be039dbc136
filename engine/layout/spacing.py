"""The distances of a layered drawing, in scene pixels."""

from __future__ import annotations

ROW_GAP = 34.0  # between the rows of a column: room for an edge to change its x
NODE_GAP = 24.0  # between neighbours in a row
LINE_GAP = 8.0  # between two edges that pass side by side
LINE_WIDTH = 6.0  # what a passing edge takes up in a row
CHIP_GAP = 8.0  # between a node and the leaves folded beside it
CHIP_ROW_GAP = 4.0  # between leaves stacked beside the same node
CHIP_INDENT = 16.0  # how far leaves below a node are indented, where a drawing runs from left to right
CHIP_INSET = 4.0  # how far from a node's corner an edge to a chip may begin
LOOP_WIDTH = 14.0  # how far an edge from a node to itself reaches out
PORT_GAP = 6.0  # between parallel edges
COLUMN_GAP = 48.0  # between columns, beside the lines that join them
COLUMN_ROWS = 12  # a column that was wrapped has at least the height of this many ordinary rows
ORDINARY_ROW = 100.0  # what a row of boxes, which are as tall as they like, counts for in that
