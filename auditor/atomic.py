"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def replacing(path: Path, *, mode: int) -> Iterator[IO[str]]:
    """
    Open a text file that takes its name only once it is complete.

    The text goes to a new file in the same folder, created with ``mode`` less the umask, which is flushed to the disk
    and renamed over ``path`` when the block ends; if the block raises, it is deleted and an older ``path`` stays as it was.
    A link is followed; what is no regular file (a pipe, a device) is written in place. UTF-8, line ends as given, a lone
    surrogate as its escape. Raises `OSError`.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            yield out
        return
    beside = target.with_name(f".auditor-{secrets.token_hex(6)}.tmp")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
