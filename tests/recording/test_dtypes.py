"""Bytes as torch stores them, read with NumPy, against torch's own idea of the values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.recording import dtypes

FLOAT8 = [name for name in dtypes.NAMES if name.startswith("float8")]


def raw(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


@pytest.mark.parametrize("name", [name for name in dtypes.NAMES if name not in (*FLOAT8, "complex32")])
def test_values_are_torch_s(name: str) -> None:
    dtype = getattr(torch, name)
    numbers = torch.tensor([0.0, 1.0, 2.0, 3.5, 100.0, 7.0]).reshape(2, 3)
    tensor = numbers.to(dtype)
    array = dtypes.decode(raw(tensor), name, (2, 3))
    expected = tensor.float().numpy() if name == "bfloat16" else tensor.numpy()
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("name", FLOAT8)
def test_all_256_codes_of_an_8_bit_float(name: str) -> None:
    codes = torch.arange(256, dtype=torch.uint8)
    expected = codes.view(getattr(torch, name)).float().numpy()
    np.testing.assert_array_equal(dtypes.decode(raw(codes), name, (256,)), expected)


def test_all_codes_of_bfloat16() -> None:
    codes = torch.arange(2**16, dtype=torch.int32).to(torch.int16)
    expected = codes.view(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(dtypes.decode(raw(codes), "bfloat16", (2**16,)), expected)


def test_complex32() -> None:
    data = np.array([1.5, -2.0, 0.25, 8.0], np.float16).tobytes()
    array = dtypes.decode(data, "complex32", (2,))
    assert array.tolist() == [1.5 - 2j, 0.25 + 8j]


@pytest.mark.parametrize("name", dtypes.NAMES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 1, 2)])
def test_shapes(name: str, shape: tuple[int, ...]) -> None:
    size = dtypes.itemsize(name) * int(np.prod(shape))
    assert dtypes.decode(bytes(size), name, shape).shape == shape
    with pytest.raises(ValueError, match="takes"):
        dtypes.decode(bytes(size + 1), name, shape)


def test_an_unknown_dtype() -> None:
    with pytest.raises(ValueError, match="quint8"):
        dtypes.decode(b"", "quint8", (0,))


def test_names_cover_what_torch_can_differentiate() -> None:
    known = {str(value).removeprefix("torch.") for value in vars(torch).values() if isinstance(value, torch.dtype)}
    assert set(dtypes.NAMES) <= known
    floats = {name for name in known if name.startswith(("float", "bfloat", "complex"))}
    assert floats - set(dtypes.NAMES) <= {"float4_e2m1fn_x2"}
