"""The judge of recordings learns from sweeps: what is drawn keeps its truth; what was learned names other sweeps."""

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="the train extra is not installed")

from fetalnet.core.planes import STANDARD_PLANES, Plane
from fetalnet.network.frame_judge import load_judge, save_judge
from fetalnet.research.training.judges.batches import draw_sweeps
from fetalnet.research.training.judges.sweeps import Sweep
from fetalnet.research.training.judges.train import train_judge

HEAD = STANDARD_PLANES.index(Plane.HEAD)


def sweep(seed, length=150):
    """A hand comes to a head and leaves it; what is said of single frames is often wrong."""
    rng = np.random.default_rng(seed)
    centre, width = rng.uniform(0.3, 0.7) * length, rng.uniform(15, 35)
    true = np.exp(-(((np.arange(length) - centre) / width) ** 4))
    odds = 2.0 * (2.0 * true - 1.0) + rng.normal(0, 2.0, length)
    evidence = np.stack([odds, np.full(length, -4.0), np.full(length, -4.0), -odds, odds], axis=1)
    standardness = np.zeros((length, len(STANDARD_PLANES)))
    standardness[:, HEAD] = true
    return Sweep(evidence.astype(np.float32), standardness.astype(np.float32))


def test_that_what_is_drawn_keeps_its_truth():
    true = [each.standardness for each in map(sweep, range(4))]
    plain = [Sweep(np.repeat(20 * each[:, :1] - 10, 5, axis=1), each) for each in true]
    lengths, poor = set(), False
    for step in range(8):
        batch = draw_sweeps(plain, 3, step)
        # What is noisy stays clear, and what is made poor is shown no more.
        seen = torch.minimum(batch.evidence[..., HEAD], batch.evidence[..., -1])
        assert (batch.shown[seen > 6] == 1).all()
        assert (batch.shown[seen < -5] == 0).all()
        poor = poor or bool(((batch.evidence[..., HEAD] > 6) & (batch.shown == 0)).any())
        lengths.add(batch.evidence.shape)
    assert poor
    assert len(lengths) == 1
    assert torch.equal(draw_sweeps(plain, 3, 0).evidence, draw_sweeps(plain, 3, 0).evidence)


def test_that_a_hand_that_rests_on_a_real_picture_is_drawn_as_long_as_any_stretch():
    rest = Sweep(np.full((75, 5), 9, np.float32), np.eye(3, dtype=np.float32)[[HEAD] * 75])
    batches = [draw_sweeps([sweep(0)], 3, step, [rest]) for step in range(6)]
    drawn = [(seen, shown) for batch in batches for seen, shown in zip(batch.evidence, batch.shown, strict=True)]
    resting = [shown for seen, shown in drawn if (seen == 9).all()]
    assert 5 < len(resting) < len(drawn) / 2
    assert all((shown == 1).all() for shown in resting)


# The training loop is Lightning's: what it warns about in itself is not ours to mend.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("both_ways", [True, False])
def test_that_a_judge_learns_to_name_frames_by_those_around_them_and_survives_its_file(tmp_path, both_ways):
    network = train_judge([sweep(seed) for seed in range(12)], both_ways=both_ways, seed=1, steps=60)
    path = tmp_path / "judge.safetensors"
    save_judge(path, network, {"seed": 1})
    other = sweep(99)
    shown, _ = load_judge(path, both_ways=both_ways).probabilities(other.evidence)
    true = other.standardness[:, HEAD] >= 0.5
    assert np.mean((shown > 0.5) == true) > 0.9 > np.mean((other.evidence[:, HEAD] > 0) == true)
