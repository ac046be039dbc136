"""Numbers at the ends of their dtype: a proof of a right gradient may be undecided there, but never "wrong"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.capture.recorder import record
from engine.recording.reader import open_recording
from engine.rules.reading import GraphValues
from engine.rules.verify import verify_graph
from tests.optimizers.tamper import disturb
from tests.rules.edges import faults, proofs

Function = Callable[..., torch.Tensor]
OF_COMPLEX: tuple[Function, ...] = (
    torch.abs,
    torch.sgn,
    torch.angle,
    *(lambda z, p=p: torch.linalg.vector_norm(z, p) for p in (1, 2, 3, torch.inf)),
)
ENDS = (3e38 + 3e38j, 3e38 + 1e30j, 3e19 + 1e19j, 1e-20 + 1e-30j, 1e-40 + 1e-41j, 1e-45 + 1e-45j, 1e-45 + 0j)
OF_TWO: tuple[Function, ...] = (
    torch.mul, torch.div, torch.hypot, torch.atan2, torch.pow, torch.dist, torch.logaddexp, torch.matmul,
    lambda a, b: torch.addcdiv(a, a, b),
    lambda a, b: torch.nn.functional.cosine_similarity(a, b, dim=0),
    lambda a, b: (a * b).cumprod(0),
    lambda a, b: a.prod() * b,
)  # fmt: skip
OF_ONE: tuple[Function, ...] = (
    torch.abs, torch.square, torch.sqrt, torch.rsqrt, torch.reciprocal, torch.exp, torch.log, torch.tanh, torch.atan,
    torch.asinh, torch.var, torch.std, torch.norm, torch.digamma, torch.lgamma, torch.i0,
)  # fmt: skip
DTYPES = {torch.float32: (-45, 38), torch.float64: (-320, 308), torch.bfloat16: (-40, 38), torch.float16: (-7, 4)}


@pytest.mark.parametrize("many", [1, 16])  # few numbers are computed one by one, many with vector instructions
@pytest.mark.parametrize("z", ENDS)
def test_the_absolute_value_of_a_complex_number_that_fits_need_not_fit(z: complex, many: int) -> None:
    leaf = torch.full((many,), z, dtype=torch.complex64)
    found = proofs(OF_COMPLEX, [leaf], torch.tensor(1.0))
    assert not faults(found)
    assert all(proof.state == "proved" for proof in found) or abs(z) < 1e-19


def test_a_direction_to_infinity_is_proved_to_be_zero() -> None:
    found = proofs([torch.abs], [torch.tensor([3e38 + 3e38j])], torch.tensor(1.0))
    assert [proof.state for proof in found if proof.type == "AbsBackward0"] == ["proved"]


def drawn(seed: int, dtype: torch.dtype, many: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    low, high = DTYPES[dtype]
    powers = torch.rand(many, generator=generator, dtype=torch.float64) * (high - low) + low
    signs = torch.randn(many, generator=generator, dtype=torch.float64).sign()
    return (signs * 10**powers).to(dtype)


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from(sorted(DTYPES, key=str)))
def test_numbers_of_all_sizes_are_never_called_wrong(seed: int, dtype: torch.dtype) -> None:
    one, other, weight = (drawn(seed + shift, dtype, 24) for shift in range(3))
    assert not faults(proofs(OF_TWO, [one, other], weight.sum() if dtype is torch.float64 else weight[0]))
    half = dtype in (torch.float16, torch.bfloat16)
    assert not faults(proofs(OF_ONE[:13] if half else OF_ONE, [one], weight[0]))


@pytest.mark.parametrize("numbers", [(1e-30, 1e30), (1.0, 2.0)], ids=["far apart", "ordinary"])
def test_what_is_moved_is_wrong_all_the_same(numbers: tuple[float, float]) -> None:
    def program() -> None:
        leaf = torch.tensor(numbers, requires_grad=True)
        (leaf * 3.0).sum().backward()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.chain"
        with record(path, script=__file__):
            program()
        node, event = _multiplication(path)
        disturb(path, event, "grad_input", "", 0, (1,), 3.1)
        with open_recording(path) as recording:
            found = {proof.node: proof for proof in verify_graph(recording, recording.graphs[0].id)}
        assert found[node].state == "wrong", found[node]


def _multiplication(path: Path) -> tuple[int, int]:
    with open_recording(path) as recording:
        graph = GraphValues(recording, recording.graphs[0].id)
        node = next(node for node in graph.nodes if node.type == "MulBackward0")
        event = graph.event_of(node)
        assert event is not None
        return node.id, event.id
