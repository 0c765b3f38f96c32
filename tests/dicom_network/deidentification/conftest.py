from __future__ import annotations

import json

import pytest

from fetalnet.cli import main


@pytest.fixture
def run(capsys):
    def deidentify(*arguments: object) -> tuple[int, dict, str]:
        with pytest.raises(SystemExit) as left:
            main(["deidentify", *map(str, arguments)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return left.value.code, json.loads(captured.out or "null"), captured.err

    return deidentify
