"""What the README promises of `import fetalnet`."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import av
import pytest

from fetalnet.core.system.resources import resource
from fetalnet.sources import open_source

ROOT = Path(__file__).parents[1]
HEAD_FRAMES = range(392, 432)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A part of the demo that shows a head."""
    path = tmp_path / "recording.mp4"
    with closing(open_source(resource("demo/demo.mp4"))) as demo, av.open(str(path), "w") as out:
        height, width = demo[0].pixels.shape[:2]
        stream = out.add_stream("libx264", rate=25, options={"crf": "12", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in HEAD_FRAMES:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(demo[index].pixels, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def test_the_lines_of_python_measure_a_recording(recording: Path) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## From Python")[1]
    code = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        capture_output=True, text=True, check=False, cwd=recording.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = dict(re.findall(r"^(\w+): ([0-9.]+) mm in frame \d+, head", done.stdout, re.MULTILINE))
    assert set(printed) == {"HC", "BPD", "OFD"}, done.stdout
    assert float(printed["BPD"]) < float(printed["OFD"]) < float(printed["HC"])


def test_importing_the_package_loads_nothing_heavy_and_names_what_it_offers() -> None:
    code = "import fetalnet, sys; print(*dir(fetalnet)); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    offered, loaded = (set(line.split()) for line in done.stdout.splitlines())
    assert {"Predictor", "analyze", "measure", "open_source"} <= offered
    assert not {"torch", "openvino", "cv2", "numpy", "av"} & loaded


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import fetalnet

    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        fetalnet.analyse  # noqa: B018
