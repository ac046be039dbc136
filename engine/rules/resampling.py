"""Interpolation, sampling on a grid, padding, folding."""
