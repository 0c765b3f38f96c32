"""A recording seen whole: frames are held against what is usual in it; a short one is left as it was named."""

import numpy as np
import pytest

from fetalnet.geometry import Ellipse
from fetalnet.planes import Plane
from fetalnet.prediction import Prediction
from fetalnet.recording_judge import EVIDENCE, Judgement, RecordingJudge, recording_judge
from fetalnet.training.judge import fit_judge

HEAD = Ellipse(200, 150, 80, 60, 10)


def seen(index, rating):
    # The network's own verdict goes with its rating.
    probability = 0.05 + 0.9 * rating
    shares = dict.fromkeys(Plane, (1 - probability) / 3) | {Plane.HEAD: probability}
    return Prediction(index, index / 25, Plane.HEAD, shares, rating, None, HEAD)


def sweep(best, worst, frames=150):
    """Rated poorly, well for most of the time, poorly."""
    near = np.abs(np.arange(frames) - frames / 2) < 0.3 * frames
    return [seen(index, best if good else worst) for index, good in enumerate(near)], near


@pytest.mark.parametrize(("best", "worst"), [(0.9, 0.4), (0.45, 0.12)])
def test_that_a_frame_is_named_by_how_it_compares_with_the_rest(best, worst):
    predictions, near = sweep(best, worst)
    named = np.array([each.plane is Plane.HEAD for each in recording_judge().judged(predictions)])
    assert np.mean(named == near) > 0.9


def test_that_a_frame_without_a_plane_is_not_measured_and_says_why():
    predictions, _ = sweep(0.9, 0.2)
    judged = recording_judge().judged(predictions)
    assert judged[0].plane is Plane.OTHER
    assert judged[0].geometry is None
    assert "too far" in str(judged[0].refused)
    assert judged[75].geometry == HEAD
    for each in judged:
        assert sum(each.probabilities.values()) == pytest.approx(1)


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


def test_that_what_counts_is_learned_and_survives_its_file():
    recordings = []
    for best, worst in ((0.9, 0.45), (0.7, 0.3), (0.45, 0.12), (0.8, 0.3)):
        predictions, near = sweep(best, worst)
        recordings.append((predictions, [Plane.HEAD if good else Plane.OTHER for good in near]))
    judge = fit_judge(recordings)
    assert judge.weights.shape == (3, len(EVIDENCE))
    again = RecordingJudge.from_json(judge.to_json())
    predictions, planes = recordings[2]
    assert np.mean([each.plane is plane for each, plane in zip(again.judged(predictions), planes, strict=True)]) > 0.9
