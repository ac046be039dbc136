"""The panel "Manual ⇄ autograd": a training step by hand beside what autograd did."""
