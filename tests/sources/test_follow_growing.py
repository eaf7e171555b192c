"""Local files that are read as they grow."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.files import FileInput
from auditor.sources.follow import FollowSource
from auditor.sources.follow.folder import identity_of
from auditor.sources.follow.growing import grown
from auditor.sources.follow.known import Standing
from auditor.sources.follow.settings import FollowSettings
from auditor.toolkit import Toolkit
from tests.sources.feed_harness import MemoryClaims
from tests.sources.follow_harness import Killed, Runner, folder_feed, lines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "feed"
    path.mkdir()
    return path


@pytest.fixture
def source(folder: Path) -> Callable[..., FollowSource]:
    """Return a maker of sources that follow growing files."""

    def make(**settings: object) -> FollowSource:
        given = {"name": "f", "uri": f"file://{folder}", "poll": 0.05, "settle": 0, "tail": True, **settings}
        return FollowSource(FollowSettings.model_validate(given))

    return make


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_what_a_file_grows_by_is_read_as_it_comes(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Each line is read once, however the writes are cut, and rows are numbered on."""
    path = folder / "app.ndjson"
    body = lines(0, 200)
    path.write_bytes(body[:100])

    def write_on() -> None:
        for start in range(100, len(body), 777):
            time.sleep(0.02)
            append(path, body[start : start + 777])

    writer = threading.Thread(target=write_on)
    writer.start()
    runner = Runner(tools, MemoryClaims(), ends=lambda runner: len(runner.secrets) == 200)
    runner.run(source(), until_caught_up=False)
    writer.join()
    assert set(runner.secrets.values()) == {1}
    assert runner.rows == {"app.ndjson": 200}
    assert len(runner.starts) > 2
    assert not runner.gaps


def test_a_restart_goes_on_at_the_place(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Also after a kill between two pieces."""
    path = folder / "app.ndjson"
    path.write_bytes(lines(0, 60_000, 100))
    claims = MemoryClaims()
    first = Runner(tools, claims, kill_after=2)
    with pytest.raises(Killed):
        first.run(source())
    append(path, lines(60_000, 300))
    second = Runner(tools, claims).run(source())
    assert second.starts[0][1] > 2 << 20
    assert not first.secrets.keys() & second.secrets.keys()
    assert len(first.secrets | second.secrets) == 900
    assert not Runner(tools, claims).run(source()).starts


def test_only_whole_lines_are_taken(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """The beginning of a line is left until its end comes; where there is an end to reading, it is read then."""
    path = folder / "app.ndjson"
    path.write_bytes(lines(0, 1) + lines(1, 1)[:-20])
    claims = MemoryClaims()
    runner = Runner(tools, claims, ends=lambda runner: bool(runner.names))
    assert len(runner.run(source(), until_caught_up=False).secrets) == 1
    path.write_bytes(lines(0, 2).removesuffix(b"\n"))
    assert len(Runner(tools, claims).run(source()).secrets) == 1


def test_a_renamed_file_is_the_same(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Rotation gives the old file another name and makes a new one: each line is still read once."""
    path = folder / "app.log"
    path.write_bytes(lines(0, 10))
    claims = MemoryClaims()
    Runner(tools, claims).run(source())
    append(path, lines(10, 5))
    path.rename(folder / "app.log.1")
    path.write_bytes(lines(100, 7))
    runner = Runner(tools, claims).run(source())
    assert (len(runner.secrets), set(runner.secrets.values())) == (12, {1})
    assert sorted(runner.rows.values()) == [7, 15]


def test_a_file_that_was_cut_or_replaced_is_read_from_its_beginning(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit
) -> None:
    """Also where the new content is longer than what was read, in the same file."""
    path = folder / "app.log"
    claims = MemoryClaims()
    for first, count in ((0, 20), (100, 5), (200, 50)):
        with path.open("wb") as file:
            file.write(lines(first, count))
        assert len(Runner(tools, claims).run(source()).secrets) == count


def test_a_growing_file_that_goes_too_early_is_reported(
    folder: Path, source: Callable[..., FollowSource], tools: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen of it and not read is named with its place."""
    from auditor.sources.follow import reader

    monkeypatch.setattr(reader, "_EVERYTHING_EVERY", 0.0)
    path = folder / "app.log"
    path.write_bytes(lines(0, 5) + b'{"half')

    def delete(runner: Runner) -> bool:
        if runner.names and path.exists():
            path.unlink()
        return bool(runner.lost)

    runner = Runner(tools, MemoryClaims(), ends=delete).run(source(), until_caught_up=False)
    (lost,) = runner.lost
    assert lost.reason == f"{path} was deleted before it was read from byte {len(lines(0, 5))} on"


def test_compressed_files_are_read_whole(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """What cannot grow line by line is read as ever, beside what can."""
    feed = folder_feed(folder)
    feed.write(0, lines(0, 10), ending=".gz")
    (folder / "app.log").write_bytes(lines(10, 10))
    runner = Runner(tools, MemoryClaims()).run(source())
    assert len(runner.secrets) == 20


def test_where_files_grow_nothing_is_called_complete(folder: Path, source: Callable[..., FollowSource], tools: Toolkit) -> None:
    """Nobody knows whether a growing file was read to its end."""
    feed = folder_feed(folder)
    feed.write(0, lines(0, 1))
    feed.resolve(10)
    assert Runner(tools, MemoryClaims()).run(source()).resolved == []


@given(parts=st.lists(st.binary(max_size=40), max_size=20), block=st.integers(1, 50))
def test_whatever_is_written_every_byte_is_read_once(
    parts: list[bytes], block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The stretches that are handed over join to the file, each but the last ending a line."""
    from auditor.sources.follow import growing

    saved, growing._BACK = growing._BACK, block
    path = tmp_path_factory.getbasetemp() / f"grown-{os.getpid()}"
    path.write_bytes(b"")
    standing: Standing | None = None
    read = b""
    try:
        for part in (*parts, None):
            if part is not None:
                append(path, part)
            file = FileInput(str(path), str(path), "", path.name, None, identity_of(path.stat()))
            found = grown(file, standing, whole=part is None)
            if found is None:
                continue
            more, start = found
            with more.open() as opened:
                opened.seek(start.offset)
                piece = opened.read()
            assert start.offset == len(read)
            assert part is None or piece.endswith(b"\n")
            read += piece
            standing = start._replace(offset=more.size or 0)
    finally:
        growing._BACK = saved
    assert read == b"".join(parts)
