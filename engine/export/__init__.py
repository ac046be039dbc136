"""A graph and its layout as text that other programs read."""
