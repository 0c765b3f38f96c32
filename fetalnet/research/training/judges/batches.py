"""Stretches of sweeps as hands, fetuses and scanners may give them that the phantom does not have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fetalnet.network.frame_judge import LIMIT
from fetalnet.research.training.data.batches import presence
from fetalnet.research.training.data.example import PRESENT
from fetalnet.research.training.judges.sweeps import Sweep

_BATCH, _LENGTH = 16, 100
_RESTS, _CUTS, _POOR, _NOISY = 0.4, 0.25, 0.15, 0.5
"""Shares of stretches in which the hand rests somewhere, that are cut together, made poor, or said otherwise."""
_REAL_RESTS = 0.25
"""Of the stretches those of a hand that rests on a real picture all the time."""
_SPEED = 0.5
"""Logarithm of the greatest change of speed."""
_POORLY_PLACED = 6.0
"""So much likelier is it that the hand rests on an organ that is cut too poorly."""
_POOR_ODDS = -2.2
"""Log odds under which a rating is poor."""
_OFFSET, _JITTER = 0.5, 0.2
"""What a whole stretch, and each of its steps, is said otherwise by, in log odds (one standard deviation)."""


class SweepBatch(NamedTuple):
    """Stretches of recordings: ``evidence`` (b, t, EVIDENCE), and whether a plane is ``shown`` (b, t), 0 to 1."""

    evidence: Tensor
    shown: Tensor


def draw_sweeps(sweeps: Sequence[Sweep], seed: int, step: int, rests: Sequence[Sweep] = ()) -> SweepBatch:
    """The batch of one step; ``rests`` are recordings of a hand at rest, shorter than a stretch."""
    rngs = [np.random.default_rng([seed, step, item]) for item in range(_BATCH)]
    drawn = [_drawn(rng, sweeps, rests) for rng in rngs]
    evidence, standardness = (torch.from_numpy(np.stack(parts)) for parts in zip(*drawn, strict=True))
    return SweepBatch(evidence, standardness.amax(dim=2).apply_(presence))


def _drawn(rng: np.random.Generator, sweeps: Sequence[Sweep], rests: Sequence[Sweep]) -> Sweep:
    """A stretch, whole or cut, as other fetuses and scanners would have it."""
    if rests and rng.random() < _REAL_RESTS:
        sweep = _prolonged(rests[int(rng.integers(len(rests)))], _LENGTH)
    elif rng.random() < _CUTS:
        sweep = _cut(rng, [*sweeps, *rests])
    else:
        sweep = _stretch(rng, sweeps, _LENGTH)
    if rng.random() < _POOR:
        return _poor(rng, sweep)
    if rng.random() < _NOISY:
        noise = rng.normal(0, _OFFSET, sweep.evidence.shape[1]) + rng.normal(0, _JITTER, sweep.evidence.shape)
        return sweep._replace(evidence=(sweep.evidence + noise).astype(np.float32))
    return sweep


def _poor(rng: np.random.Generator, sweep: Sweep) -> Sweep:
    """What is rated poorly, or taken for none of the planes, shows none: the phantom hardly has these two disagree."""
    evidence, low = sweep.evidence.copy(), float(rng.uniform(-LIMIT, _POOR_ODDS))
    if rng.random() < 0.5:
        evidence[:, -1] = low
    else:
        evidence[:, :-2] = np.minimum(evidence[:, :-2], low)
        evidence[:, -2] = -low
    return Sweep(evidence, np.zeros_like(sweep.standardness))


def _prolonged(sweep: Sweep, length: int) -> Sweep:
    """The recording there and back until it is long enough: the hand stays where it is."""
    last = len(sweep.evidence) - 1
    places = last - np.abs(last - np.arange(length) % (2 * last))
    return Sweep(sweep.evidence[places], sweep.standardness[places])


def _cut(rng: np.random.Generator, sweeps: Sequence[Sweep]) -> Sweep:
    """Short stretches of several recordings, one after the other: saved clips are put together like this."""
    parts: list[Sweep] = []
    while sum(part.evidence.shape[0] for part in parts) < _LENGTH:
        parts.append(_stretch(rng, sweeps, int(rng.integers(5, 50))))
    return Sweep(*(np.concatenate(each)[:_LENGTH] for each in zip(*parts, strict=True)))


def _stretch(rng: np.random.Generator, sweeps: Sequence[Sweep], length: int) -> Sweep:
    """Part of a recording, forwards or backwards, slower or faster, as other frame rates are too.

    The phantom's hand rests on standard planes alone, a real one anywhere: so it is made to rest at other places too.
    """
    sweep = sweeps[int(rng.integers(len(sweeps)))]
    last = len(sweep.evidence) - 1
    speed = math.exp(rng.uniform(-_SPEED, min(_SPEED, math.log(last / length))))
    places = (np.arange(int(last / speed)) * speed).astype(int)
    if rng.random() < _RESTS:
        at, tremor = _resting_place(rng, sweep, places), int(rng.integers(1, 8))
        steps = np.arange(int(rng.integers(20, _LENGTH)))
        there_and_back = tremor - np.abs(tremor - steps % (2 * tremor))
        places = np.insert(places, at, np.maximum(places[at] - there_and_back, 0))
    first = int(rng.integers(len(places) - length + 1))
    places = places[first : first + length]
    if rng.random() < 0.5:
        places = places[::-1]
    return Sweep(sweep.evidence[places], sweep.standardness[places])


def _resting_place(rng: np.random.Generator, sweep: Sweep, places: NDArray[np.int64]) -> int:
    """Mostly where an organ is cut too poorly: there the phantom's hand passes soon, and a judge would see it least."""
    poor = (sweep.standardness[places].max(axis=1) < PRESENT) & (sweep.evidence[places, -1] > _POOR_ODDS)
    likely = np.where(poor, _POORLY_PLACED, 1.0)
    return int(rng.choice(len(places), p=likely / likely.sum()))
