"""Work that is spread over processes, with its progress shown."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from rich.progress import track

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def spread(
    work: Callable[[Item], Answer], items: Sequence[Item], title: str, processes: int | None = None
) -> Iterator[Answer]:
    """The answers in the order of ``items``, by so many processes (None: one for each core).

    ``work`` must be a function that can be pickled. Without ``items`` no process is started.
    """
    if not items:
        return
    # Spawned: forking a process that has used OpenMP may hang.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        yield from track(pool.map(work, items), title, len(items))
