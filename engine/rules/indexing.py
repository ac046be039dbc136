"""Picking numbers out by index or mask, and putting them back."""
