"""Rows of a table, picked by number."""
