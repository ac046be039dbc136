"""The panel "Memory": what autograd keeps for the backward pass, over the events of a training step and by module."""
