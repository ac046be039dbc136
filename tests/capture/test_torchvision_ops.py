"""torchvision can be imported beside a torch for which its compiled operators were not built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_torchvision_imports_after_the_remedy() -> None:
    result = _run(
        "from engine.capture import torchvision_ops as ops; ops.install(); ops.install()\n"
        "import torchvision, torch\nprint(torchvision.models.resnet18().fc.out_features)\n"
    )
    assert result.stdout == "1000\n", result.stderr


def test_operators_that_exist_are_left_alone() -> None:
    result = _run(
        "import torch\nlib = torch.library.Library('torchvision', 'DEF')\n"
        "lib.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "lib.define('qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "from engine.capture import torchvision_ops as ops\nops.define_missing()\nprint(len(ops._libraries))\n"
    )
    assert result.stdout == "0\n", result.stderr
