"""“Load model…”: the script that is written, the list, the dialog."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from gui import dialogs, theme
from gui.load_model import models
from gui.load_model.dialog import LoadModelDialog
from gui.load_model.models import ModelList
from gui.load_model.options import LEARNING_RATES, ModelOptions, size_rule, smallest_size
from gui.load_model.script import LOSSES, OPTIMIZERS, generate
from gui.window import MainWindow

NAMES = ["alexnet", "densenet121", "googlenet", "inception_v3", "resnet18", "resnet50", "vgg11_bn", "vit_b_16"]

choices = st.builds(
    ModelOptions,
    model=st.sampled_from(NAMES),
    size=st.integers(32, 512),
    batch=st.integers(1, 8),
    loss=st.sampled_from(sorted(LOSSES)),
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    learning_rate=st.sampled_from([0.1, 1e-3, 2.5e-7]),
    weights=st.sampled_from(["random", "pretrained", "file"]),
    seed=st.integers(0, 2**31 - 1),
    file=st.just(Path('/home/it\'s "here"\\w.pth')),
    steps=st.integers(1, 100),
)


# --- script ----------------------------------------------------------------------------------------------------------


@given(choices)
def test_every_choice_gives_python(options: ModelOptions) -> None:
    text = generate(options)
    tree = ast.parse(text)
    assert max(map(len, text.splitlines())) <= 120
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {f"torchvision.models.{options.model}", "loss.backward", "optim.step", "optim.zero_grad"} <= calls


def test_the_default_is_what_the_mission_says() -> None:
    text = generate(ModelOptions("resnet18"))
    for line in (
        "model = torchvision.models.resnet18(weights=None)",
        "images = torch.rand(1, 3, 64, 64)",
        "labels = torch.rand(1, 1000)",
        "optim = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)",
        "    loss = (prediction - labels).sum()",
    ):
        assert line in text.splitlines()


def test_auxiliary_outputs_are_part_of_the_loss() -> None:
    inception = generate(ModelOptions("inception_v3", size=299, batch=2))
    assert "0.4 * (outputs.aux_logits - labels).sum()" in inception
    googlenet = generate(ModelOptions("googlenet", loss="mse"))
    assert googlenet.count("outputs.aux_logits") == 2
    assert "outputs" not in generate(ModelOptions("googlenet", weights="pretrained"))


def test_models_that_must_know_the_size_are_told_it() -> None:
    assert "image_size=64" in generate(ModelOptions("vit_b_16", size=64))
    assert "image_size" not in generate(ModelOptions("vit_b_16", size=224, weights="pretrained"))
    assert "input_size=(224, 224)" in generate(ModelOptions("maxvit_t", size=224))


def test_weights_that_are_not_there_end_the_script_with_a_reason() -> None:
    for weights in ("pretrained", "file"):
        text = generate(ModelOptions("resnet18", weights=weights, file=Path("/w.pth")))
        assert "sys.exit(" in text
        assert "import sys" in text


@given(st.sampled_from(NAMES), st.integers(1, 1000), st.integers(1, 4))
def test_sizes_are_rounded_up_to_what_the_model_takes(model: str, size: int, batch: int) -> None:
    rule = size_rule(model)
    nearest = rule.nearest(size)
    assert nearest >= max(size, rule.minimum)
    assert nearest % rule.multiple == 0
    assert nearest - size < rule.multiple or nearest == rule.nearest(rule.minimum)
    assert rule.default >= smallest_size(model, max(batch, rule.minimum_batch))


# --- list ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def model_list(qapp: QApplication) -> Iterator[ModelList]:
    made = ModelList()
    yield made
    made.cancel()


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A torchvision of a version of its own, and a Python that prints what is in the file that comes back."""
    said = tmp_path / "said.txt"
    said.write_text(json.dumps(NAMES), encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable} -S\nimport sys\nsys.stdout.write(open({str(said)!r}).read())\n", "utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(models, "python_command", lambda: str(python))
    monkeypatch.setattr(models, "installed_version", lambda: "0.0")
    monkeypatch.setattr(models, "cache_folder", lambda name: tmp_path)
    return said


