"""Losses: what turns predictions and targets into one number."""
