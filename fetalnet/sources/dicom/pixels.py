"""Stored bytes of one frame -> 8-bit grey or RGB, by what the file says of its values and colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from fetalnet.core.errors import InputError
from fetalnet.sources.dicom.codecs import COMPRESSED, Components, Decoded, Shape, UndecodableError, decode
from fetalnet.sources.dicom.header import PARSE_ERRORS, Header, items, number, numbers, octets, quiet, whole, word

MAX_FRAME_BYTES = 64 * 2**20
"""One frame unpacked: nothing a scanner writes comes near (4K in colour is 25 MB), decoders need up to eight times as
much, and a file that lies must not take the memory."""

_GREY = {"MONOCHROME1", "MONOCHROME2"}
_HALF_COLOUR = {"YBR_FULL_422", "YBR_PARTIAL_422"}
_COLOUR = {"RGB", "YBR_FULL", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", *_HALF_COLOUR}


_FEW_GREYS = 24
"""A window that leaves fewer was made for other values; narrow ones that a person set leave more."""


class PixelForm:
    """How the frames of one file are written. Raises ``InputError`` for what no picture can be made of."""

    def __init__(self, header: Header, name: str, count: int | None = None) -> None:
        """``count`` is how many frames the file promises, where it does."""
        dataset = header.dataset
        self._name, self._syntax = name, header.syntax
        self._words = "<u2" if header.is_little_endian else ">u2"
        self.photometric = word(dataset, "PhotometricInterpretation").upper()
        rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
        samples = whole(dataset, "SamplesPerPixel") or (3 if self.photometric in _COLOUR else 1)
        bits = whole(dataset, "BitsAllocated") or 0
        self._bits_stored = whole(dataset, "BitsStored") or bits
        high_bit = whole(dataset, "HighBit")
        self._shift = 0 if high_bit is None else high_bit + 1 - self._bits_stored
        self._planes_apart = whole(dataset, "PlanarConfiguration") == 1
        self.shape = Shape(rows, columns, samples, bits)
        if rows <= 0 or columns <= 0:
            raise InputError(f"{name} does not say how large its pictures are; export it again.")
        if rows * columns * max(samples, 1) * max(bits // 8, 1) > MAX_FRAME_BYTES:
            raise InputError(
                f"{name} says its pictures are {columns} x {rows} pixels, which is more than can be opened; "
                "export it smaller."
            )
        self._has_pairs = self._syntax not in COMPRESSED and self._holds_pairs(header, count)
        self.remark: str | None = None
        """What to know of how the values are shown, without the name of the file."""
        self._check_values()
        self._table = self._palette(dataset) if self.photometric == "PALETTE COLOR" else self._grey_table(dataset)

    @property
    def frame_bytes(self) -> int:
        """The length of a frame that is not compressed."""
        samples = 2 if self._has_pairs else self.shape.samples
        return self.shape.rows * self.shape.columns * samples * self.shape.bits_allocated // 8

    def pixels(self, content: bytes, index: int) -> NDArray[np.uint8]:
        """Frame ``index`` from its stored bytes: ``(height, width)`` grey or ``(height, width, 3)`` RGB, read-only."""
        shown = self._shown(self.decoded(content, index))
        pixels: NDArray[np.uint8] = np.ascontiguousarray(shown, dtype=np.uint8)
        pixels.setflags(write=False)
        return pixels

    def decoded(self, content: bytes, index: int) -> Decoded:
        """Frame ``index`` with its values as they are stored, not yet shown."""
        if self._syntax not in COMPRESSED:
            return Decoded(self._native(content))
        try:
            return decode(content, self._syntax, self.shape, self.photometric)
        except UndecodableError as error:
            raise InputError(f"Frame {index} of {self._name} is damaged; copy or export the file again.") from error

    def _holds_pairs(self, header: Header, count: int | None) -> bool:
        """Whether two pixels share their colour: by the length of the pixel data, where that decides."""
        labelled = self.photometric in _HALF_COLOUR
        if not (labelled or self.photometric == "YBR_FULL") or header.pixels is None or not header.pixels.length:
            return labelled
        pixels, length = self.shape.rows * self.shape.columns, header.pixels.length
        # An odd length is filled up with a byte.
        as_whole, as_pairs = (
            length - each * count in {0, 1} if count is not None else length % each in {0, 1}
            for each in (3 * pixels, 2 * pixels)
        )
        return labelled if as_whole == as_pairs else as_pairs

    def _check_values(self) -> None:
        samples, bits = self.shape.samples, self.shape.bits_allocated
        known = self.photometric in _COLOUR if samples == 3 else self.photometric in {*_GREY, "PALETTE COLOR"}
        even = not self._has_pairs or self.shape.columns % 2 == 0
        if samples not in {1, 3} or not known or not even or (bits == 16 and samples == 3):
            raise InputError(f"{self._name} holds colours in a form that is not supported; export it as RGB.")
        if bits not in {8, 16} or not 0 < self._bits_stored <= bits or not 0 <= self._shift <= bits - self._bits_stored:
            raise InputError(f"{self._name} holds pixels that are not of 8 to 16 bits; export it again.")

    def _native(self, content: bytes) -> Components:
        rows, columns, samples = self.shape.rows, self.shape.columns, self.shape.samples
        if self._has_pairs:
            # Two pixels share their colour: Y1 Y2 Cb Cr.
            pairs = np.frombuffer(content, np.uint8).reshape(-1, 4)
            whole_ = np.stack([pairs[:, :2], pairs[:, [2, 2]], pairs[:, [3, 3]]], axis=-1)
            return whole_.reshape(rows, columns, 3)
        values: Components = np.frombuffer(content, np.uint8 if self.shape.bits_allocated == 8 else self._words)
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        if samples == 1:
            return values.reshape(rows, columns)
        if self._planes_apart:
            return np.moveaxis(values.reshape(samples, rows, columns), 0, -1)
        return values.reshape(rows, columns, samples)

    def _shown(self, decoded: Decoded) -> Components:
        values = decoded.components
        if self._table is not None and values.ndim == 2:
            values = np.right_shift(values.view(np.uint8 if values.dtype.itemsize == 1 else np.uint16), self._shift)
            if values.dtype == np.uint8 and self._table.shape == (256,):
                grey: Components = cv2.LUT(values, self._table)  # five times faster
                return grey
            coloured: Components = self._table[values & min(len(self._table) - 1, np.iinfo(values.dtype).max)]
            return coloured
        if values.dtype != np.uint8:
            raise InputError(f"{self._name} holds colours of more than 8 bits; export it as RGB.")
        if values.ndim == 2:
            return values
        is_rgb = self.photometric in {"RGB", *_GREY} if decoded.is_rgb is None else decoded.is_rgb
        if is_rgb:
            return values
        if self.photometric.startswith("YBR_PARTIAL"):
            values = _full_range(values)
        rgb: Components = cv2.cvtColor(np.ascontiguousarray(values[..., [0, 2, 1]]), cv2.COLOR_YCrCb2RGB)
        return rgb

    def _grey_table(self, dataset: Dataset) -> NDArray[np.uint8] | None:
        """The grey of every stored value; None where the file holds colours."""
        if self.shape.samples == 3:
            return None
        stored = np.arange(2**self._bits_stored, dtype=np.float64)
        low, high = 0.0, float(2**self._bits_stored - 1)
        if whole(dataset, "PixelRepresentation") == 1:
            stored = np.where(stored > high / 2, stored - high - 1, stored)
            low, high = float(stored.min()), float(stored.max())
        slope, intercept = number(dataset, "RescaleSlope") or 1.0, number(dataset, "RescaleIntercept") or 0.0
        values = stored * slope + intercept
        shown = _by_table(dataset, values)
        if shown is None:
            shown = _by_window(dataset, values)
            if shown is not None and len(np.unique(np.rint(shown * 255))) < min(_FEW_GREYS, len(stored) // 2):
                self.remark = "the window of its values would show a few grey levels alone and is not used"
                shown = None
        if shown is None:
            shown = (stored - low) / (high - low)
        if self.photometric == "MONOCHROME1":
            shown = 1.0 - shown
        return np.rint(shown * 255).astype(np.uint8)

    def _palette(self, dataset: Dataset) -> NDArray[np.uint8]:
        """The RGB of every stored value."""
        stored = np.arange(2**self._bits_stored, dtype=f"u{self.shape.bits_allocated // 8}")
        try:
            with quiet():
                colours = apply_color_lut(stored, dataset)
        except PARSE_ERRORS:
            raise InputError(
                f"{self._name} lacks the table of its colours, or it is damaged; export it as RGB."
            ) from None
        # Some writers put 8-bit colours in tables of 16 bits.
        if colours.dtype == np.uint16 and colours.max() > 255:
            colours = colours >> 8
        return colours.astype(np.uint8)


def _by_window(dataset: Dataset, values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Window centre and width (PS3.3 C.11.2.1.2), 0 to 1; None where there is none that shows a picture."""
    centre, width = number(dataset, "WindowCenter"), number(dataset, "WindowWidth")
    function = word(dataset, "VOILUTFunction")
    if centre is None or width is None or width < 1:
        return None
    if function == "SIGMOID":
        return 1.0 / (1.0 + np.exp(np.clip(-4 * (values - centre) / width, -500, 500)))
    if function == "LINEAR_EXACT":
        shown = (values - centre) / width + 0.5
    else:
        shown = (values - (centre - 0.5)) / max(width - 1, 1e-9) + 0.5
    shown = np.clip(shown, 0.0, 1.0)
    return shown


