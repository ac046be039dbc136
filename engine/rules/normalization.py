"""Normalization by batch, layer, group and instance."""
