"""``fetalnet receive``: what arrives is on disk and its path is printed; a stop ends it well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.loopback import free_port
from test_receiver import established, scan

from fetalnet.cli import main


def test_that_what_is_sent_is_written_until_it_is_stopped(tmp_path: Path) -> None:
    port = str(free_port())
    out = tmp_path / "out"
    command = [sys.executable, "-m", "fetalnet.cli", "receive", str(out), "--port", port, "--allow", "SCANNER"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert f"Listening as FETALNET on port {port}" in process.stderr.readline()
        association = established(int(port))
        assert association.send_c_store(scan()).Status == 0
        association.release()
        (path,) = out.iterdir()
        assert process.stdout.readline().strip() == str(path)
        process.terminate()
        process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--host", "0.0.0.0"], "AE titles are listed"),
        (["--port", "0"], "is no port"),
        (["--aet", "A\\B"], "is no AE title"),
    ],
)
def test_that_settings_that_cannot_be_are_told(
    more: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["receive", str(tmp_path / "out"), *more])
    assert words in capsys.readouterr().err