def _by_table(dataset: Dataset, values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The first VOI LUT (PS3.3 C.11.2), 0 to 1; None where there is none that can be right."""
    for item in items(dataset, "VOILUTSequence")[:1]:
        descriptor, entries = numbers(item, "LUTDescriptor"), _table_entries(item)
        if len(descriptor) != 3 or not len(entries):
            return None
        count, first, bits = (int(each) for each in descriptor)
        if (count or 65536) != len(entries) or not 8 <= bits <= 16:
            return None
        index = np.clip(np.rint(values) - first, 0, len(entries) - 1).astype(np.int64)
        shown: NDArray[np.float64] = np.clip(entries[index] / (2.0**bits - 1), 0.0, 1.0)
        return shown
    return None


def _table_entries(item: Dataset) -> NDArray[np.float64]:
    words = octets(item, "LUTData")
    if words:
        return np.frombuffer(words[: len(words) // 2 * 2], "<u2").astype(np.float64)
    return np.asarray(numbers(item, "LUTData"), np.float64)


def _full_range(values: Components) -> Components:
    """Luminance from 16 to 235 and colour difference from 16 to 240, spread over 0 to 255."""
    stored = np.arange(256.0)
    luminance = np.clip(np.rint((stored - 16) * 255 / 219), 0, 255).astype(np.uint8)
    difference = np.clip(np.rint((stored - 128) * 255 / 224 + 128), 0, 255).astype(np.uint8)
    tables = (luminance, difference, difference)
    return np.stack([table[values[..., place]] for place, table in enumerate(tables)], axis=-1)
