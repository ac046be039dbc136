"""Follow one element of a gradient to where it came from, along the largest term, up to the loss.

A gradient that entered a node is the sum of what other nodes sent: the walk goes on along the largest contribution. A
gradient that left a node is a sum of terms, each a coefficient times one element that entered: along the largest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.arithmetic.bounded import value_of
from engine.recording.model import Node
from engine.rules.reading import Contribution, GraphValues
from engine.rules.registry import find_rule, without_rule
from engine.rules.terms import Index, break_down
from engine.rules.values import NoDataError, UnsupportedError

Side = Literal["in", "out"]
Ending = Literal["loss", "no_terms", "no_rule", "no_data", "start"]


@dataclass(frozen=True)
class Place:
    """One number on the way: element `index` of a gradient of `node`.

    `side` "in": the gradient that entered for the node's output `slot` (of a parameter: the one that arrived). "out":
    the one that left for input `slot`. `share`: how much of the number before it this one makes up, as a product.
    """

    node: int
    side: Side
    slot: int
    index: Index
    value: complex
    share: complex | None = None


@dataclass(frozen=True)
class Walk:
    """The places from the element to the loss. `ending`: why there are no more; `reason` says it in words.

    "start" means that the walk came to the node that the backward pass began with, if that is not the loss alone.
    """

    places: tuple[Place, ...]
    ending: Ending
    reason: str = ""

    @property
    def nodes(self) -> tuple[int, ...]:
        """The nodes on the way, each once, in order."""
        return tuple(dict.fromkeys(place.node for place in self.places))


def follow(graph: GraphValues, node: Node, side: Side, slot: int, index: Index) -> Walk:
    """Walk from element `index` of a gradient that entered (`side` "in") or left (`side` "out") `node`."""
    places = []
    root = graph.recording.graph(graph.graph).root
    with graph.kept(), np.errstate(all="ignore"):
        try:
            place: Place | None = Place(node.id, side, slot, index, entered(graph, node, side, slot, index))
            while place is not None:
                places.append(place)
                here = graph.recording.node(place.node)
                place = _sender(graph, here, place) if place.side == "in" else _largest_term(graph, here, place)
        except NoDataError as missing:
            return Walk(tuple(places), "no_data", str(missing))
        except UnsupportedError as unsupported:
            return Walk(tuple(places), "no_rule", str(unsupported))
    last = places[-1]
    if last.side == "out":
        return Walk(tuple(places), "no_terms", "nothing that entered makes up this number: it is zero")
    return Walk(tuple(places), "loss" if last.node == root else "start")


def entered(graph: GraphValues, node: Node, side: Side, slot: int, index: Index) -> complex:
    """One element of a recorded gradient. Raises NoDataError, or UnsupportedError if there is no such gradient."""
    event = graph.event_of(node)
    role = "grad_output" if side == "in" and node.kind != "parameter" else "grad_input"
    for value in graph.recording.values(event.id) if event is not None else ():
        if value.role == role and value.slot == slot:
            return _element(graph, value.tensor, index)
    raise UnsupportedError(f"{node.type} has no gradient {slot} on this side")


def sent(graph: GraphValues, node: Node, slot: int, index: Index) -> tuple[tuple[Contribution, complex], ...]:
    """What other nodes sent to one element of a gradient that entered, largest first."""
    found = [(one, _element(graph, one.tensor, index)) for one in graph.contributions(node, slot)]
    return tuple(sorted(found, key=lambda pair: -_size(pair[1])))


def _size(value: complex) -> float:
    """NaN is the largest of all: that is what one wants to follow."""
    size = abs(value)
    return float("inf") if size != size else size


def _sender(graph: GraphValues, node: Node, place: Place) -> Place | None:
    """The same element in the node that sent most of it; None where the pass began."""
    largest = next(iter(sent(graph, node, place.slot, place.index)), None)
    if largest is None:
        return None
    contribution, value = largest
    return Place(contribution.node, "out", contribution.slot, place.index, value, value)


def _largest_term(graph: GraphValues, node: Node, place: Place) -> Place | None:
    """The element that entered and makes up most of one that left; None if there is none."""
    rule, values = find_rule(node.type), graph.values(node, plain=True)
    if rule is None or values is None:
        raise UnsupportedError(without_rule(node.type))
    listed = break_down(rule, values, place.slot, place.index, shown=1).listed
    if not listed:
        return None
    term = listed[0]
    value = value_of(values.grad(term.grad_output))[term.index].item()
    return Place(node.id, "in", term.grad_output, term.index, value, term.value)


def _element(graph: GraphValues, tensor: int, index: Index) -> complex:
    data = graph.data(tensor)
    if data is None:
        raise NoDataError("this gradient was not recorded in full")
    if len(index) != data.ndim or any(not 0 <= at < n for at, n in zip(index, data.shape, strict=True)):
        raise UnsupportedError(f"there is no element {list(index)} in a gradient of shape {tuple(data.shape)}")
    found: complex = data[index].item()
    return found
