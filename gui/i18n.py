"""The user's language: translations from resources/translations, where there is one for it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "translations"


def install(app: QCoreApplication, locale: QLocale | None = None) -> list[QTranslator]:
    """Translate what is made from now on; without a translation everything stays English.

    The translators belong to `app`. Qt's own texts (dialog buttons, text menus) follow where Qt's files are installed.
    """
    locale = locale or QLocale.system()
    qt_folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    installed = []
    for name, folder in (("chainrule", str(FOLDER)), ("qtbase", qt_folder)):
        translator = QTranslator(app)
        if translator.load(locale, name, "_", folder) and app.installTranslator(translator):
            installed.append(translator)
        else:
            translator.deleteLater()
    return installed
