"""The letters by which the entries of an open menu are chosen."""

from __future__ import annotations

import re

from PySide6.QtWidgets import QMenu

GIVEN = re.compile(r"&(\w)")


def give_mnemonics(menu: QMenu) -> None:
    """Underline a letter of each entry that has none: the first one that is free, beginnings of words before others."""
    entries = [entry for entry in menu.actions() if entry.text()]
    taken = {found[1].lower() for entry in entries if (found := GIVEN.search(entry.text()))}
    for entry in entries:
        words = entry.text()
        place = None if "&" in words else _free_letter(words, taken)
        if place is not None:
            taken.add(words[place].lower())
            entry.setText(f"{words[:place]}&{words[place:]}")


def _free_letter(words: str, taken: set[str]) -> int | None:
    places = sorted(range(len(words)), key=lambda place: place > 0 and words[place - 1].isalnum())
    return next((place for place in places if words[place].isalnum() and words[place].lower() not in taken), None)
