"""Modules on the canvas: what is hidden in a collapsed one, how it looks, and the boxes of the open ones."""
