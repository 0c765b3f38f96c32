"""The box between threads."""

from __future__ import annotations

import threading

import pytest

from fetalnet.core.system.latest import BoxClosedError, Latest


def test_that_only_the_newest_value_is_taken() -> None:
    box: Latest[int] = Latest()
    assert box.take() is None
    for value in (1, 2, 3):
        box.put(value)
    assert box.take() == 3
    assert box.take() is None


def test_that_a_waiting_consumer_is_woken_by_a_value() -> None:
    box: Latest[int] = Latest()
    got: list[int] = []
    consumer = threading.Thread(target=lambda: got.append(box.get()))
    consumer.start()
    box.put(7)
    consumer.join(60)
    assert got == [7]


def test_that_closing_hands_out_what_waits_and_then_wakes() -> None:
    box: Latest[int] = Latest()
    box.put(1)
    box.close()
    assert box.get() == 1
    with pytest.raises(BoxClosedError):
        box.get()
