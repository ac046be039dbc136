"""What is known of a tensor is known of that one alone, as long as it lives."""

from __future__ import annotations

import gc
import weakref

import torch

from engine.capture.known import ByTensor


def test_equal_tensors_are_told_apart() -> None:
    known: ByTensor[str] = ByTensor()
    first, second = torch.ones(2), torch.ones(2)
    known[first] = "first"
    assert known.get(first) == "first"
    assert known.get(second) is None
    known[first] = "again"
    assert known.get(first) == "again"


def test_nothing_is_kept_alive_and_no_later_tensor_taken_for_an_earlier() -> None:
    known: ByTensor[int] = ByTensor()
    numbers = set()
    for number in range(200):
        tensor = torch.ones(3)
        assert known.get(tensor) is None
        known[tensor] = number
        numbers.add(known.get(tensor))
        gone = weakref.ref(tensor)
        del tensor
        gc.collect(0)
        assert gone() is None
    assert numbers == set(range(200))


def test_a_tensor_whose_python_object_went_and_came_back() -> None:
    known: ByTensor[str] = ByTensor()
    layer = torch.nn.Linear(2, 2)
    holder = torch.ones(2, 2, requires_grad=True)
    node = (layer.weight * holder).grad_fn
    assert node is not None
    known[holder] = "holder"
    del holder
    gc.collect()
    back = node.next_functions[1][0].variable  # type: ignore[union-attr]
    assert known.get(back) == "holder"
