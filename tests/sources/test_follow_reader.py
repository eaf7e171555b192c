"""Folders that are followed as files appear in them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.delivery import ALL, Arrival, Progress
from auditor.errors import ConfigError, PositionLost, SourceUnavailable
from auditor.sources.follow import FollowSource
from auditor.sources.follow.settings import FollowSettings
from auditor.toolkit import Toolkit
from tests.sources.feed_harness import MemoryClaims
from tests.sources.follow_harness import Killed, Runner, at, folder_feed, lines, restarts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "feed"
    path.mkdir()
    return path


@pytest.fixture
def source(folder: Path) -> Callable[..., FollowSource]:
    """Return a maker of sources that follow the folder."""

    def make(**settings: object) -> FollowSource:
        given = {"name": "f", "uri": f"file://{folder}", "poll": 0.05, "settle": 0, **settings}
        return FollowSource(FollowSettings.model_validate(given))

    return make


def counts(runner: Runner) -> set[int]:
    return set(runner.secrets.values())


@pytest.mark.parametrize("layout", ["daily", "hourly", "flat", "some/folder"])
@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_every_file_is_read_once(
    layout: str, ending: str, folder: Path, source: Callable[..., FollowSource], tools: Toolkit
) -> None:
    """Whatever the partition format and the compression: what was there, then what comes, each once."""
    feed = folder_feed(folder, layout)
    claims = MemoryClaims()
    for hour in range(5):
        feed.write(hour * 3600, lines(hour * 10, 10), ending=ending)
    first = Runner(tools, claims).run(source())
    assert len(first.secrets) == 50
    feed.write(90_000, lines(50, 10), ending=ending)
    second = Runner(tools, claims).run(source())
    assert (len(second.names), len(second.secrets)) == (1, 10)
    assert not Runner(tools, claims).run(source()).names


def test_resolved_comes_after_all_files_before_it(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Each resolved time is handed over behind the files that sort before it, and before those after it."""
    feed = folder_feed(folder)
    for number in range(4):
        feed.write(number * 10, lines(number, 1))
        feed.resolve(number * 10 + 5)
    order: list[object] = []
    claims = MemoryClaims()
    reader = source().open(claims, until_caught_up=True)
    for delivery in reader:
        if isinstance(delivery, Arrival):
            order.append(int(delivery.input.name.split("-")[4], 16))
        elif isinstance(delivery, Progress):
            order.append(delivery.resolved)
    assert order == [1, at(5), 2, at(15), 3, at(25), 4, at(35)]


