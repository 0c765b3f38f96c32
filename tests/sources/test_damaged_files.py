"""Files damaged at random are played or refused with a sentence. ``fuzz_readers.py`` does it by the ten thousand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fuzz_readers import NAME, corpus, open_case

from fetalnet.core.errors import InputError
from fetalnet.sources import open_source


@pytest.mark.parametrize("first", range(0, 160, 20))
def test_a_damaged_file_plays_or_is_refused(tmp_path: Path, first: int) -> None:
    for case in range(first, first + 20):
        assert open_case(case, tmp_path) is None, f"case {case}"


Change = Callable[[bytes], bytes]
_place = st.one_of(st.floats(0, 1), st.floats(0, 0.01))


def _set(place: float, value: bytes) -> Change:
    def change(content: bytes) -> bytes:
        at = int(place * len(content))
        return content[:at] + value + content[at + len(value) :]

    return change


def _cut(place: float, length: int) -> Change:
    def change(content: bytes) -> bytes:
        at = int(place * len(content))
        return content[:at] + content[at + length :]

    return change


_changes = st.one_of(
    st.builds(_set, _place, st.binary(min_size=1, max_size=8)), st.builds(_cut, _place, st.integers(1, 5000))
)


@pytest.mark.slow
@settings(max_examples=3000, deadline=5000, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.lists(_changes, min_size=1, max_size=6))
def test_no_change_of_a_file_brings_a_reader_down(number: int, changes: list[Change]) -> None:
    content = corpus()[number % len(corpus())]
    for change in changes:
        content = change(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        path.write_bytes(content)
        said = "It plays."
        try:
            with closing(open_source(path)) as source:
                assert all(frame.width == source.width for frame in source)
        except InputError as error:
            said = str(error)
        assert said.endswith(".")
        assert "SECRET" not in said
