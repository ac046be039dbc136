"""Every configuration of PyTorch's own list of optimizers, recorded for five steps and proved.

    python -m tools.prove.optimizers [NAME…]

prints a table; `prove_optimizers` returns it.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from engine.capture.recorder import record
from engine.optimizers.verify import UpdateProof, verify_updates
from engine.recording.reader import open_recording

STEPS = 5


@dataclass(frozen=True)
class Configuration:
    """One way to make an optimizer; `implementation` is a flag ("foreach", "fused", …) or "" for the default."""

    optimizer: type[torch.optim.Optimizer]
    description: str
    options: dict[str, Any] = field(hash=False)
    implementation: str = ""
    dtype: torch.dtype = torch.float32
    sparse: bool = False

    @property
    def name(self) -> str:
        extra = [text for text in (self.implementation, "sparse" if self.sparse else "") if text]
        dtype = str(self.dtype).removeprefix("torch.")
        return f"{self.optimizer.__name__} ({', '.join([self.description, *extra, dtype])})"


@dataclass(frozen=True)
class Outcome:
    """How many updates of a configuration were proved, unknown, wrong, or not recorded; and why, if not proved."""

    configuration: Configuration
    counts: Counter[str]
    reasons: tuple[str, ...]


def configurations(names: Sequence[str] = ()) -> Iterator[Configuration]:
    """All of `optim_db` in each implementation that this machine has, in float32 and float64, complex and half too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_optimizers import optim_db
    for info in optim_db:
        if names and info.optim_cls.__name__ not in names:
            continue
        implementations = ["", *(flag for flag in info.supported_impls if flag != "fused" or "cpu" in info.supports_fused_on)]
        for sample in info.optim_inputs_func(device="cpu"):
            for flag in implementations:
                if flag == "foreach" and isinstance(sample.kwargs.get("lr"), torch.Tensor):
                    continue
                for dtype in _dtypes(info, flag):
                    options = dict(sample.kwargs) | ({flag: True} if flag else {})
                    sparse = info.only_supports_sparse_grads
                    yield Configuration(info.optim_cls, sample.desc, options, flag, dtype, sparse)
        if info.supports_sparse:
            for options in ({}, {"lr": 0.1}):
                yield Configuration(info.optim_cls, "default", options, sparse=True)


def _dtypes(info: Any, flag: str) -> list[torch.dtype]:
    found = [torch.float32, torch.float64]
    if info.supports_complex and flag != "fused":
        found.append(torch.complex64)
    if info.optim_cls.__name__ not in ("LBFGS", "SparseAdam"):
        found.append(torch.bfloat16)
    return found


def run(configuration: Configuration, path: Path, steps: int = STEPS) -> None:
    """Record `steps` training steps of a small problem into `path`."""
    torch.manual_seed(0)
    dtype = configuration.dtype
    if configuration.sparse:
        table = torch.nn.Embedding(7, 3, sparse=True, dtype=dtype)
        parameters = [table.weight]
    else:
        parameters = [torch.nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in ((4, 3), (3, 5), (5, 2))]
        if configuration.optimizer is not torch.optim.Muon:
            parameters += [torch.nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in ((2,), ())]
    optimizer = configuration.optimizer(parameters, **configuration.options)

    def loss() -> torch.Tensor:
        if configuration.sparse:
            return table(torch.tensor([1, 2, 2, 5])).tanh().sum() ** 2
        data = torch.linspace(-1, 1, 24, dtype=torch.float32).reshape(6, 4).to(dtype)
        out = torch.tanh(data @ parameters[0]) @ parameters[1] @ parameters[2]
        for parameter in parameters[3:]:
            out = out + parameter
        return (out - 0.5).abs().pow(2).mean()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with record(path, script=__file__):
        for _ in range(steps):
            if configuration.optimizer is torch.optim.LBFGS:
                optimizer.step(closure)
            else:
                closure()
                for parameter in parameters:  # a differentiable step refuses to write to a leaf that requires grad
                    parameter.requires_grad_(configuration.implementation != "differentiable")
                optimizer.step()
                for parameter in parameters:
                    parameter.requires_grad_()


def prove(configuration: Configuration, folder: Path, steps: int = STEPS) -> tuple[UpdateProof, ...]:
    """Record a configuration and prove each of its updates."""
    path = folder / "run.chain"
    path.unlink(missing_ok=True)
    run(configuration, path, steps)
    recording = open_recording(path)
    try:
        return tuple(verify_updates(recording))
    finally:
        recording.close()


def prove_optimizers(names: Sequence[str] = ()) -> list[Outcome]:
    """Prove every configuration (of the optimizers named) and print one line for each, and a total."""
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for configuration in configurations(names):
            proofs = prove(configuration, Path(folder))
            reasons = tuple(sorted({proof.reason for proof in proofs if proof.reason}))
            outcomes.append(Outcome(configuration, Counter(proof.state for proof in proofs), reasons))
            _show(outcomes[-1])
    total: Counter[str] = sum((outcome.counts for outcome in outcomes), Counter())
    whole = sum(set(outcome.counts) == {"proved"} for outcome in outcomes)
    print(f"{whole} of {len(outcomes)} configurations proved; updates: {dict(total)}")
    return outcomes


def _show(outcome: Outcome) -> None:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(outcome.counts.items()))
    print(f"{outcome.configuration.name:<72} {counts}", *(f"\n    {reason}" for reason in outcome.reasons), sep="")


if __name__ == "__main__":
    sys.exit(any(outcome.counts["wrong"] for outcome in prove_optimizers(sys.argv[1:])))
