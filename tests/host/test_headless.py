from __future__ import annotations

from pathlib import Path

import pytest

from engine.host import headless

SCRIPT = """
import torch
w = torch.ones(200, 200, requires_grad=True)
(w * w).sum().backward()
"""


@pytest.mark.parametrize("large", [1, 1 << 30])
def test_what_takes_a_while_at_the_end_is_told(large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "LARGE", large)
    script, output, told = tmp_path / "train.py", tmp_path / "run.chain", []
    script.write_text(SCRIPT)
    code = headless.record(
        script, (), output, steps=None, tensors="full", budget=1 << 20, progress=lambda line: told.append(line)
    )
    assert code == 0
    assert told[:-1] == ([f"putting 1 MiB of large tensors into {output}"] if large == 1 else [])
    assert told[-1].endswith(f"1 training step in {output}")
    assert sorted(path.name for path in tmp_path.glob("run*")) == ["run.chain"]
