"""What came of one subject: an operator in one dtype, an optimizer's configuration, a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """`states`: how many proofs came to which state, by type of node or optimizer. `faults`: what is wrong.

    `identical`: whether the gradients were those of a run that was not recorded, to the last bit.
    """

    name: str
    samples: int = 0
    skipped: int = 0
    identical: bool = True
    states: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for the file of results."""
        return vars(self) | {"states": {type_: dict(counts) for type_, counts in self.states.items()}}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Outcome:
        return cls(**(dict(plain) | {"states": {type_: Counter(counts) for type_, counts in plain["states"].items()}}))

    def count(self, state: str) -> int:
        """Proofs that came to `state`, of all types."""
        return sum(counts[state] for counts in self.states.values())
