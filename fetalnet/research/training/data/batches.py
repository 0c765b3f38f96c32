"""Batches as a pure function of the seed and the step, so that a resumed run sees what an unbroken one would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from fetalnet.core.planes import STANDARD_PLANES, Plane, Structure
from fetalnet.research.training.augment.erase import erased
from fetalnet.research.training.augment.phantom_looks import drawn_look, filled
from fetalnet.research.training.augment.warp import Appearance, Warp, warp_picture
from fetalnet.research.training.config import Mixture, Stage, TrainingConfig
from fetalnet.research.training.data.example import PRESENT, Example
from fetalnet.research.training.data.targets import soft_mask, warped

Fields = tuple[NDArray[Any], ...]
"""Arrays in the order of ``Batch``, without its first axis."""

OUTLINED = 0.02
"""Standardness from which an organ's outline is asked for, however it is cut: how well is for the branch to say.
Below it the outline is neither asked for nor forbidden."""

UNRATED_STANDARDNESS = 0.9
UNRATED_WEIGHT = 0.5
"""A real plane was frozen by a sonographer as a standard plane; nobody measured how near the ideal it is."""


class Batch(NamedTuple):
    """Clips and their truth. b clips of t frames of h x w.

    ``frames`` (b, t, 1, h, w), grey 0 to 1; ``planes`` (b, t, 4) soft labels that sum to one; ``standardness``
    (b, t, 3) of each plane and its weight (b, t), less where nobody rated the frame; ``structures`` (b, t, 11), 1 where
    the frame shows them, and their weight (b, t, 11), 0 where nobody said; ``masks`` (b, t, 3, h, w) and
    ``mask_weight`` (b, t, 3), 0 where an organ is cut too badly to be outlined.
    """

    frames: Tensor
    planes: Tensor
    standardness: Tensor
    standardness_weight: Tensor
    structures: Tensor
    structures_weight: Tensor
    masks: Tensor
    mask_weight: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """What batches are drawn from: real pictures, the phantom's single frames and its clips of consecutive frames."""

    heads: list[Example]
    others: list[Example]
    stills: list[Example]
    clips: list[list[Example]]
    small_heads: list[Example] = field(default_factory=list)
    """Those of ``heads`` that are drawn as ``real_small_head`` too."""

    phantom_heads: list[Example] = field(default_factory=list)
    """Simulated heads that are drawn as ``phantom_head`` too."""

    early_phantom_heads: list[Example] = field(default_factory=list)
    """Those of ``phantom_heads`` that are drawn as ``phantom_early_head`` too."""

    planes: dict[Plane, list[Example]] = field(default_factory=dict)
    """Real stills of each plane but the heads of HC18, as sonographers froze them."""

    @property
    def simulated(self) -> list[Example]:
        """Every frame of the phantom."""
        return [*self.stills, *(frame for clip in self.clips for frame in clip)]

    @property
    def pictures(self) -> list[Example]:
        return [*self.heads, *self.others, *(each for pool in self.planes.values() for each in pool), *self.simulated]

    def table(self) -> dict[tuple[Plane, bool], int]:
        """How many pictures of each plane, real (True) or phantom (False), are trained on."""
        count = {(plane, real): 0 for plane in Plane for real in (True, False)}
        for example in self.pictures:
            count[example.plane, example.real] += 1
        return count


Drawn = TypeVar("Drawn")


class BatchStream(IterableDataset[Drawn]):
    """What ``draw`` gives for the steps from ``first()`` on, ``count`` of them, but none after the ``last``."""

    def __init__(self, draw: Callable[[int], Drawn], first: Callable[[], int], count: int, last: int) -> None:
        self._draw, self._first, self._count, self._last = draw, first, count, last

    def __iter__(self) -> Iterator[Drawn]:
        first = self._first()
        for step in range(first, min(first + self._count, self._last)):
            yield self._draw(step)


def draw_batch(config: TrainingConfig, collection: Collection, step: int, rank: int = 0) -> Batch:
    """The batch of one step for one process."""
    phase, stage, _ = config.at(step)
    mixture = phase.mixture or config.mixture
    size = config.batch_of_each(stage)
    clips = [
        draw_clip(
            np.random.default_rng([config.seed, step, rank, item]), collection, mixture, stage, config.phantom_looks
        )
        for item in range(size)
    ]
    return Batch(*(torch.from_numpy(np.stack(parts)) for parts in zip(*clips, strict=True)))


