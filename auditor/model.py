"""The nouns: what is read, what is found, what was covered. They hold no behaviour and no secret."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from auditor.hlc import Timestamp

SCHEMA_VERSION = 1


class _Level(enum.IntEnum):
    """An ordered level whose text form is its lower-case name with dashes."""

    @property
    def label(self) -> str:
        """Return the text form, as in reports and on the command line."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, label: str) -> Self:
        """Return the level with this text form; raise `ValueError` for another text."""
        for level in cls:
            if level.label == label:
                return level
        raise ValueError(f"not one of {', '.join(level.label for level in cls)}")


class Severity(_Level):
    """What an attacker gets."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Confidence(_Level):
    """How sure we are that it is a raw token. A failed checksum is LOW, never dropped."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CONFIRMED_FORMAT = 3
    CONFIRMED_LIVE = 4


class Setting(enum.StrEnum):
    """What surrounds a secret in its cell; it decides the remedy."""

    ALONE = "alone"
    IN_URL = "in-url"
    IN_TEXT = "in-text"


class Cell(NamedTuple):
    """
    One decoded leaf of a row that can hold text.

    ``part`` is one of ``after before key header topic``. ``column`` is the column's name ('' where the
    format knows none). ``path`` is '' for the column's own value, else a path into its JSON such as
    ``$.auth.tokens[*]``; a member's *name* has the path of its object plus ``.{name}``.
    """

    part: str
    column: str
    path: str
    text: str


class Row(NamedTuple):
    """
    One decoded record. ``key`` holds (name or '', value) pairs in primary key order.

    ``also`` holds the further rows of a record that carries several (a batched webhook body); they share its number. ``written``
    is when the row's version was written (MVCC time): unlike ``updated`` it does not change when the row is sent again.
    """

    cells: Sequence[Cell]
    table: str | None = None
    key: Sequence[tuple[str, object]] = ()
    updated: str | None = None
    op: str | None = None
    resolved: Timestamp | None = None
    also: Sequence[Row] = ()
    written: str | None = None


class Members(NamedTuple):
    """
    The columns of one part of one row, decoded but not taken apart: what a policy or a profile looks at.

    ``part`` is as in `Cell`. SQL NULL is None. JSONB values are what their JSON says; a JSON null by itself is
    ``{"__crdb_json_null__": true}`` where the feed says ``encode_json_value_null_as_object``, else None, too. All values of a
    format without types (csv) are str.
    """

    table: str | None
    part: str
    columns: Mapping[str, object]


class Gap(NamedTuple):
    """Bytes, rows or a column that were not scanned as they should be. Any gap makes the exit code 4."""

    uri: str
    reason: str
    row: int | None = None
    column: str | None = None
    bytes: int | None = None


class Note(NamedTuple):
    """Something worth knowing about an input that is no gap."""

    uri: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    All that is ever shown of a secret: public prefix, length, alphabet, and how it was wrapped.

    ``held_by`` names rows that hold the fingerprint of a token that is confirmed to be live.
    """

    redacted: str
    length: int
    alphabet: str
    decoded_by: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


class Sighting(NamedTuple):
    """
    A confirmed secret in one row: what an inspector emits. Holds no plaintext.

    Where it will only be counted, ``row_key`` is '' and ``evidence`` None. ``rows`` is for
    how many rows it stands, ``row`` the first.
    """

    rule_id: str
    secret_id: str
    table: str
    column: str
    path: str
    part: str
    row: int
    row_key: str
    updated: str | None
    severity: Severity
    confidence: Confidence
    setting: Setting
    evidence: Evidence | None
    written: str | None = None
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Exposure:
    """
    Where one secret was seen: one source and part. ``row`` is the first record there.

    A part of ``before`` says that the value was only in the row's past.
    """

    kind: str
    uri: str
    part: str
    row: int
    row_key: str
    updated: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One secret (or, past 1,000 of them, one column) at one place, with all its exposures.

    ``exposures`` is sorted by source and part and holds at most 100 of ``exposures_total``.
    ``distinct`` is the number of different secrets of a column finding, exact to 1,000 and estimated
    above; it is 1 for every other finding.
    """

    finding_id: str
    secret_id: str
    rule_id: str
    policy_id: str | None
    title: str
    kind: str
    severity: Severity
    confidence: Confidence
    table: str
    column: str
    path: str
    evidence: Evidence
    occurrences: int
    distinct: int
    exposures: tuple[Exposure, ...]
    exposures_total: int
    first_seen: str
    last_seen: str
    gains: str
    remedy: str
    suppressed: str | None = None

    @property
    def collapsed(self) -> bool:
        """Tell whether this stands for a whole column of secrets."""
        return self.secret_id == ""


class FindingText(NamedTuple):
    """
    What is said of findings of a rule, or of a clause of a policy, at a place.

    ``observed`` says that a policy only observes there: such a finding is recorded, and neither told nor counted.
    """

    title: str
    kind: str
    gains: str
    remedy: str
    policy_id: str | None = None
    owner: str = ""
    observed: bool = False

    @property
    def unheeded(self) -> str | None:
        """Return why such a finding does not count, None if it does."""
        return f"{self.policy_id} only observes" if self.observed else None


#: (rule or policy clause, table, column, path) -> what is said of findings there.
Describe = Callable[[str, str, str, str], FindingText]


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What one unit of work read. Units of one input are numbered from 0 in the order of its bytes.

    ``feed`` says that a changefeed wrote it, and not an EXPORT. ``columns`` maps each known column to '' (scanned) or the reason
    why it cannot hold text or was not scanned; a format that scans every member of every row (JSON) says so with the single name
    ``*``.
    """

    uri: str
    ordinal: int
    kind: str
    format: str
    compression: str
    table: str
    rows: int
    bytes: int
    columns: Mapping[str, str] = field(default_factory=dict)
    resolved: Timestamp | None = None
    feed: bool = False


@dataclass(frozen=True, slots=True)
class TableCoverage:
    """What was read of one table."""

    table: str
    inputs: int
    rows: int
    bytes: int
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """EXPORT's own account of one file, against what was read of it (None: the file was not given)."""

    filename: str
    rows_stated: int
    rows_read: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """
    The whole run, in numbers: the last record of every report.

    ``by_severity`` counts findings, not occurrences, and leaves out suppressed ones. ``resolved`` maps
    a folder of changefeed files to its newest resolved timestamp. ``partial`` says why a run did not
    finish, '' if it did.
    """

    tool_version: str
    key_id: str
    rules_digest: str
    started_at: str
    finished_at: str
    inputs: int
    rows: int
    bytes: int
    findings: int
    occurrences: int
    suppressed: int
    by_severity: Mapping[str, int]
    by_table_rule: Mapping[tuple[str, str], int]
    tables: Sequence[TableCoverage]
    formats: Mapping[str, int]
    gaps: Sequence[Gap]
    gaps_total: int
    notes: Sequence[Note]
    resolved: Mapping[str, str]
    reconciled: Sequence[Reconciled]
    unused_baseline: Sequence[str]
    fail_on: str
    exit_code: int
    partial: str = ""
