"""What lies up- and downstream in a backward pass, and the ways between two nodes. Positions, not ids; no recursion.

Upstream is towards the loss: the nodes whose gradients flow into a node. Downstream is towards the leaves.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Links:
    """Links `source` → `target` (e each, the direction of the gradient) among `count` nodes."""

    def __init__(self, source: Ints, target: Ints, count: int) -> None:
        self.source, self.target, self.count = source, target, count

    @cached_property
    def _down(self) -> tuple[list[int], list[int]]:
        return _neighbours(self.source, self.target, self.count)

    @cached_property
    def _up(self) -> tuple[list[int], list[int]]:
        return _neighbours(self.target, self.source, self.count)

    def downstream(self, node: int) -> Flags:
        """(count) nodes to which the gradient of `node` flows on, and itself."""
        return _reached(node, *self._down, self.count)

    def upstream(self, node: int) -> Flags:
        """(count) nodes whose gradients flow into `node`, and itself."""
        return _reached(node, *self._up, self.count)

    def between(self, first: int, last: int) -> Flags:
        """(count) every node on any way from `first` to `last`, both included; none if there is no way."""
        ways: Flags = self.downstream(first) & self.upstream(last)
        return ways

    def shortest(self, first: int, last: int) -> tuple[int, ...]:
        """A way from `first` to `last` over the fewest links, both included; empty if there is none."""
        offsets, following = self._down
        came = [-1] * self.count
        came[first] = first
        waiting = deque([first])
        while waiting and came[last] < 0:
            here = waiting.popleft()
            for there in following[offsets[here] : offsets[here + 1]]:
                if came[there] < 0:
                    came[there] = here
                    waiting.append(there)
        if came[last] < 0:
            return ()
        way = [last]
        while way[-1] != first:
            way.append(came[way[-1]])
        return tuple(reversed(way))

    def targets(self, node: int) -> list[int]:
        """The nodes that `node` hands its gradients to, in the order of its links."""
        offsets, following = self._down
        return following[offsets[node] : offsets[node + 1]]

    def sources(self, node: int) -> list[int]:
        """The nodes that hand their gradients to `node`."""
        offsets, following = self._up
        return following[offsets[node] : offsets[node + 1]]


def _neighbours(start: Ints, end: Ints, count: int) -> tuple[list[int], list[int]]:
    """Where each node's neighbours begin in the second list, which has all of them."""
    order = np.argsort(start, kind="stable")
    return np.searchsorted(start[order], np.arange(count + 1)).tolist(), end[order].tolist()


def _reached(node: int, offsets: list[int], following: list[int], count: int) -> Flags:
    seen = bytearray(count)
    seen[node] = 1
    waiting = [node]
    while waiting:
        here = waiting.pop()
        for there in following[offsets[here] : offsets[here + 1]]:
            if not seen[there]:
                seen[there] = 1
                waiting.append(there)
    return np.frombuffer(bytes(seen), dtype=np.bool_)
