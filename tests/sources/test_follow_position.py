"""What a feed of files knows of what was read, and which marks it believes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.hlc import Timestamp
from auditor.names import ChangefeedFile, digits_of, parse, resolved_of_name
from auditor.sources.files import FileInput
from auditor.sources.follow.gathering import gather
from auditor.sources.follow.known import Known, Standing, file_digest, hint_of, position_of
from auditor.sources.follow.listed import Listed, Since, partition_of
from auditor.sources.follow.marks import SEVERAL, believed
from auditor.sources.follow.settling import Settling
from tests.sources.follow_harness import Feed, at

TIMES = st.integers(0, 4 * 10**9 * 10**9).map(lambda wall: Timestamp(wall, wall % 3))


def nothing(_name: str, _body: bytes) -> None:
    """Put it nowhere."""


def listed(name: str, version: str = "1", modified: float | None = None) -> Listed:
    return Listed(name, FileInput(name, name, "", Path(name).name, 1, version), parse(name), modified)


@given(time=TIMES)
def test_digits_and_times_are_the_same(time: Timestamp) -> None:
    """A file's name tells the time that it was made from."""
    assert resolved_of_name(f"{digits_of(time)}.RESOLVED") == time


@given(
    since=TIMES,
    time=TIMES,
    layout=st.sampled_from(["flat", "daily", "hourly"]),
    others=st.sets(st.sampled_from(["flat", "hourly"])),
)
def test_the_first_key_sorts_before_all_that_is_to_be_listed(
    since: Timestamp, time: Timestamp, layout: str, others: set[str]
) -> None:
    """Whatever the partition formats, no file from that time on is left out."""
    name = Feed(nothing, layout).name(time)
    assert time < since or name > Since(since, frozenset({layout, *others})).first_key()
    assert partition_of(name.rpartition("/")[0]) == layout


def test_where_a_file_lies_by_no_format_everything_is_listed() -> None:
    """Nor is there a first key before anything was listed."""
    assert Since(at(0), frozenset(["", "daily"])).first_key() == Since(at(0), frozenset()).first_key() == ""


@pytest.mark.parametrize("folder", ["x", "2024-05-01/7", "2024-05-01/07/x", "a/2024-05-01"])
def test_other_folders_are_of_no_partition_format(folder: str) -> None:
    """Then nothing can be said about where a file sorts."""
    assert partition_of(folder) == ""


@given(
    seconds=st.lists(st.integers(0, 500), max_size=60),
    others=st.integers(0, 10),
    grace=st.integers(0, 300),
    steps=st.lists(st.integers(1, 20), max_size=8),
)
def test_a_position_knows_what_was_read_and_nothing_else(seconds: list[int], others: int, grace: int, steps: list[int]) -> None:
    """Cut anywhere and taken up again from its JSON, each file is read once, whatever the grace."""
    feed = Feed(nothing)
    files = [listed(feed.name(at(second))) for second in seconds] + [listed(f"o{number}.csv") for number in range(others)]
    read: list[str] = []
    position: object = {}
    for step in (*steps, len(files)):
        known = Known(grace, position)  # type: ignore[arg-type]
        found = gather(files, known, everything=True, most=1000)
        known.keep(found.timed, found.others, everything=True)
        for each in found.unread[:step]:
            if each.time is not None:
                known.advance(each.time)
            known.add(each)
            read.append(each.name)
        position = json.loads(json.dumps(position_of("u", known.floor, known.digests(), {})))
    assert sorted(read) == sorted(each.name for each in files)


def test_only_the_earliest_files_are_held(tmp_path: Path) -> None:
    """A round is bounded, and what is left is said with the time before which nothing is left."""
    feed = Feed(nothing)
    files = [listed(feed.name(at(second))) for second in reversed(range(100))]
    found = gather(iter(files), Known(0), everything=True, most=10)
    assert [each.time for each in found.unread] == [at(second) for second in range(10)]
    assert (found.more, found.beyond) == (True, at(10))


def test_a_hint_holds_no_table() -> None:
    """Of a name only what a clock and counters made is kept."""
    name = Feed(nothing).name(at(0), "secret-table-name")
    assert "secret" not in hint_of(listed(name))
    assert hint_of(listed(name)) == "-".join(Path(name).name.split("-")[:5])
    assert hint_of(listed("anything-at-all.ndjson")) == ""


def test_a_version_tells_files_apart() -> None:
    """Of name and version, neither alone."""
    digests = {file_digest(listed(name, version)) for name in "ab" for version in "12"}
    assert len(digests) == 4


def test_places_survive() -> None:
    """Where reading stands is part of the position."""
    places = {"k": Standing("v", 5, 2, "h")}
    assert Known(1, json.loads(json.dumps(position_of("u", at(0), b"", places)))).places == places


def file_of(second: float, session: str, node: int = 1) -> ChangefeedFile:
    found = parse(Feed(nothing, session=session, node=node).name(at(second)))
    assert isinstance(found, ChangefeedFile)
    return found


A, B = "a" * 16, "b" * 16
MARKS = [at(10), at(20), at(30), at(40)]


@pytest.mark.parametrize(
    ("files", "marks"),
    [
        ([file_of(5, A), file_of(15, A), file_of(25, A)], MARKS),
        # Several nodes.
        ([file_of(second, session, node) for second in (5, 15, 25, 35) for session, node in ((A, 1), (B, 2))], MARKS),
        # A restart: the new session begins again after the last mark, so the interval is shared.
        ([file_of(5, A), file_of(15, A), file_of(12, B), file_of(25, B)], [at(10), at(30), at(40)]),
        ([file_of(5, A), file_of(15, B)], MARKS),
        # Side by side.
        ([file_of(second, session) for second in (5, 15) for session in (A, B)], []),
        ([file_of(5, A), file_of(15, B), file_of(25, A)], []),
        ([], MARKS),
    ],
)
def test_which_marks_are_believed(files: list[ChangefeedFile], marks: list[Timestamp]) -> None:
    """Sessions of a node that go on side by side are several changefeeds; one after another is a restart."""
    assert list(believed(files, MARKS, "auto").marks) == marks
    assert bool(believed(files, MARKS, "auto").reason) is not bool(marks)
    assert believed(files, MARKS, "one") == (MARKS, "")
    assert believed(files, MARKS, "several") == ((), SEVERAL)


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_file_is_whole_once_it_stood_still() -> None:
    """By its version, as long as was asked for; by a clock that only goes forward."""
    clock, wall = Clock(), Clock()
    settling = Settling(5, clock, wall)

    def whole(version: str) -> bool:
        ready, _ = settling.split([listed("f.ndjson", version, wall.now)], {})
        return bool(ready)

    assert not whole("1")
    clock.now += 4
    assert not whole("2")
    clock.now += 4
    wall.now -= 3600  # the clock of the day jumps
    assert not whole("2")
    clock.now += 1
    assert whole("2")


def test_an_old_file_is_whole_at_once() -> None:
    """One that was last written long ago, an object of a bucket, and one that its changefeed went on from."""
    settling = Settling(5)
    feed = Feed(nothing)
    first, second = (listed(feed.name(at(0)), "1", 9e9) for _ in range(2))
    assert isinstance(second.file, ChangefeedFile)
    old, bucket = listed("old.csv", "1", 0.0), listed("b.csv")
    newest = {second.file.session: (second.file.timestamp, second.file.file)}
    assert settling.split([old, bucket, first, second], newest) == ([old, bucket, first], [second])
