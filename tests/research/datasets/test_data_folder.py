"""Real pictures are looked for where a person said, and nowhere else."""

import pytest

from fetalnet.cli import main
from fetalnet.core.errors import InputError
from fetalnet.research.datasets.catalogue import data_folder
from fetalnet.research.datasets.readers.hc18 import head_stills


def test_that_without_a_named_folder_a_sentence_says_what_to_set(monkeypatch):
    for unset in (lambda: monkeypatch.delenv("FETALNET_DATA"), lambda: monkeypatch.setenv("FETALNET_DATA", "")):
        monkeypatch.setenv("FETALNET_DATA", "somewhere")
        unset()
        with pytest.raises(InputError, match="Set FETALNET_DATA to their folder, or name it with --data"):
            data_folder()


def test_that_a_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FETALNET_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="There is no folder gone"):
        data_folder()


def test_that_a_folder_without_hc18_says_what_was_looked_for(tmp_path):
    with pytest.raises(InputError, match=r"neither training_set_pixel_size_and_HC\.csv nor labels\.csv"):
        head_stills(tmp_path)


@pytest.mark.parametrize("command", [["train", "smoke"], ["calibrate"], ["compare"]])
def test_that_the_option_is_looked_into_before_the_variable(command, monkeypatch, tmp_path, capsys):
    pytest.importorskip("lightning", reason="the train extra is not installed")
    monkeypatch.setenv("FETALNET_DATA", str(tmp_path / "of the variable"))
    out = [] if command == ["calibrate"] else ["--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as left:
        main([*command, *out, "--data", str(tmp_path / "of the option")])
    assert left.value.code == 2
    assert "There is no folder of the option" in capsys.readouterr().err
