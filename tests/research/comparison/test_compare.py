"""Tiny systems, trained for a few steps and put side by side."""

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning", reason="the train extra is not installed")

from fetalnet.cli import main
from fetalnet.core.errors import InputError
from fetalnet.core.planes import Kind, Plane
from fetalnet.inference.predictor import Predictor
from fetalnet.network.config import NetworkConfig, PublishedConfig
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import LoadedNetwork
from fetalnet.research.comparison import run as comparing
from fetalnet.research.comparison.report import Report
from fetalnet.research.comparison.run import SYSTEMS, compare, transfer
from fetalnet.research.datasets.split import in_validation
from fetalnet.research.evaluation.phantom_scores import PhantomScores
from fetalnet.research.plots import Interval, interval_plot
from fetalnet.research.training import run
from fetalnet.research.training.config import (
    Mixture,
    Network,
    Pack,
    Phase,
    ReaderStage,
    Stage,
    TrainingConfig,
)
from fetalnet.research.training.configs import load_config
from fetalnet.research.training.data import phantom_pack as phantom_data
from fetalnet.research.training.parts import organ_reader as reader
from fetalnet.sources import Frame

# The training loop is Lightning's: what it warns about in itself is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

PACK = Pack(stills=4, recordings=1, clips_per_recording=2, frames_per_clip=2, processes=1)
VALIDATION, TRAINING = (
    next(f"{number:03d}" for number in range(99) if in_validation(f"{number:03d}") is kept) for kept in (True, False)
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def hc18(tmp_path_factory):
    """Two drawn heads of the validation split and one of the training split, laid out as HC18 is."""
    folder = tmp_path_factory.mktemp("data")
    rows = ["filename,examination,pixel_size_mm,head_circumference_mm"]
    for examination, name in ((VALIDATION, "a"), (VALIDATION, "b"), (TRAINING, "c")):
        mask = np.zeros((120, 180), np.uint8)
        cv2.ellipse(mask, (90, 60), (50, 40), 20, 0, 360, 255, -1)
        for kind, pixels in (("images", mask // 3 + 20), ("masks", mask)):
            (folder / "hc18" / kind).mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(folder / "hc18" / kind / f"{name}.png"), pixels)
        rows.append(f"{name}.png,{examination},0.5,142.0")
    (folder / "hc18" / "labels.csv").write_text("\n".join(rows) + "\n")
    (folder / "other_planes" / "images").mkdir(parents=True)
    assert cv2.imwrite(str(folder / "other_planes" / "images" / "view.png"), np.full((120, 180), 60, np.uint8))
    (folder / "other_planes" / "labels.csv").write_text("filename,plane,patient,machine\nview.png,Other,1,drawn\n")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch, hc18):
    """The drawn heads; few frames timed; recordings, which take minutes each, as if they had been analysed.

    Heads are scored with PyTorch: OpenVINO takes seconds to convert each network.
    """
    monkeypatch.setenv("FETALNET_DATA", str(hc18))
    monkeypatch.setattr(comparing, "TIMED_FRAMES", 1)
    monkeypatch.setattr(reader, "VERDICT_BATCHES", 2)
    monkeypatch.setattr(comparing, "score_phantom", analysed)
    monkeypatch.setattr(
        comparing, "Predictor", lambda weights, *how, **more: Predictor(weights, *how or ("torch",), **more)
    )


def analysed(_weights, seeds):
    scores = PhantomScores(
        len(seeds), Counter({(Plane.HEAD, Plane.HEAD): 8, (Plane.OTHER, Plane.HEAD): 2}), right_best=4
    )
    scores.errors[Kind.HC] = [0.01, -0.03]
    return scores


def config(name, network, pack=PACK, **changes):
    single = Stage(height=64, width=96, batch=2, steps=2)
    clips = Stage(height=64, width=96, frames=2, batch=2, steps=1)
    return TrainingConfig(
        name=name,
        network=network,
        pack=pack,
        phases=(Phase(learning_rate=1e-3, stages=(single, clips)),),
        processes=1,
        steps_per_epoch=2,
        bf16=False,
        **({"real_data": False} | changes),
    )


def ours(**changes):
    network = Network(height=64, width=96, channels=(8, 8, 16, 16, 16), hidden=8)
    return config("ours", network, reader=ReaderStage(batch=2, steps=2), **changes)


def published(**changes):
    longer = Stage(height=64, width=96, batch=4, steps=3)
    network = PublishedConfig(height=64, width=96, base=4, temporal_width=4)
    return config("published", network, **changes).model_copy(
        update={"phases": (Phase(learning_rate=1e-3, stages=(longer,)),)}
    )


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_that_a_broken_off_comparison_goes_on_and_nothing_is_done_twice(tmp_path, cache, monkeypatch):
    shown, scored = [], []

    def break_off(config, folder, cache):
        if config.name == "published":
            raise RuntimeError("lights out")
        return noted(config, folder, cache)

    def noted(config, folder, cache):
        shown.append((config.name, config.presentations))
        return run.train(config, folder, cache)

    def counted(*arguments, score_heads=comparing.score_heads):
        scored.append(arguments)
        return score_heads(*arguments)

    monkeypatch.setattr(comparing, "score_heads", counted)
    monkeypatch.setattr(comparing, "train", break_off)
    with pytest.raises(RuntimeError, match="lights out"):
        compare([ours(), published()], tmp_path, cache, recordings=3)
    monkeypatch.setattr(comparing, "train", noted)
    report = compare([ours(), published()], tmp_path, cache, recordings=3)
    assert shown == [("ours", 8), ("published", 8)]
    monkeypatch.setattr(
        comparing, "time_frames", lambda systems: {name: {"torch": 2.0, "openvino": 1.0} for name in systems}
    )
    again = compare([ours(), published()], tmp_path, cache, recordings=3)
    assert (len(shown), len(scored)) == (2, 2)
    compare([ours(), published()], tmp_path, cache, recordings=2)
    assert len(scored) == 4, "figures of other recordings were taken for these"

    text = report.text()
    assert "HC18 validation split, n = 2 heads of 1 examinations" in text
    assert "phantom recordings of seeds 0 to 2, n = 3" in text
    assert "base 4 (published: 64)" in text
    assert "64x96" in text
    assert "its readers were shown 12 crops, of the same" in text
    for row, repeated in zip(report.rows, again.rows, strict=True):
        assert f"| {row['system']} | {row['parameters']:,} |" in text
        assert (row["presentations"], row["heads_n"], row["phantom_recordings"]) == (8, 2, 3)
        assert row["phantom_HC_error_percent"] == pytest.approx(2.0)
        assert " min on " in row["training"]
        assert row["ms_torch"] > 0 < row["ms_openvino"]
        assert row["sha256"] == repeated["sha256"]


def test_that_a_system_shown_heads_alone_is_asked_about_outlines_alone(tmp_path, cache):
    of_heads = Mixture(real_head=1.0, real_erased=0.0, real_other=0.0, phantom=0.0)
    heads_alone = published(real_data=True, mixture=of_heads).model_copy(update={"name": "heads alone"})
    assert heads_alone.heads_alone
    assert not ours(real_data=True).heads_alone
    text = compare([heads_alone], tmp_path, cache, recordings=3).text()
    assert "heads alone: drawn from real head 100 %; knows heads alone, and is told" in text
    assert "| heads alone: all | 2 |" in text
    assert "### Phantom" not in text


def test_that_a_system_without_figures_of_recordings_leaves_their_columns_empty(tmp_path):
    written()._replace(rows=[{"system": "heads alone"}, {"system": "ours", "f1": 0.9}]).write(tmp_path)
    alone, other = rows(tmp_path / "comparison.csv")
    assert (alone["f1"], other["f1"]) == ("", "0.9")


def test_that_a_report_lies_in_its_folder_with_the_plots_it_shows(tmp_path):
    written().write(tmp_path)
    text = (tmp_path / "comparison.md").read_text()
    assert "![Time a frame](comparison-time-a-frame.svg)" in text
    assert (tmp_path / "comparison-time-a-frame.svg").read_text() == "<svg/>"
    assert rows(tmp_path / "comparison.csv") == [{"system": "ours", "dsc": "0.9"}]


def written(line="## The systems"):
    return Report("comparison", [line], [{"system": "ours", "dsc": 0.9}], {"Time a frame": b"<svg/>"})


def test_that_the_section_of_the_results_is_replaced_and_the_rest_left_alone(tmp_path):
    page = tmp_path / "results.md"
    page.write_text("# Results\n\nBefore.\n")
    written("old").write_into(page)
    page.write_text(page.read_text() + "\nAfter, by hand.\n\n")
    written("new").write_into(page)
    text = page.read_text()
    assert text.startswith("# Results\n\nBefore.\n\n<!-- begin")
    assert text.endswith("-->\n\nAfter, by hand.\n\n")
    assert "new\n" in text
    assert "old" not in text
    assert "](images/comparison-time-a-frame.svg)" in text
    assert (tmp_path / "images" / "comparison-time-a-frame.svg").exists()


def test_that_a_page_whose_marks_are_broken_is_left_as_it_is(tmp_path):
    page = tmp_path / "results.md"
    page.write_text("# Results\n")
    written().write_into(page)
    broken = page.read_text().replace("<!-- end", "<!--")
    page.write_text(broken)
    with pytest.raises(InputError, match=r"In results\.md there must be one <!-- begin"):
        written().write_into(page)
    assert page.read_text() == broken


def test_that_a_transfer_tells_of_all_heads_beside_earlier_phantoms(tmp_path, cache, monkeypatch):
    alone = config("alone", Network(height=64, width=96, channels=(8, 8, 16, 16, 16), hidden=8))
    first = transfer(alone, tmp_path, cache).text()
    assert "HC18, all of it, n = 3 heads of 2 examinations" in first
    assert "| all | 3 |" in first
    assert first.count("| 100 to 250 mm | 3 |") == 2
    assert "Told that each picture shows a head" in first
    assert "earlier" not in first
    known = phantom_data.fingerprint(alone.pack)
    shutil.copytree(cache / f"phantom-{known}", cache / "phantom-changed")
    monkeypatch.setattr(phantom_data, "fingerprint", lambda pack: "changed")
    second = transfer(alone, tmp_path, cache).text()
    assert f"| Phantom {known}, 8 presentations | 3 |" in second
    assert "| Phantom changed, 8 presentations | 3 |" in second


def test_that_a_head_is_outlined_where_the_plane_is_fixed():
    config = NetworkConfig(height=64, width=96, channels=(8, 8, 16, 16, 16), hidden=8)
    predictor = Predictor(LoadedNetwork(StreamingFetalNet(config).eval(), "untrained", "0" * 64, {}), "torch")
    prediction = predictor.predict_still(Frame(0, None, np.full((64, 96), 80, np.uint8)), Plane.HEAD)
    assert prediction.plane is Plane.HEAD
    assert (prediction.probability, prediction.standardness) == (1.0, 1.0)


def test_that_the_configurations_that_are_compared_can_be_shown_as_many_pictures():
    configs = [load_config(Path(name)) for name in SYSTEMS]
    shown = [config.presenting(configs[0].presentations) for config in configs]
    assert len({config.presentations for config in shown}) == 1
    for before, after in zip(configs, shown, strict=True):
        stages = zip(before.phases[0].stages, after.phases[0].stages, strict=True)
        factor = after.presentations / before.presentations
        assert all(then.steps == pytest.approx(factor * first.steps, rel=0.05) for first, then in stages)
    twice = configs[0].presenting(2 * configs[0].presentations)
    for part in ("reader", "rim", "shaft"):
        assert getattr(twice, part).steps == 2 * getattr(configs[0], part).steps
    assert not load_config(Path("transfer")).real_data


@pytest.mark.parametrize(
    ("configs", "presentations", "cause"),
    [
        ([ours(), ours()], None, "Two configurations are named ours"),
        ([ours(), published(seed=8)], None, "published and ours differ in seed"),
        ([ours(), published(real_data=True)], None, "published and ours differ in real_data"),
        ([ours(), published(pack=Pack(stills=5))], None, "published and ours differ in their phantom pack"),
        ([ours(real_data=True, hold_out_validation=False)], None, "ours trains on the validation split"),
        ([ours(pack=Pack(seed=3))], None, "The phantom pack of ours may hold recordings that it is scored on"),
        ([ours(), published()], 9, "9 presentations cannot be divided into the batches of ours"),
    ],
)
def test_that_what_cannot_be_compared_is_said_before_anything_is_trained(configs, presentations, cause, tmp_path):
    with pytest.raises(InputError, match=cause):
        compare(configs, tmp_path, tmp_path, presentations)
    assert not list(tmp_path.iterdir())


def test_that_a_transfer_from_real_heads_is_refused(tmp_path):
    with pytest.raises(InputError, match="ours is trained on real heads; a transfer needs real_data = false"):
        transfer(ours(real_data=True), tmp_path, tmp_path)


def test_that_the_command_names_what_is_missing_before_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(comparing, "COMPARISON_PAGE", tmp_path / "none.md")
    for arguments, sentence in (
        (["--write-results"], "The page none.md cannot be read"),
        (["nowhere"], "The training configuration nowhere cannot be read"),
        (["--transfer", "streaming", "smoke"], "A transfer is of one network"),
    ):
        with pytest.raises(SystemExit) as left:
            main(["compare", "--out", str(tmp_path / "out"), *arguments])
        assert left.value.code == 2
        assert sentence in capsys.readouterr().err


def test_that_a_plot_stands_where_a_system_measured_nothing():
    nothing = Interval("mtln", float("nan"), float("nan"), float("nan"))
    for others in ([Interval("ours", 20.0, 10.0, 40.0)], []):
        svg = interval_plot("Time", "ms", [*others, nothing], logarithmic=True).decode()
        assert "mtln" in svg
        assert svg.count("<circle") == len(others)


@pytest.mark.parametrize(
    ("low", "high", "logarithmic", "numbers"),
    [
        (14.5, 97.7, False, ["20", "40", "60", "80"]), (42.0, 138.0, True, ["50", "100"]),
        (30.0, 2600.0, True, ["200", "1000"]),
    ],
)  # fmt: skip
def test_that_the_axis_of_a_plot_names_round_numbers(low, high, logarithmic, numbers):
    svg = interval_plot("Title", "axis", [Interval("ours", low, low, high)], logarithmic).decode()
    for number in numbers:
        assert re.search(rf">\s*{number}\s*</text>", svg), number
