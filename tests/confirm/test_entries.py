import hashlib
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.confirm import entries as module
from auditor.confirm.entries import Entries


def name(number):
    """Return an evenly spread name of 16 bytes."""
    return hashlib.md5(str(number).encode()).digest()


def check(entries, known, numbers):
    """Compare what is known with what should be, one by one and at once."""
    names = [name(number) for number in numbers]
    assert len(entries) == len(known)
    assert [each in entries for each in names] == [number in known for number in numbers]
    assert entries.found(names) == [index for index, number in enumerate(numbers) if number in known]


@given(st.sets(st.integers(0, 40)), st.lists(st.tuples(st.booleans(), st.integers(0, 40))), st.sampled_from([1, 2, 3, 256]))
def test_entries_are_a_set(first, changes, most):
    """However names are added and removed, and however often that is worked in, what is there is what was added last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_CHANGES", most)
        names = sorted(map(name, first))
        entries, known = Entries(len(names), [b"".join(names[:3]), b"".join(names[3:])]), set(first)
        for add, number in changes:
            (entries.add if add else entries.discard)(name(number))
            (known.add if add else known.discard)(number)
        check(entries, known, range(41))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_names_with_equal_beginnings_are_told_apart(changes):
    """A match is equality of all 16 bytes, also where 8 are equal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_CHANGES", 2)
        entries, known = Entries(), set()
        for add, high, low in changes:
            one = bytes([7, *[0] * 6, high, *[0] * 7, low])
            (entries.add if add else entries.discard)(one)
            (known.add if add else known.discard)(one)
        names = [bytes([7, *[0] * 6, high, *[0] * 7, low]) for high in range(4) for low in range(4)]
        assert [each in entries for each in names] == [each in known for each in names]


def test_many_entries_outgrow_the_filter_and_the_arrays():
    """From nothing to 30,000 and back to 10,000: nothing is lost, and nothing else is found."""
    numbers = list(range(30_000))
    random.Random(1).shuffle(numbers)
    entries = Entries()
    for number in numbers:
        entries.add(name(number))
    for number in numbers[:20_000]:
        entries.discard(name(number))
    check(entries, set(numbers[20_000:]), range(40_000))
    assert entries.found([]) == []


def test_what_stays_is_found_while_others_come_and_go():
    """Another thread's changes, worked in and growing the filter, never hide a name nor show one that was removed before."""
    stays, never = [name(number) for number in range(500)], [name(-number) for number in range(1, 500)]
    entries = Entries()
    for each in [*stays, *never]:
        entries.add(each)
    for each in never:
        entries.discard(each)
    done = threading.Event()

    def change():
        for number in range(1000, 30_000):
            entries.add(name(number))
            if number % 3 == 0:
                entries.discard(name(number - 300))
        done.set()

    other = threading.Thread(target=change)
    other.start()
    while not done.is_set():
        assert entries.found(stays) == list(range(500))
        assert entries.found(never) == []
    other.join()
