"""The predictions of a recording on disk, to be reused with the same weights, or to go on from where it was stopped."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import Plane, Structure
from fetalnet.core.prediction import ModelRef, Prediction, Shape, StreamState
from fetalnet.core.system.files import write_file

if TYPE_CHECKING:
    from fetalnet.core.geometry import Geometry
    from fetalnet.screen.fan.sector import Sector

SUFFIX = ".fnframes"
FORMAT = 4
"""Another where what is kept means something else: what is older is analysed again. Since 3 a shape is of what was
fitted to the outline; since 4 pictures are upright and have square pixels.
"""
_OWNER_ONLY = 0o600
_PLANES = tuple(Plane)
_NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class KeptAnalysis:
    """What an analysis gave: the predictions of all readable frames before ``reached``, as the network gave them.

    They are named anew when they are taken up (``recording_judge``), so that another judge needs no other analysis.
    Where the analysis was stopped it is not ``complete``, and ``state`` is what the predictor knew then.
    """

    model: ModelRef
    predictions: tuple[Prediction, ...]
    reached: int
    complete: bool = True
    state: StreamState | None = None


class DamagedAnalysisError(InputError):
    """A file that is there and is no whole analysis."""


def fan_key(fan: Sector | None) -> str:
    """What tells the fan that a person drew from another; empty where it was found."""
    return "" if fan is None else hashlib.sha256(fan.polygon.tobytes()).hexdigest()


def keep_analysis(path: Path, fan: str, kept: KeptAnalysis) -> None:
    """Write what an analysis gave. Raises ``InputError`` where the disk refuses."""
    predictions = kept.predictions
    outlines = [np.zeros((0, 2), np.float32) if each.outline is None else each.outline for each in predictions]
    unknown = np.full(len(Structure), np.nan, np.float32)
    about = {
        "format": FORMAT,
        "model": [kept.model.name, kept.model.sha256, kept.model.engine],
        "fan": fan,
        "reached": kept.reached,
        "complete": kept.complete,
        "refused": [each.refused for each in predictions],
        "file": [each.file for each in predictions],
    }
    arrays: dict[str, NDArray[Any]] = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "index": np.array([each.index for each in predictions], np.int64),
        "time_s": _numbers([each.time_s for each in predictions]),
        "plane": np.array([_PLANES.index(each.plane) for each in predictions], np.uint8),
        "probabilities": np.array([[each.probabilities[plane] for plane in Plane] for each in predictions], np.float64),
        "standardness": np.array([each.standardness for each in predictions], np.float64),
        "geometry": np.array([_flat(each.geometry) for each in predictions], np.float64),
        "shape": np.array([_flat_shape(each.shape) for each in predictions], np.float64),
        "structures": np.array([unknown if each.structures is None else each.structures for each in predictions]),
        "change": _numbers([each.change for each in predictions]),
        "outline": np.concatenate(outlines) if outlines else np.zeros((0, 2), np.float32),
        "outline_points": np.array([len(each) for each in outlines], np.int64),
    }
    if kept.state is not None:
        arrays["network"] = kept.state.network
        if kept.state.before is not None:
            arrays["before"] = kept.state.before
    held = io.BytesIO()
    np.savez_compressed(held, allow_pickle=False, **arrays)
    write_file(path, held.getvalue(), mode=_OWNER_ONLY)


def kept_analysis(path: Path, fan: str) -> KeptAnalysis | None:
    """What was kept for this fan, of whatever weights; None where there is nothing.

    Raises ``DamagedAnalysisError`` for a file that is no whole analysis.
    """
    try:
        content = path.read_bytes()
    except OSError:
        # It is only a saving of time: the recording is analysed again.
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file)
        about = json.loads(arrays["about"].tobytes())
        if about["format"] != FORMAT or about["fan"] != fan:
            return None
        network = arrays.get("network")
        kept = KeptAnalysis(
            ModelRef(*about["model"]),
            _predictions(arrays, about["refused"], about["file"]),
            int(about["reached"]),
            bool(about["complete"]),
            None if network is None else StreamState(network, arrays.get("before")),
        )
        _check(kept)
    except Exception as error:  # whatever a damaged archive makes of itself
        raise DamagedAnalysisError("The analysis that was kept is damaged; it is made again.") from error
    return kept


def _check(kept: KeptAnalysis) -> None:
    """Raise ``ValueError`` for what no analysis gives."""
    places = [-1, *(each.index for each in kept.predictions), max(kept.reached, 0)]
    if any(after <= before for before, after in pairwise(places)):
        raise ValueError("frames that are out of order")
    for each in kept.predictions:
        of_geometry = () if each.geometry is None else astuple(each.geometry)
        if not np.isfinite((each.standardness, *each.probabilities.values(), *of_geometry)).all():
            raise ValueError("numbers that are none")
    if not all(isinstance(text, str) for text in (kept.model.name, kept.model.sha256, kept.model.engine)):
        raise ValueError("weights without a name")


def _predictions(
    arrays: dict[str, NDArray[np.float64]], refused: list[str | None], files: list[str | None]
) -> tuple[Prediction, ...]:
    points = arrays["outline_points"]
    if (points < 0).any() or points.sum() != len(arrays["outline"]):
        raise ValueError("outlines that are not there")
    if arrays["structures"].shape[1:] != (len(Structure),) and len(arrays["index"]):
        raise ValueError("other structures")
    ends = np.cumsum(points).tolist()
    starts = [0, *ends[:-1]]
    result = []
    for at, index in enumerate(arrays["index"].tolist()):
        plane = _PLANES[int(arrays["plane"].astype(np.uint8)[at])]
        outline = arrays["outline"][starts[at] : ends[at]].astype(np.float32)
        structures = arrays["structures"][at].astype(np.float32)
        result.append(
            Prediction(
                index,
                _number(arrays["time_s"][at]),
                plane,
                dict(zip(_PLANES, arrays["probabilities"][at].tolist(), strict=True)),
                float(arrays["standardness"][at]),
                outline if len(outline) else None,
                _geometry(arrays["geometry"][at].tolist()),
                refused[at],
                files[at],
                _shape(arrays["shape"][at].tolist()),
                None if np.isnan(structures).any() else structures,
                _number(arrays["change"][at]),
            )
        )
    return tuple(result)


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([_NAN if each is None else each for each in values], np.float64)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _flat(geometry: Geometry | None) -> list[float]:
    """Five numbers of an ellipse, four of a line and NaN, or NaN alone."""
    match geometry:
        case Ellipse():
            return [geometry.cx, geometry.cy, geometry.a, geometry.b, geometry.theta_deg]
        case Line():
            return [geometry.x1, geometry.y1, geometry.x2, geometry.y2, _NAN]
        case _:
            return [_NAN] * 5


def _geometry(numbers: list[float]) -> Geometry | None:
    if np.isnan(numbers[0]):
        return None
    return Line(*numbers[:4]) if np.isnan(numbers[4]) else Ellipse(*numbers)


def _flat_shape(shape: Shape | None) -> list[float]:
    if shape is None:
        return [_NAN] * 5
    asymmetry = _NAN if shape.asymmetry is None else shape.asymmetry
    return [shape.inside, shape.residual, shape.followed, asymmetry, shape.size]


def _shape(numbers: list[float]) -> Shape | None:
    if np.isnan(numbers[0]):
        return None
    inside, residual, followed, asymmetry, size = numbers
    return Shape(inside, residual, followed, _number(asymmetry), size)
