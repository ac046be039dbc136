"""Which edges are part of a mesh: three nodes and more that are each connected past others with three and more.

A few long edges can run beside each other, in lines that are nested. Three that lead from each of three nodes to the
same three others cross however they are drawn. In a densely connected block of n layers there are n² / 2 of them.
"""

from __future__ import annotations

import numpy as np

from engine.layout.model import Flags, Ints

LEAST = 3  # others that each node of a mesh is connected with: with two each, nothing needs to cross
ROUNDS = 50  # what is left after as many is dense enough


def in_mesh(tail: Ints, head: Ints) -> Flags:
    """Of each edge, whether it leaves a node that edges of a mesh leave, or enters one that they enter.

    What is left of distinct pairs, when nodes that fewer than LEAST leave or enter are taken away again and again.
    """
    found = np.zeros(len(tail), dtype=np.bool_)
    if len(tail) < LEAST * LEAST:
        return found
    count = int(max(tail.max(), head.max())) + 1
    tails, heads = np.divmod(np.unique(tail * count + head), count)
    for _ in range(ROUNDS):
        kept = np.bincount(tails, minlength=count)[tails] >= LEAST
        kept &= np.bincount(heads, minlength=count)[heads] >= LEAST
        if kept.all():
            break
        tails, heads = tails[kept], heads[kept]
    leaves, enters = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    leaves[tails] = enters[heads] = True
    found |= leaves[tail] | enters[head]
    return found
