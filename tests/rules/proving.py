"""A computation recorded, proved by its rules, and each gradient's terms added up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from engine.arithmetic import Bounded, compare, value_of
from engine.capture.recorder import record
from engine.recording.reader import open_recording
from engine.rules.reading import GraphValues
from engine.rules.registry import find_rule
from engine.rules.terms import break_down
from engine.rules.values import NodeValues
from engine.rules.verify import Proof, check_gradients, verify_node

JOINING = ("CatBackward0", "BlockDiagBackward0")  # where each one's place follows from the shapes of the others
Recorded = list[tuple[GraphValues, Proof, NodeValues]]


@contextmanager
def recorded(function: Callable[..., torch.Tensor], *leaves: torch.Tensor, type_: str) -> Iterator[Recorded]:
    """Each node of `type_` in the backward pass of a random combination of `function(*leaves)`: its proof, and its
    values as plain arrays."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.chain"
        with record(path, script=__file__):
            result = function(*leaves)
            weights = torch.randn(result.shape, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
            (result * weights.to(result.real.dtype)).sum().abs().backward()
        with open_recording(path) as recording:
            graph = GraphValues(recording, recording.graphs[-1].id)
            found = [
                (graph, verify_node(graph, node), values)
                for node in graph.nodes
                if node.type == type_ and (values := graph.values(node, plain=True)) is not None
            ]
            assert found, f"{type_} is not among {sorted({node.type for node in graph.nodes})}"
            yield found


def prove(function: Callable[..., torch.Tensor], *leaves: torch.Tensor, type_: str, tight: float = 1e-3) -> None:
    """Each node of `type_` is proved, within bounds that are small against its gradients (at most `tight` of the
    largest element), and random elements are the sums of their terms."""
    with recorded(function, *leaves, type_=type_) as found:
        for graph, proof, plain in found:
            assert proof.state == "proved", proof
            bounded = graph.values(graph.recording.node(proof.node))
            rule = find_rule(type_)
            assert bounded is not None
            assert rule is not None
            for slot, gradient in rule.vjp(bounded).items():
                if not gradient.size or not np.isfinite(plain.recorded(slot)).all():
                    continue
                scale = np.abs(value_of(gradient)).max()
                errors = gradient.errors if isinstance(gradient, Bounded) else np.zeros(gradient.shape)
                assert np.all(errors <= tight * scale), (slot, errors.max(), scale)
                _disturb(bounded, slot, 10 * tight)
                _add_up(plain, slot)
                if type_ not in JOINING:
                    _alone(graph, bounded, slot)


def _alone(graph: GraphValues, bounded: NodeValues, slot: int) -> None:
    """It is proved the same way where no other input gets a gradient."""
    tensors = {key: tensor for key, tensor in bounded.tensors.items() if key[0] != "grad_input" or key[1] == slot}
    values = NodeValues(bounded.node, tensors, graph.data, graph.describe, edges=(slot,))
    assert [(check.slot, check.comparison.holds) for check in check_gradients(values)] == [(slot, True)]


def _add_up(plain: NodeValues, slot: int) -> None:
    rule = find_rule(plain.type)
    assert rule is not None
    gradient = np.asarray(rule.vjp(plain)[slot])
    for _ in range(3):
        index = tuple(int(at) for at in np.random.default_rng(slot).integers(gradient.shape))
        terms = break_down(rule, plain, slot, index)
        np.testing.assert_allclose(terms.total, gradient[index], rtol=1e-9, atol=1e-9 * np.abs(gradient).max())


def _disturb(bounded: NodeValues, slot: int, by: float) -> None:
    """The largest element that much off, relative to itself, must be noticed."""
    rule = find_rule(bounded.type)
    assert rule is not None
    there = bounded.recorded(slot).astype(np.float64 if bounded.recorded(slot).dtype.kind == "f" else np.complex128)
    index = np.unravel_index(np.argmax(np.abs(there)), there.shape)
    if there[index] == 0:
        return
    there[index] *= 1 + by
    comparison = compare(rule.vjp(bounded)[slot], there, bounded.dtype(slot))
    assert not comparison.holds
    assert comparison.worst == tuple(int(at) for at in index)


def leaf(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    """A leaf of random numbers."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=dtype, generator=generator).requires_grad_()


__all__: Sequence[str] = ["leaf", "prove", "recorded"]
