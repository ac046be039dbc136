"""The real dialog of the real window, and every file that it writes, opened again."""

from __future__ import annotations

import ast
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import shiboken6
from PIL import Image, ImageSequence
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from engine.errors import UsageError
from engine.export import video
from engine.export.video import find_encoder
from gui import dialogs
from gui.canvas import export_image
from gui.export.dialog import ExportDialog
from gui.export.jobs import Job
from gui.export.options import FORMATS, Colors, Options, remember, remembered
from gui.export.orders import order_of
from gui.export.subject import subject_of
from gui.settings import APPLICATION, ORGANIZATION
from gui.theme import DARK, LIGHT
from gui.window import MainWindow

SVG = "{http://www.w3.org/2000/svg}"
TITLES = {"loss", "sub", "prediction", "mul", "w", "b"}


@pytest.fixture
def dialog(walked: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportDialog]:
    """Opened by its action at the end of the first training step."""
    monkeypatch.setattr(dialogs, "ask_to_replace", lambda *_: False)
    walked.session.seek(11)
    walked.actions_table["export_graph"].trigger()
    found = walked.findChild(ExportDialog)
    assert isinstance(found, ExportDialog)
    with qtbot.waitSignal(found.availability.found):
        pass
    (tmp_path / "out").mkdir()
    found.path.setText(str(tmp_path / "out" / "bow.png"))
    yield found
    if shiboken6.isValid(found):
        found.reject()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def choose(dialog: ExportDialog, suffix: str) -> None:
    """Click the format in the list."""
    for row in range(dialog.formats.count()):
        if dialog.formats.item(row).text().split()[0].lower() == {"py": "python"}.get(suffix, suffix):
            dialog.formats.setCurrentRow(row)
    assert dialog.form.options.suffix == suffix


def write(dialog: ExportDialog, suffix: str, qtbot: QtBot) -> Path:
    choose(dialog, suffix)
    with qtbot.waitSignal(dialog.written) as signal:
        dialog.export_button.click()
    assert signal.args is not None
    path = Path(str(signal.args[0]))
    assert path.suffix == f".{suffix}"
    assert [each for each in path.parent.iterdir() if each.name.startswith(".")] == []
    return path


def test_every_format_can_be_chosen(dialog: ExportDialog) -> None:
    for form in FORMATS:
        choose(dialog, form.suffix)
        assert dialog.target.name == ("bow_step1.py" if form.suffix == "py" else f"bow.{form.suffix}")
        assert dialog.facts.text() or dialog.availability.missing(form.suffix)


def test_png(dialog: ExportDialog, qtbot: QtBot, walked: MainWindow) -> None:
    choose(dialog, "png")
    dialog.form.scale.setValue(3.0)
    dialog.form.dpi.setValue(300)
    size = (dialog.form.width_px.value(), dialog.form.height_px.value())
    assert f"{size[0]:,} × {size[1]:,} px" in dialog.facts.text()
    image = QImage(str(write(dialog, "png", qtbot)))
    assert (image.width(), image.height()) == size
    assert abs(image.dotsPerMeterX() * 0.0254 - 300) < 1
    assert "Saved as" in walked.central.messages.text


def test_transparent(dialog: ExportDialog, qtbot: QtBot) -> None:
    choose(dialog, "png")
    dialog.form.ground.setCurrentIndex(dialog.form.ground.findData("transparent"))
    image = QImage(str(write(dialog, "png", qtbot)))
    assert image.pixelColor(1, 1).alpha() == 0
    assert image.pixelColor(100, 90).alpha() == 255  # on a node


def test_the_view_as_it_is_seen(dialog: ExportDialog, qtbot: QtBot, walked: MainWindow) -> None:
    choose(dialog, "png")
    dialog.form.part.setCurrentIndex(1)
    dialog.form.scale.setValue(1.0)
    size = walked.canvas.width(), walked.canvas.height()
    image = QImage(str(write(dialog, "png", qtbot)))
    assert (image.width(), image.height()) == size


