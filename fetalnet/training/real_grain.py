"""The grain and the greys of real pictures on simulated ones, so that neither tells an abdomen from a head.

Real pictures show heads alone, and a network would take whatever is round and looks real for one. What is taken from a
real picture are the smoothed amplitudes of its spectrum and the share of each grey, nothing of where things lie.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy import fft

from fetalnet.training.example import Example

Floats = NDArray[np.float32]

_BANDS = (16, 16)
"""Into how many bands down and across the spectrum is smoothed."""
_LEVELS = np.linspace(0.0, 1.0, 65)
_LIT = 4
"""Grey from which a pixel belongs to the fan and is no black border."""
_GREATEST_GAIN = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """``amplitudes`` (bands down, bands across), natural logarithms; ``greys`` (65,), grey at each share of the lit
    pixels from the darkest to the brightest.
    """

    amplitudes: Floats
    greys: Floats

    @staticmethod
    def of(pixels: NDArray[np.uint8]) -> Grain | None:
        """Those of a picture (height, width); None where hardly anything is lit."""
        return Grain.with_spectrum(pixels)[0]

    @staticmethod
    def with_spectrum(pixels: NDArray[np.uint8]) -> tuple[Grain | None, NDArray[np.complex64]]:
        """The same, and the spectrum that it was taken from."""
        spectrum: NDArray[np.complex64] = fft.rfft2(pixels.astype(np.float32))
        lit = pixels[pixels >= _LIT]
        if lit.size < 1000:
            return None, spectrum
        return Grain(_bands(spectrum), np.quantile(lit, _LEVELS).astype(np.float32)), spectrum

    def on(self, example: Example, of_spectrum: float, of_greys: float) -> Example:
        """The picture with this grain and these greys, from its own (0) to these (1); its truth stays."""
        own, spectrum = Grain.with_spectrum(example.pixels)
        if own is None:
            return example
        gain = np.clip(self.amplitudes - own.amplitudes, -np.log(_GREATEST_GAIN), np.log(_GREATEST_GAIN))
        smooth = cv2.resize(gain * of_spectrum, spectrum.shape[::-1], interpolation=cv2.INTER_LINEAR)
        # How bright it is on the whole is for the greys to say.
        smooth -= smooth[0, 0]
        grained = fft.irfft2(spectrum * np.exp(fft.ifftshift(smooth, axes=0)), s=example.pixels.shape)
        lit = example.pixels >= _LIT
        levels = np.quantile(grained[lit], _LEVELS)
        wanted = of_greys * self.greys + (1.0 - of_greys) * own.greys
        greys = np.interp(grained, levels, wanted)
        return replace(example, pixels=np.where(lit, np.clip(greys, 1, 255), 0).astype(np.uint8))


def grained(clips: list[list[Example]], real: list[Example], share: float, seed: int) -> list[list[Example]]:
    """The clips of simulated frames, a ``share`` of them with the grain of a random ``real`` picture each."""
    if not share:
        return clips
    grains = [grain for grain in (Grain.of(each.pixels) for each in real) if grain is not None]
    if not grains:
        return clips
    rng = np.random.default_rng([seed, 11])
    changed = []
    for clip in track(clips, "Giving simulated pictures the grain of real ones"):
        grain, (of_spectrum, of_greys) = grains[int(rng.integers(len(grains)))], rng.uniform(0.2, 1.0, 2)
        changed.append([grain.on(each, of_spectrum, of_greys) for each in clip] if rng.random() < share else clip)
    return changed


def _bands(spectrum: NDArray[np.complex64]) -> Floats:
    """Mean log amplitude by band, low frequencies in the middle row and the first column."""
    amplitudes = np.log(np.abs(fft.fftshift(spectrum, axes=0)) + np.float32(1.0))
    return np.asarray(cv2.resize(amplitudes, _BANDS[::-1], interpolation=cv2.INTER_AREA), np.float32)
