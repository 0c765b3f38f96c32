"""What must never be: an import against the way of a frame, a circle of imports, Qt inside the method, a library that
reports on its user, a window that waits for torch."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

WAY_OF_A_FRAME = ["core", "sources", "screen", "network", "inference", "analysis", "growth", "exam", "export"]
"""Rooms of ``fetalnet``: each may import those to its left."""

FETALNET_MAY_IMPORT = {
    **{room: set(WAY_OF_A_FRAME[:place]) for place, room in enumerate(WAY_OF_A_FRAME)},
    "live": set(WAY_OF_A_FRAME),
    "dicom_network": set(WAY_OF_A_FRAME),
    "research": set(WAY_OF_A_FRAME),
    "cli": {*WAY_OF_A_FRAME, "live", "dicom_network", "research"},
}
NOT_IN_FETALNET = {"app", "PySide6", "shiboken6", "pyqtgraph"}

VIEWS = {"panes", "dialogs", "live", "canvas", "widgets"}
APP_MUST_NOT_IMPORT = {
    "theme": {"widgets", "canvas", "workers", "session", "live", "panes", "dialogs", "actions", "window"},
    "widgets": {"canvas", "workers", "session", "live", "panes", "dialogs", "actions", "window"},
    "canvas": {"workers", "session", "live", "panes", "dialogs", "actions", "window"},
    "session": {*VIEWS, "actions", "window", "theme"},
    "workers": {"widgets", "live", "panes", "dialogs", "actions", "window"},
    "live": {"panes", "dialogs", "actions", "window"},
    "panes": {"live", "actions", "window"},
    "dialogs": {"live", "panes", "actions"},
}
"""Arrows that are forbidden in ``app``. Rooms from the lowest: theme, widgets, canvas, workers, session, live, panes,
dialogs, actions, window."""

HELD_WITHOUT_CYCLES = ["fetalnet", "app"]
"""Packages whose modules must not import each other in a circle."""


class Import(NamedTuple):
    """One import in a file: which module asks, where, and what it asks for (the module that defines it)."""

    module: str
    place: str
    target: str


def modules(package: str) -> dict[str, Path]:
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


OURS = modules("fetalnet") | modules("app")


def imports(package: str) -> Iterator[Import]:
    """Every import in the package's files, those inside functions and for type checkers included."""
    for module, path in modules(package).items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                # The bare package is imported for the folder that it lies in.
                yield from (Import(module, place, alias.name) for alias in node.names if alias.name != "fetalnet")
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{place}: write the import with its full name, not with dots"
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    if full == "fetalnet.__version__":
                        continue
                    yield Import(module, place, full if full in OURS else str(node.module))


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_imports_of_the_method_follow_the_way_of_a_frame() -> None:
    wrong = []
    for name, place, target in imports("fetalnet"):
        top = target.split(".")[0]
        if top in NOT_IN_FETALNET:
            wrong.append(f"{place}: fetalnet must not import {target}")
        if top != "fetalnet" or name == "fetalnet" or room(name) == room(target):
            continue
        here, there = room(name), room(target)
        if here not in FETALNET_MAY_IMPORT:
            wrong.append(f"{place}: fetalnet/{here} has no place in the order; add it in tests/test_architecture.py")
        elif not there:
            wrong.append(f"{place}: import {target} from the module that defines it, not from the package's face")
        elif there not in FETALNET_MAY_IMPORT[here]:
            allowed = ", ".join(sorted(FETALNET_MAY_IMPORT[here])) or "nothing of ours"
            wrong.append(f"{place}: {here} must not import {there} ({target}); it may import {allowed}")
    assert not wrong, "Imports against the way of a frame:\n" + "\n".join(wrong)


def test_imports_of_the_window_keep_to_its_rooms() -> None:
    wrong = [
        f"{place}: app/{room(name)} must not import app/{room(target)} ({target})"
        for name, place, target in imports("app")
        if target.startswith("app.") and room(target) in APP_MUST_NOT_IMPORT.get(room(name), set())
    ]
    wrong += [
        f"{place}: the window must not import fetalnet/research ({target}): the bundle leaves it out"
        for _, place, target in imports("app")
        if target.startswith("fetalnet.research")
    ]
    assert not wrong, "Imports between rooms of the window:\n" + "\n".join(wrong)


def circle(arrows: dict[str, dict[str, str]]) -> list[str]:
    """The arrows of one circle, each with its place; empty where there is none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            around = [*way[way.index(module) :], module]
            return [f"{arrows[a][b]}: {a} imports {b}" for a, b in pairwise(around)]
        if module not in done:
            for target in arrows.get(module, {}):
                if found := walk(target, [*way, module]):
                    return found
            done.add(module)
        return []

    return next((found for module in sorted(arrows) if (found := walk(module, []))), [])


@pytest.mark.parametrize("package", HELD_WITHOUT_CYCLES)
def test_no_module_imports_itself_through_others(package: str) -> None:
    arrows: dict[str, dict[str, str]] = {}
    for name, place, target in imports(package):
        # The package's face may name everything; who needs its version alone has left it out above.
        if target in OURS and target != name and name != package:
            arrows.setdefault(name, {}).setdefault(target, place)
    assert not (found := circle(arrows)), f"A circle of imports in {package}:\n" + "\n".join(found)


def test_a_circle_is_found_and_named_with_its_lines() -> None:
    arrows = {"a": {"b": "a.py:1"}, "b": {"c": "b.py:2", "d": "b.py:3"}, "c": {}, "d": {"b": "d.py:4"}}
    assert circle(arrows) == ["b.py:3: b imports d", "d.py:4: d imports b"]
    assert circle({"a": {"b": "a.py:1"}, "b": {"c": "b.py:2"}}) == []


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
