"""A comparison in words and as plain values: what `compare` prints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.graph.compare import INPUTS, NAME, SHAPE, TYPE, Comparison
from engine.graph.labels import Labels
from engine.graph.measures import SPOILED
from engine.recording.reader import Recording

_WORDS = ((TYPE, "type"), (SHAPE, "shape"), (NAME, "name"), (INPUTS, "inputs"))
_STRUCTURE = TYPE | SHAPE | INPUTS
_MOST_LINES = 40


def as_json(found: Comparison, left: Recording, right: Recording) -> dict[str, Any]:
    """Nodes by their ids. Ratios are of the right norm over the left one; None where one is missing or not finite."""
    return {
        "same_structure": found.same_structure,
        "nodes": {"left": len(found.left_ids), "right": len(found.right_ids), "both": len(found.pairs)},
        "pairs": [
            {
                "left": int(found.left_ids[mine]),
                "right": int(found.right_ids[its]),
                "changed": words_of(int(found.changed[mine])),
                "gradient_norms": [_plain(found.left_gradient[mine]), _plain(found.right_gradient[its])],
                "gradient_ratio": _quotient(found.right_gradient[its], found.left_gradient[mine]),
                "value_ratio": _quotient(found.right_value[its], found.left_value[mine]),
            }
            for mine, its in found.pairs.tolist()
        ],
        "only_left": found.left_ids[found.only_left].tolist(),
        "only_right": found.right_ids[found.only_right].tolist(),
        "titles": {"left": _titles(left, found.left_ids), "right": _titles(right, found.right_ids)},
    }


def table(found: Comparison, left: Recording, right: Recording) -> str:
    """Counts, then what only one side has and what has changed, then the gradients that are farthest apart."""
    mine, its = _titles(left, found.left_ids), _titles(right, found.right_ids)
    changed = [place for place in found.pairs[:, 0].tolist() if found.changed[place] & _STRUCTURE]
    lines = [
        f"{len(found.pairs):,} nodes on both sides, {len(changed):,} of them changed; "
        f"{len(found.only_left):,} only left, {len(found.only_right):,} only right"
    ]
    rows = [f"only left   {mine[place]}" for place in found.only_left.tolist()]
    rows += [f"only right  {its[place]}" for place in found.only_right.tolist()]
    rows += [f"changed     {mine[p]}: {', '.join(words_of(int(found.changed[p])))}" for p in changed]
    for place in np.flatnonzero(found.spoiled()).tolist():
        rows.append(f"gradient    {mine[place]}: {_norms(found, place)}")
    ratio = found.ratio()
    known = np.flatnonzero(~np.isnan(ratio) & (ratio != 0))
    for place in known[np.lexsort((-np.abs(ratio[known]), np.isinf(ratio[known])))].tolist():
        times = f" (× {10.0 ** ratio[place]:.3g})" if np.isfinite(ratio[place]) else ""
        rows.append(f"gradient    {mine[place]}: {_norms(found, place)}{times}")
    lines += rows[:_MOST_LINES]
    if len(rows) > _MOST_LINES:
        lines.append(f"and {len(rows) - _MOST_LINES:,} more (--json has all)")
    return "\n".join(lines)


def _norms(found: Comparison, place: int) -> str:
    norms = found.left_gradient[place], found.right_gradient[found.right_of[place]]
    return " → ".join("NaN or infinite" if norm == SPOILED else f"{norm:.4g}" for norm in norms)


def words_of(changed: int) -> list[str]:
    """What is different about a pair, by its bits."""
    return [word for bit, word in _WORDS if changed & bit]


def _titles(recording: Recording, ids: Any) -> list[str]:
    if not len(ids):
        return []
    nodes = {node.id: node for node in recording.nodes(recording.node(int(ids[0])).graph)}
    labels = Labels(nodes.values())
    return [labels.title(nodes[node]) for node in ids.tolist()]


def _quotient(number: Any, by: Any) -> float | None:
    return _plain(number / by) if by and math.isfinite(by) else None


def _plain(number: Any) -> float | None:
    return float(number) if math.isfinite(number) else None