def test_resolved_never_goes_backwards(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """What was recorded as resolved is not said again, nor anything before it."""
    feed = folder_feed(folder)
    claims = MemoryClaims()
    feed.write(0, lines(0, 1))
    feed.resolve(10)
    assert Runner(tools, claims).run(source()).resolved == [at(10)]
    feed.resolve(5)
    assert Runner(tools, claims).run(source()).resolved == []
    feed.resolve(11)
    assert Runner(tools, claims).run(source()).resolved == [at(11)]


def test_a_file_that_comes_between_two_listings_is_read_before_the_mark(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing that showed a mark may have missed a file before it: the next one is waited for."""
    from auditor.sources.follow import folder as listing

    feed = folder_feed(folder)
    feed.write(0, lines(0, 1))
    feed.resolve(10)
    listings = 0
    real = listing.listed_folder

    def late(*arguments: object, **more: object) -> object:
        nonlocal listings
        listings += 1
        found = list(real(*arguments, **more))  # type: ignore[arg-type]
        if listings == 1:
            feed.write(5, lines(1, 1))  # lies there now, and was not listed
        return iter(found)

    monkeypatch.setattr(listing, "listed_folder", late)
    runner = Runner(tools, MemoryClaims()).run(source())
    assert (len(runner.names), runner.resolved, listings) == (2, [at(10)], 2)


def test_a_late_file_is_read_and_said(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that sorts before a covered resolved time and was never seen is read, also after a restart."""
    feed = folder_feed(folder)
    claims = MemoryClaims()
    feed.write(0, lines(0, 1))
    feed.write(100, lines(1, 1))
    feed.resolve(110)
    Runner(tools, claims).run(source())
    feed.write(50, lines(2, 1))
    runner = Runner(tools, claims).run(source())
    assert len(runner.names) == 1
    assert "after the .RESOLVED file" in caplog.text
    assert not Runner(tools, claims).run(source()).names


def test_beyond_the_grace_a_file_counts_as_read(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """What is older than the grace is not asked for any more: its names are forgotten, and it is not read again."""
    feed = folder_feed(folder)
    claims = MemoryClaims()
    for second in range(0, 1000, 10):
        feed.write(second, lines(second, 1))
    Runner(tools, claims).run(source(grace=100))
    assert len(str(claims.positions[ALL]["known"])) < 12 * 20
    feed.write(5, lines(5000, 1))
    feed.write(985, lines(5001, 1))
    runner = Runner(tools, claims).run(source(grace=100))
    assert len(runner.names) == 1


def test_a_changed_file_is_read_again(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """A file of the same name and another version is new."""
    feed = folder_feed(folder)
    claims = MemoryClaims()
    name = feed.write(0, lines(0, 5))
    Runner(tools, claims).run(source())
    feed.put(name, lines(10, 6))
    assert len(Runner(tools, claims).run(source()).secrets) == 6


def test_killed_inside_a_large_file_it_goes_on_there(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Progress inside a file survives: no piece that was recorded is read again, none is skipped, rows are numbered on."""
    feed = folder_feed(folder)
    for number, ending in enumerate(("", ".gz", ".zst")):
        feed.write(number, lines(100_000 * number, 60_000, 100), ending=ending)
    claims = MemoryClaims()
    everything: dict[str, int] = {}
    runs = list(restarts(lambda: Runner(tools, claims, every=1 << 20, kill_after=3), source))
    for run in runs:
        for secret, count in run.secrets.items():
            everything[secret] = everything.get(secret, 0) + count
    assert len(runs) > 3
    assert sum(1 for run in runs for _, offset in run.starts if offset) >= 2
    assert [rows for run in runs[-1:] for rows in run.rows.values()] == [60_000]
    assert len(everything) == 1800
    assert set(everything.values()) == {1}


def test_killed_at_any_piece_nothing_is_lost(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Many small files, killed after every third piece: each token is found once, each file read to its end once."""
    feed = folder_feed(folder, "hourly")
    for number in range(40):
        feed.write(number * 400, lines(number * 20, 20))
        if number % 5 == 4:
            feed.resolve(number * 400 + 1)
    claims = MemoryClaims()
    runs = list(restarts(lambda: Runner(tools, claims, kill_after=3), source))
    found = [secret for run in runs for secret in run.secrets]
    assert len(found) == len(set(found)) == 800
    resolved = [mark for run in runs for mark in run.resolved]
    assert resolved == sorted(set(resolved))
    assert resolved[-1] == at(39 * 400 + 1)


def test_a_half_written_file_is_waited_for(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """A file that still changes is left alone until it stands still; marks behind it wait for it."""
    feed = folder_feed(folder)
    body = lines(0, 100)
    name = feed.name(at(5))
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_bytes(body[:1000])
    feed.resolve(10)
    runner = Runner(tools, MemoryClaims(), ends=lambda runner: bool(runner.resolved))

    def write_on() -> None:
        for start in range(1000, len(body), 1000):
            time.sleep(0.03)
            with path.open("ab") as file:
                file.write(body[start : start + 1000])

    writer = threading.Thread(target=write_on)
    writer.start()
    runner.run(source(settle=0.3), until_caught_up=False)
    writer.join()
    assert (runner.names, runner.gaps, len(runner.secrets)) == ([path.name], [], 100)
    assert runner.resolved == [at(10)]


def test_a_later_file_of_its_session_says_that_a_file_is_whole(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit
) -> None:
    """A changefeed writes one file after another: only the last is waited for."""
    feed = folder_feed(folder)
    feed.write(0, lines(0, 1))
    feed.write(1, lines(1, 1))
    runner = Runner(tools, MemoryClaims(), ends=lambda runner: bool(runner.names))
    runner.run(source(settle=30), until_caught_up=False)
    assert len(runner.names) == 1


def test_a_file_deleted_before_it_was_read_is_reported(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """A file that was seen and is gone is named; the rest is read."""
    feed = folder_feed(folder)
    feed.write(0, lines(0, 1))
    doomed = folder / feed.write(1, lines(1, 1))
    os.utime(doomed)
    claims = MemoryClaims()

    def seen_and_deleted(runner: Runner) -> bool:
        if runner.names and doomed.exists():
            doomed.unlink()
            feed.write(2, lines(2, 1))
        return bool(runner.lost)

    runner = Runner(tools, claims, ends=seen_and_deleted).run(source(settle=30), until_caught_up=False)
    assert [lost.reason for lost in runner.lost] == [f"{doomed} was deleted before it was read"]


def test_a_file_deleted_while_it_is_read_is_reported_after_reopening(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit
) -> None:
    """The reading breaks off, the feed is opened again, and the loss is said once, with the place."""
    feed = folder_feed(folder)
    large = folder / feed.write(0, lines(0, 60_000, 100))
    claims = MemoryClaims()
    following = source()
    with pytest.raises(Killed):
        Runner(tools, claims, kill_after=2).run(following)
    large.unlink()
    feed.write(1, lines(70_000, 5))
    runner = Runner(tools, claims).run(following)
    (lost,) = runner.lost
    assert lost.reason.startswith(f"{large} was deleted before it was read from byte ")
    assert len(runner.secrets) == 5
    assert not Runner(tools, claims).run(source()).lost


def test_a_file_deleted_while_nobody_ran_is_known_by_what_cannot_be_secret(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit
) -> None:
    """The position holds no name, so a new process names only time, session and numbers."""
    feed = folder_feed(folder)
    large = folder / feed.write(0, lines(0, 60_000, 100), table="table_with_a_secret_name")
    claims = MemoryClaims()
    with pytest.raises(Killed):
        Runner(tools, claims, kill_after=2).run(source())
    assert "secret_name" not in str(claims.positions)
    large.unlink()
    (lost,) = Runner(tools, claims).run(source()).lost
    assert lost.reason.startswith("-".join(large.name.split("-")[:5]) + "... was deleted")
    assert not Runner(tools, claims).run(source()).lost


def test_on_deleted_stop(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Where it was asked for, a loss stops the feed; opened again for what is left, it reads that and says what is missing."""
    feed = folder_feed(folder)
    large = folder / feed.write(0, lines(0, 60_000, 100))
    claims = MemoryClaims()
    with pytest.raises(Killed):
        Runner(tools, claims, kill_after=1).run(source())
    large.unlink()
    feed.write(1, lines(70_000, 5))
    with pytest.raises(PositionLost, match="was deleted before"):
        Runner(tools, claims).run(source(on_deleted="stop"))
    runner = Runner(tools, claims).run(source(on_deleted="stop"), rescan=True)
    assert (len(runner.lost), len(runner.secrets)) == (1, 5)


def test_files_that_were_read_may_be_deleted(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Retention of what was read is no loss, and what is forgotten takes no room."""
    feed = folder_feed(folder)
    claims = MemoryClaims()
    for number in range(20):
        feed.write(number, lines(number, 1))
        feed.put(f"other-{number}.ndjson", lines(100 + number, 1))
    Runner(tools, claims).run(source())
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        path.unlink()
    feed.write(100, lines(1000, 1))
    runner = Runner(tools, claims).run(source())
    assert (runner.lost, len(runner.names)) == ([], 1)
    assert len(str(claims.positions[ALL]["known"])) == 12


def test_two_changefeeds_in_one_prefix_leave_no_resolved(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit, caplog: pytest.LogCaptureFixture
) -> None:
    """Two sessions of a node that go on side by side are two changefeeds; all files are read, and the reason is said."""
    one = folder_feed(folder, session="1" * 16)
    other = folder_feed(folder, session="2" * 16)
    for number in range(4):
        one.write(number * 10, lines(number, 1), table="a")
        other.write(number * 10 + 1, lines(100 + number, 1), table="b")
        one.resolve(number * 10 + 5)
    runner = Runner(tools, MemoryClaims()).run(source())
    assert (len(runner.names), runner.resolved) == (8, [])
    assert "several changefeeds" in caplog.text
    assert [note for note in runner.notes if "several changefeeds" in note], "the ledger is told, too"
    assert Runner(tools, MemoryClaims()).run(source(changefeeds="one")).resolved
    assert not Runner(tools, MemoryClaims()).run(source(changefeeds="several")).resolved
    (check,) = [check for check in source().checks() if check.name == "changefeeds"]
    assert check.level == "warn"


def test_a_restarted_changefeed_is_one(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """After a restart the session is another one, and several nodes have one each: resolved times go on."""
    feeds = [folder_feed(folder, session=f"{number}" * 16, node=number) for number in (1, 2)]
    for number in range(6):
        for feed in feeds:
            feed.write(number * 10, lines(number, 1))
        if number == 3:
            feeds = [folder_feed(folder, session=f"{number + 5}" * 16, node=number) for number in (1, 2)]
            for feed in feeds:
                feed.write(number * 10 + 1, lines(50, 1))
        feeds[0].resolve(number * 10 + 5)
    assert Runner(tools, MemoryClaims()).run(source()).resolved[-1] == at(55)


def test_tables_and_patterns_choose(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Only what is named is read; hidden and temporary files never are."""
    feed = folder_feed(folder)
    users = Path(feed.write(0, lines(0, 1), table="db.public.users")).name
    feed.write(1, lines(1, 1), table="orders")
    feed.put("plain.ndjson", lines(2, 1))
    (folder / ".hidden.ndjson").write_bytes(lines(3, 1))
    (folder / "x.tmp").write_bytes(lines(4, 1))
    assert Runner(tools, MemoryClaims()).run(source(tables=["users"])).names == [users]
    assert Runner(tools, MemoryClaims()).run(source(files=["plain*"])).names == ["plain.ndjson"]
    assert len(Runner(tools, MemoryClaims()).run(source()).names) == 3


def test_another_address_begins_anew(folder: Path, source: Callable[..., FollowSource], tools: Toolkit, tmp_path: Path) -> None:
    """A position of another folder says nothing about this one."""
    other = tmp_path / "other"
    claims = MemoryClaims()
    folder_feed(folder).write(5000, lines(0, 1))
    Runner(tools, claims).run(source(grace=0))
    folder_feed(other).write(0, lines(1, 1))
    assert len(Runner(tools, claims).run(source(grace=0, uri=f"file://{other}")).names) == 1


@pytest.mark.parametrize("position", [{}, {"uri": "", "floor": 5}, {"known": "&&", "floor": "", "places": {}}])
def test_a_position_that_cannot_be_read_is_none(
    position: dict[str, object], folder: Path, source: Callable[..., FollowSource], tools: Toolkit
) -> None:
    """Everything is read again then, and nothing skipped."""
    folder_feed(folder).write(0, lines(0, 3))
    claims = MemoryClaims({ALL: {"uri": f"file://{folder}", **position}})
    assert len(Runner(tools, claims).run(source()).secrets) == 3


def test_a_missing_folder_is_tried_again_later(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """It says which, and that it cannot be listed."""
    folder.rmdir()
    with pytest.raises(SourceUnavailable, match="cannot be listed: No such file"):
        Runner(tools, MemoryClaims()).run(source())


def test_a_file_that_cannot_be_opened_is_tried_again_later(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit
) -> None:
    """What was read before it is recorded; it is never passed over."""
    feed = folder_feed(folder)
    feed.write(0, lines(0, 1))
    changed = folder / feed.write(1, lines(1, 1))
    feed.write(2, lines(2, 1))
    claims = MemoryClaims()

    def change(runner: Runner) -> bool:
        if len(runner.names) == 1:
            changed.write_bytes(lines(10, 4))
        return False

    first = Runner(tools, claims, ends=change)
    with pytest.raises(SourceUnavailable, match="changed"):
        first.run(source())
    second = Runner(tools, claims).run(source())
    assert (len(first.secrets), len(second.secrets)) == (1, 5)


def test_closing_ends_the_iteration_at_once(folder: Path, source: Callable[..., FollowSource]) -> None:
    """From another thread, in the middle of waiting, and again."""
    reader = source(poll=30).open(MemoryClaims())
    ended = threading.Event()

    def iterate() -> None:
        for _ in reader:
            pass
        ended.set()

    threading.Thread(target=iterate, daemon=True).start()
    time.sleep(0.2)
    began = time.monotonic()
    reader.close()
    assert ended.wait(1)
    assert time.monotonic() - began < 0.5
    reader.close()


def test_a_quiet_feed_gives_a_sign_of_life(folder: Path, source: Callable[..., FollowSource]) -> None:
    """None comes at least once a second, also while a listing takes its time."""
    reader = source(poll=30).open(MemoryClaims())
    began = time.monotonic()
    stream = iter(reader)
    assert [next(stream) for _ in range(2)] == [None, None]
    assert time.monotonic() - began < 2
    reader.close()


def test_too_many_files_that_nobody_named_are_refused(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be told apart in bounded room is an error with a way out, and never passed over."""
    from auditor.sources.follow import gathering

    monkeypatch.setattr(gathering, "MOST_OTHERS", 20)
    for number in range(21):
        (folder / f"{number}.ndjson").write_bytes(lines(number, 1))
    with pytest.raises(ConfigError, match="over 20 files"):
        Runner(tools, MemoryClaims()).run(source())


def test_what_is_known_is_bounded(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More files than can be known one by one shorten the grace: each is still read once, and the position stays small."""
    from auditor.sources.follow import gathering, known

    monkeypatch.setattr(known, "MOST_TIMED", 50)
    monkeypatch.setattr(gathering, "MOST_ROUND", 30)
    feed = folder_feed(folder)
    for number in range(300):
        feed.write(number, lines(number, 1))
    claims = MemoryClaims()
    sizes: list[int] = []

    def watch(runner: Runner) -> bool:
        sizes.append(len(str(runner.claims.positions.get(ALL, {}).get("known", ""))))
        return False

    runner = Runner(tools, claims, ends=watch).run(source())
    assert (len(runner.names), len(runner.secrets)) == (300, 300)
    assert max(sizes) < 60 * 12
    assert not Runner(tools, claims).run(source()).names


def test_two_thousand_files(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """A large backlog is read once, in seconds, and listing it again costs little."""
    feed = folder_feed(folder)
    for number in range(2000):
        feed.write(number * 30, lines(number, 1))
        if number % 100 == 99:
            feed.resolve(number * 30 + 1)
    claims = MemoryClaims()
    runner = Runner(tools, claims).run(source())
    assert (len(runner.names), len(runner.secrets)) == (2000, 2000)
    assert len(runner.resolved) == 20
    assert not Runner(tools, claims).run(source()).names
