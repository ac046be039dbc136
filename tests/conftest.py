"""What every test stands on: no screen, no trace in the user's home, and nothing left behind.

Environment variables are set when this module is imported, before any test module can import Qt or torch.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import site
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

# Examples that hypothesis makes up are the same in each run, so that a run tells about the change and not about luck;
# `make fuzz` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None, print_blob=True)
PROFILE = os.environ.get("CHAINRULE_EXAMPLES", "same")
settings.load_profile(PROFILE)

HOME = Path(tempfile.mkdtemp(prefix="chainrule-tests-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)


def _isolate() -> None:
    """Point everything that a program may read or write of its user at an empty folder."""
    os.environ.setdefault("PYTHONUSERBASE", site.getuserbase())  # packages installed there must still be found
    for variable, folder in {
        "HOME": "",
        "USERPROFILE": "",
        "APPDATA": "config",
        "LOCALAPPDATA": "data",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "XDG_CACHE_HOME": "cache",
        "XDG_STATE_HOME": "state",
        "XDG_RUNTIME_DIR": "runtime",
        "TORCH_HOME": "torch",
    }.items():
        path = HOME / folder
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[variable] = str(path)
    os.environ["LC_ALL"] = "C.UTF-8"
    # torch's threads sleep while they wait for each other. On a machine that has no more cores than they are, spinning
    # keeps the one that they wait for from running: whole tests take several times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if not os.environ.get("CHAINRULE_REAL_WINDOW"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"


_isolate()

# Only now: these must not be able to import Qt or torch before the environment is set.
from pytestqt.qtbot import QtBot  # noqa: E402

from engine.capture import kernel  # noqa: E402
from tests import leftovers  # noqa: E402

kernel.build()  # as the program does before it runs a script: which test comes first makes no difference

WAIT_MS = 120_000  # until a wait counts as a hang; far more than anything takes, so that no slow machine fails a test
_settings = count()


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """What torch draws without a seed is not left to the order of tests, for the same reason."""
    torch = sys.modules.get("torch")
    if torch is not None and PROFILE == "same":
        torch.default_generator.manual_seed(0)


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> QtBot:
    """pytest-qt's, with patience."""
    bot = QtBot(request)
    for name in ("waitSignal", "waitSignals", "waitUntil", "waitExposed", "waitActive"):
        setattr(bot, name, partial(getattr(bot, name), timeout=WAIT_MS))
    return bot


@pytest.fixture(autouse=True)
def _fresh_settings() -> None:
    """Give each test of the window settings of its own."""
    if "PySide6.QtCore" in sys.modules:
        from PySide6.QtCore import QSettings

        folder = str(HOME / "settings" / str(next(_settings)))
        for settings_format in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
            QSettings.setPath(settings_format, QSettings.Scope.UserScope, folder)


@pytest.fixture(autouse=True)
def _garbage_waits(request: pytest.FixtureRequest) -> Iterator[None]:
    """As in the application (`gui.collecting`): no thread collects garbage while a window is there, or it would delete
    widgets that are only the window's thread's to delete. `_nothing_left_behind` collects it."""
    if "qapp" not in request.fixturenames:
        yield
        return
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def _nothing_in_the_way() -> Iterator[None]:
    """Fail a test that leaves a window on the screen: the mouse of the tests after it would point at that."""
    yield
    windows = leftovers.hide_windows()
    if windows:
        pytest.fail("left on the screen: " + "; ".join(windows))


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, a child process, a running timer or a torch hook behind.

    Autouse fixtures are set up first and torn down last, so what a test's own fixtures clean up is not held against it;
    and only when nothing runs any more its folder goes, from which a thread may have been reading.
    """
    if "tmp_path" in request.fixturenames:
        request.getfixturevalue("tmp_path")
    before = leftovers.present()
    yield
    remaining = leftovers.since(before)
    if remaining:
        pytest.fail("left behind: " + "; ".join(remaining))
