"""A comparison of two backward passes, packed into what the desk can send."""

from __future__ import annotations

from dataclasses import fields

from engine.desk.columns import packed, unpacked
from engine.graph.compare import Comparison


def pack(comparison: Comparison) -> tuple[object, ...]:
    return tuple(packed(getattr(comparison, field.name)) for field in fields(Comparison))


def unpack(sent: tuple[object, ...]) -> Comparison:
    """Back from `pack`. Raises ValueError for anything else."""
    try:
        return Comparison(*(unpacked(column) for column in sent))  # type: ignore[arg-type]
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a comparison: {error}") from error