def test_svg_has_every_title_and_opens(dialog: ExportDialog, qtbot: QtBot) -> None:
    path = write(dialog, "svg", qtbot)
    texts = {"".join(element.itertext()).strip() for element in ET.parse(path).getroot().iter(f"{SVG}text")}
    assert texts >= TITLES
    assert QSvgRenderer(str(path)).isValid()


def test_pdf_has_one_page_that_fits(dialog: ExportDialog, qtbot: QtBot) -> None:
    choose(dialog, "pdf")
    dialog.form.scale.setValue(1.0)
    width = dialog.form.width_px.value()
    content = write(dialog, "pdf", qtbot).read_bytes()
    assert content.startswith(b"%PDF-1.")
    assert content.rstrip().endswith(b"%%EOF")
    box = content.split(b"/MediaBox [")[1].split(b"]")[0].split()
    assert float(box[2]) == pytest.approx(width * 72 / 96, abs=1.0)
    assert content.count(b"/Type /Page\n") == 1
    assert b"/FontFile2" in content  # text, with its font
    assert b"/Subtype /Image" not in content


def test_gif_shows_the_step(dialog: ExportDialog, qtbot: QtBot) -> None:
    choose(dialog, "gif")
    dialog.form.fps.setCurrentIndex(dialog.form.fps.findData("10"))
    dialog.form.seconds.setValue(3.0)
    dialog.form.width_px.setValue(240)
    assert "12 events, 4.0 a second · 40 frames" in dialog.facts.text()
    with Image.open(write(dialog, "gif", qtbot)) as image:
        assert abs(image.width - 240) <= 2
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        lasting = sum(frame.info["duration"] for frame in ImageSequence.Iterator(image))
    assert lasting == 4000
    assert len(frames) > 20
    assert (frames[0] != frames[-1]).any()
    assert all((before != after).any() for before, after in pairwise(frames))


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_a_video(dialog: ExportDialog, qtbot: QtBot, suffix: str) -> None:
    try:
        find_encoder(suffix)
    except UsageError as error:
        pytest.skip(str(error))
    choose(dialog, suffix)
    dialog.form.seconds.setValue(0.5)
    dialog.form.width_px.setValue(160)
    assert write(dialog, suffix, qtbot).stat().st_size > 500


def test_without_an_encoder_it_is_said(
    walked: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "find_program", lambda: None)
    walked.actions_table["export_graph"].trigger()
    dialog = walked.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    with qtbot.waitSignal(dialog.availability.found):
        pass
    choose(dialog, "mp4")
    assert not dialog.export_button.isEnabled()
    assert "apt install ffmpeg" in dialog.hint.text()
    assert "no encoder" in dialog.formats.currentItem().text()
    choose(dialog, "gif")
    assert dialog.export_button.isEnabled()
    dialog.reject()


def test_a_film_can_be_given_up(dialog: ExportDialog, qtbot: QtBot) -> None:
    choose(dialog, "gif")
    dialog.form.seconds.setValue(600.0)
    dialog.export_button.click()
    job = dialog._job
    assert job is not None
    with qtbot.waitSignal(job.progressed):
        pass
    with qtbot.waitSignal(job.ended) as signal:
        dialog.cancel_button.click()
    assert signal.args == [Job.CANCELLED]
    job.wait()
    assert list(dialog.target.parent.iterdir()) == []
    assert dialog.isVisible()
    assert dialog.export_button.isEnabled()


