"""Where this checkout's tests find real pictures: the program itself looks nowhere but where it is told."""

import os
from pathlib import Path

_BESIDE = Path(__file__).parents[2] / "shared" / "data"

if "FETALNET_DATA" not in os.environ and _BESIDE.is_dir():
    os.environ["FETALNET_DATA"] = str(_BESIDE)
