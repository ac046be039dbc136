"""What capture does with tensors is seen by nobody, and what was before is there again afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from engine.capture.guard import Quiet


class _Functions(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{func} was seen")


class _Operators(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{func} was seen")


def _excluded() -> int:
    keys: int = torch._C._dispatch_tls_local_exclude_set().raw_repr()
    return keys


def test_no_mode_sees_it_and_no_node_is_made() -> None:
    leaf = torch.ones(3, requires_grad=True)
    number = torch._C._autograd._get_sequence_nr()
    with _Functions(), _Operators(), Quiet():  # type: ignore[no-untyped-call]
        doubled = leaf * 2
        assert doubled.shape == (3,)
    assert not doubled.requires_grad
    assert torch._C._autograd._get_sequence_nr() == number


def test_it_is_what_two_guards_of_torch_are() -> None:
    with torch._C._DisableTorchDispatch(), torch._C._AutoDispatchBelowAutograd():
        both = _excluded()
    with Quiet():
        assert _excluded() == both


def test_all_is_as_before_when_it_ends() -> None:
    before = _excluded()
    with pytest.raises(ZeroDivisionError):
        _fail_quietly()
    assert _excluded() == before
    assert (torch.ones(2, requires_grad=True) * 2).requires_grad


def _fail_quietly() -> None:
    with Quiet():
        outer = _excluded()
        with Quiet():
            pass
        assert _excluded() == outer
        raise ZeroDivisionError
