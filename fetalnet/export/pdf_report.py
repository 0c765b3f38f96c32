"""Reports as PDF: of an exam that a person reviewed, and of an analysis that nobody reviewed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from fetalnet.analysis.result import Analysis
from fetalnet.core.planes import Kind
from fetalnet.core.prediction import ModelRef
from fetalnet.core.printable import printable
from fetalnet.core.system.files import write_file
from fetalnet.exam.lengths import decided_length, proposed_length
from fetalnet.exam.records import Exam, frames_judged
from fetalnet.export.wording import (
    BPD_CONVENTION,
    METHOD,
    NOT_REVIEWED,
    RESEARCH_USE,
    criteria_text,
    difference_text,
    length_text,
    scale_text,
    scale_track_texts,
    software_text,
    status_text,
    time_text,
)

_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_FRAME_PADDING = 6  # what reportlab keeps free inside the margins
_PICTURE_HEIGHT = 95 * mm
_PICTURE_PIXELS = 1400  # 200 dots per inch over the text's width: more only makes the file heavy

# DejaVu knows most scripts; Vera comes with reportlab and knows Latin.
_FONTS = (("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), ("Vera.ttf", "VeraBd.ttf"))


@dataclass(frozen=True, slots=True, eq=False)
class ReportPicture:
    """A picture with its calipers drawn: ``pixels`` (height, width, 3) RGB uint8, and the line below it."""

    pixels: NDArray[np.uint8]
    caption: str


def write_exam_pdf(path: Path, exam: Exam, pictures: Sequence[ReportPicture], *, about_text: str | None = None) -> None:
    """The report of an exam: every measurement with its proposal and its decision, and the accepted pictures.

    ``about_text`` is a sentence where the scanner's text in the pictures is not hidden.
    Raises ``InputError`` where the file cannot be written; nothing half is left.
    """
    facts = [
        ("Exam", exam.label or "–"),
        ("Created", _date_text(exam.created_at)),
        ("Report", _date_text(datetime.now().astimezone())),
    ]
    for recording in exam.recordings:
        facts += [("Recording", recording.name)]
        facts += [("Scale", text) for text in scale_track_texts(recording.scale_track)]
    models = dict.fromkeys(each.model for each in exam.measurements if each.model is not None)
    facts += [("Model", _model_text(model)) for model in models]
    facts += [("Pictures", about_text)] if about_text else []
    several = len(exam.recordings) > 1
    facts += [
        ("Criteria", f"{recording.name}, " * several + f"frame {index}, as a person judged it: {criteria_text(said)}")
        for recording, index, said in frames_judged(exam)
    ]
    rows = [
        (
            each.kind.title,
            length_text(proposed_length(exam, each)),
            length_text(decided_length(each)),
            difference_text(proposed_length(exam, each), decided_length(each)),
            status_text(each),
            str(each.frame_index),
            each.file or time_text(each.time_s),
        )
        for each in sorted(exam.measurements, key=lambda each: list(Kind).index(each.kind))
    ]
    header = ("Measure", "Proposed", "Decided", "Difference", "Status", "Frame", "Time")
    widths = (0.32, 0.13, 0.13, 0.13, 0.12, 0.08, 0.09)
    write_file(path, _pdf("Fetal biometry", None, facts, header, widths, rows, pictures))


def write_analysis_pdf(
    path: Path, analysis: Analysis, pictures: Sequence[ReportPicture], *, about_text: str | None = None
) -> None:
    """The command line's report: the machine's proposals, marked on each page as not reviewed by a person.

    ``about_text`` is a sentence where the scanner's text in the pictures is not hidden.
    Raises ``InputError`` where the file cannot be written; nothing half is left.
    """
    facts = [
        ("Source", Path(analysis.source).name),
        ("Report", _date_text(datetime.now().astimezone())),
        ("Frames", str(len(analysis.frames))),
        ("Scale", _scale_text(analysis)),
        *([("Note", analysis.scale.note)] if analysis.scale.note else []),
        *(("Note", sentence) for sentence in analysis.scale_warnings),
        ("Model", _model_text(analysis.model)),
        *([("Pictures", about_text)] if about_text else []),
        *([("Note", analysis.remark)] if analysis.remark else []),
        *(("Failed", sentence) for sentence in analysis.failures),
    ]
    if analysis.best:
        header: tuple[str, ...] = ("Measure", "Best frame", "Median of frames", "95 % of frames", "n", "Frame", "Time")
        widths: tuple[float, ...] = (0.32, 0.13, 0.15, 0.16, 0.06, 0.08, 0.10)
        rows: list[tuple[str, ...]] = [
            (
                kind.title,
                length_text(best.value),
                length_text(analysis.estimates[kind].value),
                f"{length_text(analysis.estimates[kind].low)} – {length_text(analysis.estimates[kind].high)}",
                str(analysis.estimates[kind].n),
                str(best.index),
                best.file or time_text(best.time_s),
            )
            for kind, best in analysis.best.items()
        ]
    else:
        header, widths = ("Image or frame", "Plane", "Measure", "Proposed", "Scale"), (0.28, 0.12, 0.1, 0.14, 0.36)
        rows = [
            (
                frame.file or str(frame.index),
                frame.prediction.plane.value,
                kind.value,
                length_text(length),
                scale_text(frame.scale),
            )
            for frame in analysis.frames
            if frame.prediction is not None and frame.time_s is None
            for kind, length in frame.measurements.items()
        ]
    write_file(path, _pdf("Fetal biometry", NOT_REVIEWED, facts, header, widths, rows, pictures))


def _pdf(
    title: str,
    banner: str | None,
    facts: Iterable[tuple[str, str]],
    header: tuple[str, ...],
    widths: tuple[float, ...],
    rows: Sequence[tuple[str, ...]],
    pictures: Sequence[ReportPicture],
) -> bytes:
    font, bold = _fonts()
    body = ParagraphStyle("body", fontName=font, fontSize=8.5, leading=11)
    strong = ParagraphStyle("strong", body, fontName=bold)
    small = ParagraphStyle("small", body, fontSize=7.5, leading=9.5, textColor=colors.HexColor("#444444"))
    heading = ParagraphStyle("title", fontName=bold, fontSize=16, leading=22, spaceAfter=4)

    def cells(texts: Iterable[str], style: ParagraphStyle = body) -> list[Any]:
        return [Paragraph(escape(printable(text)), style) for text in texts]

    story: list[Any] = [Paragraph(escape(title), heading)]
    story.append(
        Table(
            [[*cells([name], strong), *cells([text])] for name, text in facts],
            colWidths=[0.16 * _WIDTH, 0.84 * _WIDTH],
            style=TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_padding(1.5)]),
        )
    )
    story.append(Spacer(1, 5 * mm))
    if rows:
        story.append(
            Table(
                [cells(header, strong), *(cells(row) for row in rows)],
                colWidths=[width * _WIDTH for width in widths],
                repeatRows=1,
                style=TableStyle(
                    [
                        ("VALIGN", (0, 0), (-1, -1), "TOP"),
                        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
                        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.HexColor("#bbbbbb")),
                        *_padding(2.5),
                    ]
                ),
            )
        )
    else:
        story.append(Paragraph("No standard plane was found; nothing was measured.", body))
    story += [Spacer(1, 3 * mm), *cells([BPD_CONVENTION, METHOD, software_text()], small), Spacer(1, 4 * mm)]
    for picture in pictures:
        story.append(KeepTogether([_image(picture.pixels), *cells([picture.caption]), Spacer(1, 5 * mm)]))

    stream = io.BytesIO()
    document = SimpleDocTemplate(
        stream, pagesize=A4, title=title, author="",
        leftMargin=_MARGIN - _FRAME_PADDING, rightMargin=_MARGIN - _FRAME_PADDING,
        topMargin=_MARGIN, bottomMargin=_MARGIN + 12 * mm,
    )  # fmt: skip
    on_page = _page(font, bold, banner, small)
    document.build(story, onFirstPage=on_page, onLaterPages=on_page)
    return stream.getvalue()


def _page(font: str, bold: str, banner: str | None, small: ParagraphStyle) -> Callable[[Canvas, Any], None]:
    """What stands on each page: the banner above, the research-use sentence and the page number below."""

    def draw(canvas: Canvas, document: Any) -> None:
        if banner is not None:
            canvas.setFont(bold, 10)
            canvas.drawRightString(A4[0] - _MARGIN, A4[1] - 12 * mm, banner)
        footer = Paragraph(escape(RESEARCH_USE), small)
        _, height = footer.wrap(_WIDTH - 18 * mm, 20 * mm)
        footer.drawOn(canvas, _MARGIN, _MARGIN + 6 * mm - height)
        canvas.setFont(font, 7.5)
        canvas.drawRightString(A4[0] - _MARGIN, _MARGIN - 2 * mm, f"page {document.page}")

    return draw


def _image(pixels: NDArray[np.uint8]) -> Image:
    picture = PilImage.fromarray(pixels)
    picture.thumbnail((_PICTURE_PIXELS, _PICTURE_PIXELS), PilImage.Resampling.LANCZOS)
    shrink = min(_WIDTH / picture.width, _PICTURE_HEIGHT / picture.height)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    stream.seek(0)
    image = Image(stream, width=picture.width * shrink, height=picture.height * shrink, kind="direct")
    image.hAlign = "LEFT"
    return image


def _fonts() -> tuple[str, str]:
    """Names of a plain and a bold font with as many scripts as this machine has."""
    for plain, bold in _FONTS:
        names = plain.removesuffix(".ttf"), bold.removesuffix(".ttf")
        if all(name in pdfmetrics.getRegisteredFontNames() for name in names):
            return names
        try:
            fonts = [TTFont(name, file) for name, file in zip(names, (plain, bold), strict=True)]
        except TTFError:
            continue
        for font in fonts:
            pdfmetrics.registerFont(font)
        return names
    raise RuntimeError("reportlab came without its own fonts")


def _padding(points: float) -> list[tuple[Any, ...]]:
    whole = (0, 0), (-1, -1)
    sides = [("LEFTPADDING", *whole, 0), ("RIGHTPADDING", *whole, 4)]
    return [*sides, ("TOPPADDING", *whole, points), ("BOTTOMPADDING", *whole, points)]


def _scale_text(analysis: Analysis) -> str:
    if analysis.scale.mm_per_pixel is None and any(frame.scale.mm_per_pixel is not None for frame in analysis.frames):
        return "not one for all: each value has that of its own frame and place, which is drawn on its picture"
    return scale_text(analysis.scale)


def _model_text(model: ModelRef) -> str:
    return f"{model.name}, weights SHA-256 {model.sha256[:12]}, run by {model.engine}"


def _date_text(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
