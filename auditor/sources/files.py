"""Files, folders, patterns, and standard input."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from auditor.errors import SourceUnavailable

#: A descriptor rather than `sys.stdin`, which worker processes replace by an empty file.
_STDIN = 0


@dataclass(slots=True)
class FileInput:
    """
    A file; see `auditor.protocols.Input`.

    ``path`` is how the system knows it; ``uri`` is the same as text that can be written anywhere (a name need not be UTF-8).
    ``problem`` says why it cannot be opened, if that was seen already.
    """

    path: str
    uri: str
    folder: str
    name: str
    size: int | None = None
    version: str = ""
    problem: str = ""
    kind: str = "file"

    def open(self) -> BinaryIO:
        """Open the file; raise `SourceUnavailable` if that cannot be."""
        if self.problem:
            raise SourceUnavailable(self.problem, where=self.uri)
        try:
            return Path(self.path).open("rb")
        except OSError as error:
            fix = "run as a user who may read it" if isinstance(error, PermissionError) else ""
            raise SourceUnavailable(f"cannot be opened: {error.strerror}", where=self.uri, fix=fix) from None


@dataclass(slots=True)
class StandardInput:
    """Standard input, which can be read once."""

    kind: str = "stdin"
    uri: str = "-"
    folder: str = ""
    name: str = "-"
    size: int | None = None
    version: str = ""

    def open(self) -> BinaryIO:
        """Open it; closing it later leaves the descriptor alone."""
        try:
            return open(_STDIN, "rb", closefd=False)
        except OSError as error:
            raise SourceUnavailable(f"standard input cannot be read: {error.strerror}") from None


def find(argument: str) -> Iterator[FileInput | StandardInput]:
    """
    Yield the inputs that a path, a pattern (``*``, ``?``, ``[...]``, ``**``) or ``-`` names.

    Folders are walked in the order of their names, hidden files and links included; a link back to a folder that it lies in is
    not followed. A path that exists is taken as it is, pattern or not.
    """
    if argument == "-":
        yield StandardInput()
        return
    if os.path.lexists(argument):
        yield from _walk(argument, ())
        return
    found = False
    seen: set[str] = set()
    for path in _matches(argument) if _is_pattern(argument) else ():
        for source in _walk(path, ()):
            found = True
            if source.path not in seen:
                seen.add(source.path)
                yield source
    if not found:
        what = "nothing matches" if _is_pattern(argument) else "there is no such file or folder"
        raise SourceUnavailable(what, where=argument, fix="check the path; quote a pattern that the shell should leave alone")


def _walk(path: str, above: tuple[tuple[int, int], ...]) -> Iterator[FileInput]:
    """Yield a file, or a folder's files; ``above`` identifies the folders that the path lies in."""
    try:
        status = os.stat(path)  # noqa: PTH116 - many thousand times
    except OSError as error:
        link = " (a link to what is not there)" if isinstance(error, FileNotFoundError) else ""
        yield _file(path, problem=f"cannot be read: {error.strerror}{link}")
        return
    if stat.S_ISDIR(status.st_mode):
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            return
        names, problem = _names(path)
        if problem:
            yield _file(path, problem=problem)
        for name in names:
            yield from _walk(os.path.join(path, name), (*above, identity))  # noqa: PTH118 - Path would drop "./"
    elif stat.S_ISREG(status.st_mode):
        yield _file(path, status.st_size, f"{status.st_mtime_ns}-{status.st_size}")
    elif above:
        yield _file(path, problem="is neither a file nor a folder, and was not read; a pipe to be read must be named by itself")
    else:
        yield _file(path)


def _file(path: str, size: int | None = None, version: str = "", *, problem: str = "") -> FileInput:
    """Return an input with the parts of its path."""
    uri = os.fsencode(path).decode("utf-8", "backslashreplace")
    folder, name = os.path.split(uri)
    return FileInput(path, uri, folder, name, size, version, problem)


def _names(folder: str) -> tuple[list[str], str]:
    """Return the sorted names in a folder, or why they cannot be had."""
    try:
        return sorted(os.listdir(folder)), ""  # noqa: PTH208 - names are wanted
    except OSError as error:
        return [], f"the folder cannot be listed: {error.strerror}"


def _is_pattern(text: str) -> bool:
    """Tell whether a path or a part of one has a wildcard."""
    return any(sign in text for sign in "*?[")


def _matches(pattern: str) -> Iterator[str]:
    """Yield the paths that match. Unlike `glob`, folders on the way that cannot be listed are among them, to be reported."""
    path = Path(pattern)
    yield from _below(path.anchor, path.relative_to(path.anchor).parts if path.anchor else path.parts)


def _below(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield what matches the parts of a pattern inside a folder ('' for the present one)."""
    part, *rest = parts
    if part == "**":
        for each in _folders(folder, ()) if rest else ():
            yield from _below(each, rest)
        if not rest:
            yield folder or os.curdir
        return
    names = [part]
    if _is_pattern(part):
        listed, problem = _names(folder or os.curdir)
        if problem:
            yield folder or os.curdir
        names = fnmatch.filter(listed, part)
    for path in (os.path.join(folder, name) for name in names):  # noqa: PTH118 - ditto
        if rest and os.path.isdir(path):  # noqa: PTH112 - ditto
            yield from _below(path, rest)
        elif not rest and os.path.lexists(path):
            yield path


def _folders(folder: str, above: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Yield a folder and all folders in it, but not by a link the folders that it lies in."""
    status = os.stat(folder or os.curdir)  # noqa: PTH116 - ditto
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    yield folder
    for name in _names(folder or os.curdir)[0]:
        path = os.path.join(folder, name)  # noqa: PTH118 - ditto
        if os.path.isdir(path):  # noqa: PTH112 - ditto
            yield from _folders(path, (*above, identity))
