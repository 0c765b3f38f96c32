"""What must never be: Qt inside the method, a library that reports on its user, a window that waits for torch."""

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, sys
import fetalnet
for module in pkgutil.walk_packages(fetalnet.__path__, "fetalnet."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(*sys.modules, sep="\\n")
"""


def test_the_method_loads_without_qt_and_without_telemetry() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "fetalnet.core.planes" in loaded
    assert not {"PySide6", "shiboken6", "pyqtgraph", "app"} & loaded
    assert not {name for name in loaded if name.startswith("openvino_telemetry")}


def test_the_window_does_not_wait_for_what_only_a_network_or_dicom_needs() -> None:
    """Each of them takes from a tenth of a second to three to load."""
    code = "import app.__main__, sys; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "PySide6.QtWidgets" in loaded
    assert not {"torch", "openvino", "pydicom", "pynetdicom", "pyqtgraph", "reportlab", "lightning"} & loaded
