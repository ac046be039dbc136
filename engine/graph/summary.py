"""Several nodes of a backward pass as one: what they are, and what they take together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.graph.labels import Labels
from engine.graph.measures import gradient_norms, seconds
from engine.graph.memory import memory_curve, saved_bytes

if TYPE_CHECKING:
    from engine.recording.reader import Recording

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Summary:
    """Of `ids` (n), in the order of the graph: `titles`, `types`, `norm`, `bytes`, `seconds` (NaN: not recorded).

    `kinds` and `types_count` count nodes; `elements` are those of the parameters among them. `kept` are bytes of
    activations, counted once where several nodes keep the same. `parameter_norm` is the L2 norm of all gradients of the
    parameters together, which is the root of the sum of their norms' squares; `node_norm` the same over the gradients
    of all of the nodes. NaN where there are none.
    """

    ids: Ints
    titles: tuple[str, ...]
    types: tuple[str, ...]
    norm: Floats
    bytes: Floats
    seconds: Floats
    kinds: Counter[str]
    types_count: Counter[str]
    elements: int
    kept: int
    parameter_norm: float
    node_norm: float

    @property
    def took(self) -> float:
        """Seconds of all of their events."""
        return _sum(self.seconds)

    def extreme(self, *, largest: bool) -> int | None:
        """The position of the node with the largest, or smallest, gradient norm; None if there is none."""
        known = np.flatnonzero(~np.isnan(self.norm))
        if not len(known):
            return None
        place = np.argmax(self.norm[known]) if largest else np.argmin(self.norm[known])
        return int(known[place])


def summarize(recording: Recording, graph_id: int, chosen: Collection[int]) -> Summary:
    """What these nodes of one graph are together. Raises RecordingError."""
    nodes = recording.nodes(graph_id)
    place = np.array([position for position, node in enumerate(nodes) if node.id in chosen], dtype=np.int64)
    mine = [nodes[position] for position in place.tolist()]
    norm = gradient_norms(recording, graph_id)[place]
    kept = saved_bytes(recording, graph_id)
    labels = Labels(nodes)
    is_parameter = np.array([node.kind == "parameter" for node in mine], dtype=np.bool_)
    return Summary(
        ids=np.array([node.id for node in mine], dtype=np.int64),
        titles=tuple(labels.title(node) for node in mine),
        types=tuple(node.type for node in mine),
        norm=norm,
        bytes=np.array([float(kept.get(node.id, 0)) for node in mine]),
        seconds=seconds(recording, graph_id)[place],
        kinds=Counter(node.kind for node in mine),
        types_count=Counter(node.type for node in mine if node.kind == "operation"),
        elements=_elements(recording, {node.parameter for node in mine if node.parameter is not None}),
        kept=memory_curve(recording, recording.graph(graph_id).step).bytes_of([node.id for node in mine]),
        parameter_norm=_root(norm[is_parameter]) if len(mine) else float("nan"),
        node_norm=_root(norm),
    )


def _elements(recording: Recording, parameters: set[int]) -> int:
    total = 0
    for parameter in parameters:
        count = 1
        for length in recording.parameter(parameter).shape:
            count *= length
        total += count
    return total


def _root(norms: Floats) -> float:
    known = norms[~np.isnan(norms)]
    return float(np.linalg.norm(known)) if len(known) else float("nan")


def _sum(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else float("nan")
