"""Training configurations as files: those that come along, and what `extends` makes of one."""

from pathlib import Path
from typing import get_args

import pytest

from fetalnet.core.errors import InputError
from fetalnet.network.config import Architecture, Temporal
from fetalnet.research.training.config import PartStage, TrainingConfig
from fetalnet.research.training.configs import load_config, names

BASE = """
name = "base"
seed = 3
[network]
height = 64
width = 96
rim = true
[mixture]
real_head = 0.5
phantom = 0.5
[[phases]]
learning_rate = 1e-3
stages = [{ height = 64, width = 96, batch = 2, steps = 2 }, { height = 64, width = 96, batch = 2, steps = 3 }]
[rim]
steps = 7
"""

PARTS = set(get_args(PartStage))


@pytest.fixture
def write(tmp_path):
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    written("base.toml", BASE)
    return written


def test_that_the_configurations_that_come_along_are_valid():
    assert {"streaming", "streaming_small_grid", "smoke", "fetalnet_published", "multitask_unet", "mtln"} <= set(
        names()
    )
    for name in names():
        run = load_config(Path(name))
        assert run.steps > 0 or any((run.rim, run.shaft))


def test_that_the_two_that_ship_differ_in_what_they_are_for_and_share_one_phantom_pack():
    stills, streams = load_config(Path("streaming")), load_config(Path("streaming_small_grid"))
    assert (stills.network.height, streams.network.height) == (256, 192)
    assert streams.pack == stills.pack
    assert (streams.rim, streams.shaft) == (None, None)
    assert streams.network.rim


def test_that_a_folder_of_its_name_does_not_hide_a_configuration_that_comes_along(tmp_path, monkeypatch):
    (tmp_path / "transfer").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("transfer")).name == "fetalnet-phantom-alone"


def test_that_a_wrong_configuration_says_where(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("seed = 1\nphases = []\ncolour = 3\n")
    with pytest.raises(InputError, match=r"mine\.toml is not right \(colour: "):
        load_config(path)
    with pytest.raises(InputError, match=r"none\.toml cannot be read; give a TOML file or one of: .*smoke, streaming"):
        load_config(tmp_path / "none.toml")


def test_that_tables_are_merged_and_lists_replaced(write):
    child = """
extends = "base.toml"
name = "child"
[mixture]
phantom = 0.9
[[phases]]
learning_rate = 2e-3
stages = [{ height = 64, width = 96, batch = 4, steps = 5 }]
"""
    run = load_config(write("child.toml", child))
    assert (run.name, run.seed) == ("child", 3)
    assert (run.mixture.real_head, run.mixture.phantom) == (0.5, 0.9)
    (phase,) = run.phases
    assert [stage.steps for stage in phase.stages] == [5]
    assert run.rim is not None
    assert run.rim.steps == 7


def test_that_false_leaves_a_table_out_and_a_switch_stays_a_switch(write):
    child = "extends = 'base.toml'\nrim = false\nreal_data = false\n[network]\nrim = false\n"
    run = load_config(write("child.toml", child))
    assert (run.rim, run.real_data, run.network.rim) == (None, False, False)
    assert run.network.height == 64


def test_that_another_architecture_takes_the_place_of_the_whole_network(write):
    run = load_config(write("child.toml", "extends = 'base.toml'\n[network]\narchitecture = 'mtln'\nbase = 4\n"))
    assert run.network.architecture is Architecture.MTLN
    assert (run.network.base, run.network.width) == (4, 384)


def test_that_a_configuration_of_ones_own_can_extend_one_that_comes_along(write):
    run = load_config(write("mine.toml", "extends = 'streaming'\nname = 'mine'\n[network]\ntemporal = 'none'\n"))
    assert (run.name, run.network.temporal) == ("mine", Temporal.NONE)
    assert run.phases == load_config(Path("streaming")).phases


def test_that_a_circle_is_named(write):
    write("one.toml", "extends = 'two.toml'\n")
    write("two.toml", "extends = 'one.toml'\n")
    with pytest.raises(InputError, match=r"in a circle: one\.toml extends two\.toml extends one\.toml"):
        load_config(write("one.toml", "extends = 'two.toml'\n"))


def test_that_a_name_nobody_knows_is_said_with_who_extends_it(write):
    with pytest.raises(InputError, match=r"nowhere, which child\.toml extends, cannot be read; .*one of: .*smoke"):
        load_config(write("child.toml", "extends = 'nowhere'\n"))
    with pytest.raises(InputError, match="extends: one configuration, in quotes"):
        load_config(write("child.toml", "extends = ['base.toml', 'smoke']\n"))


def test_that_a_run_shown_more_pictures_trains_each_of_its_parts_as_much_longer(write):
    tables = [name for name, field in TrainingConfig.model_fields.items() if set(get_args(field.annotation)) & PARTS]
    assert {"reader", "rim", "shaft"} <= set(tables)
    text = BASE.replace("[rim]\nsteps = 7\n", "") + "".join(f"[{name}]\nsteps = 7\n" for name in tables)
    run = load_config(write("all.toml", text))
    longer = run.presenting(3 * run.presentations)
    assert longer.presentations == 3 * run.presentations
    assert longer.steps == 3 * run.steps
    assert {name: part.steps for name, part in longer.parts.items()} == dict.fromkeys(tables, 21)
    assert longer.presenting(run.presentations) == run


def test_that_a_part_alone_presents_nothing_and_says_so():
    with pytest.raises(InputError, match=r"trains a part of a network alone.*choose a configuration with phases"):
        load_config(Path("rim")).presenting(1000)
