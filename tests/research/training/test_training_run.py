import importlib
import multiprocessing
import os

import pytest
import torch

pytest.importorskip("lightning", reason="the train extra is not installed")

from fetalnet.core.errors import InputError
from fetalnet.network.weights import load_weights
from fetalnet.research.training.config import (
    Network,
    Pack,
    Phase,
    ReaderStage,
    RimStage,
    ShaftStage,
    Stage,
    TrainingConfig,
)
from fetalnet.research.training.module import Training
from fetalnet.research.training.parts import organ_reader as reader
from fetalnet.research.training.run import train

POWER_CUT = 9

# The training loop is Lightning's: what it warns about in itself is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def few_verdicts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "VERDICT_BATCHES", 2)
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, cache):
    """The weights of a run from beginning to end."""
    return train(config(), tmp_path_factory.mktemp("whole"), cache)


def config(steps=4):
    single = Stage(height=64, width=96, batch=2, steps=2)
    clips = Stage(height=64, width=96, frames=2, batch=2, steps=steps - 2)
    return TrainingConfig(
        name="tiny",
        network=Network(height=64, width=96, channels=(8, 8, 16, 16, 16), hidden=8, rim=True, shaft=True),
        pack=Pack(stills=4, recordings=1, clips_per_recording=2, frames_per_clip=2, processes=1),
        phases=(
            Phase(learning_rate=1e-3, stages=(single,)),
            Phase(learning_rate=1e-3, freeze_norm=True, stages=(clips,)),
        ),
        reader=ReaderStage(batch=2, steps=2),
        rim=RimStage(batch=2, steps=2),
        shaft=ShaftStage(batch=2, steps=2),
        real_data=False,
        processes=1,
        steps_per_epoch=2,
        bf16=False,
    )


def same_weights(one, other):
    ours, theirs = (load_weights(path).network.state_dict() for path in (one, other))
    return all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_that_training_leaves_loadable_weights_and_repeats_itself(tmp_path, cache, whole, capsys):
    weights = load_weights(whole)
    card = weights.card
    assert card["seed"] == 7
    assert sum(row["phantom"] for row in card["trained_on"].values()) == 8
    assert not card["validation_split_seen"]
    trained, untrained = (each.state_dict() for each in (weights.network, Training(config()).network))
    parts = [name for name in untrained if "present" in name or name.startswith(("rim.answer", "shaft.answer"))]
    assert len(parts) == 10
    assert not any(torch.equal(untrained[name], trained[name]) for name in parts)
    capsys.readouterr()
    assert same_weights(whole, train(config(), tmp_path, cache))
    assert "plane" in capsys.readouterr().out


def test_that_a_part_which_nobody_trains_is_refused(tmp_path, cache):
    with pytest.raises(InputError, match=r"nobody trains \(rim, shaft\)"):
        train(config().model_copy(update={"rim": None, "shaft": None}), tmp_path, cache)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("part", "other"), [("rim", "shaft"), ("shaft", "rim")])
def test_that_a_part_is_trained_alone_on_weights_that_are_there(part, other, tmp_path, cache, whole):
    alone = config().model_copy(update={"phases": (), "reader": None, other: None, "seed": 8})
    with pytest.raises(InputError, match="--begin-with"):
        train(alone, tmp_path, cache)
    before, after = (load_weights(path) for path in (whole, train(alone, tmp_path, cache, start=load_weights(whole))))
    ours, theirs = (each.network.state_dict() for each in (before, after))
    changed = {name for name in ours if not torch.equal(ours[name], theirs[name])}
    assert f"{part}.answer.weight" in changed
    assert all(name.startswith(f"{part}.") for name in changed)
    assert after.card["began_with"]["sha256"] == before.sha256


def test_that_the_network_for_stills_stays_with_the_weights_whatever_is_trained_after(tmp_path, cache, whole):
    smaller = config().network.model_copy(update={"height": 32, "width": 64})
    part = {"phases": (), "reader": None, "rim": None}
    alone, begun = config().model_copy(update={"network": smaller, **part}), load_weights(whole)
    first = load_weights(train(alone, tmp_path / "first", cache, start=begun, stills=begun))
    second = load_weights(train(alone, tmp_path / "second", cache, start=first))
    for weights in (first, second):
        stills = weights.for_stills
        assert (stills.network.config.height, stills.network.config.width) == (64, 96)
        assert torch.equal(stills.network.fuse.weight, begun.network.fuse.weight)
        assert weights.card["stills"]["sha256"] == begun.sha256
    with pytest.raises(InputError, match="same size"):
        train(config().model_copy(update=part), tmp_path / "third", cache, start=begun, stills=begun)


def train_until_power_cut(folder, cache, module, name, at):
    place = importlib.import_module(module)
    draw = getattr(place, name)

    def power_cut(_config, _pictures, step, _rank):
        if step == at:
            os._exit(POWER_CUT)
        return draw(_config, _pictures, step, _rank)

    setattr(place, name, power_cut)
    train(config(), folder, cache)


@pytest.mark.parametrize(
    ("module", "name", "at"),
    [
        ("fetalnet.research.training.data.batches", "draw_batch", 3),
        ("fetalnet.research.training.run", "draw_shafts", 1),
    ],
    ids=["in the last phase", "when only the last part was left"],
)
def test_that_a_killed_run_goes_on_to_the_same_weights(module, name, at, tmp_path, cache, whole):
    broken = multiprocessing.get_context("spawn").Process(
        target=train_until_power_cut, args=(tmp_path / "broken", cache, module, name, at)
    )
    broken.start()
    broken.join()
    assert broken.exitcode == POWER_CUT
    assert (tmp_path / "broken" / "checkpoints" / "last.ckpt").exists()
    assert same_weights(whole, train(config(), tmp_path / "broken", cache))


def test_that_phases_and_stages_follow_each_other():
    plan = config()
    assert [plan.at(step)[1].frames for step in range(4)] == [1, 1, 2, 2]
    assert [plan.at(step)[2] for step in range(4)] == [0, 0.5, 0, 0.5]
    assert plan.steps == 4
