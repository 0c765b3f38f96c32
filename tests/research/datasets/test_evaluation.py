from dataclasses import replace

import pytest
import torch
from support.drawn import ABDOMEN, FEMUR, HEAD

from fetalnet.cli import main
from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.network.config import NetworkConfig
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import save_weights
from fetalnet.research.datasets.readers.acouslic import read_acouslic
from fetalnet.research.datasets.readers.fetal_planes import read_fetal_planes
from fetalnet.research.datasets.readers.folder import read_folder
from fetalnet.research.datasets.readers.hc18 import read_hc18
from fetalnet.research.datasets.readers.multicentre import read_multicentre
from fetalnet.research.datasets.split import Split
from fetalnet.research.evaluation.run import evaluate_dataset
from fetalnet.research.evaluation.tables import as_markdown
from fetalnet.research.metrics.selection import Selection


class Scripted:
    """Answers in turn what it was told to, (plane, geometry), and counts how often its past was forgotten."""

    model = ModelRef("scripted", "0" * 64, "script")

    def __init__(self, *answers, probability=0.8):
        self.answers = iter(answers)
        self.probability = probability
        self.resets = 0

    def look_at(self, crop=None, fan=None):
        self.resets += 1

    def reset(self):
        self.resets += 1

    def predict(self, frame, plane=None):
        plane, geometry = next(self.answers)
        rest = (1 - self.probability) / 3
        probabilities = {each: self.probability if each is plane else rest for each in Plane}
        return Prediction(frame.index, None, plane, probabilities, 0.9, None, geometry)

    predict_still = predict


def nothing(plane=Plane.OTHER):
    return plane, None


def test_that_heads_are_scored_against_their_drawn_ellipse(hc18):
    larger = Ellipse(HEAD.cx, HEAD.cy, HEAD.a * 1.02, HEAD.b * 1.02, HEAD.theta_deg)
    predictor = Scripted((Plane.HEAD, larger), (Plane.ABDOMEN, HEAD), nothing())
    evaluation = evaluate_dataset(predictor, read_hc18(hc18).part(Split.ALL))
    good, taken_for_abdomen, missed = evaluation.stills
    hc = next(error for error in good.measures if error.kind is Kind.HC)
    assert hc.difference_percent == pytest.approx(2.0, abs=0.01)
    assert hc.difference_mm == pytest.approx(0.02 * HEAD.perimeter_px * 0.5, abs=0.01)
    assert good.outline.overlap == pytest.approx(0.98, abs=0.01)
    assert good.outline.hausdorff_mm == pytest.approx(0.02 * HEAD.a * 0.5, abs=0.1)
    # An abdomen where a head is labelled counts as no outline and no measure.
    for score in (taken_for_abdomen, missed):
        assert score.outline.overlap == 0.0
        assert all(error.found is None for error in score.measures)
    text = as_markdown(evaluation)
    assert "# scripted on HC18, all of it" in text
    assert "n = 3 pictures of 2 examinations or patients" in text
    assert "| head | 3 | 1.000 | 0.333 | 0.500 | 1 | 1 | 1 |" in text
    assert "| HC | 3 | 2 | 1 |" in text
    assert "trained on pictures of this split" in text


def test_that_a_table_warns_of_pictures_that_were_trained_on(hc18):
    data = read_hc18(hc18)
    kept_back = replace(data.part(Split.ALL), split=Split.VALIDATION)
    evaluation = evaluate_dataset(Scripted(*[nothing()] * 3), kept_back)
    assert "trained on pictures of this split" not in as_markdown(evaluation)
    assert "trained on pictures of this split" in as_markdown(evaluation, validation_seen=True)


def test_that_planes_without_outlines_are_scored_as_planes_alone(fetal_planes):
    answers = [
        (Plane.HEAD, HEAD), nothing(), (Plane.HEAD, HEAD), (Plane.ABDOMEN, ABDOMEN), (Plane.FEMUR, FEMUR),
        (Plane.ABDOMEN, ABDOMEN), nothing(),
    ]  # fmt: skip
    text = as_markdown(evaluate_dataset(Scripted(*answers), read_fetal_planes(fetal_planes).part(Split.ALL)))
    assert "| head | 2 | 1.000 | 0.500 |" in text
    assert "| abdomen | 1 | 0.500 | 1.000 |" in text
    assert "1 pictures whose labels name none of these planes are left out." in text
    # Of thorax and cervix one was measured.
    assert "| 2 | 1 | 50.0 (" in text
    assert "| 0.8 to 0.9 | 6 | 0.800 | 0.667 |" in text
    assert "Expected calibration error 0.133" in text
    assert "## Outlines" not in text
    assert "## Measures" not in text


def test_that_landmarks_are_scored_by_site_without_overlap(multicentre):
    data = read_multicentre(multicentre).part(Split.ALL)
    by_plane = {
        Plane.HEAD: Ellipse(90, 60, 41, 30, 0),
        Plane.ABDOMEN: Ellipse(90, 60, 30, 30, 0),
        Plane.FEMUR: Line(40, 60, 102, 60),
    }
    answers = [(still.plane, by_plane[still.plane]) for still in data.stills]
    text = as_markdown(evaluate_dataset(Scripted(*answers), data))
    assert "## Outlines" not in text
    assert "| UCL: FL | 1 | 0 | 1 | +0.50" in text
    assert "| FP: OFD | 1 | 0 | 0 | – | – | 2.50 ± 0.00" in text
    # One OFD of three has no scale.
    assert "| UCL: OFD | 3 | 0 | 2 |" in text


