"""Interpolation to larger, smaller and equal sizes, by size and by factor."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.rules.proving import leaf, prove
from tests.rules.twice import gradient_of

SIZES: list[dict[str, Any]] = [{"size": 11}, {"size": 4}, {"size": 7}, {"size": 14}, {"scale_factor": 1.7}]
NODES = {
    "nearest": ("UpsampleNearest1DBackward0", "UpsampleNearest2DBackward0", "UpsampleNearest3DBackward0"),
    "nearest-exact": (
        "UpsampleNearestExact1DBackward0",
        "UpsampleNearestExact2DBackward0",
        "UpsampleNearestExact3DBackward0",
    ),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mode", NODES)
def test_nearest(mode: str, size: dict[str, Any]) -> None:
    for rank, node in enumerate(NODES[mode], start=1):
        x = leaf(1, 2, *(7, 5, 3)[:rank])
        prove(lambda x: functional.interpolate(x, **size, mode=mode), x, type_=node)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_linear_and_cubic(size: dict[str, Any], corners: bool, dtype: torch.dtype) -> None:
    nodes = [
        ("linear", "UpsampleLinear1DBackward0", 1),
        ("bilinear", "UpsampleBilinear2DBackward0", 2),
        ("bicubic", "UpsampleBicubic2DBackward0", 2),
        ("trilinear", "UpsampleTrilinear3DBackward0", 3),
    ]
    for mode, node, rank in nodes:
        x = leaf(1, 2, *(7, 7, 3)[:rank], dtype=dtype)
        prove(
            lambda x, mode=mode: functional.interpolate(x, **size, mode=mode, align_corners=corners),
            x,
            type_=node,
            tight=0.2 if dtype == torch.bfloat16 else 1e-3,
        )


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("size", [(3, 4), (7, 20), (12, 9)])
def test_smooth(size: tuple[int, int], corners: bool) -> None:
    for mode in ("bilinear", "bicubic"):
        prove(
            lambda x, mode=mode: functional.interpolate(x, size=size, mode=mode, align_corners=corners, antialias=True),
            leaf(2, 3, 12, 10),
            type_=f"Upsample{mode.capitalize()}2DAaBackward0",
        )

    prove(
        lambda x: torch.ops.aten._upsample_lanczos2d_aa(x, size, corners, None, None),
        leaf(2, 3, 12, 10),
        type_="UpsampleLanczos2DAaBackward0",
    )


def test_a_large_image_is_resampled_within_tight_bounds() -> None:
    x = leaf(1, 1, 160, 224)
    prove(
        lambda x: functional.interpolate(x, scale_factor=1.5, mode="bilinear"), x, type_="UpsampleBilinear2DBackward0"
    )


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize(
    ("mode", "name", "size"),
    [
        ("nearest", "Nearest1D", (7,)),
        ("nearest", "Nearest2D", (7, 3)),
        ("nearest", "Nearest3D", (7, 3, 4)),
        ("nearest-exact", "NearestExact1D", (7,)),
        ("nearest-exact", "NearestExact2D", (7, 3)),
        ("nearest-exact", "NearestExact3D", (7, 3, 4)),
        ("linear", "Linear1D", (7,)),
        ("bilinear", "Bilinear2D", (7, 3)),
        ("trilinear", "Trilinear3D", (7, 3, 4)),
        ("bicubic", "Bicubic2D", (7, 3)),
        ("bilinear", "Bilinear2DAa", (3, 2)),
        ("bicubic", "Bicubic2DAa", (3, 2)),
    ],
)
def test_a_gradients_gradient(mode: str, name: str, size: tuple[int, ...], corners: bool) -> None:
    options = {} if "nearest" in mode else {"align_corners": corners}
    once = gradient_of(lambda x: functional.interpolate(x, size, mode=mode, antialias=name.endswith("Aa"), **options))
    x = leaf(2, 2, *(4, 5, 3)[: len(size)])
    prove(once, x, leaf(1, seed=2)[0], type_=f"Upsample{name}BackwardBackward0")
