"""Convolutions in all forms."""