def test_that_a_clinics_measures_count_where_they_were_labelled(own_folder):
    answers = [(Plane.HEAD, HEAD), (Plane.ABDOMEN, ABDOMEN), (Plane.FEMUR, FEMUR), nothing(), (Plane.HEAD, HEAD)]
    scores = evaluate_dataset(Scripted(*answers), read_folder(own_folder)).stills
    assert {error.kind for error in scores[0].measures} == {Kind.HC, Kind.BPD, Kind.OFD}
    (femur,) = scores[2].measures
    assert femur.difference_mm == pytest.approx(FEMUR.length_px * 0.5 - 36.0)
    assert scores[2].outline is None
    assert scores[4].answer is None


def abdomen_at(*indices):
    return [(Plane.ABDOMEN, ABDOMEN) if index in indices else nothing() for index in range(60)]


def test_that_the_frame_of_a_blind_sweep_is_chosen_right(acouslic):
    data = read_acouslic(acouslic)
    predictor = Scripted(*abdomen_at(12, 13, 14, 15, 16), *abdomen_at())
    evaluation = evaluate_dataset(predictor, data)
    with_abdomen, without = evaluation.recordings
    (choice,) = with_abdomen.choices
    assert choice.selection is Selection.RIGHT
    assert choice.weighted == 1.0
    assert choice.overlap > 0.98
    assert choice.measures[0].difference_mm == pytest.approx(0.0, abs=0.01)
    assert without.choices[0].selection is Selection.NONE_RIGHT
    assert without.choices[0].measures == ()
    # Each of the six sweeps of both women is a stream of its own.
    assert predictor.resets == 12
    text = as_markdown(evaluation)
    assert "n = 2 recordings of 2 examinations" in text
    assert "| abdomen | 2 | 1 | 0 | 1 | 0 | 0 | 1.00 ± 0.00" in text
    assert "| abdomen | 5 | 1.000 | 1.000 |" in text
    assert "| AC | 1 | 0 | 1 |" in text


def test_that_a_frame_where_there_is_none_and_none_where_there_is_one_are_told_apart(acouslic):
    predictor = Scripted(*abdomen_at(), *abdomen_at(30, 31, 32, 33))
    evaluation = evaluate_dataset(predictor, read_acouslic(acouslic))
    missed, false = (score.choices[0] for score in evaluation.recordings)
    assert missed.selection is Selection.NONE_WRONG
    assert (missed.weighted, missed.overlap) == (0.0, 0.0)
    assert missed.measures[0].failed
    assert false.selection is Selection.FALSE


def test_that_a_head_in_a_set_of_abdomens_is_no_error(acouslic):
    heads = [(Plane.HEAD, HEAD)] * 60
    evaluation = evaluate_dataset(Scripted(*heads, *heads), read_acouslic(acouslic))
    answers = evaluation.recordings[1].answers
    assert all(each.truth is each.found is Plane.OTHER for each in answers)
    # All that is not an abdomen: where a plane is shown, an abdomen is one of fourteen parts of it.
    assert 1 - 1 / 14 <= answers[0].confidence < 1


@pytest.fixture
def untrained(tmp_path_factory):
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_weights(path, StreamingFetalNet(NetworkConfig(64, 96, (8, 8, 8, 8, 8), hidden=8)), {"name": "untrained"})
    return path


@pytest.fixture
def evaluate(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["evaluate", *(str(argument) for argument in arguments)])
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


def test_that_the_command_prints_a_table_that_names_data_split_and_n(evaluate, untrained, hc18):
    status, printed, _ = evaluate("--weights", untrained, "--dataset", "hc18", "--folder", hc18, "--split", "all")
    assert status == 0
    assert printed.startswith("# untrained on HC18, all of it\n")
    assert "n = 3 pictures" in printed
    assert "## Planes (HC18, all of it)" in printed


def test_that_recordings_can_be_few(evaluate, untrained, acouslic):
    status, printed, _ = evaluate(untrained, "--dataset", "acouslic", "--folder", acouslic, "--recordings", 1)
    assert status == 0
    assert "n = 1 recordings" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dataset", "hc18"), "--folder"),
        (("--split", "all"), "--dataset"),
        (("one.safetensors", "--weights", "two.safetensors"), "twice"),
        (("--dataset", "hc19", "--folder", "."), "'hc19'"),
        (("--dataset", "hc18", "--folder", "."), "training_set_pixel_size_and_HC.csv"),
    ],
)
def test_that_a_question_without_sense_is_one_sentence(evaluate, arguments, said):
    status, printed, errors = evaluate(*arguments)
    assert (status, printed) == (2, "")
    assert said in errors
    assert "Traceback" not in errors
    assert errors.startswith("fetalnet: ")
