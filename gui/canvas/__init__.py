"""The graph canvas: one batched painter over flat arrays, for the window and for pictures."""
