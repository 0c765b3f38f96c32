from dataclasses import dataclass

import pytest

from fetalnet.research.datasets.readers.fetal_planes import read_fetal_planes
from fetalnet.research.datasets.readers.multicentre import read_multicentre
from fetalnet.research.datasets.split import Split, in_validation, joined_groups, select


@dataclass(frozen=True)
class Item:
    group: str
    published_test: bool | None = None


ITEMS = [Item(str(number // 3), number % 7 == 0) for number in range(300)]


@pytest.mark.parametrize(
    ("kept", "learned"),
    [(Split.VALIDATION, Split.TRAINING), (Split.PUBLISHED_TEST, Split.PUBLISHED_TRAINING)],
)
def test_that_no_group_is_on_both_sides(kept, learned):
    one, other = ({item.group for item in select(ITEMS, side)} for side in (kept, learned))
    assert one
    assert other
    assert not one & other


def test_that_validation_is_one_in_five_and_follows_the_contract():
    kept = select(ITEMS, Split.VALIDATION)
    assert {item.group for item in kept} == {item.group for item in ITEMS if in_validation(item.group)}
    assert 0.1 < len(kept) / len(ITEMS) < 0.3
    assert len(select(ITEMS, Split.ALL)) == len(ITEMS)


def test_that_names_shared_through_others_join():
    groups = joined_groups([["a"], ["b", "c"], ["a", "c"], ["d"], ["e", "d"]])
    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[4] != groups[0]


def test_that_published_sides_are_read_and_one_woman_is_on_one(fetal_planes):
    data = read_fetal_planes(fetal_planes)
    assert len(data.part(Split.PUBLISHED_TEST).stills) == 2
    assert data.part(Split.PUBLISHED_TRAINING).split is Split.PUBLISHED_TRAINING


def test_that_a_woman_tested_in_one_table_is_trained_on_in_none(multicentre):
    data = read_multicentre(multicentre)
    tested, trained = (data.part(side) for side in (Split.PUBLISHED_TEST, Split.PUBLISHED_TRAINING))
    # Her heads are called Train, her abdomen Test.
    assert {still.path.name for still in trained.stills} == {"Patient00168_Plane3_1_of_2.png"}
    assert not tested.groups & trained.groups
