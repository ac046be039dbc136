"""Copies, casts, and writes into a part of a tensor."""
