"""What a training run is made of: the tables of a TOML file."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from fetalnet.core.errors import InputError
from fetalnet.network.config import (
    STRIDE,
    Architecture,
    Config,
    MtlnConfig,
    MultiTaskUNetConfig,
    NetworkConfig,
    PublishedConfig,
    Temporal,
)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Network(_Table):
    """The streaming network to train (see ``NetworkConfig``)."""

    architecture: Literal[Architecture.STREAMING] = Architecture.STREAMING
    height: int = Field(default=256, gt=0, multiple_of=STRIDE)
    width: int = Field(default=384, gt=0, multiple_of=STRIDE)
    channels: tuple[int, int, int, int, int] = (16, 32, 64, 96, 128)
    temporal: Temporal = Temporal.CONVGRU
    hidden: int = 48
    crop_scale: float = Field(default=1.0, gt=0.5)
    rim: bool = False
    shaft: bool = False

    def build(self) -> NetworkConfig:
        return NetworkConfig(**self.model_dump(exclude={"architecture"}))


def _architecture(value: Any) -> Any:
    """Which network a ``[network]`` table describes: ours where it names no ``architecture``."""
    return value.get("architecture", Architecture.STREAMING) if isinstance(value, dict) else value.architecture


AnyNetwork = Annotated[
    Annotated[Network, Tag(Architecture.STREAMING)]
    | Annotated[PublishedConfig, Tag(Architecture.PUBLISHED)]
    | Annotated[MultiTaskUNetConfig, Tag(Architecture.MULTITASK_UNET)]
    | Annotated[MtlnConfig, Tag(Architecture.MTLN)],
    Discriminator(_architecture),
]


class Pack(_Table):
    """How many phantom frames to render, and the seed they start from: far from the seeds that are evaluated."""

    seed: int = 1_000_000
    stills: int = Field(default=6500, ge=0)
    recordings: int = Field(default=120, ge=0)
    clips_per_recording: int = Field(default=10, ge=1)
    frames_per_clip: int = Field(default=4, ge=1)
    processes: int = Field(default=2, ge=1)


class Stage(_Table):
    """A stretch of steps at one input size. ``frames`` 1 trains on single pictures, more on clips of that length."""

    height: int = Field(gt=0, multiple_of=STRIDE)
    width: int = Field(gt=0, multiple_of=STRIDE)
    frames: int = Field(1, ge=1)
    batch: int = Field(gt=0)
    steps: int = Field(gt=0)


class Mixture(_Table):
    """Shares of what a batch is drawn from; they are divided by their sum.

    ``real_head``: heads of HC18; ``real_small_head``: those of them under 100 mm, in the first trimester, beyond their
    share among all. ``real_brain``, ``real_abdomen``, ``real_femur``: planes of FETAL_PLANES_DB; ``real_other``: its
    thoraxes, cervices and other views.
    ``phantom_head``: of the phantom's single frames those that show a head, beyond their share among all;
    ``phantom_early_head``: those of them that are too early to show thalami.
    """

    real_head: float = 0.32
    real_small_head: float = 0.0
    real_brain: float = 0.0
    real_abdomen: float = 0.0
    real_femur: float = 0.0
    real_erased: float = 0.05
    real_other: float = 0.06
    phantom: float = 0.52
    phantom_head: float = 0.0
    phantom_early_head: float = 0.0


class Phase(_Table):
    """Stages that share one warm-up and one cosine.

    ``freeze_norm`` keeps the batch norms' statistics; ``mixture`` takes the place of the run's.
    """

    learning_rate: float = Field(gt=0)
    freeze_norm: bool = False
    mixture: Mixture | None = None
    stages: tuple[Stage, ...]

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)


class ReaderStage(_Table):
    """How the reader is trained once the rest is: ``batch`` crops of each plane a step."""

    learning_rate: float = Field(default=2e-3, gt=0)
    batch: int = Field(default=64, gt=0)
    steps: int = Field(default=6000, gt=0)


class RimStage(_Table):
    """How the rim reader is trained: ``batch`` strips a step, ``real_share`` of them of real heads and abdomens."""

    learning_rate: float = Field(default=2e-3, gt=0)
    batch: int = Field(default=64, gt=0)
    steps: int = Field(default=4000, gt=0)
    real_share: float = Field(default=0.55, ge=0, le=1)


class ShaftStage(_Table):
    """How the shaft reader is trained: ``batch`` strips a step, ``real_share`` of them of real femurs."""

    learning_rate: float = Field(default=2e-3, gt=0)
    batch: int = Field(default=64, gt=0)
    steps: int = Field(default=4000, gt=0)
    real_share: float = Field(default=0.0, ge=0, le=1)


PartStage = ReaderStage | RimStage | ShaftStage


class TrainingConfig(_Table):
    """A whole run. Batches are split over ``processes`` of one thread each, whose gradients are averaged.

    ``phantom_looks``: the share of simulated pictures that are given a look of real ones (``drawn_look``), and half of
    them brought nearer or farther, so that their organ fills the picture as real ones do.
    ``class_share`` is lambda of the multi-task U-Net's joint loss; other networks do not ask for it.
    """

    name: str = "fetalnet-streaming"
    seed: int = 7
    network: AnyNetwork = Network()
    class_share: float = Field(default=0.5, ge=0, le=1)
    pack: Pack = Pack()
    mixture: Mixture = Mixture()
    phantom_looks: float = Field(default=0.0, ge=0, le=1)
    phases: tuple[Phase, ...]
    reader: ReaderStage | None = None
    rim: RimStage | None = None
    shaft: ShaftStage | None = None
    real_data: bool = True
    hold_out_validation: bool = True
    processes: int = Field(default=2, ge=1)
    bf16: bool = True
    weight_decay: float = 0.02
    warm_up: float = 0.05
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    steps_per_epoch: int = Field(default=250, gt=0)
    validate_every: int = Field(default=4, gt=0)

    @property
    def network_config(self) -> Config:
        return self.network.build() if isinstance(self.network, Network) else self.network

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    @property
    def heads_alone(self) -> bool:
        """Whether nothing but heads is ever shown, so that only their outlines can be asked about."""
        return self.real_data and not any(map(self.draws, set(Mixture.model_fields) - {"real_head", "real_small_head"}))

    def draws(self, source: str) -> bool:
        """Whether any batch is drawn from ``source``, a share of a mixture."""
        return any(getattr(phase.mixture or self.mixture, source) > 0 for phase in self.phases)

    def at(self, step: int) -> tuple[Phase, Stage, float]:
        """The phase and stage of a step, and how far the phase has come (0 to 1)."""
        before = 0
        for phase in self.phases:
            if step < before + phase.steps or phase is self.phases[-1]:
                inside = step - before
                for stage in phase.stages:
                    if inside < stage.steps or stage is phase.stages[-1]:
                        return phase, stage, (step - before) / phase.steps
                    inside -= stage.steps
            before += phase.steps
        raise ValueError("a training needs at least one phase")

    def batch_of_each(self, stage: Stage | PartStage) -> int:
        """What one process draws a step."""
        return max(stage.batch // self.processes, 1)

    def shown(self, stage: Stage) -> int:
        """Pictures a step, of all processes."""
        return self.batch_of_each(stage) * self.processes * stage.frames

    @property
    def presentations(self) -> int:
        """How many pictures are shown, each counted as often as it is; what its readers see besides is not."""
        return sum(self.shown(stage) * stage.steps for phase in self.phases for stage in phase.stages)

    @property
    def parts(self) -> dict[str, PartStage]:
        """The parts that are trained once the rest is, by the name of their table."""
        return {name: each for name, each in self if isinstance(each, PartStage)}

    def presenting(self, presentations: int) -> TrainingConfig:
        """The same run with that many ``presentations``: its stages and its parts longer or shorter alike.

        Raises ``InputError`` where they cannot be divided into batches, or where the run presents nothing.
        """
        if presentations == self.presentations:
            return self
        if not self.presentations:
            raise InputError(
                f"{self.name} trains a part of a network alone, which sees strips or crops and no pictures; choose "
                "a configuration with phases."
            )
        factor = presentations / self.presentations
        stages = [stage for phase in self.phases for stage in phase.stages]
        unit = math.lcm(*(self.shown(stage) for stage in stages))
        shares = [max(round(self.shown(each) * each.steps * factor / unit), 1) * unit for each in stages[:-1]]
        last = presentations - sum(shares)
        if last <= 0 or last % self.shown(stages[-1]):
            raise InputError(
                f"{presentations} presentations cannot be divided into the batches of {self.name}; choose a multiple "
                f"of {unit} that is several times as large."
            )
        steps = [share // self.shown(stage) for share, stage in zip([*shares, last], stages, strict=True)]
        longer = iter([stage.model_copy(update={"steps": count}) for stage, count in zip(stages, steps, strict=True)])
        phases = tuple(
            phase.model_copy(update={"stages": tuple(next(longer) for _ in phase.stages)}) for phase in self.phases
        )
        parts = {
            name: part.model_copy(update={"steps": max(round(part.steps * factor), 1)})
            for name, part in self.parts.items()
        }
        return self.model_copy(update={"phases": phases, **parts})


def cosine(peak: float, share: float, warm_up: float, start: float = 0.0) -> float:
    """A learning rate that warms up to ``peak`` and falls along a cosine; ``share``, 0 to 1, is how far it has come."""
    if share < warm_up:
        return peak * (share + start) / warm_up
    return peak * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))
