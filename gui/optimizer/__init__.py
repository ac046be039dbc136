"""The panel "Optimizer": an update taken apart into its named quantities, and what the optimizer remembers."""
