"""Files that are either whole or not there."""

import os
import stat
import threading

import pytest

from auditor.atomic import replacing


def test_a_file_appears_when_it_is_complete(tmp_path):
    """Until the block ends there is the old file, then the new one, and nothing else."""
    path = tmp_path / "report"
    path.write_text("old")
    with replacing(path, mode=0o600) as out:
        out.write("new\r\nlines\n")
        assert path.read_text() == "old"
    assert path.read_bytes() == b"new\r\nlines\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_failure_leaves_the_old_file(tmp_path):
    """What was written before an error is thrown away."""
    path = tmp_path / "report"
    path.write_text("old")

    def interrupted():
        with replacing(path, mode=0o600) as out:
            out.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_link_is_followed(tmp_path):
    """The file behind a link is replaced, not the link."""
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    with replacing(tmp_path / "link", mode=0o600) as out:
        out.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_pipe_is_written_in_place(tmp_path):
    """What is no regular file stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with replacing(pipe, mode=0o600) as out:
        out.write("text")
    reader.join(10)
    assert read == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_lone_surrogate_is_written_as_its_escape(tmp_path):
    """A name that UTF-8 cannot hold does not fail the file."""
    with replacing(tmp_path / "report", mode=0o600) as out:
        out.write("a\ud800b")
    assert (tmp_path / "report").read_text() == "a\\ud800b"
