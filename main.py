"""chainrule's launcher: the window, or a command (see engine/cli.py). Nothing heavy is imported before it is needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from engine import cli


def open_window(argv: Sequence[str]) -> int:
    from gui.app import main as show

    return show(argv)


def render_image(*arguments: Any, **options: Any) -> None:
    from gui.canvas.export_image import render_image as draw

    draw(*arguments, **options)


def render_film(*arguments: Any, **options: Any) -> None:
    from gui.export.films import render_film as draw

    draw(*arguments, **options)


def main() -> int:
    return cli.main(sys.argv[1:], open_window=open_window, render_image=render_image, render_film=render_film)


if __name__ == "__main__":
    sys.exit(main())
