"""What a comparison found of each system, and the report of it: files, and a section in a page of results."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fetalnet.core.errors import InputError
from fetalnet.core.planes import STANDARD_PLANES, Kind, Plane
from fetalnet.core.system.files import cannot_write, write_file
from fetalnet.network.config import NetworkConfig, PublishedConfig
from fetalnet.network.weights import LoadedNetwork
from fetalnet.research.evaluation.hc18_scores import Summary
from fetalnet.research.metrics.statistic import Statistic
from fetalnet.research.training.config import TrainingConfig

ALL = "all"
"""The name of ``Scores.heads`` that holds every head; further ones hold those of a size."""


@dataclass(frozen=True, slots=True)
class PhantomFigures:
    """Over recordings: F1 by plane, absolute errors of the best frames in % by kind, and what became of the choices."""

    recordings: int
    frames: int
    f1: dict[Plane, float]
    error_percent: dict[Kind, Statistic]
    right: int
    wrong: int
    missed: int
    false_measures: int

    @property
    def mean_f1(self) -> float:
        """Of the planes that came or were seen."""
        return float(np.nanmean(list(self.f1.values())))


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of weights, kept beside them. ``key`` stands for all that they depend on, ``label`` says it to people."""

    key: str
    label: str
    heads: dict[str, Summary]
    phantom: PhantomFigures | None = None
    told: dict[str, Summary] | None = None
    """Of the heads once more, where the network was told that each is one."""


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """A trained network: by which configuration, where it lies, and what its training took as far as was noted."""

    config: TrainingConfig
    path: Path
    weights: LoadedNetwork
    pack: str
    training: str

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.weights.network.parameters())

    @property
    def width(self) -> str:
        """The widths it was built with, and the published ones where they were larger."""
        config = self.weights.network.config
        if isinstance(config, NetworkConfig):
            return "-".join(str(channels) for channels in config.channels)
        usual = type(config)()
        text = f"base {config.base}" + (f" (published: {usual.base})" if config.base < usual.base else "")
        if isinstance(config, PublishedConfig):
            text += f", ConvLSTM {config.temporal_layers} x {config.temporal_width}"
        return text

    @property
    def size(self) -> str:
        return f"{self.weights.network.config.height}x{self.weights.network.config.width}"

    @property
    def seen_besides(self) -> dict[str, int]:
        """How many crops or strips the readers saw, by what they are."""
        if not isinstance(self.weights.network.config, NetworkConfig):
            return {}
        of_each = (
            ("crops", self.config.reader, len(STANDARD_PLANES)),
            ("strips of rims", self.config.rim, 1),
            ("strips of femurs", self.config.shaft, 1),
        )
        return {
            what: self.config.batch_of_each(part) * self.config.processes * pieces * part.steps
            for what, part, pieces in of_each
            if part is not None
        }

    @property
    def remark(self) -> str:
        """What the tables do not tell: what its batches were drawn from, the readers, the commit."""
        shares = [(name.replace("_", " "), share) for name, share in self.config.mixture.model_dump().items() if share]
        total = sum(share for _, share in shares)
        drawn = ", ".join(f"{name} {100 * share / total:.0f} %" for name, share in shares)
        text = f"{self.name}: drawn from {drawn if self.config.real_data else 'the phantom alone'}"
        if self.seen_besides:
            seen = ", ".join(f"{count:,} {what}" for what, count in self.seen_besides.items())
            text += f"; besides, its readers were shown {seen}, of the same pictures"
        if self.config.heads_alone:
            text += "; knows heads alone, and is told that every picture shows one"
        return f"{text}; commit {self.weights.card.get('commit', 'unknown')}, SHA-256 `{self.weights.sha256[:12]}`."


class Compared(NamedTuple):
    """A system with its figures; ``ms`` a delivered frame by engine, as ``time_frames`` tells."""

    system: System
    scores: Scores
    ms: dict[str, float]


class Report(NamedTuple):
    """``lines`` of Markdown, the same ``rows`` for a CSV file, ``plots`` (SVG) by title. ``name`` begins the files'."""

    name: str
    lines: list[str]
    rows: list[dict[str, object]]
    plots: dict[str, bytes]

    def text(self, images: str = "") -> str:
        """Markdown that looks for its plots in the folder ``images``, which ends in a slash."""
        shown = [f"![{title}]({images}{self._file(title)})" for title in self.plots]
        return "\n".join([*self.lines, "", *shown]).rstrip("\n") + "\n"

    def write(self, folder: Path) -> None:
        """Markdown, CSV and plots into ``folder``. Raises ``InputError``."""
        table = io.StringIO()
        columns = list(dict.fromkeys(column for row in self.rows for column in row))
        writer = csv.DictWriter(table, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        self._write_plots(folder)
        write_file(folder / f"{self.name}.csv", table.getvalue().encode())
        write_file(folder / f"{self.name}.md", self.text().encode())

    def write_into(self, page: Path) -> None:
        """Replace this report's section of ``page``, or append one; plots go into ``images`` beside the page."""
        before, after = around_section(page, self.name)
        images = page.parent / "images"
        try:
            images.mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_write(images, error) from error
        self._write_plots(images)
        begin, end = _marks(self.name)
        write_file(page, f"{before}{begin}\n{self.text('images/')}{end}{after}".encode())

    def _write_plots(self, folder: Path) -> None:
        for title, plot in self.plots.items():
            write_file(folder / self._file(title), plot)

    def _file(self, title: str) -> str:
        return f"{self.name}-{'-'.join(title.lower().split())}.svg"


def around_section(page: Path, name: str) -> tuple[str, str]:
    """What of ``page`` stands before and after the section between a report's two comments. Raises ``InputError``."""
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The page {page.name} cannot be read; run this in a clone of the project.") from error
    begin, end = _marks(name)
    if begin not in text and end not in text:
        return text.rstrip("\n") + "\n\n", "\n"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found or begin in rest or end in before + after:
        raise InputError(f"In {page.name} there must be one {begin} and after it one {end}; mend or remove both.")
    return before, after


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- begin: fetalnet compare, {name} -->", f"<!-- end: fetalnet compare, {name} -->"
