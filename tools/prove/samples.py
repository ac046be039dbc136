"""PyTorch's own samples of every differentiable operator (`op_db`), recorded and proved.

Each sample is run twice, unrecorded and recorded, with the same random state: gradients must be the same to the last
bit. All samples of an operator and a dtype go into one recording, a backward pass each.
"""

from __future__ import annotations

import random
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db

from engine.capture.recorder import record
from engine.recording.reader import Recording, open_recording
from engine.rules.verify import Proof, verify_graph
from tools.prove.outcome import Outcome

DTYPES = {"float32": torch.float32, "float64": torch.float64}
BUDGET = 1 << 34


@cache
def operators() -> dict[str, Any]:
    """The operators that have a gradient on the CPU, by name with the variant ("linalg.norm", "split.list_args")."""
    found = {}
    for operator in op_db:
        if operator.supports_autograd and torch.float32 in operator.supported_backward_dtypes("cpu"):
            found[f"{operator.name}.{operator.variant_test_name}".rstrip(".")] = operator
    return found


def prove_operator(name: str, dtype: str, *, limit: int | None = None) -> Outcome:
    """Record and prove every sample of an operator, or the first `limit`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.chain"
        outcome = record_samples(name, dtype, path, limit=limit)
        with open_recording(path) as recording:
            _prove(recording, outcome)
    return outcome


def record_samples(name: str, dtype: str, path: Path, *, limit: int | None = None) -> Outcome:
    """Run the samples unrecorded, then again with `path` as the recording, and compare the gradients."""
    outcome = Outcome(f"{name} {dtype}")
    samples = list(_samples(operators()[name], DTYPES[dtype]))[:limit]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = [_run(*sample) for sample in samples]
        with record(path, script=__file__, budget=BUDGET):
            recorded = [_run(*sample) for sample in samples]
    for one, other in zip(plain, recorded, strict=True):
        outcome.samples += one is not None
        outcome.skipped += one is None
        outcome.identical &= _identical(one, other)
    if not outcome.identical:
        outcome.faults.append("the gradients of the recorded run differ")
    return outcome


def _prove(recording: Recording, outcome: Outcome) -> None:
    for graph in recording.graphs:
        for proof in verify_graph(recording, graph.id):
            outcome.states.setdefault(proof.type, Counter())[proof.state] += 1
            if proof.state in ("wrong", "no_data", "unknown"):
                outcome.faults.append(_describe(recording, graph.id, proof))
    if recording.notes:
        outcome.faults += [note.text for note in recording.notes]


def _describe(recording: Recording, graph: int, proof: Proof) -> str:
    node = recording.node(proof.node)
    return f"{proof.state}: {proof.type} ({node.operation}, {dict(node.info)}, graph {graph}): {proof.reason}"


def _samples(operator: Any, dtype: torch.dtype) -> Iterator[tuple[Any, Any]]:
    _seed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dtype in operator.supported_backward_dtypes("cpu"):
            for sample in operator.sample_inputs("cpu", dtype, requires_grad=True):
                yield operator, sample


def _seed() -> None:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - the state that op_db draws from
    random.seed(0)


def _run(operator: Any, sample: Any) -> list[torch.Tensor | None] | None:
    """The gradients of a random combination of the operator's results; None if there is none to take."""
    leaves: list[torch.Tensor] = []

    def fresh(tensor: Any) -> Any:
        if not isinstance(tensor, torch.Tensor):  # a dtype, which `transform` also visits
            return tensor
        copy = _clone(tensor.detach()).requires_grad_(tensor.requires_grad)
        if copy.requires_grad:
            leaves.append(copy)
        return copy

    again = sample.transform(fresh)
    _seed()
    result = again.output_process_fn_grad(operator(again.input, *again.args, **again.kwargs))
    total: Any = 0
    for tensor in _tensors(result):
        if tensor.requires_grad and tensor.layout is torch.strided:
            tensor = tensor.to(torch.complex64) if tensor.dtype is torch.complex32 else tensor
            weighted = (tensor * torch.randn_like(tensor.detach())).sum()
            total = total + (torch.view_as_real(weighted).sum() if weighted.is_complex() else weighted)
    if not isinstance(total, torch.Tensor) or not total.requires_grad:
        return None
    total.backward()
    return [leaf.grad for leaf in leaves]


def _tensors(result: Any) -> Iterator[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, Sequence) and not isinstance(result, str):
        for member in result:
            yield from _tensors(member)


def _identical(one: list[torch.Tensor | None] | None, other: list[torch.Tensor | None] | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(
        (a is None and b is None)
        or (a is not None and b is not None and a.layout == b.layout and _same_bits(a.to_dense(), b.to_dense()))
        for a, b in zip(one, other, strict=True)
    )


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and a.numpy(force=True).tobytes() == b.numpy(force=True).tobytes()


def _clone(tensor: torch.Tensor) -> torch.Tensor:
    """A copy with all of the memory that a view looks at, for operators that look further than their view."""
    if tensor.layout is not torch.strided or tensor.is_conj() or tensor.is_neg() or not tensor.numel():
        return tensor.clone()
    memory = torch.empty(0, dtype=tensor.dtype)
    return memory.set_(tensor.untyped_storage().clone(), tensor.storage_offset(), tensor.size(), tensor.stride())
