"""Simulated frames, rendered once into a pack on disk: abdomens and femurs, for which there is no real training set."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.planes import STANDARD_PLANES, Plane, Structure
from fetalnet.core.system.files import write_file
from fetalnet.research import phantom
from fetalnet.research.code_digest import code_digest
from fetalnet.research.phantom import FrameTruth, PhantomRecording, render_clip
from fetalnet.research.processes import spread
from fetalnet.research.training.config import Pack
from fetalnet.research.training.data.example import BASE_GRID, Example, Outline
from fetalnet.research.training.data.targets import warped
from fetalnet.screen.fan.sector import Sector, find_sector

STILLS_PER_SHARD = 50
_AIMS = (Plane.HEAD, Plane.ABDOMEN, Plane.FEMUR, Plane.ABDOMEN, Plane.FEMUR, Plane.OTHER)
"""What the probe aims at, in turn: abdomen and femur most, for they have no real pictures."""

Clip = list[tuple[Frame, FrameTruth]]


@dataclass(frozen=True, slots=True)
class _Shard:
    """A file of the pack and what is rendered into it: single frames, or clips out of one recording."""

    path: Path
    pack: Pack
    stills: range
    recording: int | None = None


def load(pack: Pack, cache: Path) -> tuple[list[Example], list[list[Example]]]:
    """The pack's stills and clips, rendering what ``cache`` lacks. The same pack gives the same pictures."""
    folder = cache / f"phantom-{fingerprint(pack)}"
    folder.mkdir(parents=True, exist_ok=True)
    shards = [
        _Shard(folder / f"stills-{first:06d}.npz", pack, range(first, min(first + STILLS_PER_SHARD, pack.stills)))
        for first in range(0, pack.stills, STILLS_PER_SHARD)
    ]
    shards += [
        _Shard(folder / f"recording-{number:06d}.npz", pack, range(0), number) for number in range(pack.recordings)
    ]
    missing = [shard for shard in shards if not shard.path.exists()]
    for _ in spread(_render_shard, missing, f"Rendering the phantom into {folder.name}", pack.processes):
        pass
    stills: list[Example] = []
    clips: list[list[Example]] = []
    for shard in shards:
        for clip in _read_shard(shard.path):
            if shard.recording is None:
                stills += clip
            else:
                clips.append(clip)
    return stills, clips


def fingerprint(pack: Pack) -> str:
    """Names the pack by its configuration and by the phantom's code."""
    text = "\n".join([pack.model_dump_json(exclude={"processes"}), str(BASE_GRID), _phantom_code()])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def phantom_version() -> str:
    """Names the phantom's code."""
    return _phantom_code()[:12]


def _phantom_code() -> str:
    return code_digest(phantom.__name__)


def _render_shard(shard: _Shard) -> None:
    cv2.setNumThreads(1)
    pack = shard.pack
    clips = (
        [render_clip(pack.seed + number, plane=_AIMS[number % len(_AIMS)]) for number in shard.stills]
        if shard.recording is None
        else _recording_clips(pack, shard.recording)
    )
    whole_recording = [frame.pixels for clip in clips[:5] for frame, _ in clip[:1]]
    pictures, truths, structures, numbers = [], [], [], []
    for number, clip in enumerate(clips):
        rng = np.random.default_rng([pack.seed, number, shard.stills.start, shard.recording or 0])
        shown = whole_recording if shard.recording is not None else [frame.pixels for frame, _ in clip]
        # Where the fan is not found the program takes the whole screen: some are learned so.
        sector = find_sector(*shown) if rng.random() < 0.75 else Sector.whole(shown[0].shape)
        letterbox = Letterbox.of(shown[0].shape, BASE_GRID, sector.box)
        fan = sector.on_grid(letterbox)
        for frame, truth in clip:
            pictures.append(letterbox.apply(frame.pixels) * fan)
            truths.append(_truth_row(truth, letterbox))
            structures.append([structure in truth.visible for structure in Structure])
            numbers.append(number)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        pictures=np.stack(pictures),
        truths=np.stack(truths),
        structures=np.array(structures),
        clips=np.array(numbers),
    )
    write_file(shard.path, buffer.getvalue())


def _recording_clips(pack: Pack, number: int) -> list[Clip]:
    """Clips of consecutive frames from places spread evenly over a recording."""
    recording = PhantomRecording(pack.seed + number)
    places = np.linspace(0, len(recording) - pack.frames_per_clip, pack.clips_per_recording).round().astype(int)
    return [[recording[int(place) + step] for step in range(pack.frames_per_clip)] for place in places]


def _truth_row(truth: FrameTruth, letterbox: Letterbox) -> NDArray[np.float64]:
    """(3, 7) for each plane: geometry on the base grid (five numbers), half width, standardness; NaN: absent."""
    row = np.full((len(STANDARD_PLANES), 7), np.nan)
    scale = float(np.mean(letterbox.scale))
    for plane, section in truth.outlines.items():
        geometry = warped(section.geometry, letterbox.matrix)
        numbers = (
            [geometry.cx, geometry.cy, geometry.a, geometry.b, geometry.theta_deg]
            if isinstance(geometry, Ellipse)
            else [*geometry.points().ravel(), 0.0]
        )
        row[STANDARD_PLANES.index(plane)] = [*numbers, section.half_width_px * scale, section.standardness]
    return row


def _read_shard(path: Path) -> list[list[Example]]:
    with np.load(path) as shard:
        pictures, truths, structures, numbers = (shard[name] for name in ("pictures", "truths", "structures", "clips"))
    clips: dict[int, list[Example]] = {}
    for picture, truth, visible, number in zip(pictures, truths, structures, numbers, strict=True):
        outlines = {
            plane: Outline(_geometry(plane, row), float(row[6]), float(row[5]))
            for plane, row in zip(STANDARD_PLANES, truth, strict=True)
            if not np.isnan(row[0])
        }
        seen = frozenset(structure for structure, there in zip(Structure, visible, strict=True) if there)
        clips.setdefault(int(number), []).append(Example(picture, outlines, True, False, seen, frozenset(Structure)))
    return list(clips.values())


def _geometry(plane: Plane, row: NDArray[np.float64]) -> Geometry:
    numbers = [float(value) for value in row[:5]]
    return Line.of(*numbers[:4]) if plane is Plane.FEMUR else Ellipse(*numbers)