def draw_clip(
    rng: np.random.Generator, collection: Collection, mixture: Mixture, stage: Stage, phantom_looks: float = 0.0
) -> Fields:
    """One augmented clip: the fields of ``Batch`` without its first axis."""
    grid = (stage.height, stage.width)
    examples = _pick(rng, collection, mixture, stage.frames)
    start, look = Warp.draw(rng), Appearance.draw(rng, grid)
    as_real = drawn_look(rng, examples[0], phantom_looks)
    if as_real is not None and rng.random() < 0.5:
        start = filled(start, examples[0], grid, rng)
    # A real clip moves by itself; a still is moved under the probe.
    end = start.drifted(rng) if len(examples) < stage.frames or rng.random() < 0.5 else start
    frames = []
    for number in range(stage.frames):
        example = examples[min(number, len(examples) - 1)]
        warp = start.towards(end, number / max(stage.frames - 1, 1))
        matrix = warp.matrix((example.pixels.shape[0], example.pixels.shape[1]), grid)
        picture = warp_picture(example.pixels, matrix, grid)
        if as_real is not None:
            picture = as_real.apply(picture, example, matrix)
        frames.append((look.apply(picture, rng)[None], *targets(example, matrix, grid)))
    return tuple(np.stack(parts) for parts in zip(*frames, strict=True))


def targets(example: Example, matrix: NDArray[np.float64], grid: tuple[int, int]) -> Fields:
    """The truth of an example seen through an affine map: the fields of ``Batch`` from ``planes`` on, one frame's."""
    planes = np.zeros(len(Plane), np.float32)
    present = presence(example.standardness)
    planes[list(Plane).index(example.organ)] += present
    planes[list(Plane).index(Plane.OTHER)] += 1.0 - present
    standardness = np.zeros(len(STANDARD_PLANES), np.float32)
    masks = np.zeros((len(STANDARD_PLANES), *grid), np.float32)
    weight = np.ones(len(STANDARD_PLANES), np.float32)
    for plane, outline in example.outlines.items():
        channel = STANDARD_PLANES.index(plane)
        standardness[channel] = outline.standardness if example.rated else UNRATED_STANDARDNESS
        if outline.standardness >= OUTLINED:
            half_width = outline.half_width_px * float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
            masks[channel] = soft_mask(warped(outline.geometry, matrix), grid, half_width)
            weight[channel] = outline.weight
        else:
            weight[channel] = 0.0
    structures, assessed = (
        np.array([structure in each for structure in Structure], np.float32)
        for each in (example.structures, example.assessed)
    )
    rated = np.asarray(1.0 if example.rated else UNRATED_WEIGHT, np.float32)
    return planes, standardness, rated, structures, assessed, masks, weight


def presence(standardness: float) -> float:
    """How far a frame of this standardness is labelled with its plane: around the level nobody could say."""
    return float(np.clip((standardness - PRESENT + 0.15) / 0.3, 0.0, 1.0))


def _pick(rng: np.random.Generator, collection: Collection, mixture: Mixture, frames: int) -> list[Example]:
    """A clip of consecutive frames where there is one, else a single picture."""
    shares = _shares(collection, mixture)
    source = str(rng.choice(list(shares), p=list(shares.values())))
    if source == "phantom":
        return _phantom_clip(rng, collection, frames)
    pool = _single_pictures(collection)[source]
    picture = pool[int(rng.integers(len(pool)))]
    if source == "real_erased":
        return [erased(picture, rng, collection.others)]
    return [picture]


def _single_pictures(collection: Collection) -> dict[str, list[Example]]:
    """What each share of a mixture but ``phantom`` draws a picture from."""
    return {
        "real_head": collection.heads,
        "real_small_head": collection.small_heads,
        "real_brain": collection.planes.get(Plane.HEAD, []),
        "real_abdomen": collection.planes.get(Plane.ABDOMEN, []),
        "real_femur": collection.planes.get(Plane.FEMUR, []),
        "real_erased": collection.heads,
        "real_other": collection.others,
        "phantom_head": collection.phantom_heads,
        "phantom_early_head": collection.early_phantom_heads,
    }


def _phantom_clip(rng: np.random.Generator, collection: Collection, frames: int) -> list[Example]:
    """Consecutive frames of a recording, or a still; most clips are real ones where time is to be learned."""
    if collection.clips and (not collection.stills or rng.random() < (0.4 if frames == 1 else 0.75)):
        clip = collection.clips[int(rng.integers(len(collection.clips)))]
        first = int(rng.integers(max(len(clip) - frames + 1, 1)))
        return clip[first : first + frames]
    return [collection.stills[int(rng.integers(len(collection.stills)))]]


def _shares(collection: Collection, mixture: Mixture) -> dict[str, float]:
    absent = {name for name, pool in _single_pictures(collection).items() if not pool}
    if not (collection.stills or collection.clips):
        absent |= {"phantom"}
    shares = {name: 0.0 if name in absent else share for name, share in mixture.model_dump().items()}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}
