"""Names of any length: what is broken reads the same, and no panel is made wider."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.wrapped import (
    BREAK,
    ENDLESS,
    HUGE,
    LONGEST,
    WrappedLabel,
    WrappedLink,
    breakable,
    hardly_broken,
    without_middles,
)

PATH = "features.denseblock3.denselayer2.relu1"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (PATH, ["features.", "denseblock3.", "denselayer2.", "relu1"]),
        ("fc · Linear", ["fc · Linear"]),
        ("lr = 0.25, 1.5e-05", ["lr = 0.25, 1.5e-05"]),
        (".grad", [".grad"]),
        ("ConvolutionBackward0", ["Convolution", "Backward0"]),
        ("AddmmBackward0", ["AddmmBackward0"]),
        ("a" * (LONGEST + 3), ["a" * LONGEST, "aaa"]),
        ("/home/archer/net.py", ["/home/", "archer/", "net.", "py"]),
        ("weight_of_all", ["weight_", "of_", "all"]),
        ("", [""]),
    ],
)
def test_names_are_broken_where_their_parts_meet(text: str, parts: list[str]) -> None:
    assert breakable(text).split(BREAK) == parts


@given(st.text(st.characters(codec="utf-8", exclude_characters=BREAK)))
def test_nothing_is_lost_and_no_part_is_long(text: str) -> None:
    broken = breakable(text)
    assert broken.replace(BREAK, "") == text
    assert all(len(part) <= LONGEST for line in broken.split() for part in line.split(BREAK))


@pytest.mark.parametrize("text", [PATH, "/home/archer/" * 9, "x" * HUGE, "a.b_c:d", "two  words\nand a line"])
def test_what_is_copied_from_a_message_is_as_it_was(text: str) -> None:
    assert hardly_broken(text) == text


def test_even_in_a_message_no_word_is_endless() -> None:
    assert hardly_broken("/tmp/" + "x" * (2 * HUGE) + ".py").split(BREAK) == ["/tmp/" + "x" * HUGE, "x" * HUGE, ".py"]


@pytest.mark.parametrize("kind", [WrappedLabel, WrappedLink])
def test_a_label_takes_lines_not_width(qtbot: QtBot, kind: type[WrappedLabel]) -> None:
    panel = QWidget()
    qtbot.addWidget(panel)
    label = kind(panel)
    QVBoxLayout(panel).addWidget(label)
    name = ".".join([PATH] * 3)
    if isinstance(label, WrappedLink):
        label.set_words("from", name, "7")
    else:
        label.setText(name)
    panel.resize(150, 400)
    panel.show()
    assert panel.width() == 150
    lines = label.heightForWidth(label.width()) / label.fontMetrics().height()
    assert lines > 4
    assert label.text().endswith(name)
    assert label.accessibleName() == label.text()


def test_a_link_in_the_midst_is_followed(qtbot: QtBot) -> None:
    label = WrappedLink()
    qtbot.addWidget(label)
    label.set_words("a < b →", "conv<1>", "12", "[0, 3]")
    assert label.text() == "a < b → conv<1> [0, 3]"
    assert QLabel.text(label).count("<a ") == 1
    label.resize(label.sizeHint())
    label.show()
    with qtbot.waitSignal(label.linkActivated) as activated:
        place = label.rect().center()
        for x in range(0, label.width(), 4):
            place.setX(x)
            QTest.mouseClick(label, Qt.MouseButton.LeftButton, pos=place)
    assert activated.args == ["12"]


@pytest.mark.parametrize("length", [ENDLESS, ENDLESS + 1, 400])
def test_an_endless_word_keeps_its_beginning_and_its_end(length: int) -> None:
    path = "/home/archer" + "x" * (length - 24) + "/run.py.chain"[-12:]
    assert len(path) == length
    shown = without_middles(f"{path} does not exist.")
    assert (shown == f"{path} does not exist.") is (length <= ENDLESS)
    assert shown.startswith("/home/archer")
    assert shown.endswith("run.py.chain does not exist.")
    assert len(shown.split()[0]) <= ENDLESS + 1
