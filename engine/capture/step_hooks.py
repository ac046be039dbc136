"""One pair of hooks round every optimizer's step, for all recordings that run.

torch goes through its hooks one after the other while they work. If a recording in another thread added its own then,
or took it away, the script's step would end with "OrderedDict mutated during iteration".
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook


class Watcher(Protocol):
    def before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any: ...
    def after_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None: ...


_watchers: list[Watcher] = []
_handles: list[Any] = []
_lock = threading.Lock()


def add(watcher: Watcher) -> None:
    """Tell `watcher` of every step from now on, after those that came before it."""
    with _lock:
        _watchers.append(watcher)
        if not _handles:
            _handles.append(register_optimizer_step_pre_hook(_before))
            _handles.append(register_optimizer_step_post_hook(_after))


def remove(watcher: Watcher) -> None:
    with _lock:
        if watcher in _watchers:
            _watchers.remove(watcher)
        if not _watchers:
            while _handles:
                _handles.pop().remove()


def _before(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
    changed = None
    for watcher in tuple(_watchers):
        found = watcher.before_step(optimizer, args, kwargs)
        if found is not None:
            changed = args, kwargs = found
    return changed


def _after(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
    for watcher in tuple(_watchers):
        watcher.after_step(optimizer, args, kwargs)
