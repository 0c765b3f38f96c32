"""A recording seen whole: frames are named by those around them; a short one is left as it was named."""

import numpy as np
import pytest
import safetensors.torch
import torch

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse
from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.core.prediction import Prediction
from fetalnet.inference.judges.features import RATE_HZ, at_frames, at_steps
from fetalnet.inference.judges.recording import JUDGE, Judgement, recording_judge
from fetalnet.inference.judges.stream import StreamJudge
from fetalnet.network.frame_judge import JudgeNetwork, load_judge, save_judge

HEAD = Ellipse(200, 150, 80, 60, 10)


def seen(index, rating):
    # The network's own verdict goes with its rating.
    probability = 0.05 + 0.9 * rating
    shares = dict.fromkeys(Plane, 0.0) | {Plane.HEAD: probability, Plane.OTHER: 1 - probability}
    return Prediction(index, index / 25, Plane.HEAD, shares, rating, None, HEAD)


def sweep(best, worst, frames=150):
    """Rated poorly, well for most of the time, poorly."""
    near = np.abs(np.arange(frames) - frames / 2) < 0.3 * frames
    return [seen(index, best if good else worst) for index, good in enumerate(near)], near


@pytest.mark.parametrize(("best", "worst"), [(0.9, 0.1), (0.8, 0.2)])
def test_that_a_stretch_of_good_frames_is_named_and_what_lies_around_is_not(best, worst):
    predictions, near = sweep(best, worst)
    named = np.array([each.plane is Plane.HEAD for each in recording_judge().judged(predictions)])
    assert np.mean(named == near) > 0.9


def test_that_a_frame_is_named_by_those_around_it():
    predictions, _ = sweep(0.9, 0.1)
    predictions[70:72] = [seen(index, 0.25) for index in (70, 71)]
    alone = [seen(index, 0.25) for index in range(150)]
    assert all(each.plane is Plane.HEAD for each in recording_judge().judged(predictions)[50:95])
    assert all(each.plane is Plane.OTHER for each in recording_judge().judged(alone))


def test_that_a_frame_without_a_plane_is_not_measured_and_says_why():
    predictions, _ = sweep(0.9, 0.2)
    judged = recording_judge().judged(predictions)
    assert judged[0].plane is Plane.OTHER
    assert judged[0].geometry is None
    assert "too far" in str(judged[0].refused)
    assert judged[75].geometry == HEAD
    for each in judged:
        assert sum(each.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_that_all_are_named_again_at_the_end_but_not_in_a_recording_of_a_second():
    for frames, again in ((150, True), (25, False)):
        judgement = Judgement()
        for each in sweep(0.45, 0.12, frames)[0]:
            judgement.judged(each)
        assert (judgement.again() is not None) is again


def test_that_a_picture_alone_stays_as_it_was_judged():
    judgement = Judgement(alone=True)
    picture = seen(0, 0.2)
    assert judgement.judged(picture) is picture
    assert judgement.again() is None


@pytest.mark.parametrize("rate_hz", [4.0, 9.0, 12.5, 15.0, 25.0, 30.0, 60.0])
def test_that_each_frame_is_answered_in_its_place_at_any_rate(rate_hz):
    count = 101
    frames = np.repeat(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), [50, 51], axis=0)
    steps = at_steps(frames, rate_hz)
    assert len(steps) * RATE_HZ == pytest.approx(count / rate_hz * RATE_HZ**2, rel=0.35)
    back = at_frames(steps, count, rate_hz)
    assert back.shape == frames.shape
    assert np.abs(back - frames).sum() <= 4.0  # the step with the change in it


def test_that_a_judge_that_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.safetensors is missing"):
        load_judge(tmp_path / "gone.safetensors", both_ways=True)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(JUDGE.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"damaged\.safetensors is missing or damaged; restore"):
        load_judge(damaged, both_ways=True)
    other = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"mean": torch.zeros(3)}, other)
    with pytest.raises(InputError, match=r"other\.safetensors"):
        load_judge(other, both_ways=True)


def test_that_a_judge_whose_numbers_were_changed_is_not_believed(tmp_path):
    judge = JudgeNetwork(both_ways=True)
    path = tmp_path / "judge.safetensors"
    save_judge(path, judge, {})
    assert torch.equal(load_judge(path, both_ways=True).mean, judge.mean)
    judge.mean += 1.0
    safetensors.torch.save_file(judge.state_dict(), path)
    with pytest.raises(InputError, match=r"judge\.safetensors is not the one its card names \(checksum differs\)"):
        load_judge(path, both_ways=True)
    path.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"judge\.json is missing"):
        load_judge(path, both_ways=True)


def test_that_a_plane_is_never_taken_for_another_however_fast_they_change():
    predictions = []
    for index in range(96):
        plane = STANDARD_PLANES[index // 8 % len(STANDARD_PLANES)]
        shares = dict.fromkeys(Plane, 0.02) | {plane: 0.94}
        predictions.append(Prediction(index, index / 25, plane, shares, 0.9, None, HEAD))
    for before, after in zip(predictions, recording_judge().judged(predictions), strict=True):
        assert after.plane is before.plane
        assert after.geometry == HEAD


@pytest.mark.parametrize(
    ("head", "rating"), [(0.3, 0.0), (0.3, 0.02), (0.95, 0.02), (0.6, 0.05), (0.02, 0.9), (0.05, 0.5), (0.0, 0.0)]
)
def test_that_neither_judge_names_what_is_rated_poorly_or_taken_for_none_however_long_it_is_shown(head, rating):
    shares = dict.fromkeys(Plane, 0.0) | {Plane.HEAD: head, Plane.OTHER: 1 - head}
    plane = Plane.HEAD if head > 0.5 else Plane.OTHER
    held = [Prediction(index, index / 25, plane, shares, rating, None, None) for index in range(150)]
    stream = StreamJudge()
    assert {stream.judged(each).plane for each in held} == {Plane.OTHER}
    assert {each.plane for each in recording_judge().judged(held)} == {Plane.OTHER}
