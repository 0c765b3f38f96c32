"""Files damaged where they tell of aspect, orientation, marks, counts and boxes are done or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.mutate_files import try_case, watch


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_a_file_damaged_where_it_says_what_it_is_is_done_or_refused(tmp_path: Path, first: int) -> None:
    for case in range(first, first + 20):
        assert try_case(case, tmp_path) is None, f"case {case}"


@pytest.mark.slow
def test_that_twenty_thousand_damaged_files_neither_crash_nor_hang() -> None:
    assert list(watch(0, 20_000)) == []
