"""The arithmetic of backward, written by hand: one rule for each type of `grad_fn`, and the proof of each number.

`registry` says how to add a rule; each family of operators has a file in `families`.
"""
