"""A recording as a video file with its truth beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import write_file
from fetalnet.research.phantom.recording import PhantomRecording

TRUTH_SCHEMA_VERSION = 1


def write_recording(
    recording: PhantomRecording, folder: Path | str, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write ``<name>.mp4`` (MPEG-4 part 2, near lossless) and ``<name>.truth.json`` into a folder; returns the video.

    ``progress`` gets (frames done, frames in all). Both files appear whole or not at all. Raises
    ``InputError`` for an odd width or height, which the codec cannot hold. Truth schema 1::

        {"schema_version": 1, "video": file name, "seed", "ga_weeks", "planes": planes the sweep finds,
         "width", "height", "frame_rate_hz", "mm_per_pixel": {"x", "y"},
         "sizes_mm": {"HC", "BPD", "OFD", "AC", "FL"},   true measures of the ideal planes, outer to outer
         "frames": [{"index", "time_s", "plane", "standardness", "standard", "ambiguous", "visible": [names],
                     "mm_per_pixel", "sections": [{"plane", "geometry": ellipse | line, "half_width_px", "inside",
                     "distance_mm", "angle_deg", "standardness"}]}]}
    """
    width, height = recording.size
    if width % 2 or height % 2:
        raise InputError(f"A video of {width}x{height} pixels cannot be encoded; give an even width and height.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    video, truth = folder / f"{recording.name}.mp4", folder / f"{recording.name}.truth.json"
    part_video = folder / f".{video.name}.part"
    try:
        _write_video(recording, part_video, progress)
        write_file(truth, json.dumps(truth_json(recording, video.name), indent=1).encode())
        part_video.replace(video)
    finally:
        part_video.unlink(missing_ok=True)
    return video


def truth_json(recording: PhantomRecording, video_name: str) -> dict[str, Any]:
    """The truth of a whole recording (schema: ``write_recording``)."""
    scale = recording.mm_per_pixel
    return {
        "schema_version": TRUTH_SCHEMA_VERSION,
        "video": video_name,
        "seed": recording.seed,
        "ga_weeks": recording.ga_weeks,
        "planes": [plane.value for plane in recording.planes],
        "width": recording.size[0],
        "height": recording.size[1],
        "frame_rate_hz": recording.frame_rate_hz,
        "mm_per_pixel": {"x": scale.x, "y": scale.y},
        "sizes_mm": {kind.value: value for kind, value in recording.sizes_mm.items()},
        "frames": [truth.to_json() for truth in recording.truths],
    }


def _write_video(recording: PhantomRecording, path: Path, progress: Callable[[int, int], None] | None) -> None:
    rate = Fraction(recording.frame_rate_hz).limit_denominator(1001)
    with av.open(str(path), "w", format="mp4") as container:
        # The quantiser of MPEG-4 part 2: 2 is the finest that keeps every player content.
        stream = container.add_stream("mpeg4", rate=rate, options={"qmin": "2", "qmax": "3"})
        stream.width, stream.height = recording.size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 60_000_000
        stream.gop_size = 12
        for frame, _ in recording:
            layout = "rgb24" if frame.pixels.ndim == 3 else "gray"
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame.pixels, format=layout)):
                container.mux(packet)
            if progress is not None:
                progress(frame.index + 1, len(recording))
        for packet in stream.encode():
            container.mux(packet)
