"""
What the names of topics and files say: table, family, time, schema version.

Forms as in CockroachDB's docs (create-changefeed, "Files"; export) and its sources (``changefeedbase/name.go``,
``sink_cloudstorage.go``).
"""

from __future__ import annotations

import calendar
import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from auditor.hlc import Timestamp

_ESCAPE = re.compile(r"_u([0-9a-fA-F]{8}|[0-9a-fA-F]{4})_")
#: What parts of a key are called that have no name: the first '', each further one by its index.
NAMELESS = re.compile(r"(?:\[\d+\])?")
# Families that CockroachDB names itself: `primary`, and `fam_<id>_<columns>` for the rest.
_FAMILY = re.compile(r"primary|fam_\d+_\w+")
# The topic is greedy: it may hold dashes, dots, spaces and slashes. Only the parts around it are of a fixed form.
_CHANGEFEED = re.compile(
    r"(?:^|.*/)(?P<timestamp>\d{33})-(?P<session>[0-9a-f]+)-(?P<node>\d+)-(?P<sink>\d+)-(?P<file>[0-9a-f]{8})"
    r"-(?P<topic>.+)-(?P<schema>[0-9a-f]+)\.(?P<format>ndjson|csv|parquet)(?:\.(?P<compression>gz|zst))?",
    re.DOTALL,
)
_RESOLVED = re.compile(r"(?:^|.*/)(?P<timestamp>\d{33})\.RESOLVED", re.DOTALL)
_EXPORT = re.compile(
    r"(?:^|.*/)export(?P<run>[0-9a-f]+)-n(?P<node>\d+)\.(?P<chunk>\d+)\.(?P<format>csv|parquet)(?:\.(?P<compression>gz|snappy))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ChangefeedFile:
    """
    The name of a file that a changefeed wrote to cloud storage: one table (or family), one schema version.

    ``table`` is the SQL name, unescaped (``db.schema.table`` with ``full_table_name``), after the feed's prefix, if any.
    ``family`` is '' where the feed does not split families. ``timestamp`` is a lower bound of what the file holds.
    """

    timestamp: Timestamp
    session: str
    node: int
    sink: int
    file: int
    table: str
    family: str
    schema: int
    format: str
    compression: str


@dataclass(frozen=True, slots=True)
class ResolvedFile:
    """The name of a resolved marker: all rows up to ``timestamp`` lie in files that sort before it."""

    timestamp: Timestamp


@dataclass(frozen=True, slots=True)
class ExportFile:
    """The name of a file of one EXPORT run. For Parquet the compression is inside the file."""

    run: str
    node: int
    chunk: int
    format: str
    compression: str


def parse(path: str) -> ChangefeedFile | ResolvedFile | ExportFile | None:
    """Read the name of a file that CockroachDB wrote, folders in front of it or not; None for any other."""
    if (match := _RESOLVED.fullmatch(path)) and (timestamp := _timestamp(match["timestamp"])):
        return ResolvedFile(timestamp)
    if (match := _CHANGEFEED.fullmatch(path)) and (timestamp := _timestamp(match["timestamp"])):
        # Elsewhere a family is joined by a dot; in file names by a plus (sink_cloudstorage.go).
        table, _, family = match["topic"].rpartition("+") if "+" in match["topic"] else (match["topic"], "", "")
        return ChangefeedFile(
            timestamp,
            match["session"],
            int(match["node"]),
            int(match["sink"]),
            int(match["file"], 16),
            table,
            family,
            int(match["schema"], 16),
            match["format"],
            match["compression"] or "",
        )
    if match := _EXPORT.fullmatch(path):
        return ExportFile(match["run"], int(match["node"]), int(match["chunk"]), match["format"], match["compression"] or "")
    return None


def _timestamp(digits: str) -> Timestamp | None:
    """Read 33 digits: date and time to the second (14), nanoseconds (9), logical (10); None if there is no such time."""
    year, *rest = (int(digits[start:end]) for start, end in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)))
    month, day, hour, minute, second = rest
    if not (1 <= month <= 12 and year and 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    return Timestamp(seconds * 1_000_000_000 + int(digits[14:23]), int(digits[23:])) if seconds >= 0 else None


def digits_of(timestamp: Timestamp) -> str:
    """Return the 33 digits that a file of this timestamp is named by."""
    seconds, nanoseconds = divmod(timestamp.wall, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%d%H%M%S}{nanoseconds:09}{timestamp.logical:010}"


def unescaped_topic(topic: str) -> str:
    """Undo the escapes of a Kafka topic or an Avro name: ``_u0021_`` is ``!``."""
    return _ESCAPE.sub(_rune, topic)


def _rune(match: re.Match[str]) -> str:
    """Return the character of one escape; what is no character stays as it is."""
    code = int(match[1], 16)
    return match[0] if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)


@functools.lru_cache(maxsize=4096)  # called for every row with a hit, and there are few topics
def table_from_topic(topic: str) -> str:
    """
    Return the table that a topic (or a message's ``topic`` member) names.

    ``table``, ``table.family``, ``db.schema.table`` and ``db.schema.table.family`` are told apart by the number of parts; of two
    parts the second is a family only if it is named as CockroachDB names families, since a prefix (``prod.users``) looks the
    same. A ``+family`` goes too. A prefix stays: only the feed's configuration knows it.
    """
    parts = [unescaped_topic(part) for part in topic.partition("+")[0].split(".")]
    if len(parts) == 4 or (len(parts) == 2 and parts[0] and _FAMILY.fullmatch(parts[1])):
        del parts[-1]
    return ".".join(parts)


def data_suffix(name: str) -> str:
    """Return the lower-case last suffix of a file name that is not of its compression: ``csv`` for ``a.csv.gz``; '' if none."""
    parts = name.lower().rsplit("/", 1)[-1].split(".")[1:]
    while parts and parts[-1] in ("gz", "gzip", "zst", "zstd", "snappy"):
        del parts[-1]
    return parts[-1] if parts else ""


def table_of_name(name: str) -> str:
    """Return the table that a changefeed file's name tells, '' for any other file."""
    known = parse(name)
    return known.table if isinstance(known, ChangefeedFile) else ""


def is_changefeed_file(name: str) -> bool:
    """Tell whether a file is named as a changefeed names the files of a cloud storage sink."""
    return isinstance(parse(name), ChangefeedFile)


def resolved_of_name(name: str) -> Timestamp | None:
    """Return the timestamp that a ``.RESOLVED`` file is named by, None for any other file."""
    known = parse(name)
    return known.timestamp if isinstance(known, ResolvedFile) else None