def test_colours_are_the_windows_in_films_and_in_the_other_theme_too(
    walked: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    """A dark window's fills on white paper would be black cards; a film had the colours of kinds."""
    walked.session.seek(11)
    colors = walked.canvas.explorer.colors
    walked.explore_commands.color_by("norm")
    qtbot.waitUntil(lambda: walked.canvas.picture().fills is not None)  # type: ignore[union-attr]
    subject = subject_of(walked.canvas, walked.session.recording)
    assert subject is not None
    first, last = subject.events
    for look in (LIGHT, DARK):
        made = colors.coloring_in(look, subject.recording, subject.wish.graph_id, subject.picture.scene)
        assert made is not None
        name: Colors = "dark" if look.is_dark else "light"
        options = Options(colors=name, scale=1.0, first=first, last=last, seconds=1.0)
        path = tmp_path / f"{name}.png"
        order_of(subject, options).write(path)
        film = order_of(subject, replace(options, suffix="gif"))
        assert film.reel is not None
        for image in (QImage(str(path)), film.reel.frame(film.reel.film(), film.reel.count - 1)):
            pixels = image.convertToFormat(QImage.Format.Format_RGB32)
            seen = np.frombuffer(bytes(pixels.constBits()), dtype=np.uint32) | np.uint32(0xFF000000)
            assert all(np.count_nonzero(seen == fill) > 200 for fill in np.unique(made.fills))
    walked.explore_commands.color_by("kind")
    plain = subject_of(walked.canvas, walked.session.recording)
    assert plain is not None
    assert plain.drawn_in(DARK).picture.fills is None


def test_data(dialog: ExportDialog, qtbot: QtBot) -> None:
    path = write(dialog, "json", qtbot)
    graph = nx.node_link_graph(json.loads(path.read_text("utf-8")), edges="edges")
    assert {data["title"] for _, data in graph.nodes(data=True)} >= TITLES
    assert sum(data["grad_norm"] is not None for _, data in graph.nodes(data=True)) == 6


def test_a_program(dialog: ExportDialog, qtbot: QtBot) -> None:
    ast.parse(write(dialog, "py", qtbot).read_text("utf-8"))


def test_training_steps_are_counted_from_one_as_in_the_window(dialog: ExportDialog) -> None:
    choose(dialog, "py")
    assert any("Training step 1," in label.text() for label in dialog.findChildren(QLabel))


def test_what_is_too_large_says_how_large_it_may_be(dialog: ExportDialog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_image, "LARGEST_AREA", 100_000)
    choose(dialog, "svg")  # has no limit
    assert dialog.export_button.isEnabled()
    choose(dialog, "png")
    assert "The largest scale here is 0." in dialog.hint.text()
    assert not dialog.export_button.isEnabled()
    dialog.form.scale.setValue(0.5)
    assert dialog.export_button.isEnabled()
    choose(dialog, "gif")
    dialog.form.width_px.setValue(6_000)
    assert "too many for a GIF" in dialog.hint.text()
    assert not dialog.export_button.isEnabled()


def test_all_of_a_long_path_can_be_read(dialog: ExportDialog) -> None:
    assert dialog.path.toolTip() == dialog.path.text() != ""
    dialog.path.setText("/home/" + "a_folder/" * 40 + "bow.png")
    assert dialog.path.toolTip() == dialog.path.text()


def test_where_it_cannot_be_written(dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.path.setText(str(tmp_path / "none" / "bow.png"))
    assert "There is no folder" in dialog.hint.text()
    dialog.path.setText(str(tmp_path / "out" / "bow.bmp"))
    assert "should end in .png" in dialog.hint.text()
    assert not dialog.export_button.isEnabled()
    dialog.path.setText("~nobody-has-this-name/bow.png")
    assert "There is no folder" in dialog.hint.text()


def test_a_name_that_no_file_can_have(dialog: ExportDialog, qtbot: QtBot) -> None:
    width = dialog.width()
    dialog.path.setText(str(dialog.target.with_name(f"{'n' * 300}.png")))
    dialog.export_button.click()
    qtbot.waitUntil(lambda: "File name too long" in dialog.hint.text())
    qtbot.wait(1)
    assert dialog.width() == width
    assert dialog.hint.height() >= dialog.hint.heightForWidth(dialog.hint.width())


def test_a_format_with_fewer_choices_does_not_make_the_dialog_higher(dialog: ExportDialog, qtbot: QtBot) -> None:
    choose(dialog, "gif")
    qtbot.wait(1)
    dialog.resize(dialog.width(), dialog.minimumHeight())
    height = dialog.height()
    for suffix in ("png", "svg", "gif", "py", "png"):
        choose(dialog, suffix)
        qtbot.wait(1)
        assert dialog.height() == height


def test_what_is_there_is_not_written_over_unasked(dialog: ExportDialog, qtbot: QtBot) -> None:
    dialog.target.write_text("mine")
    dialog.export_button.click()
    assert dialog.isVisible()
    assert dialog.target.read_text() == "mine"


def test_a_program_is_not_offered_the_scripts_own_name(dialog: ExportDialog) -> None:
    dialog.path.setText(str(dialog.target.with_name(dialog._name("png"))))
    script = dialog._subject.name
    choose(dialog, "py")
    assert dialog.target.name == f"{script}_step1.py"
    choose(dialog, "svg")
    assert dialog.target.name == f"{script}.svg"
    dialog.path.setText(str(dialog.target.with_name("mine.svg")))
    choose(dialog, "py")
    assert dialog.target.name == "mine.py"


def test_the_file_beside_a_program_is_not_written_over_unasked(
    dialog: ExportDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(_: object, name: str) -> bool:
        asked.append(name)
        return False

    monkeypatch.setattr(dialogs, "ask_to_replace", ask)
    choose(dialog, "py")
    dialog.target.with_suffix(".npz").write_text("mine")
    dialog.export_button.click()
    assert asked == [dialog.target.with_suffix(".npz").name]
    assert not dialog.target.exists()


def test_a_side_sets_the_scale_and_the_other_side(dialog: ExportDialog) -> None:
    choose(dialog, "png")
    form = dialog.form
    form.scale.setValue(1.0)
    width, height = form.width_px.value(), form.height_px.value()
    form.width_px.setValue(2 * width)
    assert form.height_px.value() == pytest.approx(2 * height, abs=2)
    assert form.scale.value() == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("length", [4179, 4180, 4181])
def test_a_picture_is_as_wide_as_one_asked_for(dialog: ExportDialog, length: int) -> None:
    choose(dialog, "png")
    for legend in (True, False):
        dialog.form.legend.setChecked(legend)
        for axis, box in enumerate((dialog.form.width_px, dialog.form.height_px)):
            box.setValue(length)
            camera = dialog._subject.camera(dialog.form.options)
            assert (camera.width, camera.height)[axis] == length == box.value()
            assert f"{camera.width:,} × {camera.height:,} px" in dialog.facts.text()


def test_events_stay_in_order(dialog: ExportDialog) -> None:
    choose(dialog, "gif")
    dialog.form.last.setValue(5)
    dialog.form.first.setValue(8)
    assert (dialog.form.options.first, dialog.form.options.last) == (8, 8)


def test_the_last_choice_is_remembered(dialog: ExportDialog, qtbot: QtBot, walked: MainWindow) -> None:
    choose(dialog, "svg")
    dialog.form.close_up.setChecked(True)
    path = write(dialog, "svg", qtbot)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    walked.actions_table["export_graph"].trigger()
    again = walked.findChild(ExportDialog)
    assert isinstance(again, ExportDialog)
    assert (again.form.options.suffix, again.form.options.close) == ("svg", True)
    assert again.target.parent == path.parent
    again.reject()


def test_choices_of_another_version_are_as_at_first(qapp: QApplication) -> None:
    store = QSettings(ORGANIZATION, APPLICATION)
    for name, value in {"suffix": "bmp", "scale": "a lot", "dpi": 7, "fps": 24, "close": "perhaps"}.items():
        store.setValue(f"export/{name}", value)
    assert remembered(store, "dark") == Options(colors="dark")
    chosen = Options(suffix="webm", part="view", colors="light", scale=0.5, fps=60, loop=False)
    remember(store, chosen)
    assert remembered(store, "dark") == chosen


def test_the_preview_is_of_what_is_chosen(dialog: ExportDialog, qtbot: QtBot) -> None:
    choose(dialog, "png")
    qtbot.waitUntil(lambda: dialog.preview.picture is not None)
    choose(dialog, "json")
    qtbot.waitUntil(lambda: dialog.preview.picture is None)
    choose(dialog, "gif")
    qtbot.waitUntil(lambda: dialog.preview.picture is not None)
    before = dialog.preview.picture
    assert before is not None
    dialog.resize(dialog.width(), dialog.height() + 200)
    qtbot.waitUntil(lambda: dialog.preview.picture is not before)
    after = dialog.preview.picture
    assert after is not None
    assert after.height() > before.height()
