"""Files, folders, patterns, standard input: everything is found once, in a fixed order, and nothing is passed over in silence."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.errors import SourceUnavailable
from auditor.sources import find_inputs

LAYOUT = ("a.csv", "b/.hidden", "b/c.ndjson", "b/d/e.csv", "b/d/f.csv.gz", "g [1].csv", "z/z/z/h.csv")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tree"
    for name in LAYOUT:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(folder)
    return folder


def found(argument: str) -> list[str]:
    """Return the addresses of what an argument names."""
    return [source.uri for source in find_inputs(argument)]


def test_a_folder_is_walked_in_the_order_of_names(tree: Path):
    """All files below a folder are inputs, hidden ones too, sorted folder by folder."""
    assert found(str(tree)) == [str(tree / name) for name in LAYOUT]
    assert found("b") == ["b/.hidden", "b/c.ndjson", "b/d/e.csv", "b/d/f.csv.gz"]


def test_an_input_describes_itself(tree: Path):
    """An input has an address, its parts, a size, and a version that changes with the file; worker processes can open it."""
    (source,) = find_inputs(str(tree / "b/c.ndjson"))
    assert (source.kind, source.folder, source.name, source.size) == ("file", str(tree / "b"), "c.ndjson", 10)
    with pickle.loads(pickle.dumps(source)).open() as file:  # noqa: S301 - as it goes to a worker process
        assert file.seekable()
        assert file.read() == b"b/c.ndjson"
    (tree / "b/c.ndjson").write_text("longer than before")
    assert next(find_inputs(str(tree / "b/c.ndjson"))).version != source.version


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.csv", ["a.csv", "g [1].csv"]),
        ("**/*.csv", ["a.csv", "g [1].csv", "b/d/e.csv", "z/z/z/h.csv"]),
        ("b/**", ["b/.hidden", "b/c.ndjson", "b/d/e.csv", "b/d/f.csv.gz"]),
        ("b/*/*.csv*", ["b/d/e.csv", "b/d/f.csv.gz"]),
        ("b/.*", ["b/.hidden"]),
        ("?.csv", ["a.csv"]),
        ("[ab]", ["b/.hidden", "b/c.ndjson", "b/d/e.csv", "b/d/f.csv.gz"]),
        ("z/**/z/*.csv", ["z/z/z/h.csv"]),
        ("**/z/**/h.csv", ["z/z/z/h.csv"]),
        ("b/**/d/e.csv", ["b/d/e.csv"]),
    ],
)
def test_patterns(tree: Path, pattern: str, names: list[str]):
    """Patterns match as in a shell, ``**`` any number of folders; what matches twice comes once, and a folder is walked."""
    assert found(pattern) == names
    assert found(str(tree / pattern)) == [str(tree / name) for name in names]


def test_a_name_that_looks_like_a_pattern(tree: Path):
    """A path that exists is that file, whatever signs it has."""
    assert found("g [1].csv") == ["g [1].csv"]


@pytest.mark.parametrize("argument", ["none.csv", "*.none", "none/**", "b/none"])
def test_nothing_there_is_an_error(tree: Path, argument: str):
    """A path or pattern without a file is an error with its place, not an empty audit."""
    with pytest.raises(SourceUnavailable) as caught:
        found(argument)
    assert caught.value.where == argument
    assert caught.value.fix


def test_links_are_followed_but_not_in_circles(tree: Path):
    """A link to a file or folder is read like it; one that leads back to a folder it lies in is not followed for ever."""
    (tree / "b/back").symlink_to(tree)
    (tree / "b/link.csv").symlink_to(tree / "a.csv")
    (tree / "b/other").symlink_to(tree / "z")
    assert found("b") == [
        "b/.hidden",
        "b/back/a.csv",
        "b/back/g [1].csv",
        "b/back/z/z/z/h.csv",
        "b/c.ndjson",
        "b/d/e.csv",
        "b/d/f.csv.gz",
        "b/link.csv",
        "b/other/z/z/h.csv",
    ]
    assert len(found("**/*.csv")) < 30


def unreadable(argument: str) -> dict[str, str]:
    """Return why inputs cannot be opened, by address."""
    problems: dict[str, str] = {}
    for source in find_inputs(argument):
        try:
            source.open().close()
        except SourceUnavailable as error:
            problems[error.where] = error.what
    return problems


def test_what_cannot_be_read_is_an_input_that_says_so(tree: Path, monkeypatch: pytest.MonkeyPatch):
    """Broken links, sockets, pipes in folders, and folders and files that refuse are all named, and the rest goes on."""
    (tree / "b/broken").symlink_to("nowhere")
    os.mkfifo(tree / "b/pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("b/socket")
        problems = unreadable("b")
    assert set(problems) == {"b/broken", "b/pipe", "b/socket"}
    assert "link to what is not there" in problems["b/broken"]
    assert "neither a file nor a folder" in problems["b/pipe"]
    real = os.listdir

    def listdir(folder: str) -> list[str]:
        if folder.endswith("d"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    # As root, which tests may run as, every folder can be listed.
    monkeypatch.setattr(os, "listdir", listdir)
    assert "cannot be listed: Permission denied" in unreadable("b")["b/d"]
    assert "cannot be listed: Permission denied" in unreadable("**/*.csv")["b/d"]


def test_a_file_that_vanishes_is_named(tree: Path):
    """A file that is gone by the time it is opened is an error of that input."""
    (source,) = find_inputs("a.csv")
    (tree / "a.csv").unlink()
    with pytest.raises(SourceUnavailable, match=r"a\.csv: cannot be opened: No such file"):
        source.open()


def test_a_pipe_that_is_named_is_read(tree: Path):
    """``<(zcat file)`` is a pipe: named by itself it is read, once, and has no size."""
    pipe, other = os.pipe()
    os.write(other, b"1,a\n")
    os.close(other)
    (source,) = find_inputs(f"/dev/fd/{pipe}")
    assert source.size is None
    with source.open() as file:
        assert file.read() == b"1,a\n"
    os.close(pipe)


def test_a_name_that_is_no_utf8(tree: Path):
    """A name of any bytes can be opened, and its address can be written."""
    (Path(os.fsdecode(os.fsencode(tree) + b"/b/\xff.csv"))).write_text("x")
    source = next(source for source in find_inputs("b") if "xff" in source.uri)
    assert source.uri.encode() == b"b/\\xff.csv"
    with source.open() as file:
        assert file.read() == b"x"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_standard_input_is_read_in_any_process(tree: Path, method: str):
    """``-`` is standard input, in this process and in a worker, where `sys.stdin` is an empty file."""
    program = (
        "import multiprocessing, sys\n"
        "from auditor.sources import find_inputs\n"
        "def read(source):\n"
        "    with source.open() as file:\n"
        "        sys.stdout.write(file.read().decode())\n"
        "if __name__ == '__main__':\n"
        "    (source,) = find_inputs('-')\n"
        "    assert (source.kind, source.uri, source.size) == ('stdin', '-', None)\n"
        f"    process = multiprocessing.get_context({method!r}).Process(target=read, args=(source,))\n"
        "    process.start(); process.join()\n"
    )
    (tree / "program.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "program.py"], input="1,a\n", capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "1,a\n"
