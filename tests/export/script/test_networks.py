"""Steps of whole networks as programs: they run where only NumPy is, agree with PyTorch, and notice what does not."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import UsageError
from tests.export.script.conftest import Record, Write
from tests.export.script.scripts import CONVOLUTIONS, EVERYTHING, MLP, RESNET, TRANSFORMER, VARIANTS

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "resources" / "examples"


def transformer(training: bool, activation: str) -> str:
    return TRANSFORMER.replace("TRAINING", str(training)).replace("ACTIVATION", repr(activation))


def variant(name: str) -> str:
    return VARIANTS.replace("VARIANT", repr(name))


NETWORKS = {
    "mlp": MLP,
    "convolutions": CONVOLUTIONS,
    "transformer-train": transformer(True, "gelu"),
    "transformer-eval": transformer(False, "relu"),
}


@pytest.mark.parametrize("name", ["bow", "bow_manual"])
@pytest.mark.parametrize("step", [0, 9])
def test_the_bow_fits_on_a_page_and_agrees_in_every_digit(written: Write, name: str, step: int) -> None:
    program = written((EXAMPLES / f"{name}.py").read_text("utf-8"), step)
    code, output = program.run()
    assert code == 0
    assert not program.beside.exists()
    assert len(program.text.splitlines()) <= 80
    assert [line.split()[3] for line in output.splitlines()[1:]] == ["0"] * 5
    for line in ("prediction = mul + b", "grad_w = grad_mul * x", "w_after = w - 0.05 * grad_w"):
        assert f"\n    {line}" in program.text


@pytest.mark.parametrize(
    ("name", "step"),
    [("mlp", 0), ("mlp", 1), ("convolutions", 1), ("transformer-train", 0), ("transformer-eval", 1)],
)
def test_a_network_is_done_by_hand_throughout(written: Write, name: str, step: int) -> None:
    program = written(NETWORKS[name], step)
    code, output = program.run()
    assert code == 0, output
    assert "AS RECORDED" not in program.text + output
    assert output.endswith("compared, 0 out of bounds\n")
    assert len(program.text.splitlines()) < 1500


def test_a_residual_network_is_done_by_hand_throughout(written: Write) -> None:
    from engine.capture import torchvision_ops

    torchvision_ops.install()
    pytest.importorskip("torchvision")
    program = written(RESNET)
    code, output = program.run()
    assert code == 0, output
    assert "AS RECORDED" not in program.text + output
    assert "grad_layer2_0_relu" in program.text


def test_every_template_agrees(written: Write) -> None:
    """The step has a node of every type that there is a template for."""
    from engine.export.script.registry import BACKWARD, FORWARD

    program = written(EVERYTHING, 1)
    code, output = program.run()
    assert code == 0, output
    assert "AS RECORDED" not in program.text + output
    assert FORWARD.keys() == BACKWARD.keys()
    namespace: dict[str, Any] = {"__file__": str(program.path)}
    exec(compile(program.text, str(program.path), "exec"), namespace)
    with np.load(program.beside) as file, np.errstate(all="ignore"):
        numbers = namespace["step"](np.float32, dict(file))
    wide = {name for name, found in numbers.items() if getattr(found, "dtype", None) == np.float64}
    assert wide == set()  # else the measure of rounding is too small
    elsewhere = {  # not made on a CPU, or only by other operators, or by hooks of modules
        "AddBackward1", "BackwardHookFunctionBackward", "AliasBackward0", "AsStridedBackward1",
        "CudnnBatchNormBackward0", "DivBackward1", "LiftFreshBackward0", "MiopenBatchNormBackward0", "PowBackward1",
        "ReshapeAliasBackward0", "SqueezeBackward2", "SubBackward1", "UnsafeSplitBackward0", "UnsafeViewBackward0",
        "ViewAsBackward0", "RsubBackward0",
    }  # fmt: skip
    unseen = {name for name in FORWARD if f"{name}\n" not in program.text and f"{name} " not in program.text}
    assert unseen <= elsewhere | {"SafeSoftmaxBackward0", "TanhBackward0"}


@pytest.mark.parametrize("network", ["mlp", "convolutions", "transformer-train"])
def test_a_gradient_that_is_one_percent_off_is_noticed(written: Write, network: str) -> None:
    program = written(NETWORKS[network], 1)

    def disturb(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        place = np.unravel_index(int(np.argmax(np.abs(array))), array.shape)
        array[place] *= 1.01
        return array

    with np.load(program.beside) as file:
        names = [name for name in file if name.startswith("recorded grad_")]
    for name in names[:: len(names) // 4]:
        program.change(name, disturb)
    code, output = program.run()
    assert code == 1
    wrong = {line.split()[0] for line in output.splitlines() if line.endswith("OUT OF BOUNDS")}
    assert wrong == {name.removeprefix("recorded ") for name in names[:: len(names) // 4]}


@pytest.mark.parametrize(
    ("network", "right", "wrong"),
    [
        ("mlp", "return w - 0.01 * m_hat", "return w - 0.02 * m_hat"),
        ("mlp", "g = g + 0.001 * w", "g = g + 0.0011 * w"),
        ("mlp", "(1 - layer_4 * layer_4)", "(1 - layer_4)"),
        ("convolutions", "grad_normal - through_mean - through_variance", "grad_normal - through_mean"),
        ("convolutions", "np.where(layer_6 <= 0, ", "np.where(layer_6 < 0, "),
        ("transformer-eval", "through_mean = grad_normal.mean", "through_mean = 0 * grad_normal.mean"),
        ("transformer-eval", "query @ key.mT * scale", "query @ key.mT * scale * 1.001"),
    ],
)
def test_a_wrong_formula_is_noticed(written: Write, network: str, right: str, wrong: str) -> None:
    program = written(NETWORKS[network])
    program.replace(right, wrong)
    assert program.run()[0] == 1


def test_a_wrong_learning_rate_is_noticed_in_the_bow(written: Write) -> None:
    program = written((EXAMPLES / "bow.py").read_text("utf-8"))
    program.replace("w - 0.05 * grad_w", "w - 0.1 * grad_w")
    code, output = program.run()
    assert code == 1
    assert [line.split()[0] for line in output.splitlines() if "OUT OF BOUNDS" in line] == ["w_after"]


@pytest.mark.parametrize(
    "name",
    [
        "float64",
        "bfloat16",
        "Adagrad",
        "Adadelta",
        "Adamax",
        "NAdam",
        "RAdam",
        "AdamW",
        "zeros",
        "grad",
        "retained",
        "accumulated",
        "clipped",
    ],
)
def test_variants_of_a_step_are_done_by_hand(written: Write, name: str) -> None:
    program = written(variant(name), 1)
    code, output = program.run()
    assert code == 0, output
    assert "AS RECORDED" not in program.text + output


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("custom", ["backward of TwiceBackward", "forward of TwiceBackward"]),
        ("hook", ["a hook may have changed it"]),
        ("noisy", ["the script changed the gradient"]),
        ("Rprop", ["update of layer_0_weight by Rprop"]),
        ("LBFGS", ["between two backward passes"]),
    ],
)
def test_what_is_not_by_hand_is_said(written: Write, name: str, said: list[str]) -> None:
    program = written(variant(name), 1)
    code, output = program.run()
    assert code == 0, output
    assert "NOT ALL IS BY HAND" in program.text
    for words in said:
        assert any(line.startswith("AS RECORDED, not by hand: ") and words in line for line in output.splitlines())


def test_a_recording_without_elements_is_refused(recorded: Record, tmp_path: Path) -> None:
    from engine.export.script import write
    from engine.recording.reader import open_recording

    with (
        open_recording(recorded(MLP, "stats")) as recording,
        pytest.raises(UsageError, match=r"--tensors stats.*--tensors full"),
    ):
        write(recording, 0, tmp_path / "step.py")
    assert not (tmp_path / "step.py").exists()


def test_a_step_without_a_backward_pass_is_refused(recorded: Record, tmp_path: Path) -> None:
    from engine.export.script import write
    from engine.recording.reader import open_recording

    with open_recording(recorded(MLP)) as recording, pytest.raises(UsageError, match="step 7 has no backward pass"):
        write(recording, 7, tmp_path / "step.py")


@pytest.mark.parametrize("name", [*NETWORKS, "bow"])
def test_programs_are_tidy(written: Write, name: str) -> None:
    program = written(NETWORKS.get(name) or (EXAMPLES / "bow.py").read_text("utf-8"), 1)
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]
    for command in ([*ruff, "check", *settings, "--ignore", "T201"], [*ruff, "format", "--check", *settings]):
        done = subprocess.run([*command, str(program.path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_bow_that_misses_for_ever_is_compared_too(written: Write) -> None:
    """With a learning rate that is far too large the numbers become infinite, and then not numbers."""
    text = (EXAMPLES / "bow.py").read_text("utf-8").replace("lr=0.05", "lr=1e6").replace("range(10)", "range(12)")
    for step in (3, 11):
        code, output = written(text, step).run()
        assert code == 0, output


def test_a_program_is_not_there_without_its_numbers(
    written: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for writer, name in ((np, "savez"), (Path, "write_bytes")):
        with monkeypatch.context() as patch:
            patch.setattr(writer, name, full)
            with pytest.raises(UsageError, match=r"Cannot write .*step.*No space"):
                written(MLP)
        assert list(tmp_path.iterdir()) == []
