"""The application: one process, one window, no torch."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from engine.display import has_display
from engine.errors import ChainruleError
from gui import i18n, theme
from gui.collecting import Collecting
from gui.desktop import DesktopMotion
from gui.settings import APPLICATION, Settings
from gui.window import MainWindow

SWITCH_S = 0.0002  # after so long another thread may go on; Python's own choice is 0.005
NO_DISPLAY = (
    "chainrule: there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set).\n"
    "Record without a window: chainrule record SCRIPT -o FILE.chain"
)


def application() -> QApplication:
    """The one that runs already, or a new one, in the user's language and theme."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        app = existing
    else:
        QCoreApplication.setApplicationName(APPLICATION)
        app = QApplication(sys.argv[:1])
        i18n.install(app)
    choice = Settings().theme
    theme.apply(app, "light" if choice == "light" else "dark" if choice == "dark" else "system")
    return app


def create_window() -> MainWindow:
    """The window, not yet shown; makes the application if there is none, and does not enter its event loop."""
    from gui.icons import pixmap

    app = application()
    window = MainWindow()
    app.setWindowIcon(QIcon(pixmap("app", 64, theme.current().accent)))
    return window


def put_window_first(window: QObject) -> Collecting:
    """Have Python's own work wait for the window: what collects garbage, and other threads, which would else keep the
    window's own waiting for so long, each time that it has let one of them run, as to draw a line."""
    sys.setswitchinterval(SWITCH_S)
    collecting = Collecting(window)
    collecting.start()
    return collecting


def main(argv: Sequence[str]) -> int:
    """Open the window, with the script or recording that `argv` names, until it is closed."""
    if not has_display(sys.platform, os.environ):
        sys.stderr.write(f"{NO_DISPLAY}\n")
        return 2
    window = create_window()
    sys.excepthook = ErrorHook(window)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C in the terminal ends the program
    put_window_first(window)
    app = application()
    window.show()
    DesktopMotion(app)
    if argv:
        window.open_with_arguments(Path(argv[0]), argv[1:])
    return QApplication.exec()


class ErrorHook:
    """Shows an error that nobody handled in the message bar; the window lives on."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        if isinstance(error, ChainruleError):
            self._window.show_error(str(error))
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(details)
        text = QCoreApplication.translate("app", "An error inside chainrule: {0}. The window goes on working.")
        self._window.show_error(text.format(f"{kind.__name__}: {error}"), details)
