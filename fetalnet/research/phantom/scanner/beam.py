"""From tissue to a picture, as a scanner does it: lines of sound, speckle, loss, log compression, scan conversion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.research.phantom.anatomy.noise import Floats, scatterers
from fetalnet.research.phantom.anatomy.tissue import SOFT_LOSS, Tissue
from fetalnet.research.phantom.anatomy.world import World
from fetalnet.research.phantom.scanner.pose import Pose
from fetalnet.research.phantom.scanner.view import View

_DB = np.float32(math.log(10.0) / 20.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """A scanner's knobs. Widths are full widths at half maximum in mm; levels are dB over mean soft tissue.
    ``tissue_grey``: where the ``tissue_part``-th percentile of the picture lies, 0 to 1.
    """

    lines: int
    samples: int
    axial_width_mm: float
    lateral_width_mm: float
    focus_mm: float
    spread_mm: float
    dynamic_range_db: float
    tissue_grey: float
    tissue_part: float
    gamma: float
    depth_gain_slip: float
    noise_db: float
    noise_rise_db: float
    haze_db: float
    haze_mm: float
    smooth_mm: float
    contact_loss_db: float
    contact_from: float
    contact_side: float
    seed: int

    @staticmethod
    def drawn(rng: np.random.Generator, view: View) -> Settings:
        """A random scanner for a view: the smaller the part in view, the higher the frequency a person picks."""
        depth_mm = view.fan.depth_mm
        shown_mm = (view.port.y1 - view.port.y0) * view.scale_mm_per_px
        fineness = 0.36 + shown_mm / 210.0
        return Settings(
            lines=int(np.clip(rng.uniform(120, 170) * depth_mm / shown_mm, 136, 208)),
            samples=int(np.clip(rng.uniform(300, 400) * depth_mm / shown_mm, 320, 512)),
            axial_width_mm=float(rng.uniform(0.42, 0.95) * fineness),
            lateral_width_mm=float(rng.uniform(1.0, 2.2) * fineness),
            focus_mm=float(rng.uniform(0.35, 0.75) * depth_mm),
            spread_mm=float(rng.uniform(0.25, 0.6) * depth_mm),
            dynamic_range_db=float(rng.uniform(40.0, 66.0)),
            tissue_grey=float(rng.uniform(0.26, 0.46)),
            tissue_part=float(rng.uniform(60.0, 80.0)),
            gamma=float(rng.uniform(0.95, 1.4)),
            depth_gain_slip=float(rng.normal(0.0, 0.025)),
            noise_db=float(rng.uniform(-46.0, -26.0)),
            noise_rise_db=float(rng.uniform(0.0, 18.0)),
            haze_db=float(rng.uniform(-24.0, -2.0)),
            haze_mm=float(rng.uniform(6.0, 30.0)),
            smooth_mm=float(rng.choice([0.0, rng.uniform(0.0012, 0.0048)], p=[0.15, 0.85]) * shown_mm),
            contact_loss_db=float(rng.choice([0.0, rng.uniform(8.0, 40.0)], p=[0.6, 0.4])),
            contact_from=float(rng.uniform(0.45, 0.95)),
            contact_side=float(rng.choice([-1.0, 1.0])),
            seed=int(rng.integers(1 << 30)),
        )


class Scanner:
    """Renders the fan of a ``View``. Keep one for a recording: its grids and maps are made once."""

    def __init__(self, settings: Settings, view: View) -> None:
        self.settings, self.view = settings, view
        fan, lines, samples = view.fan, settings.lines, settings.samples
        self.step_mm = fan.depth_mm / (samples - 1)
        self.range_mm = (np.arange(samples) * self.step_mm).astype(np.float32)
        angle = np.linspace(-fan.half_angle_rad, fan.half_angle_rad, lines)
        radius = fan.radius_mm + self.range_mm.astype(np.float64)
        lateral = np.sin(angle)[:, None] * radius
        axial = np.cos(angle)[:, None] * radius - fan.radius_mm
        self._plane_mm = np.stack([lateral, axial]).astype(np.float32)
        self._beams = np.stack([np.sin(angle), np.cos(angle)]).astype(np.float32)
        self._prepare_blur(2 * fan.half_angle_rad / (lines - 1))
        self._prepare_gain(angle / fan.half_angle_rad)
        self._prepare_conversion()
        self._level = 0.0
        self._seen: tuple[Pose, Floats] | None = None

    def _prepare_blur(self, line_rad: float) -> None:
        s = self.settings
        wanted_mm = s.lateral_width_mm * np.sqrt(1.0 + ((self.range_mm - s.focus_mm) / s.spread_mm) ** 2) / 2.355
        apart_mm = (self.view.fan.radius_mm + self.range_mm) * line_rad
        sigma = wanted_mm / apart_mm
        # Smaller cells would slip between the lines, and speckle would not follow the tissue.
        self._cell_mm = float(np.clip(0.7 * np.median(apart_mm), 0.25, 0.65))
        self._narrow = float(max(np.percentile(sigma, 8), 0.55))
        self._wide = float(max(np.percentile(sigma, 92), self._narrow + 0.3))
        self._part = np.clip((sigma - self._narrow) / (self._wide - self._narrow), 0.0, 1.0).astype(np.float32)
        self._axial = max(s.axial_width_mm / 2.355 / self.step_mm, 0.6)

    def _prepare_gain(self, across: NDArray[np.float64]) -> None:
        s = self.settings
        contact = 1.0 / (1.0 + np.exp(-(across * s.contact_side - s.contact_from) / 0.06))
        edge = np.clip((np.abs(across) - 0.9) / 0.1, 0.0, 1.0) * 5.0
        self._line_db = (-s.contact_loss_db * contact - edge).astype(np.float32)[:, None]
        self._tgc_db = ((SOFT_LOSS + s.depth_gain_slip) * self.range_mm).astype(np.float32)
        haze_db = s.haze_db - 8.7 * self.range_mm / s.haze_mm
        rings = 3.0 * np.cos(2 * np.pi * self.range_mm / (2.2 + 0.05 * s.haze_mm)) * np.exp(-self.range_mm / 12.0)
        self._near_db = (haze_db + rings).astype(np.float32)
        self._noise = np.exp(_DB * (s.noise_db + s.noise_rise_db * self.range_mm / self.view.fan.depth_mm))

    def _prepare_conversion(self) -> None:
        s, view, port = self.settings, self.view, self.view.port
        x, y = np.meshgrid(np.arange(port.x0, port.x1), np.arange(port.y0, port.y1))
        angle, range_mm = view.polar(x, y)
        line = (angle / view.fan.half_angle_rad + 1.0) / 2.0 * (s.lines - 1)
        maps = (range_mm / self.step_mm).astype(np.float32), line.astype(np.float32)
        self._maps = cv2.convertMaps(*maps, cv2.CV_16SC2)
        self._outside = ~view.inside(x, y)

    def adjust_gain(self, world: World, pose: Pose) -> None:
        """Turn the gain as a person would, so that tissue at this pose is as grey as the settings want."""
        level = self._log_level(world, pose, 0)
        self._seen = (pose, level)
        self._level = self.settings.tissue_grey - float(np.percentile(level, self.settings.tissue_part))

    def render(self, world: World, pose: Pose, time_index: int = 0) -> NDArray[np.uint8]:
        """The fan's grey picture ``(port height, port width)``, 0 outside the fan."""
        grey = self.render_lines(world, pose, time_index)
        picture: NDArray[np.uint8] = cv2.remap(grey, self._maps[0], self._maps[1], cv2.INTER_LINEAR)
        picture[self._outside] = 0
        return picture

    def render_lines(self, world: World, pose: Pose, time_index: int = 0) -> NDArray[np.uint8]:
        """The grey picture before scan conversion, ``(lines, samples)``."""
        s = self.settings
        if self._seen is not None and self._seen[0] is pose and time_index == 0:
            level = self._seen[1]
        else:
            level = self._log_level(world, pose, time_index)
        grey = np.clip(level + np.float32(self._level), 0.0, 1.0)
        if s.smooth_mm:
            sigma = max(s.smooth_mm / self.step_mm, 0.3)
            grey = cv2.GaussianBlur(grey, (0, 0), sigmaX=sigma, sigmaY=max(0.5 * sigma, 0.3))
        shown: NDArray[np.uint8] = cv2.convertScaleAbs(cv2.pow(grey, s.gamma), alpha=255.0)
        return shown

    def _log_level(self, world: World, pose: Pose, time_index: int) -> Floats:
        s = self.settings
        shape = (s.lines, s.samples)
        tissue = Tissue(pose, self._plane_mm, self._beams, self.step_mm, 0.5 * s.axial_width_mm)
        world.paint(tissue, self.range_mm)

        loss_db = np.cumsum(tissue.loss, axis=1, dtype=np.float32) * np.float32(self.step_mm)
        gain_db = np.clip(self._tgc_db - loss_db, -60.0, 14.0) + self._line_db
        gain = np.exp(gain_db * _DB)
        field = np.empty((*shape, 3), np.float32)
        noise = self._scatter(tissue.anchor_mm)
        amplitude = np.exp(tissue.echo_db * _DB) * gain
        field[..., 0] = noise.real * amplitude
        field[..., 1] = noise.imag * amplitude
        # A rough surface: its echo varies with the tissue it lies in.
        field[..., 2] = tissue.mirror * gain * (0.55 + 0.45 * np.abs(noise.real) + 0.2 * noise.imag)
        field = self._blur(field)

        clutter = self._clutter(time_index, shape)
        haze_db = np.maximum(tissue.haze_db, self._near_db) + self._line_db
        haze = np.exp(haze_db * _DB) + self._noise
        real = field[..., 0] + field[..., 2] + clutter.real * haze
        imaginary = field[..., 1] + clutter.imag * haze
        power = real * real + imaginary * imaginary + np.float32(1e-7)
        level: Floats = cv2.log(power) * np.float32(10.0 / math.log(10.0) / s.dynamic_range_db)
        return level

    def _blur(self, field: Floats) -> Floats:
        narrow = _gaussian(field, self._narrow, self._axial)
        wide = _gaussian(field, self._wide, self._axial)
        # Blurring lowers speckle but not surfaces: bring speckle back to unit power.
        for part, sigma in ((narrow, self._narrow), (wide, self._wide)):
            part[..., :2] *= math.sqrt(4.0 * math.pi * sigma * self._axial) * 0.8
        weight = self._part[None, :, None]
        blurred: Floats = narrow + weight * (wide - narrow)
        return blurred

    def _scatter(self, anchor_mm: Floats) -> NDArray[np.complex64]:
        """Scatterer noise ``(lines, samples)``; of several places for each grid point, or it flickers as it moves."""
        _, lines, samples = anchor_mm.shape
        fine = cv2.resize(anchor_mm.transpose(1, 2, 0), (2 * samples, 2 * lines), interpolation=cv2.INTER_LINEAR)
        noise = scatterers(fine.transpose(2, 0, 1), self._cell_mm, self.settings.seed)
        parts = noise.view(np.float32).reshape(2 * lines, 2 * samples, 2)
        parts = 1.6 * cv2.resize(parts, (samples, lines), interpolation=cv2.INTER_AREA)
        summed: NDArray[np.complex64] = parts.view(np.complex64)[..., 0]
        return summed

    def _clutter(self, time_index: int, shape: tuple[int, int]) -> NDArray[np.complex64]:
        """Noise fixed to the probe, partly new in every frame."""
        rng = np.random.default_rng((self.settings.seed, time_index))
        fresh = rng.standard_normal((*shape, 2), dtype=np.float32)
        fresh = cv2.GaussianBlur(fresh, (0, 0), sigmaX=max(0.6 * self._axial, 0.5), sigmaY=0.8)
        fresh *= math.sqrt(2.0 * math.pi * 0.8 * max(0.6 * self._axial, 0.5))
        noise: NDArray[np.complex64] = fresh.view(np.complex64)[..., 0]
        return noise


def _gaussian(field: Floats, sigma_lines: float, sigma_samples: float) -> Floats:
    size = (0, 0)
    blurred: Floats = cv2.GaussianBlur(
        field, size, sigmaX=sigma_samples, sigmaY=sigma_lines, borderType=cv2.BORDER_REPLICATE
    )
    return blurred
