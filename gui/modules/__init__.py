"""Modules in the window: which are collapsed, which is looked at, and the commands for both."""
