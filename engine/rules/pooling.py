"""Pooling: the mean or the largest of a window."""
