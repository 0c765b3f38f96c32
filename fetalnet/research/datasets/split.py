"""Which part of a data set is kept back. Parts are made of whole groups: examinations, or patients where known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from fetalnet.core.errors import InputError


class Split(StrEnum):
    """``VALIDATION`` and ``TRAINING`` are ours, by the hash of the group; the published ones are the publisher's."""

    ALL = "all"
    VALIDATION = "validation"
    TRAINING = "training"
    PUBLISHED_TEST = "published-test"
    PUBLISHED_TRAINING = "published-training"


class Grouped(Protocol):
    """What can be split: ``published_test`` is the publisher's side, None where there is no such split."""

    @property
    def group(self) -> str: ...

    @property
    def published_test(self) -> bool | None: ...


Item = TypeVar("Item", bound=Grouped)


def in_validation(key: str) -> bool:
    """Whether an examination or a patient is kept back: one in five, by the hash of its name."""
    return int(hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest(), 16) % 5 == 0


def select(items: Sequence[Item], split: Split) -> tuple[Item, ...]:
    """The items of one side. No group is on both sides of a pair of splits, whatever the publisher's table says.

    A group with one item in the publisher's test set lends nothing to the publisher's training set. Raises
    ``InputError`` where the publisher made no split.
    """
    match split:
        case Split.ALL:
            return tuple(items)
        case Split.VALIDATION | Split.TRAINING:
            wanted = split is Split.VALIDATION
            return tuple(item for item in items if in_validation(item.group) is wanted)
    if items and all(item.published_test is None for item in items):
        raise InputError("This data set was published without a split; choose validation, training or all.")
    if split is Split.PUBLISHED_TEST:
        return tuple(item for item in items if item.published_test)
    tested = {item.group for item in items if item.published_test}
    return tuple(item for item in items if item.published_test is False and item.group not in tested)


def joined_groups(keys: Sequence[Iterable[str]]) -> list[str]:
    """One group for each item from the names it goes by: items that share a name, even through others, are one group.

    A group is called by the first of its names in the order of the alphabet.
    """
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for names in keys:
        roots = sorted({find(name) for name in names})
        for root in roots[1:]:
            leader[root] = roots[0]
    return [find(next(iter(names))) for names in keys]