def test_the_models_are_asked_for_once(model_list: ModelList, torchvision: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(model_list.found) as found:
        model_list.ask()
    assert found.args == [NAMES]
    torchvision.write_text("no longer asked", encoding="utf-8")
    with qtbot.waitSignal(model_list.found) as found:
        model_list.ask()
    assert found.args == [NAMES]


@pytest.mark.parametrize("answer", ["", "Traceback …", "{}", '["a b", 3]'])
def test_an_answer_that_is_no_list_is_told(model_list: ModelList, torchvision: Path, qtbot: QtBot, answer: str) -> None:
    torchvision.write_text(answer, encoding="utf-8")
    with qtbot.waitSignal(model_list.failed) as failed:
        model_list.ask()
    assert "cannot be listed" in failed.args[0]


def test_without_torchvision_the_way_to_it_is_told(
    model_list: ModelList, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "installed_version", lambda: None)
    with qtbot.waitSignal(model_list.failed) as failed:
        model_list.ask()
    assert "pip install torchvision" in failed.args[0]


# --- dialog ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def dialog(model_list: ModelList, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> LoadModelDialog:
    monkeypatch.setattr(ModelList, "ask", lambda self: self.found.emit(NAMES))
    made = LoadModelDialog(model_list)
    qtbot.addWidget(made)
    made.show()
    return made


def _choose(dialog: LoadModelDialog, model: str) -> None:
    item = dialog.list.findItems(model, Qt.MatchFlag.MatchExactly)[0]
    dialog.list.setCurrentItem(item)


def test_resnet18_is_chosen_first(dialog: LoadModelDialog) -> None:
    assert dialog.options() == ModelOptions("resnet18")
    assert dialog.run_button.isEnabled()


def test_all_fields_are_equally_high(dialog: LoadModelDialog, qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    dialog.show()
    fields = (dialog.image_size, dialog.batch, dialog.loss, dialog.learning_rate, dialog.seed, dialog.steps)
    assert {field.height() for field in fields} == {theme.CONTROL_HEIGHT}


def test_searching_leaves_what_fits(dialog: LoadModelDialog, qtbot: QtBot) -> None:
    QTest.keyClicks(dialog.search, "vgg bn")
    assert dialog.model == "vgg11_bn"
    dialog.search.setText("no such model")
    assert dialog.model == ""
    assert not dialog.run_button.isEnabled()
    dialog.search.setText("resnet")
    QTest.keyClick(dialog.search, Qt.Key.Key_Down)
    assert dialog.model == "resnet50"


def test_enter_in_the_search_runs_the_model(dialog: LoadModelDialog, qtbot: QtBot) -> None:
    dialog.search.setText("vgg")
    with qtbot.waitSignal(dialog.chosen) as chosen:
        QTest.keyClick(dialog.search, Qt.Key.Key_Return)
    assert chosen.args is not None
    assert chosen.args[0].model == "vgg11_bn"
    assert not dialog.isVisible()


def test_the_model_sets_size_and_batch(dialog: LoadModelDialog) -> None:
    _choose(dialog, "inception_v3")
    options = dialog.options()
    assert (options.size, options.batch) == (299, 2)
    assert "at least 2 images" in _hint(dialog)
    _choose(dialog, "vit_b_16")
    dialog.image_size.setValue(70)
    dialog.image_size.editingFinished.emit()
    assert dialog.options().size == 80


def test_pretrained_weights_fix_the_size(dialog: LoadModelDialog) -> None:
    _choose(dialog, "vit_b_16")
    dialog.weights.setCurrentIndex(dialog.weights.findData("pretrained"))
    assert dialog.options().size == 224
    assert not dialog.image_size.isEnabled()


def test_the_optimizer_brings_its_learning_rate(dialog: LoadModelDialog) -> None:
    for name, rate in LEARNING_RATES.items():
        dialog.optimizer.setCurrentIndex(dialog.optimizer.findData(name))
        assert dialog.options() == replace(ModelOptions("resnet18"), optimizer=name, learning_rate=rate)


@pytest.mark.parametrize("text", ["", "zero", "-1", "0", "nan", "inf"])
def test_a_learning_rate_must_be_a_number(dialog: LoadModelDialog, text: str) -> None:
    dialog.learning_rate.setText(text)
    assert not dialog.run_button.isEnabled()
    assert "0.01" in _hint(dialog)


def test_a_state_dict_must_be_a_file(dialog: LoadModelDialog, tmp_path: Path) -> None:
    dialog.weights.setCurrentIndex(dialog.weights.findData("file"))
    assert not dialog.run_button.isEnabled()
    assert "Choose a file" in _hint(dialog)
    for path, said in ((tmp_path / "gone.pth", "does not exist"), (tmp_path, "is a folder")):
        dialog.file.setText(str(path))
        assert not dialog.run_button.isEnabled()
        assert _hint(dialog) == f"{path} {said}."
    weights = tmp_path / "weights.pth"
    weights.touch()
    dialog.file.setText(str(weights))
    assert dialog.run_button.isEnabled()
    assert dialog.options().file == weights
    assert dialog.file.toolTip() == str(weights)


@pytest.mark.parametrize("typed", ["~/weights.pth", "weights.pth"])
def test_a_state_dict_may_be_named_as_in_a_shell(
    dialog: LoadModelDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    (tmp_path / "weights.pth").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    dialog.weights.setCurrentIndex(dialog.weights.findData("file"))
    dialog.file.setText(typed)
    assert dialog.run_button.isEnabled()
    assert dialog.options().file == tmp_path / "weights.pth"


def test_run_gives_the_choices(dialog: LoadModelDialog, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dialog.chosen) as chosen:
        QTest.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    assert chosen.args == [ModelOptions("resnet18")]
    assert not dialog.isVisible()


@pytest.mark.parametrize(
    ("model", "typed", "taken"), [("alexnet", "32", 63), ("resnet18", "0", 33), ("vit_b_16", "30", 32)]
)
def test_a_size_that_is_too_small_becomes_the_smallest(
    dialog: LoadModelDialog, model: str, typed: str, taken: int
) -> None:
    _choose(dialog, model)
    dialog.image_size.setFocus()
    line = dialog.image_size.lineEdit()
    line.selectAll()
    QTest.keyClicks(line, typed)
    QTest.keyClick(line, Qt.Key.Key_Tab)
    assert dialog.image_size.value() == taken


def test_a_long_path_does_not_make_the_dialog_wider(dialog: LoadModelDialog, qtbot: QtBot) -> None:
    width = dialog.width()
    dialog.weights.setCurrentIndex(dialog.weights.findData("file"))
    dialog.file.setText("/" + "a_long_name_" * 20 + ".pt")
    qtbot.wait(1)
    assert "does not exist" in _hint(dialog)
    assert dialog.width() == width


# --- in the window ---------------------------------------------------------------------------------------------------


@pytest.fixture
def started(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the scripts that were run."""
    texts: list[str] = []
    monkeypatch.setattr(window.runs, "start", lambda script, *_: texts.append(script.read_text("utf-8")))
    return texts


def test_an_edited_script_is_not_written_over_by_a_new_one(
    window: MainWindow, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ModelOptions("alexnet"), ModelOptions("alexnet", batch=2)
    window.commands.run_model(first)
    mine = window.source.script
    assert mine is not None
    window.source.editor.insertPlainText("# mine\n")
    monkeypatch.setattr(dialogs, "ask_to_save", lambda *_: "cancel")
    window.commands.run_model(second)
    assert started == [generate(first)]
    assert mine.read_text("utf-8") == generate(first)
    monkeypatch.setattr(dialogs, "ask_to_save", lambda *_: "save")
    window.commands.run_model(second)
    assert started[1:] == [generate(second)]
    assert mine.read_text("utf-8").startswith("# mine\n")
    window.commands.run_model(first)
    assert started[2:] == [generate(first)]
    window.commands.run_model(second)
    assert len(list(mine.parent.glob("*.py"))) == 3


def test_files_are_not_offered_to_be_saved_among_the_programs_own(
    window: MainWindow, started: list[str], script: Path
) -> None:
    window.open_path(script)
    window.commands.run_model(ModelOptions("alexnet"))
    window.actions_table["example_bow"].trigger()
    assert window.settings.last_folder() == str(script.parent)


def _hint(dialog: LoadModelDialog) -> str:
    label = dialog.findChild(QLabel, "model_hint")
    assert label is not None
    return label.text()
