"""A cloud storage sink that writes to a folder: whole files, and RESOLVED files after them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auditor.hlc import Timestamp
from auditor.names import digits_of
from tests.soak.rows import TABLE, Rows, moment


class FolderOrigin:
    """See `tests.soak.origins.Origin`. Every other file is compressed, the first one if ``packed``."""

    kind = "follow"
    exact = True

    def __init__(self, rows: Rows, folder: Path, *, packed: bool = False) -> None:
        self._rows, self._folder, self._packed = rows, folder, packed
        self._files = 0
        self._sent = (0, -1)

    @property
    def settings(self) -> dict[str, Any]:
        # What is written here appears whole, so there is no need to see whether a file still grows.
        return {"kind": "follow", "name": "soak", "uri": self._folder.as_uri(), "poll": 0.1, "settle": 0.1}

    def send(self, rows: range) -> None:
        lines = b"".join(map(self._rows.line, rows))
        stamp = digits_of(Timestamp(moment(rows.start - 1).wall, 1))
        packed = self._files % 2 != self._packed
        name = f"{stamp}-0123456789abcdef-1-2-{self._files:08x}-{TABLE}-1.ndjson{'.gz' if packed else ''}"
        self._sent = (rows.stop, self._sent[1])
        self._write(name, gzip.compress(lines, 1) if packed else lines)
        self._files += 1
        self._sent = (rows.stop, rows.stop - 1)
        self._write(f"{digits_of(moment(rows.stop - 1))}.RESOLVED", self._rows.resolved(rows.stop - 1))

    def _write(self, name: str, data: bytes) -> None:
        hidden = self._folder / f".{name}.tmp"
        hidden.write_bytes(data)
        hidden.replace(self._folder / name)

    def settled(self) -> bool:
        return True

    def handed_over(self) -> tuple[int, int]:
        return self._sent

    def in_shard(self, number: int, shard: str) -> bool:
        return True

    def counted(self, positions: dict[str, dict[str, Any]]) -> int | None:
        return None


@contextmanager
def folder_origin(rows: Rows, folder: Path, *, packed: bool = False) -> Iterator[FolderOrigin]:
    """Write to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    yield FolderOrigin(rows, folder, packed=packed)
