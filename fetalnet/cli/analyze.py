"""``fetalnet analyze``: a recording or stills in; JSON, a report and an overlay video out."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fetalnet.analysis.quality import DEFAULT_LIMITS, QualityLimits
from fetalnet.cli.progress import notice, progress
from fetalnet.core.decimal_text import decimal
from fetalnet.core.errors import InputError
from fetalnet.core.printable import printable
from fetalnet.core.system.files import check_writable, write_file

if TYPE_CHECKING:
    from fetalnet.analysis.result import Analysis
    from fetalnet.cli.devices import Devices
    from fetalnet.core.scale.calibration import Calibration
    from fetalnet.core.scale.scale import Scale
    from fetalnet.inference.predictor import Predictor
    from fetalnet.sources import Frame, Source

SOME_FAILED = 1
"""Exit status: some inputs failed, the rest is done."""


def analyze(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A video, a DICOM file, an image, or a folder.")],
    mm_per_pixel: Annotated[
        float | None,
        typer.Option(
            parser=decimal,
            metavar="MM",
            help="Size of a pixel in mm, instead of the recording's own. Without a scale: pixels only.",
        ),
    ] = None,
    scale_csv: Annotated[
        Path | None, typer.Option(help="Pixel sizes of images: a CSV with the columns filename, pixel_size_mm.")
    ] = None,
    stills: Annotated[bool, typer.Option("--stills", help="Take each image as a case of its own.")] = False,
    accept_scale: Annotated[
        bool, typer.Option("--accept-scale", help="Take a scale that was refused, the recording's own too.")
    ] = False,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="The device's preset, or its file, instead of the one that fits.")
    ] = None,
    no_preset: Annotated[bool, typer.Option("--no-preset", help="Use no device preset.")] = False,
    keep_text: Annotated[
        bool, typer.Option("--keep-text", help="Show the scanner's own text in the pictures of report and overlay too.")
    ] = False,
    min_plane_size: Annotated[
        float,
        typer.Option(min=0.05, max=1.0, help="Part of the fan's smaller side that a plane must fill."),
    ] = DEFAULT_LIMITS.min_size,
    weights: Annotated[Path | None, typer.Option(help="Weights of the network, instead of the ones shipped.")] = None,
    device: Annotated[
        str, typer.Option(help="auto, cpu, openvino, openvino:int8, openvino:bf16, torch or cuda.")
    ] = "auto",
    json_out: Annotated[
        Path | None, typer.Option("--json", metavar="OUT", help="Where the JSON goes; standard output when absent.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="OUT.pdf", help="Write a report.")] = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="OUT.mp4", help="Write the recording with what was found drawn in.")
    ] = None,
) -> None:
    """Find and measure head, abdomen and femur. All values are proposals, not reviewed by a person."""
    if stills and overlay is not None:
        raise InputError("An overlay video is made of one recording; leave out --overlay or --stills.")
    if scale_csv is not None and mm_per_pixel is not None:
        raise InputError("Two scales were given; give either --scale-csv or --mm-per-pixel, not both.")
    if preset is not None and no_preset:
        raise InputError("Give either --preset or --no-preset, not both.")
    _check_outputs(source, [path for path in (json_out, report, overlay) if path is not None])
    devices = _devices(preset, no_preset)
    scales = _Scales(mm_per_pixel, scale_csv, accept_scale, devices)

    limits = QualityLimits(min_size=min_plane_size)
    result = (
        _of_stills(source, scales, limits, weights, device, report, keep_text)
        if stills
        else _of_recording(source, scales, limits, weights, device, report, overlay, keep_text)
    )
    if devices.note is not None:
        told = " ".join(note for note in (result.scale.note, devices.note) if note is not None)
        result = replace(result, scale=replace(result.scale, note=told))
    scales.tell_missing()
    if result.remark is not None:
        notice(result.remark)
    text = printable(json.dumps(result.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    if json_out is None:
        typer.echo(text, nl=False)
    else:
        write_file(json_out, text.encode("utf-8"))
    for sentence in (*(() if result.scale_note is None else (result.scale_note,)), *result.failures):
        notice(sentence)
    if result.failures:
        raise typer.Exit(SOME_FAILED)


def _of_recording(
    path: Path,
    scales: _Scales,
    limits: QualityLimits,
    weights: Path | None,
    device: str,
    report: Path | None,
    overlay: Path | None,
    keep_text: bool,
) -> Analysis:
    from fetalnet.analysis.batch import analyze as analyze_recording
    from fetalnet.cli.pictures import about_text, best_pictures, overlay_video
    from fetalnet.export.pdf_report import write_analysis_pdf
    from fetalnet.screen.burned_in import ALL
    from fetalnet.sources import clips_of, open_source

    with closing(open_source(path)) as source:
        if (pictures := clips_of(path)[0].pictures) > 1:
            notice(f"The {pictures} pictures are taken for one recording; with --stills each is a case of its own.")
        pictured = report is not None or overlay is not None
        fan = scales.devices.fan_only(source) if pictured and not keep_text else ALL
        about = about_text([fan], keep_text=keep_text) if pictured else None
        predictor = _predictor(weights, device, quickly=True)
        with progress("Analysing") as on_progress, overlay_video(overlay, source, fan) as on_frame:
            result = analyze_recording(
                source,
                predictor,
                predictor.model,
                scales.calibration_of,
                sector=scales.devices.sector_of(source),
                limits=limits,
                on_progress=on_progress,
                on_frame=on_frame,
            )
        result = replace(result, remark=source.remark)
        if report is not None:
            write_analysis_pdf(report, result, best_pictures(source, result, fan), about_text=about)
    if about is not None:
        notice(about)
    return result


def _of_stills(
    path: Path,
    scales: _Scales,
    limits: QualityLimits,
    weights: Path | None,
    device: str,
    report: Path | None,
    keep_text: bool,
) -> Analysis:
    from fetalnet.analysis.batch import analyze_stills
    from fetalnet.cli.pictures import still_pictures
    from fetalnet.export.pdf_report import write_analysis_pdf
    from fetalnet.sources import DICOM_SUFFIXES, IMAGE_SUFFIXES, image_files, open_source

    files = image_files(path, (*IMAGE_SUFFIXES, *DICOM_SUFFIXES)) if path.is_dir() else [path]
    predictor = _predictor(weights, device, quickly=False)
    with progress("Analysing") as on_progress:
        result = analyze_stills(
            str(path),
            files,
            open_source,
            predictor,
            predictor.model,
            scales.calibration_of,
            fan_of=scales.devices.sector_of,
            limits=limits,
            on_progress=on_progress,
        )
    if len(result.failures) == len(files):
        raise InputError(" ".join(result.failures))
    if report is not None:
        pictures, about = still_pictures(files, result, scales.devices, keep_text=keep_text)
        write_analysis_pdf(report, result, pictures, about_text=about)
        if about is not None:
            notice(about)
    return result


def _predictor(weights: Path | None, device: str, *, quickly: bool) -> Predictor:
    """With device auto: in float32 for single pictures; ``quickly`` by what is the fastest on this computer."""
    from fetalnet.core.system.folders import Folders
    from fetalnet.inference.engines import Device
    from fetalnet.inference.engines.choice import choose_engine, own_memory
    from fetalnet.inference.predictor import Predictor
    from fetalnet.network.weights import DEFAULT_WEIGHTS, load_weights

    cache = Folders().cache
    loaded = load_weights(weights or DEFAULT_WEIGHTS)
    if quickly and device == Device.AUTO:
        device = choose_engine(loaded, 0, own_memory(), cache).device
    return Predictor(loaded, device, cache=cache)


def _check_outputs(source: Path, outputs: list[Path]) -> None:
    """Refuse now what would fail after minutes of work, or write over the recording."""
    if len({path.absolute() for path in outputs}) < len(outputs):
        raise InputError("Two outputs have the same name; give each its own.")
    for path in outputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise InputError(f"{path.name} is the recording itself; choose another name for the output.")
        check_writable(path)


def _devices(named: str | None, ignored: bool) -> Devices:
    from fetalnet.cli.devices import Devices

    return Devices(named, ignored=ignored)


class _Scales:
    """The calibration of each file: from the options where they give one, else its own, else its device's preset.

    Remembers which files neither the table nor themselves know.
    """

    def __init__(
        self, mm_per_pixel: float | None, table: Path | None, accept_implausible: bool, devices: Devices
    ) -> None:
        from fetalnet.core.scale.scale import NO_SCALE
        from fetalnet.sources.scale_table import accepted_scale, read_scale_table

        self._table_name = "" if table is None else table.name
        self._table = None if table is None else read_scale_table(table, accept_implausible=accept_implausible)
        self._accept = accept_implausible
        self.devices = devices
        self._of_device: tuple[Source, Calibration] | None = None
        self._missing: dict[str, None] = {}
        if mm_per_pixel is None:
            self._scale = NO_SCALE
        else:
            self._scale = accepted_scale(mm_per_pixel) if accept_implausible else _plausible_scale(mm_per_pixel)

    def calibration_of(self, frame: Frame, source: Source) -> Calibration:
        from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration
        from fetalnet.core.scale.scale import NO_SCALE

        filename = frame.file or source.name
        given = self._scale if self._table is None else self._table.of(filename)
        if given != NO_SCALE:
            return Calibration.of_whole(given)
        own = source.calibration.accepted() if self._accept else source.calibration
        if own == NO_CALIBRATION:
            if self._of_device is None or self._of_device[0] is not source:
                self._of_device = source, self.devices.calibration_of(source)
            own = self._of_device[1]
        if self._table is not None and not own.is_known and own.refused is None:
            self._missing[filename] = None
        return own

    def tell_missing(self) -> None:
        for filename in self._missing:
            notice(f"{filename} has no row in {self._table_name}: measured in pixels only.")


def _plausible_scale(mm_per_pixel: float) -> Scale:
    from fetalnet.core.scale.scale import given_scale

    try:
        return given_scale(mm_per_pixel)
    except InputError as error:
        if mm_per_pixel > 0:
            raise InputError(f"{str(error).removesuffix('.')}, or add --accept-scale to take it.") from error
        raise
