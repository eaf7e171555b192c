"""
The truth file: one JSON line for every planted secret in every file.

It is written next to the sample, so that a scan of the sample does not find the plants there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import orjson

SCHEMA_VERSION: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class TruthLine:
    """
    One planted secret at one place in one file.

    ``file`` is relative to the sample's folder, with ``/``. ``row`` is the 1-based record number, header not counted (the
    line of an entry's first line in logs); null says that any record of the file may hold such a value in that column.
    ``position`` is the 1-based column of a csv or tsv, whether it has a header or not. ``part`` and ``path`` are as in
    findings. ``encoded`` lists the encodings around ``text``, outermost first; ``secret`` is the innermost plaintext secret,
    ``text`` what was planted. ``expect`` is what an honest detector does: ``found``; ``low`` (a failed checksum); ``opaque``
    (the column alone tells); ``unknown`` (no published rule knows it); ``none`` (a look-alike).
    """

    schema_version: Literal[1]
    file: str
    format: str
    row: int | None
    table: str
    column: str
    position: int | None
    path: str
    part: Literal["after", "before", "key", "header", "topic"]
    kind: str
    expect: Literal["found", "low", "opaque", "unknown", "none"]
    encoded: tuple[str, ...]
    secret: str
    text: str


def truth_schema() -> dict[str, object]:
    """Return the JSON Schema of one line."""
    from pydantic import TypeAdapter

    schema: dict[str, object] = TypeAdapter(TruthLine).json_schema()
    schema["additionalProperties"] = False
    return schema


def write_line(out: IO[bytes], line: TruthLine) -> None:
    """Append one line."""
    out.write(orjson.dumps(line) + b"\n")


def read_lines(path: Path) -> Iterator[TruthLine]:
    """Yield the lines of a truth file."""
    with path.open("rb") as source:
        for line in source:
            fields = orjson.loads(line)
            yield TruthLine(**{**fields, "encoded": tuple(fields["encoded"])})
