"""What the tiny data sets are drawn with."""

import zlib

import cv2
import numpy as np

from fetalnet.core.geometry import Ellipse, Line

SHAPE = (120, 180)
HEAD = Ellipse(90.0, 60.0, 40.0, 30.0, 20.0)
ABDOMEN = Ellipse(90.0, 60.0, 35.0, 32.0, 0.0)
FEMUR = Line(50.0, 70.0, 120.0, 60.0)


def picture(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).integers(20, 90, shape, np.uint8)


def filled(ellipse, shape=SHAPE):
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle = np.radians(ellipse.theta_deg)
    u = (x - ellipse.cx) * np.cos(angle) + (y - ellipse.cy) * np.sin(angle)
    v = (y - ellipse.cy) * np.cos(angle) - (x - ellipse.cx) * np.sin(angle)
    return (((u / ellipse.a) ** 2 + (v / ellipse.b) ** 2) <= 1).astype(np.uint8)


def bar(line, width, shape=SHAPE):
    y, x = np.mgrid[: shape[0], : shape[1]]
    along = np.array([line.x2 - line.x1, line.y2 - line.y1]) / line.length_px
    position = (x - line.x1) * along[0] + (y - line.y1) * along[1]
    side = (y - line.y1) * along[0] - (x - line.x1) * along[1]
    return ((position >= 0) & (position <= line.length_px) & (np.abs(side) <= width / 2)).astype(np.uint8)


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def table(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def metaimage(path, volume, packed):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = volume.shape
    content = zlib.compress(volume.tobytes()) if packed else volume.tobytes()
    head = (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = {packed}\n"
        f"ElementSpacing = 0.28 0.28 0.28\nDimSize = {width} {height} {count}\nElementType = MET_UCHAR\n"
        "ElementDataFile = LOCAL\n"
    )
    path.write_bytes(head.encode("ascii") + content)


def ellipse_of_mtln(numbers, height, width):
    """The five ``numbers`` (5,) of ``Output.ellipses`` in pixels of a grid ``height`` x ``width``."""
    x, y, a, b, half_turns = (float(number) for number in numbers)
    return Ellipse.of(x * width - 0.5, y * height - 0.5, abs(a) * width, abs(b) * width, 180.0 * half_turns)
