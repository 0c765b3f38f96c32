import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
import torch
from pypdf import PdfReader

from fetalnet.analysis.schema import json_schema
from fetalnet.cli import main
from fetalnet.core.geometry import geometry_from_json
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.network.config import NetworkConfig
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import save_weights
from fetalnet.research.phantom import PhantomRecording, write_recording
from fetalnet.sources import VideoFile


@pytest.fixture(scope="session")
def recording(tmp_path_factory):
    """A phantom sweep over a head, in a folder with a space in its name."""
    phantom = PhantomRecording(13, planes=[Plane.HEAD], duration_s=3.0, size=(320, 240))
    return write_recording(phantom, tmp_path_factory.mktemp("phantom sweeps"))


@pytest.fixture(scope="session")
def truth(recording):
    return json.loads(recording.with_name(f"{recording.stem}.truth.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def untrained(tmp_path_factory):
    """Weights that are whole but know nothing."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_weights(path, StreamingFetalNet(NetworkConfig(64, 96, (8, 8, 8, 8, 8), hidden=8)), {"name": "untrained"})
    return path


class Oracle:
    """Knows the phantom's truth: what a perfect network would say."""

    model = ModelRef("oracle", "0" * 64, "truth")

    def __init__(self, truth):
        self.frames = truth["frames"]

    def look_at(self, crop, fan):
        pass

    def predict(self, frame):
        value = self.frames[frame.index]
        plane = Plane(value["plane"])
        probabilities = {each: 0.97 if each is plane else 0.01 for each in Plane}
        of_plane = [section for section in value["sections"] if section["plane"] == plane]
        geometry = geometry_from_json(of_plane[0]["geometry"]) if of_plane else None
        return Prediction(
            frame.index, frame.time_s, plane, probabilities, value["standardness"], None, geometry, None, frame.file
        )

    predict_still = predict


@pytest.fixture
def oracle(monkeypatch, truth):
    monkeypatch.setattr(sys.modules["fetalnet.cli.analyze"], "_predictor", lambda *_, **__: Oracle(truth))


@pytest.fixture(scope="session")
def engine_memory(tmp_path_factory):
    return tmp_path_factory.mktemp("memory") / "engine.json"


@pytest.fixture
def fetalnet(capsys, monkeypatch, engine_memory):
    """Run a command line; gives the exit status, standard output and standard error."""
    monkeypatch.setattr("fetalnet.inference.engines.choice.own_memory", lambda: engine_memory)

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


def valid(text):
    value = json.loads(text)
    jsonschema.validate(value, json_schema())
    return value


def test_that_a_recording_gives_json_report_and_overlay(fetalnet, oracle, recording, truth, tmp_path):
    report, overlay, out = tmp_path / "r.pdf", tmp_path / "o.mp4", tmp_path / "a.json"
    scale = truth["mm_per_pixel"]["x"]
    status, printed, _ = fetalnet(
        "analyze", recording, "--mm-per-pixel", scale, "--json", out, "--report", report, "--overlay", overlay
    )
    assert (status, printed) == (0, "")
    value = valid(out.read_text("utf-8"))
    assert len(value["frames"]) == len(truth["frames"])
    assert set(value["best"]) == {"HC", "BPD", "OFD"}
    assert truth["frames"][value["best"]["HC"]["frame"]]["standard"]
    assert value["best"]["HC"]["value_mm"] == pytest.approx(truth["sizes_mm"]["HC"], rel=0.03)
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(report).pages]
    assert all("proposals, not reviewed by a person" in page for page in pages)
    assert f"HC {value['best']['HC']['value_mm']:.1f} mm" in " ".join(pages)
    video = VideoFile(overlay)
    assert len(video) == len(truth["frames"])
    video.close()


def test_that_without_a_scale_the_report_has_no_millimetres(fetalnet, oracle, recording, tmp_path):
    report = tmp_path / "r.pdf"
    status, printed, _ = fetalnet("analyze", recording, "--report", report)
    assert status == 0
    assert valid(printed)["best"]["HC"]["value_mm"] is None
    text = " ".join(page.extract_text() for page in PdfReader(report).pages)
    assert " px" in text
    assert " mm" not in text


def test_that_the_real_engine_runs_from_the_command_line(fetalnet, untrained, recording):
    status, printed, errors = fetalnet("analyze", recording, "--weights", untrained, "--device", "cpu")
    value = valid(printed)
    assert status == 0
    assert value["model"]["name"] == "untrained"
    assert value["model"]["engine"].startswith("openvino")
    assert len(value["frames"]) == 75
    assert "Traceback" not in errors


def test_that_the_shipped_weights_measure_a_phantom_head(fetalnet, recording, truth):
    status, printed, _ = fetalnet("analyze", recording, "--mm-per-pixel", truth["mm_per_pixel"]["x"])
    best = valid(printed)["best"]
    assert status == 0
    assert {"AC", "FL"}.isdisjoint(best)
    assert best["HC"]["value_mm"] == pytest.approx(truth["sizes_mm"]["HC"], rel=0.06)


@pytest.fixture
def stills(tmp_path):
    folder = tmp_path / "stills"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, shape in {"b.png": (60, 80), "a.png": (90, 120), "c.png": (60, 80)}.items():
        cv2.imwrite(str(folder / name), rng.integers(0, 255, shape, np.uint8))
    (folder / "labels.csv").write_text("examination,filename,pixel_size_mm\n1,a.png,0.2\n2,b.png,0.3\n", "utf-8")
    return folder


def test_that_stills_take_their_scales_from_a_table(fetalnet, oracle, stills):
    table = stills / "labels.csv"
    status, printed, errors = fetalnet("analyze", stills, "--stills", "--scale-csv", table)
    value = valid(printed)
    assert status == 0
    assert [frame["file"] for frame in value["frames"]] == ["a.png", "b.png", "c.png"]
    assert [frame["mm_per_pixel"] for frame in value["frames"]] == [{"x": 0.2, "y": 0.2}, {"x": 0.3, "y": 0.3}, None]
    assert "c.png has no row in labels.csv" in errors


def test_that_a_damaged_still_is_named_and_the_rest_done(fetalnet, untrained, stills, tmp_path):
    (stills / "b.png").write_bytes(b"not a picture")
    out = tmp_path / "a.json"
    status, _, errors = fetalnet(
        "analyze", stills, "--stills", "--weights", untrained, "--device", "torch", "--json", out
    )
    assert status == 1
    assert "b.png" in errors
    frames = valid(out.read_text("utf-8"))["frames"]
    assert [frame["error"] is None for frame in frames] == [True, False, True]


def test_that_nothing_is_written_where_no_still_can_be_read(fetalnet, oracle, stills, tmp_path):
    for path in stills.glob("*.png"):
        path.write_bytes(b"not a picture")
    out = tmp_path / "a.json"
    status, _, errors = fetalnet("analyze", stills, "--stills", "--json", out)
    assert status == 2
    assert "a.png" in errors
    assert not out.exists()


def test_that_images_of_mixed_size_are_no_recording(fetalnet, oracle, stills):
    status, _, errors = fetalnet("analyze", stills)
    assert status == 2
    assert "stills" in errors


def test_that_a_folder_is_played_as_one_recording(fetalnet, oracle, stills):
    (stills / "a.png").unlink()
    table = stills / "labels.csv"
    status, printed, errors = fetalnet("analyze", stills, "--scale-csv", table)
    value = valid(printed)
    assert status == 0
    assert [frame["file"] for frame in value["frames"]] == ["b.png", "c.png"]
    assert value["mm_per_pixel"] is None
    assert "c.png has no row" in errors
    assert "The 2 pictures are taken for one recording; with --stills" in errors


def test_that_an_implausible_scale_of_a_table_is_noted_and_can_be_accepted(fetalnet, oracle, stills):
    table = stills / "labels.csv"
    table.write_text("filename,pixel_size_mm\na.png,20\nb.png,20\nc.png,20\n", "utf-8")
    arguments = ("analyze", stills, "--stills", "--scale-csv", table)
    status, printed, errors = fetalnet(*arguments)
    assert status == 0
    assert "implausible" in valid(printed)["scale_note"]
    assert "implausible" in errors
    assert valid(fetalnet(*arguments, "--accept-scale")[1])["mm_per_pixel"] == {"x": 20.0, "y": 20.0}


def test_that_a_truncated_recording_keeps_what_was_read(fetalnet, oracle, recording, tmp_path):
    # Matroska needs no index at its end, so that a cut one still opens.
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    remux(recording, whole)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    status, printed, errors = fetalnet("analyze", cut)
    assert status == 1
    assert 10 < len(valid(printed)["frames"]) < 75
    assert "cut.mkv" in errors
    assert "Traceback" not in errors


def remux(source, target):
    import av

    with av.open(str(source)) as reading, av.open(str(target), "w") as writing:
        stream = writing.add_stream_from_template(reading.streams.video[0])
        for packet in reading.demux(reading.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                writing.mux(packet)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.mp4"], "none.mp4"),
        (["SOURCE", "--mm-per-pixel", "0"], "0 mm per pixel"),
        (["SOURCE", "--mm-per-pixel", "-1"], "-1 mm per pixel"),
        (["SOURCE", "--mm-per-pixel", "nan"], "nan mm per pixel"),
        (["SOURCE", "--mm-per-pixel", "50"], "--accept-scale"),
        (["SOURCE", "--mm-per-pixel", "0", "--accept-scale"], "above 0"),
        (["SOURCE", "--mm-per-pixel", "0.2", "--scale-csv", "x.csv"], "not both"),
        (["SOURCE", "--scale-csv", "x.csv"], "x.csv"),
        (["SOURCE", "--stills", "--overlay", "o.mp4"], "overlay"),
        (["SOURCE", "--json", "no/where.json"], "where.json"),
        (["SOURCE", "--report", "no/where.pdf"], "where.pdf"),
        (["SOURCE", "--overlay", "no/where.mp4"], "where.mp4"),
        (["SOURCE", "--json", "SOURCE"], "the recording itself"),
        (["SOURCE", "--json", "x", "--report", "x"], "same name"),
        (["SOURCE", "--weights", "none.safetensors"], "none.safetensors"),
        (["scan.dcm"], "DICOM"),
        (["empty.mp4"], "empty"),
        (["text.mp4"], "text.mp4"),
        (["empty folder"], "images"),
        (["SOURCE", "--unknown"], "unknown"),
    ],
)
def test_that_bad_input_is_one_sentence_and_exit_status_2(
    fetalnet, recording, tmp_path, monkeypatch, arguments, sentence
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(recording, "sweep.mp4")
    before = Path("sweep.mp4").read_bytes()
    Path("scan.dcm").write_bytes(b"\0" * 128 + b"DICM")
    Path("empty.mp4").touch()
    Path("text.mp4").write_text("not a video", "utf-8")
    Path("empty folder").mkdir()
    files = set(tmp_path.iterdir())
    status, printed, errors = fetalnet("analyze", *("sweep.mp4" if each == "SOURCE" else each for each in arguments))
    assert status == 2
    assert sentence in " ".join(errors.split())
    assert "Traceback" not in errors
    assert printed == ""
    assert set(tmp_path.iterdir()) == files
    assert Path("sweep.mp4").read_bytes() == before


def test_that_a_phantom_comes_with_its_truth(fetalnet, tmp_path):
    status, printed, _ = fetalnet(
        "phantom", tmp_path / "out", "--seed", 5, "--count", 2, "--planes", "femur", "--duration-s", 0.4,
        "--size", "320x240",
    )  # fmt: skip
    assert status == 0
    paths = [Path(line) for line in printed.split()]
    assert [path.name for path in paths] == ["phantom-00005.mp4", "phantom-00006.mp4"]
    truth = json.loads(paths[1].with_name("phantom-00006.truth.json").read_text("utf-8"))
    assert (truth["planes"], truth["width"], len(truth["frames"])) == (["femur"], 320, 10)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--planes", "heart"], "head, abdomen, femur"),
        (["--size", "wide"], "1280x720"),
        (["--size", "10x10"], "10x10"),
        (["--duration-s", "0"], "0 s"),
        (["--count", "0"], "count"),
    ],
)
def test_that_a_phantom_which_cannot_be_is_one_sentence(fetalnet, tmp_path, arguments, sentence):
    status, _, errors = fetalnet("phantom", tmp_path / "out", *arguments)
    assert status == 2
    assert sentence in " ".join(errors.split())
    assert not (tmp_path / "out").exists()


def test_that_a_phantom_does_not_replace_a_file_by_its_folder(fetalnet, tmp_path):
    (tmp_path / "out").write_text("mine", "utf-8")
    status, _, errors = fetalnet("phantom", tmp_path / "out", "--planes", "none", "--duration-s", 0.1)
    assert status == 2
    assert "out" in errors
    assert (tmp_path / "out").read_text("utf-8") == "mine"


def test_that_help_and_version_need_no_network_library():
    code = "import sys, fetalnet.cli\ntry: fetalnet.cli.main(['--version'])\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version, torch_loaded = done.stdout.split("\n")[:2]
    assert version.startswith("fetalnet ")
    assert torch_loaded == "False"


def test_that_an_unknown_training_configuration_is_one_sentence(fetalnet, tmp_path):
    status, _, errors = fetalnet("train", tmp_path / "none.toml")
    assert status == 2
    assert "none.toml" in errors
