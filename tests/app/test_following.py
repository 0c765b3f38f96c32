"""A live picture is followed: nobody waits for the fitting but the one who wants its answer."""

from __future__ import annotations

import threading

import pytest

from fetalnet.core.system.latest import Latest
from fetalnet.live.following import Following

LONG_S = 60


class Frames(Latest):
    """Hands out numbers, one a time, and then ends."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = list(range(count))

    def get(self, timeout_s: float | None = None) -> int:
        if not self._left:
            self.close()
            return super().get(timeout_s)
        return self._left.pop(0)


class Analysis:
    """Fits a frame only when the network has seen the one after it."""

    def __init__(self, count: int, broken: int | None = None) -> None:
        self._seen = [threading.Event() for _ in range(count + 1)]
        self._seen[count].set()
        self._broken = broken
        self.fitted: list[int] = []

    def look(self, number: int):
        self._seen[number].set()

        def found() -> int:
            assert self._seen[number + 1].wait(LONG_S)
            if number == self._broken:
                raise ValueError("no such border")
            self.fitted.append(number)
            return number

        return found

    def caught(self) -> tuple[int, ...]:
        return tuple(self.fitted)


def test_network_sees_the_next_frame_while_the_one_before_is_fitted() -> None:
    analysis, told, caught = Analysis(5), [], []
    Following(analysis, told.append, caught.append).run(Frames(5), lambda: True)
    assert told == [0, 1, 2, 3, 4]
    assert caught[-1] == (0, 1, 2, 3, 4)


def test_an_error_of_the_fitting_ends_the_following() -> None:
    analysis, told = Analysis(5, broken=2), []
    with pytest.raises(ValueError, match="no such border"):
        Following(analysis, told.append, lambda caught: None).run(Frames(5), lambda: True)
    assert told == [0, 1]


def test_what_was_seen_is_still_told_when_no_more_is_wanted() -> None:
    analysis, told = Analysis(2), []
    looks = iter([True, True, False])
    Following(analysis, told.append, lambda caught: None).run(Frames(5), lambda: next(looks))
    assert told == [0, 1]
