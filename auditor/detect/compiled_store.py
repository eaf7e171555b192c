"""
Compiled prefilters, kept between runs in the user's cache folder.

Compiling the shipped expressions takes half a second, loading them 2 ms. The name of a file is a digest of the expressions
and of the library's build, so a change of either is another file; only the newest few are kept. The files hold patterns,
never data. A cache that cannot be read or written is done without.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from auditor.identity import digest_of

_MOST_FILES = 8


def load(library: str, expressions: Sequence[str]) -> bytes | None:
    """Return the compiled form of these expressions, None if it is not there or somebody else could have written it."""
    path = _path(library, expressions)
    try:
        status = path.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            return None
        return path.read_bytes()
    except OSError:
        return None


def save(library: str, expressions: Sequence[str], compiled: bytes) -> None:
    """Keep a compiled form for the next run, if there is a place to."""
    path = _path(library, expressions)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(compiled)
        beside.replace(path)
        kept = sorted(path.parent.glob("prefilter-*.hs"), key=lambda known: known.stat().st_mtime, reverse=True)
        for old in kept[_MOST_FILES:]:
            old.unlink()


def _path(library: str, expressions: Sequence[str]) -> Path:
    """Return where the compiled form of these expressions lies, by the XDG convention."""
    base = os.environ.get("XDG_CACHE_HOME")
    digest = digest_of([library.encode(), *(expression.encode() for expression in expressions)])
    return (Path(base) if base else Path.home() / ".cache") / "auditor" / f"prefilter-{digest}.hs"
