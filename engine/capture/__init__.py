"""Writes down what autograd and the optimizer really did, and changes nothing while it looks."""
