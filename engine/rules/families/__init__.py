"""The rules: each family of operators has a file of its own, listed in `engine.rules.registry.FAMILIES`."""
