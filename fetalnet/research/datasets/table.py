"""Tables of labels: CSV files whose columns are looked up by name, each fault told in one sentence."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fetalnet.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; ``where`` names it for a person."""

    where: str
    values: dict[str, str]

    def text(self, column: str) -> str:
        """What the column holds. Raises ``InputError`` where it is empty."""
        value = self.values.get(column, "")
        if not value:
            raise InputError(f"{self.where} has nothing in the column {column}; fill it in or take the line out.")
        return value

    def number(self, column: str) -> float | None:
        """The number above 0 in the column; None where it is empty or absent. Raises ``InputError`` for all else."""
        value = self.coordinate(column)
        if value is not None and value <= 0:
            raise InputError(f"{self.where} has {value:g} in the column {column}; it must be above 0.")
        return value

    def coordinate(self, column: str) -> float | None:
        """Any finite number in the column; None where it is empty or absent. Raises ``InputError`` for all else."""
        text = self.values.get(column, "")
        if text.lower() in {"", "nan"}:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(f"{self.where} has {text!r} in the column {column}, which is no number; correct it.")
        return value


def read_table(path: Path, columns: Sequence[str], delimiter: str = ",", key: str | None = None) -> list[Row]:
    """The lines of a CSV file in UTF-8 with at least these columns, blanks around names and values taken off.

    ``key`` names the column that must not hold one value twice. Raises ``InputError``.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.DictReader(file, delimiter=delimiter, strict=True), path, columns))
    except FileNotFoundError as error:
        raise InputError(
            f"There is no {path.name} in {path.parent.name}; unpack the data set again, or choose its folder."
        ) from error
    except OSError as error:
        raise InputError(f"Cannot read {path.name}: {error.strerror}; check the path.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} is no CSV file in UTF-8; fetch it again or save it as one.") from error
    if not rows:
        raise InputError(f"{path.name} has no lines below its first; fetch it again.")
    if key is not None:
        _refuse_twice(rows, key)
    return rows


def _rows(reader: csv.DictReader[str], path: Path, columns: Sequence[str]) -> Iterator[Row]:
    names = [name.strip() for name in reader.fieldnames or []]
    missing = [column for column in columns if column not in names]
    if missing:
        raise InputError(
            f"{path.name} has no column {' and no column '.join(missing)}; fetch it again or name it in the first line."
        )
    reader.fieldnames = names
    for row in reader:
        where = f"Line {reader.line_num} of {path.name}"
        if None in row or None in row.values():
            raise InputError(f"{where} has another number of columns than the first line; correct it.")
        yield Row(where, {name: value.strip() for name, value in row.items()})


def _refuse_twice(rows: list[Row], key: str) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        first = seen.setdefault(row.text(key), row)
        if first is not row:
            raise InputError(f"{row.where} names {row.text(key)} again (first: {first.where}); give each its own name.")
