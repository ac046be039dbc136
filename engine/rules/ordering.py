"""Sorting, ranking, and running sums, products and extremes."""
