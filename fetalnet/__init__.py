"""The method: from a frame of fetal ultrasound to measurements. No Qt in this package.

``from fetalnet import open_source, Predictor, analyze, measure`` is the way in from Python; each name is loaded when it
is first asked for, so that importing the package alone loads neither torch nor OpenCV.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetalnet.analysis.batch import analyze
    from fetalnet.core.measurement import measure
    from fetalnet.inference.predictor import Predictor
    from fetalnet.sources import open_source

__version__ = "0.1.0"
__all__ = ["Predictor", "__version__", "analyze", "measure", "open_source"]

if not TYPE_CHECKING:  # With __getattr__ in sight, a type checker would believe in every name.
    _DEFINED_IN = {
        "Predictor": "fetalnet.inference.predictor",
        "analyze": "fetalnet.analysis.batch",
        "measure": "fetalnet.core.measurement",
        "open_source": "fetalnet.sources",
    }

    def __getattr__(name):
        if name not in _DEFINED_IN:
            raise AttributeError(f"module 'fetalnet' has no attribute {name!r}")
        return getattr(import_module(_DEFINED_IN[name]), name)

    def __dir__():
        return sorted({*globals(), *_DEFINED_IN})
