"""The shared libraries and programs that chainrule needs from the system, and how to get them.

What is missing is found by asking the loader (`ldd`) about the very plugin that Qt will load. Only Linux needs this: on
macOS and Windows Qt brings everything.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

# Shared library → Debian's and Ubuntu's package.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
FONT = "fonts-dejavu-core"
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
TEST_PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool"}


class MissingError(Exception):
    """Something of the system is missing and could not be installed here; says the command to run."""


def missing(venv: Path, *, for_tests: bool) -> list[str]:
    """What the system lacks: Debian packages, or the file name of a library whose package is not known."""
    if not sys.platform.startswith("linux"):
        return []
    plugins = sorted(venv.glob("lib*/python*/site-packages/PySide6/Qt/plugins/platforms/libqxcb.so"))
    found = [PACKAGES.get(library, library) for library in missing_libraries(plugins[:1])]
    if not _has_font():
        found.append(FONT)
    if for_tests:
        found += [package for program, package in TEST_PROGRAMS.items() if shutil.which(program) is None]
    return sorted(set(found))


def missing_libraries(files: Iterable[Path]) -> list[str]:
    """The shared libraries that the loader does not find for these files."""
    libraries = []
    for file in files:
        answer = subprocess.run(
            ["ldd", str(file)], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
        libraries += [line.split()[0] for line in answer.stdout.splitlines() if line.endswith("not found")]
    return libraries


def missing_venv() -> list[str]:
    """Debian ships Python without what makes environments: the package to add, if so."""
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return []
    return [f"python{sys.version_info.major}.{sys.version_info.minor}-venv"]


def install(packages: Sequence[str]) -> None:
    """Install Debian packages if this is Debian or Ubuntu and we are root; raise MissingError otherwise."""
    if not packages:
        return
    command = install_command(packages)
    unknown = [package for package in packages if ".so" in package]
    may = shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0
    if not may or unknown:
        raise MissingError(f"this system lacks: {', '.join(packages)}\nInstall it and try again:\n\n    {command}\n")
    print(f"chainrule: installing {' '.join(packages)}", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        answer = subprocess.run(
            ["apt-get", "-q", *step],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise MissingError(
                f"{answer.stdout[-1000:]}{answer.stderr[-1000:]}\nThis failed; try it by hand:\n\n    {command}\n"
            )


def install_command(packages: Sequence[str]) -> str:
    """What a person would type to install them."""
    names = [package for package in packages if ".so" not in package]
    if shutil.which("apt-get"):
        return shlex.join(["sudo", "apt-get", "install", *names])
    if shutil.which("dnf"):
        wanted = [f"{library}()(64bit)" for library, package in PACKAGES.items() if package in names]
        rest = {FONT: "dejavu-sans-fonts", "xvfb": "xorg-x11-server-Xvfb", "xdotool": "xdotool"}
        return shlex.join(["sudo", "dnf", "install", *wanted, *(rest[name] for name in names if name in rest)])
    return f"your system's packages for: {' '.join(packages)}  (named as in Debian)"


def _has_font() -> bool:
    return any(
        file.endswith((".ttf", ".otf", ".ttc"))
        for folder in FONT_FOLDERS
        for _, _, files in os.walk(os.path.expanduser(folder))
        for file in files
    )
