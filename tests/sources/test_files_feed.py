"""Inputs that are read once, as a feed."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.delivery import ALL
from auditor.errors import SourceUnavailable
from auditor.sources.files_feed import FilesSource, reader
from auditor.sources.files_feed.settings import FilesSettings
from auditor.toolkit import Toolkit
from tests.conftest import ROOT
from tests.sources.feed_harness import MemoryClaims
from tests.sources.follow_harness import Killed, Runner, lines, restarts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "inputs"
    path.mkdir()
    return path


def source(*inputs: object) -> FilesSource:
    return FilesSource(FilesSettings.model_validate({"name": "f", "inputs": [str(each) for each in inputs]}))


def test_each_input_is_read_once_in_order(folder: Path, tools: Toolkit) -> None:
    """Files, folders and patterns, each file once; the feed ends by itself, and does nothing when it is run again."""
    for number in range(5):
        (folder / f"{number}.ndjson").write_bytes(lines(number, 1))
    claims = MemoryClaims()
    runner = Runner(tools, claims).run(source(folder / "3.ndjson", folder, folder / "*.ndjson"), until_caught_up=False)
    assert runner.names == ["3.ndjson", "0.ndjson", "1.ndjson", "2.ndjson", "4.ndjson"]
    assert not Runner(tools, claims).run(source(folder)).names


@pytest.mark.parametrize("most", [2, 4096])
def test_killed_anywhere_it_goes_on(most: int, folder: Path, tools: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between files and inside them, however much is known one by one."""
    monkeypatch.setattr(reader, "MOST_KNOWN", most)
    for number in range(6):
        (folder / f"{number}.ndjson.gz").write_bytes(gzip.compress(lines(number * 100_000, 30_000, 100)))
    claims = MemoryClaims()
    runs = list(restarts(lambda: Runner(tools, claims, kill_after=3), lambda: source(folder)))
    found = [secret for run in runs for secret in run.secrets]
    assert len(found) == len(set(found)) == 1800
    assert any(offset for run in runs for _, offset in run.starts)
    assert not Runner(tools, claims).run(source(folder)).names


def test_a_changed_input_is_read_again(folder: Path, tools: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone if inputs are known one by one; with those it is known with else."""
    monkeypatch.setattr(reader, "MOST_KNOWN", 4)
    for number in range(9):
        (folder / f"{number}.ndjson").write_bytes(lines(number, 1))
    claims = MemoryClaims()
    Runner(tools, claims).run(source(folder))
    (folder / "8.ndjson").write_bytes(lines(80, 2))
    assert Runner(tools, claims).run(source(folder)).names == ["8.ndjson"]
    (folder / "0.ndjson").write_bytes(lines(90, 2))
    again = Runner(tools, claims).run(source(folder)).names
    assert "0.ndjson" in again
    assert "8.ndjson" not in again
    assert not Runner(tools, claims).run(source(folder)).names


@pytest.mark.parametrize("position", [{}, {"count": "x"}, {"count": 1, "chain": "zz", "known": "", "under_way": ["", 0, 0]}])
def test_a_position_that_cannot_be_read_is_the_beginning(position: dict[str, object], folder: Path, tools: Toolkit) -> None:
    """Everything is read again, and nothing skipped."""
    (folder / "f.ndjson").write_bytes(lines(0, 1))
    assert Runner(tools, MemoryClaims({ALL: position})).run(source(folder)).names == ["f.ndjson"]


def test_what_is_not_there_is_tried_again_later(folder: Path, tools: Toolkit) -> None:
    """As with a scan, it is an error."""
    with pytest.raises(SourceUnavailable, match="no such file"):
        Runner(tools, MemoryClaims()).run(source(folder / "nothing"))


def test_standard_input_is_read_once_and_never_finished() -> None:
    """A pipe holds something else each time, so no position speaks of it."""
    program = (
        "from auditor.sources.files_feed import FilesSource\n"
        "from auditor.sources.files_feed.settings import FilesSettings\n"
        "from tests.sources.feed_harness import MemoryClaims\n"
        "reader = FilesSource(FilesSettings(name='f', inputs=('-', '-'))).open(MemoryClaims())\n"
        "for arrival in reader:\n"
        "    print(arrival.input.open().read().decode(), arrival.position(9, 9, True), arrival.offset)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], input="a pipe", capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "a pipe {'count': 0, 'chain': '', 'known': '', 'under_way': ['', 0, 0]} 0\n"


def test_closing_ends_it(folder: Path, tools: Toolkit) -> None:
    """Between two inputs."""
    for number in range(3):
        (folder / f"{number}.ndjson").write_bytes(lines(number, 1))
    opened = source(folder).open(MemoryClaims())
    stream = iter(opened)
    next(stream)
    opened.close()
    opened.close()
    assert list(stream) == []


def test_checks(folder: Path) -> None:
    """Each argument is looked at; standard input is left alone."""
    (folder / "f.ndjson").write_bytes(lines(0, 1))
    answers = list(source(folder, folder / "nothing", "-").checks())
    assert [answer.level for answer in answers] == ["ok", "fail", "ok"]
    assert answers[1].fix


def test_one_input_as_a_uri(folder: Path, tools: Toolkit) -> None:
    """A quick look."""
    (folder / "f.ndjson").write_bytes(lines(0, 1))
    made = FilesSettings.from_uri(str(folder))
    assert len(Runner(tools, MemoryClaims()).run(FilesSource(made)).names) == 1


def test_a_kill_between_reading_and_recording_repeats(folder: Path, tools: Toolkit) -> None:
    """What was not recorded is read again."""
    (folder / "f.ndjson").write_bytes(lines(0, 5))
    claims = MemoryClaims()
    with pytest.raises(Killed):
        Runner(tools, claims, kill_after=0).run(source(folder))
    assert len(Runner(tools, claims).run(source(folder)).secrets) == 5
