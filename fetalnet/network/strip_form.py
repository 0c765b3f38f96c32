"""Form of the strips that the rim reader and the shaft reader take: without torch, for what cuts strips out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIM_ROWS, RIM_COLUMNS = 48, 128
"""Pixels of a strip along an ellipse."""

SHAFT_ROWS, SHAFT_COLUMNS = 32, 160
"""Pixels of a strip along a line."""
SHAFT_ALONG, SHAFT_ACROSS = 1.1, 0.22
"""How far a strip reaches from the middle of its line, in lengths of the line."""
SHAFT_ANSWERS = 80
"""Places along a strip of which the shaft reader returns how likely the shaft ends there."""
SHAFT_PLACES: NDArray[np.floating] = SHAFT_ALONG * ((np.arange(SHAFT_ANSWERS) + 0.5) * (2 / SHAFT_ANSWERS) - 1.0)
"""(SHAFT_ANSWERS,) Where these places lie along the line, in its lengths from its middle."""
