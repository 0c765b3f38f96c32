"""About: what this is, the model card, and the licences."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTabWidget, QTextBrowser, QVBoxLayout, QWidget

from fetalnet import __version__
from fetalnet.analysis.findings import PredictorInfo
from fetalnet.core.system.resources import resource
from fetalnet.export.wording import METHOD, RESEARCH_USE, software_text

NAME = "FetalNet Sonographer Assistant"


class AboutDialog(QDialog):
    """Three pages of text."""

    def __init__(self, predictor: PredictorInfo | None, card: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"About {NAME}")
        self.resize(720, 560)
        column = QVBoxLayout(self)
        tabs = QTabWidget()
        for title, text in (
            ("About", about_text(predictor)),
            ("Model card", text_of(card, "The model card was not found beside the weights.")),
            ("Licences", licences_text()),
        ):
            page = QTextBrowser()
            page.setMarkdown(text)
            page.setOpenLinks(False)
            tabs.addTab(page, title)
        column.addWidget(tabs)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)


def about_text(predictor: PredictorInfo | None) -> str:
    """The first page, as Markdown."""
    model = "still loading" if predictor is None else f"{predictor.text}, SHA-256 {predictor.model.sha256[:16]}"
    return (
        f"# {NAME} {__version__}\n\n**{RESEARCH_USE}**\n\n"
        "It proposes measurements of head, abdomen and femur in ultrasound recordings; a person accepts, corrects or "
        "rejects each of them, and both are kept. It works offline: no picture leaves this computer.\n\n"
        f"{METHOD}\n\nNetwork: {model}\n\n{software_text()}"
    )


def licences_text() -> str:
    """The licences page, as Markdown."""
    root = resource("").parent
    own = "This program is licensed under the Apache License, Version 2.0."
    return f"# Licences\n\n{own}\n\n{text_of(root / 'NOTICE', 'The NOTICE file was not found.')}"


def text_of(path: Path, missing: str) -> str:
    """A text that comes with the program, or a sentence where it does not."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return missing
