"""The real program in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "resources/weights/fetalnet-streaming.safetensors"


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    places = {"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d", "XDG_STATE_HOME": "s", "XDG_CACHE_HOME": "k"}
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    environment |= {name: str(home / folder) for name, folder in places.items()}
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        capture_output=True, text=True, timeout=110, check=False, cwd=home, env=environment,
    )  # fmt: skip


def write_images(folder: Path) -> Path:
    folder.mkdir()
    noise = np.random.default_rng(1)
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), noise.integers(0, 90, (240, 320), np.uint8))
    return folder


def test_that_bad_usage_is_told(tmp_path: Path) -> None:
    done = run("--mm-per-pixel", "-1", home=tmp_path)
    assert done.returncode == 2
    assert "cannot be right" in done.stderr
    assert "Traceback" not in done.stderr


def test_that_missing_weights_end_a_headless_run_with_a_sentence(tmp_path: Path) -> None:
    images = write_images(tmp_path / "some images")
    done = run(str(images), "--weights", "nowhere.safetensors", "--quit-when-analysed", home=tmp_path)
    assert done.returncode == 1
    assert "no weights" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not WEIGHTS.exists(), reason="the trained weights are not in resources/weights")
def test_that_the_real_network_analyses_and_a_picture_of_the_window_is_saved(tmp_path: Path) -> None:
    images = write_images(tmp_path / "some images")
    shot = tmp_path / "out" / "window.png"
    done = run(str(images), "--screenshot", str(shot), "--quit-when-analysed", "--size", "1280x800", home=tmp_path)
    assert done.returncode == 0, done.stderr
    picture = cv2.imread(str(shot))
    assert picture.shape == (800, 1280, 3)
    assert "Traceback" not in done.stderr
