"""Transforms of even and odd lengths, along one dimension and several, normalized in every way."""

from __future__ import annotations

import pytest
import torch

from tests.rules.proving import leaf, prove


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("length", [1, 6, 7])
def test_one_dimension(length: int, norm: str) -> None:
    x = leaf(3, 6, dtype=torch.complex64)
    prove(lambda x: torch.fft.fft(x, length, norm=norm), x, type_="FftC2CBackward0")
    prove(
        lambda x: torch.fft.ifft(x, length, dim=0, norm=norm),
        leaf(3, 6, dtype=torch.complex64),
        type_="FftC2CBackward0",
    )
    prove(lambda x: torch.fft.irfft(x, length, norm=norm), leaf(3, 6, dtype=torch.complex64), type_="FftC2RBackward0")


@pytest.mark.parametrize("shape", [(4, 6), (3, 5, 7), (2, 3, 4, 5)])
def test_several_dimensions(shape: tuple[int, ...]) -> None:
    dims = (-1, 0)
    prove(lambda x: torch.fft.fftn(x, dim=dims), leaf(*shape, dtype=torch.complex64), type_="FftC2CBackward0")
    prove(lambda x: torch.fft.irfftn(x, dim=dims), leaf(*shape, dtype=torch.complex64), type_="FftC2RBackward0")


@pytest.mark.parametrize("length", [1, 4, 7])
def test_of_real_numbers(length: int) -> None:
    for function in (torch.fft.rfft, torch.fft.fft, torch.fft.ihfft):
        prove(lambda x, f=function: f(x, length), leaf(3, 5), type_="FftR2CBackward0")
    prove(lambda x: torch.fft.rfft2(x, dim=(1, 0)), leaf(length, 5), type_="FftR2CBackward0")
