"""Every configuration of PyTorch's own list of optimizers, recorded for five steps and proved.

    python -m tools.prove optimizers [--only NAME…]

runs them all; `prove_optimizers(names)` does the same in this process, and returns what came of each.
"""

from __future__ import annotations

import functools
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from engine.capture.recorder import record
from engine.optimizers.verify import UpdateProof, verify_updates
from engine.recording.reader import open_recording
from tools.prove.outcome import Outcome

STEPS = 5
_MOST_FAULTS = 5


@dataclass(frozen=True)
class Configuration:
    """One way to make an optimizer; `implementation` is a flag ("foreach", "fused", …) or "" for the default."""

    optimizer: Any  # the class
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


def configurations() -> list[str]:
    """The names of all."""
    return list(_table())


@functools.cache
def _table() -> Mapping[str, Configuration]:
    return {found.name: found for found in _configurations()}


def _configurations() -> Iterator[Configuration]:
    """All of `optim_db` in each implementation that this machine has, in float32 and float64, complex and bfloat16."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_optimizers import optim_db
    for info in optim_db:
        flags = [flag for flag in info.supported_impls if flag != "fused" or "cpu" in info.supports_fused_on]
        for sample in info.optim_inputs_func(device="cpu"):
            for flag in ("", *flags):
                if flag == "foreach" and isinstance(sample.kwargs.get("lr"), torch.Tensor):
                    continue
                for dtype in _dtypes(info, flag):
                    options = dict(sample.kwargs) | ({flag: True} if flag else {})
                    sparse = info.only_supports_sparse_grads
                    yield Configuration(info.optim_cls, sample.desc, options, flag, dtype, sparse)
        if info.supports_sparse:
            for description, options in (("default", {}), ("non-default lr", {"lr": 0.1})):
                yield Configuration(info.optim_cls, description, options, sparse=True)


def _dtypes(info: Any, flag: str) -> list[torch.dtype]:
    found = [torch.float32, torch.float64]
    if info.supports_complex and flag != "fused":
        found.append(torch.complex64)
    if info.optim_cls.__name__ not in ("LBFGS", "SparseAdam"):
        found.append(torch.bfloat16)
    return found


def run(configuration: Configuration, path: Path | None, steps: int = STEPS) -> list[torch.Tensor]:
    """Train a small problem for `steps` steps, recorded into `path` if there is one. Returns the parameters."""
    torch.manual_seed(0)
    parameters, loss = _sparse_problem(configuration) if configuration.sparse else _dense_problem(configuration)
    optimizer = configuration.optimizer(parameters, **configuration.options)

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    with record(path, script=__file__) if path else nullcontext():
        for _ in range(steps):
            if configuration.optimizer is torch.optim.LBFGS:
                optimizer.step(closure)
                continue
            closure()
            for parameter in parameters:  # a differentiable step refuses to write to a leaf that requires grad
                parameter.requires_grad_(configuration.implementation != "differentiable")
            optimizer.step()
            for parameter in parameters:
                parameter.requires_grad_()
    return [parameter.detach() for parameter in parameters]


def _sparse_problem(configuration: Configuration) -> tuple[list[torch.nn.Parameter], Any]:
    table = torch.nn.Embedding(7, 3, sparse=True, dtype=configuration.dtype)
    weight = torch.nn.Parameter(table.weight.detach())
    table.weight = weight
    return [weight], lambda: table(torch.tensor([1, 2, 2, 5])).tanh().sum() ** 2


def _dense_problem(configuration: Configuration) -> tuple[list[torch.nn.Parameter], Any]:
    dtype = configuration.dtype
    shapes: list[tuple[int, ...]] = [(4, 3), (3, 5), (5, 2)]
    if configuration.optimizer is not torch.optim.Muon:
        shapes += [(2,), ()]
    parameters = [torch.nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in shapes]
    data = torch.linspace(-1, 1, 24, dtype=torch.float32).reshape(6, 4).to(dtype)

    def loss() -> Any:
        out = torch.tanh(data @ parameters[0]) @ parameters[1] @ parameters[2]
        for parameter in parameters[3:]:
            out = out + parameter
        return (out - 0.5).abs().pow(2).mean()

    return parameters, loss


def prove(name: str, path: Path, steps: int = STEPS) -> tuple[UpdateProof, ...]:
    """Record the configuration of that name into `path` and prove each of its updates."""
    run(_table()[name], path, steps)
    recording = open_recording(path)
    try:
        return tuple(verify_updates(recording))
    finally:
        recording.close()


def prove_configuration(name: str) -> Outcome:
    """What came of one configuration; its parameters are compared with those of a run that is not recorded."""
    outcome = Outcome(name, samples=1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "run.chain"
        proofs = prove(name, path)
        path.unlink()
        pairs = zip(run(_table()[name], path), run(_table()[name], None), strict=True)
        outcome.identical = all(torch.equal(recorded, plain) for recorded, plain in pairs)
    outcome.states = {_table()[name].optimizer.__name__: Counter(proof.state for proof in proofs)}
    outcome.faults = sorted({f"{proof.state}: {proof.reason}" for proof in proofs if proof.reason})[:_MOST_FAULTS]
    if not outcome.identical:
        outcome.faults.append("wrong: the parameters are not those of a run that is not recorded")
    return outcome


def prove_optimizers(names: Sequence[str] = ()) -> list[Outcome]:
    """Prove every configuration whose name begins with one of `names` (all by default), and print a line for each."""
    outcomes = []
    for name in configurations():
        if not names or name.startswith(tuple(names)):
            outcomes.append(prove_configuration(name))
            print(f"{name:<72} {dict(*outcomes[-1].states.values())}", *outcomes[-1].faults, sep="\n    ")
    return outcomes
