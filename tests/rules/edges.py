"""Functions at their kinks, poles and beyond, with gradients that are not finite: many in one recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from engine.capture.recorder import record
from engine.recording.reader import open_recording
from engine.rules.verify import Proof, verify_graph

Function = Callable[..., torch.Tensor]
NUMBERS = (-torch.inf, -20.0, -3.0, -1.0, -0.5, -0.0, 0.0, 1e-9, 0.5, 1.0, 2.0, 3.0, 6.0, 20.0, torch.inf, torch.nan)
LONG, SHORT = 64, 7  # elements: at least twice, and fewer than what a processor takes at a time


def proofs(functions: Iterable[Function], leaves: Sequence[torch.Tensor], weights: torch.Tensor) -> list[Proof]:
    """The proof of every node that ran in the backward passes of `function(*leaves) * weights`, one for each."""
    found = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "edges.chain"
        with record(path, script=__file__):
            for function in functions:
                result = function(*(leaf.detach().clone().requires_grad_() for leaf in leaves))
                result.backward(weights.to(result.dtype).expand(result.shape))
        with open_recording(path) as recording:
            for graph in recording.graphs:
                found += list(verify_graph(recording, graph.id))
    return [proof for proof in found if proof.state != "not_run"]


def faults(found: Iterable[Proof]) -> list[str]:
    """What is wrong."""
    return [f"{proof.type}: {proof.reason}" for proof in found if proof.state == "wrong"]


def assert_kinks_hold(
    functions: Sequence[Function],
    types: set[str],
    *,
    arguments: int = 1,
    numbers: Sequence[float] = NUMBERS,
    weights: Sequence[float] = (0.7, torch.nan),
) -> None:
    """Every function at each of `numbers` (of two arguments: at every pair), under each gradient of `weights`.

    Where a tensor's length is no multiple of what a processor takes at a time, torch computes the rest otherwise, which
    NaN can tell: so all of them come in long tensors, and those with NaN in short ones, too.
    """
    points = torch.tensor(numbers)
    grids = torch.meshgrid(*[points] * arguments, indexing="ij")
    odd = torch.stack(grids).isnan().any(dim=0)
    for dtype in (torch.float32, torch.float64):
        long = [grid.to(dtype).reshape(-1).repeat(LONG // grid.numel() + 1) for grid in grids]
        short = zip(*(grid[odd].to(dtype).split(SHORT) for grid in grids), strict=True)
        for weight in weights:
            found = [proof for leaves in (long, *short) for proof in proofs(functions, leaves, torch.tensor(weight))]
            assert not faults(found), "\n".join(faults(found))
            assert types <= {proof.type for proof in found if proof.state in ("proved", "not_differentiable")}
