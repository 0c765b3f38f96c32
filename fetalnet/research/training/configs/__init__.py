"""The training configurations that come with the program, and how a file of them is read.

``extends = "NAME"`` begins with another configuration: one that comes with the program by its bare name, or a file by
its path from this one. Tables are merged key by key; everything else, lists of phases and stages included, takes the
place of what it overrides. ``false`` in the place of a table leaves out the one that is extended. A ``[network]`` of
another ``architecture`` replaces the whole table, for no key of it would fit.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fetalnet.core.errors import InputError
from fetalnet.network.config import Architecture
from fetalnet.research.training.config import TrainingConfig

CONFIGS = Path(__file__).parent
"""``shipped``: of the weights that ship; ``comparison``: of ``fetalnet compare``; ``smoke``: minutes."""

_Table = dict[str, Any]


def load_config(path: Path) -> TrainingConfig:
    """Read a TOML file, or one that comes with the program by its bare name. Raises ``InputError``."""
    path = _found(path)
    try:
        return TrainingConfig.model_validate(_table_of(path, ()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) + ": " + first["msg"]
        raise _not_right(path, where) from error


def names() -> list[str]:
    """The configurations that come with the program."""
    return sorted(each.stem for each in CONFIGS.glob("*/*.toml"))


def _found(path: Path) -> Path:
    """The path where it is a file, else the configuration of its name that comes with the program, if there is one."""
    return path if path.is_file() else next(CONFIGS.glob(f"*/{path.name}.toml"), path)


def _table_of(path: Path, extending: tuple[Path, ...]) -> _Table:
    """What the file says, on top of what it extends; ``extending`` are the files on the way to it."""
    if path.resolve() in (each.resolve() for each in extending):
        circle = " extends ".join(each.name for each in (*extending, path))
        raise InputError(f"The training configurations extend each other in a circle: {circle}; take one of these out.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        wanted = f", which {extending[-1].name} extends," if extending else ""
        raise InputError(
            f"The training configuration {path.name}{wanted} cannot be read; give a TOML file or one of: "
            f"{', '.join(names())}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _not_right(path, str(error)) from error
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise _not_right(path, "extends: one configuration, in quotes")
    return _merged(_table_of(_found(path.parent / base), (*extending, path)), table)


def _merged(base: _Table, table: _Table) -> _Table:
    """``base`` with what ``table`` says otherwise."""
    merged = dict(base)
    for key, value in table.items():
        below = base.get(key)
        if not isinstance(below, dict):
            merged[key] = value
        elif value is False:
            del merged[key]
        elif isinstance(value, dict) and _architecture(value, below) == _architecture(below, below):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _architecture(table: _Table, base: _Table) -> object:
    """Which network a table describes: the one of ``base`` where it names none."""
    return table.get("architecture", base.get("architecture", Architecture.STREAMING))


def _not_right(path: Path, where: str) -> InputError:
    return InputError(f"The training configuration {path.name} is not right ({where}); correct it and try again.")
