"""Small training programs: each returns everything that recording must not change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from engine.capture import torchvision_ops


def _state(parameters: Any, optimizer: torch.optim.Optimizer | None, module: nn.Module | None) -> list[Any]:
    """Parameters, gradients, buffers, optimizer state and the random state, as bytes."""
    found: list[Any] = []
    for tensor in parameters:
        found.append(_bytes(tensor))
        found.append(None if tensor.grad is None else _bytes(tensor.grad))
    if module is not None:
        found += [_bytes(buffer) for buffer in module.buffers()]
    if optimizer is not None:
        for state in optimizer.state.values():
            found += [_bytes(value) if isinstance(value, torch.Tensor) else value for value in state.values()]
    found.append(_bytes(torch.get_rng_state()))
    return found


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def bow(steps: int) -> list[Any]:
    x, y = torch.tensor(2.0), torch.tensor(5.0)
    w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=0.05)
    for _ in range(steps):
        loss = (w * x + b - y) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sys.stdout.write(f"{loss.item()}\n")
    return _state([w, b], optimizer, None)


def resnet18(steps: int) -> list[Any]:
    torchvision_ops.install()
    from torchvision.models import resnet18 as make

    torch.manual_seed(0)
    model = make(weights=None)
    data, labels = torch.rand(1, 3, 64, 64), torch.rand(1, 1000)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
    for _ in range(steps):
        loss = (model(data) - labels).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sys.stdout.write(f"{loss.item()}\n")
    return _state(model.parameters(), optimizer, model)


def dropout_mlp(steps: int) -> list[Any]:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(torch.randn(5, 8)), torch.randint(3, (5,)))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        sys.stdout.write(f"{loss.item()}\n")
    return _state(model.parameters(), optimizer, model)


class Twice(torch.autograd.Function):
    """A custom function with a saved tensor and an attribute."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, factor: float) -> torch.Tensor:
        ctx.save_for_backward(value)
        ctx.factor = factor
        return value * value * factor

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (value,) = ctx.saved_tensors
        return grads[0] * 2 * ctx.factor * value, None


class Tangled(nn.Module):
    """In-place operations, a GRU, a shared weight, a custom function."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, 6, batch_first=True)
        self.shared = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(6)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        hidden = self.gru(data)[0][:, -1]
        hidden = nn.functional.relu_(self.shared(hidden))
        hidden = self.shared(hidden)
        hidden = hidden.mul_(torch.sigmoid(hidden))
        return Twice.apply(self.norm(hidden), 0.5)  # type: ignore[no-any-return,no-untyped-call]


def tangled(steps: int) -> list[Any]:
    torch.manual_seed(2)
    model = Tangled()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.5)
    for step in range(steps):
        loss = model(torch.randn(3, 5, 4)).pow(2).mean()
        loss.backward()
        if step % 2:
            optimizer.step()
            optimizer.zero_grad()
        sys.stdout.write(f"{loss.item()}\n")
    return _state(model.parameters(), optimizer, model)


def formulas(steps: int) -> list[Any]:
    """Formulas that torch computes in another way while a dispatch mode is active; in checkpoints and hooks, too."""
    torch.manual_seed(3)
    w = torch.randn(6, 5, requires_grad=True)
    factor = torch.rand(6, 5, requires_grad=True)

    def by_hand(leaf: torch.Tensor) -> None:
        with torch.no_grad():
            leaf -= 0.01 * leaf.grad  # type: ignore[operator]

    def product(value: torch.Tensor) -> torch.Tensor:
        return (value.cos() * factor).prod(1).masked_fill(torch.rand(6) > 0.5, 0.1)

    w.register_post_accumulate_grad_hook(by_hand)
    factor.register_hook(lambda gradient: gradient.masked_fill(gradient > 1.0, 1.0))
    for step in range(steps):
        value = product(w) if step % 3 == 2 else checkpoint(product, w, use_reentrant=step % 3 == 0)
        loss = value.sum()
        (loss + w.prod(0).sum() + torch.where(w > 0, w, 0.0).cumprod(0).sum()).backward()
        sys.stdout.write(f"{loss.item()}\n")
    return _state([w, factor], None, None)


def offloaded(steps: int) -> list[Any]:
    """Hooks keep what is saved, and tell of each call; checkpoints of both kinds between."""
    torch.manual_seed(4)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True), nn.Dropout(0.2), nn.Linear(6, 4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        sys.stdout.write(f"pack {tuple(tensor.shape)}\n")
        return tensor.double() if tensor.is_floating_point() else tensor

    def unpack(tensor: torch.Tensor) -> torch.Tensor:
        sys.stdout.write(f"unpack {tuple(tensor.shape)}\n")
        return tensor.float() if tensor.is_floating_point() else tensor

    for _ in range(steps):
        x = torch.randn(5, 4, requires_grad=True)
        with torch.autograd.graph.save_on_cpu():
            hidden = checkpoint(model, x, use_reentrant=True) + checkpoint(model, x, use_reentrant=False)
        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            loss = model(hidden).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sys.stdout.write(f"{loss.item()}\n")
    return _state(model.parameters(), optimizer, model)


PROGRAMS: tuple[Callable[[int], list[Any]], ...] = (bow, resnet18, dropout_mlp, tangled, formulas, offloaded)
