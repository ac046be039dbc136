"""A recording's backward pass as a networkx graph."""
