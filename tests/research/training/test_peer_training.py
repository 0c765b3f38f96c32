"""The published networks go through the same training run as ours."""

import math

import numpy as np
import pytest

pytest.importorskip("lightning", reason="the train extra is not installed")

from fetalnet.core.errors import InputError
from fetalnet.core.frame import Frame
from fetalnet.inference.predictor import Predictor
from fetalnet.network.config import Architecture, MtlnConfig
from fetalnet.network.weights import load_weights
from fetalnet.research.training.configs import load_config
from fetalnet.research.training.run import train

# The training loop is Lightning's: what it warns about in itself is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

RUN = """
name = "tiny"
real_data = false
processes = 1
steps_per_epoch = 2
bf16 = false

[network]
architecture = "{architecture}"
height = 64
width = 96
base = 4
{more}

[pack]
stills = 4
recordings = 1
clips_per_recording = 2
frames_per_clip = 2
processes = 1

[[phases]]
learning_rate = 1e-3
stages = [
    {{ height = 64, width = 96, batch = 2, steps = 2 }},
    {{ height = 64, width = 96, frames = 2, batch = 2, steps = 1 }},
]
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(
    ("architecture", "more", "charged"),
    [
        (Architecture.PUBLISHED, "temporal_width = 4\ndeep_supervision = true", {"masks", "planes", "sides"}),
        (Architecture.MULTITASK_UNET, "classes = 3", {"masks", "planes"}),
        (Architecture.MTLN, "", {"masks", "ellipses"}),
    ],
)
def test_that_each_can_be_named_trained_and_run(architecture, more, charged, tmp_path, cache, monkeypatch):
    from fetalnet.research.training import module

    costs = []

    def noted(*arguments, cost=module.cost):
        costs.append(cost(*arguments))
        return costs[-1]

    monkeypatch.setattr(module, "cost", noted)
    path = tmp_path / "run.toml"
    path.write_text(RUN.format(architecture=architecture, more=more))
    weights = train(load_config(path), tmp_path, cache)
    assert len(costs) == 3
    assert all(set(each.parts) == charged and math.isfinite(each.total) for each in costs)
    loaded = load_weights(weights, architecture)
    assert loaded.card["config"]["network"]["architecture"] == architecture
    prediction = Predictor(loaded, "torch").predict(Frame(5, None, np.zeros((120, 160), np.uint8)))
    assert prediction.index == 5
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_that_the_network_of_a_configuration_is_the_one_it_names(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(RUN.format(architecture="mtln", more=""))
    assert load_config(path).network_config == MtlnConfig(height=64, width=96, base=4)


@pytest.mark.parametrize(
    ("architecture", "more", "cause"),
    [
        ("segnet", "", "network: .*segnet"),
        ("mtln", "classes = 4", "network.mtln.classes"),
        ("fetalnet-published", "join = 'sum'", "network.fetalnet-published.join"),
    ],
)
def test_that_a_network_nobody_knows_is_said_so(architecture, more, cause, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(RUN.format(architecture=architecture, more=more))
    with pytest.raises(InputError, match=rf"run\.toml is not right \({cause}"):
        load_config(path)
