"""Numbers at the ends of their dtype: a proof of a right gradient may be undecided there, but never "wrong"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
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


def test_waves_far_out_are_not_called_wrong_and_are_still_proved_near_by() -> None:
    far = torch.tensor([3.7e5, 1.2e9, 5.5e17, -8.1e30, 19.5, 0.3])
    for dtype in (torch.float32, torch.bfloat16):
        found = proofs([torch.sinc, torch.sin, torch.cos], [far.to(dtype)], torch.tensor(0.7))
        assert not faults(found)
        assert {proof.state for proof in found} == {"proved"}
    assert not faults(proofs([torch.sinc], [torch.tensor([3.0864e-23 + 1.8e-44j, 2e5 + 3e-3j])], torch.tensor(1e-20)))


def test_margins_and_entropies_of_half_precision() -> None:
    """Products that do not fit, and a least denominator that float16 takes for zero."""
    scores = torch.tensor([-9.0, -10.5, -11.5, 12.0, 0.5])
    targets = torch.tensor([120.0, 1.0, 1.0, -1.0, 1.0])
    chances = torch.tensor([0.0, 1.0, 1.0, 0.0, 6e-8, 1 - 2**-11, 0.5, 3e-5])
    classes = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.5, 1.0])
    margin, entropy = torch.nn.functional.soft_margin_loss, torch.nn.functional.binary_cross_entropy
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        found = []
        for loss, leaf, wanted in ((margin, scores, targets), (entropy, chances, classes)):
            each = partial(loss, target=wanted.to(dtype), reduction="none")
            found += proofs([each], [leaf.to(dtype)], torch.tensor(1.0))
        assert not faults(found)
        decided = [proof for proof in found if proof.type == "BinaryCrossEntropyBackward0"]
        assert {proof.state for proof in decided} == {"proved"}


def test_whole_quotients_and_powers_of_half_precision() -> None:
    x, y = torch.tensor([30.0, 1e4, 7.0, -4.1]), torch.tensor([0.7297, 1e-2, 0.1001, 0.3])
    base, power = torch.tensor([-1.1, -1.02, -0.9]), torch.tensor([257.0, 300.0, 3.0])
    for dtype in (torch.float16, torch.bfloat16):
        found = proofs([torch.fmod, torch.remainder], [x.to(dtype), y.to(dtype)], torch.tensor(1.0))
        found += proofs([torch.pow], [base.to(dtype), power.to(dtype)], torch.tensor(1.0))
        assert not faults(found)


def test_what_float64_takes_for_zero_on_the_way() -> None:
    leaves = [torch.tensor([number], dtype=torch.float64) for number in (1e100, 1e-130)]
    assert not faults(proofs([torch.atan2], leaves, torch.tensor(1e150, dtype=torch.float64)))


def test_complex_exponents_turn_and_complex_sums_of_exponentials_are_proved() -> None:
    z, w = torch.tensor([0.3 + 0.4j, -2.0 + 1e5j]), torch.tensor([1.5 - 0.2j, 3.0 + 2e6j])
    found = proofs([torch.ldexp, torch.logaddexp], [z, w], torch.tensor(0.7 + 0.1j))
    assert {proof.state for proof in found} == {"proved"}


OF_ENDS = ("Sinc", "SoftMargin", "BinaryCross", "Ldexp", "Glu")


@pytest.mark.parametrize(
    ("function", "leaf"),
    [
        (torch.sinc, torch.tensor([0.3, 2.2])),
        (lambda a: torch.nn.functional.soft_margin_loss(a, -torch.ones(2)), torch.tensor([0.5, 2.0])),
        (lambda a: torch.nn.functional.binary_cross_entropy(a, torch.ones(2)), torch.tensor([0.5, 0.25])),
        (lambda a: torch.ldexp(a, torch.tensor([1.5 + 2j])), torch.tensor([0.5 + 1j, 2.0])),
        (lambda a: torch.nn.functional.glu(torch.stack([torch.ones(2), a]), 0), torch.tensor([0.5, 2.0])),
    ],
    ids=["sinc", "soft margin", "entropy", "ldexp", "glu"],
)
def test_what_is_moved_in_these_is_wrong(function: Function, leaf: torch.Tensor) -> None:
    """What their bounds have learnt of the ends lets nothing through in the middle."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.chain"
        with record(path, script=__file__):
            function(leaf.clone().requires_grad_()).abs().sum().backward()
        with open_recording(path) as recording:
            graph = GraphValues(recording, recording.graphs[0].id)
            node = next(node for node in graph.nodes if node.type.startswith(OF_ENDS))
            values = graph.values(node)
            event = graph.event_of(node)
            assert values is not None
            assert event is not None
            there = values.recorded(0)
        parts = np.stack([there.real, there.imag], -1) if np.iscomplexobj(there) else there
        first = (0,) * parts.ndim
        disturb(path, event.id, "grad_input", "", 0, first, float(parts[first]) * 1.001)
        with open_recording(path) as recording:
            found = {proof.node: proof.state for proof in verify_graph(recording, recording.graphs[0].id)}
        assert found[node.id] == "wrong"
