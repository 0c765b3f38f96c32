"""The built wheel in an environment of its own: both commands run with what came in the wheel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parents[1]
BUILT_FROM = [
    "app",
    "fetalnet",
    "resources",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "NOTICE",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: an old build folder of the checkout must not lend it files."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, tree / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(tree))
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands of an environment lie that holds the wheel; its libraries are those of this environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    paths = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    commands = Path(sysconfig.get_path("scripts", "venv", vars=paths))
    # A folder named in a .pth file is searched, but its own .pth files are not read: an editable install stays unseen.
    (site / "libraries.pth").write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    pip("--python", str(commands / "python"), "install", "--no-deps", "--no-index", str(wheel))
    return commands


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def run(*command: str | Path, home: Path) -> str:
    places = {"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d", "XDG_STATE_HOME": "s", "XDG_CACHE_HOME": "k"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {name: str(home / folder) for name, folder in places.items()} | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, cwd=home, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_carries_weights_judges_widths_demo_and_licence_texts(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for path in (ROOT / "resources").rglob("*"):
        if path.is_file():
            assert f"fetalnet/_resources/{path.relative_to(ROOT / 'resources').as_posix()}" in names
    assert {"fetalnet/NOTICE", "fetalnet/LICENSE", "app/theme/dark.qss"} <= names
    assert any(name.startswith("fetalnet/research/training/configs/") for name in names)
    assert not any(name.startswith(("tests/", "packaging/", "docs/")) for name in names)


def test_the_installed_command_analyses_the_demo(bin_folder: Path, tmp_path: Path) -> None:
    demo = installed_demo(bin_folder, tmp_path)
    out = tmp_path / "analysis.json"
    scale = (demo.parent / "mm_per_pixel").read_text(encoding="utf-8").strip()
    run(
        bin_folder / "fetalnet",
        "analyze",
        demo,
        "--mm-per-pixel",
        scale,
        "--device",
        "openvino",
        "--json",
        out,
        home=tmp_path,
    )
    best = json.loads(out.read_text(encoding="utf-8"))["best"]
    assert {"HC", "BPD", "OFD", "AC", "FL"} == set(best)
    assert all(found["value_mm"] is not None for found in best.values())


def test_the_installed_window_analyses_the_demo_and_is_pictured(bin_folder: Path, tmp_path: Path) -> None:
    demo, shot = installed_demo(bin_folder, tmp_path), tmp_path / "window.png"
    run(
        bin_folder / "fetalnet-app", demo, "--device", "openvino", "--size", "1280x800",
        "--screenshot", shot, "--quit-when-analysed", home=tmp_path,
    )  # fmt: skip
    assert cv2.imread(str(shot)).shape == (800, 1280, 3)


def installed_demo(bin_folder: Path, home: Path) -> Path:
    code = "from fetalnet.core.system.resources import resource; print(resource('demo/demo.mp4'))"
    demo = Path(run(bin_folder / "python", "-c", code, home=home).strip())
    assert demo.is_file()
    assert demo.is_relative_to(bin_folder.parent)
    return demo
