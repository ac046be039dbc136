"""Inverses, determinants, and systems of linear equations."""
