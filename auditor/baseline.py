"""
The findings that somebody has accepted, in a file that lives in version control.

JSON Lines: a header, then one entry a line, sorted by place, without times or row numbers, so that two branches that add
entries merge, and an unchanged finding never shows up in a diff. An entry is known by its keyed finding id; table, column,
rule and shape are there for the person who reviews it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

from auditor.atomic import replacing
from auditor.errors import ConfigError, StateError
from auditor.model import SCHEMA_VERSION, Evidence, Finding

_STRINGS = ("finding_id", "rule", "table", "column", "path", "shape", "reason", "owner")
_FIELDS = frozenset((*_STRINGS, "expires"))
_HEADER_FIELDS = frozenset(("record", "schema_version", "key_id"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding. ``shape`` describes the secret; ``expires`` is the first day on which it counts again."""

    finding_id: str
    rule: str
    table: str
    column: str
    path: str
    shape: str
    reason: str
    owner: str
    expires: date | None = None

    @property
    def label(self) -> str:
        """Return the entry in one line, for messages and for the summary's unused entries."""
        place = ".".join(part for part in (self.table, self.column) if part) + (f" {self.path}" if self.path else "")
        return f"{self.finding_id} {self.rule} in {place or 'an unknown place'} ({self.reason}; {self.owner})"

    def as_line(self) -> str:
        """Return its line in the file."""
        values: dict[str, str | None] = {name: getattr(self, name) for name in _STRINGS}
        values["expires"] = self.expires.isoformat() if self.expires else None
        return json.dumps(values)


def _place(entry: Entry) -> tuple[str, ...]:
    """Return what entries are sorted by."""
    return entry.table, entry.column, entry.path, entry.rule, entry.finding_id


class Baseline:
    """
    Entries under one key, and which of them this run has met.

    ``match`` is called once for each finding; afterwards ``unused`` and ``expired`` say what to prune and what to renew.
    """

    def __init__(self, key_id: str, entries: Iterable[Entry] = ()) -> None:
        """Take entries whose finding ids were made with the key ``key_id``."""
        self.key_id = key_id
        self._entries = {entry.finding_id: entry for entry in entries}
        self._met: set[str] = set()
        self._expired: set[str] = set()

    @property
    def entries(self) -> list[Entry]:
        """Return all entries in the order of the file."""
        return sorted(self._entries.values(), key=_place)

    def match(self, finding_id: str, today: date) -> Entry | None:
        """Return the entry that accepts a finding; one that has expired does not, and is remembered as such."""
        entry = self._entries.get(finding_id)
        if entry is None:
            return None
        self._met.add(finding_id)
        if entry.expires is not None and entry.expires <= today:
            self._expired.add(finding_id)
            return None
        return entry

    @property
    def unused(self) -> list[Entry]:
        """Return the entries whose finding was not met."""
        return [entry for entry in self.entries if entry.finding_id not in self._met]

    @property
    def expired(self) -> list[Entry]:
        """Return the entries whose finding was met after they had expired."""
        return [entry for entry in self.entries if entry.finding_id in self._expired]

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all, readable as the umask says."""
        header = {"record": "baseline", "schema_version": SCHEMA_VERSION, "key_id": self.key_id}
        try:
            with replacing(path, mode=0o666) as out:
                out.write(json.dumps(header) + "\n")
                out.writelines(f"{entry.as_line()}\n" for entry in self.entries)
        except OSError as error:
            raise StateError(f"the baseline cannot be written: {error.strerror}", where=str(path)) from None

    def without(self, finding_ids: Collection[str]) -> Self:
        """Return a baseline that lacks these entries."""
        return type(self)(self.key_id, (entry for name, entry in self._entries.items() if name not in finding_ids))


def create(
    findings: Iterable[Finding],
    key_id: str,
    *,
    reason: str,
    owner: str,
    expires: date | None = None,
    earlier: Baseline | None = None,
) -> Baseline:
    """
    Accept all these findings, for one reason.

    The entries of ``earlier`` stay as they are, with their own reason, owner and expiry: only what is new is added. `prune` is
    what drops entries.
    """
    for name, value in (("reason", reason), ("owner", owner)):
        if not value.strip():
            raise ConfigError(f"an entry needs a {name}", where="baseline", fix=f"--{name} TEXT")
    if earlier is not None and earlier.key_id != key_id:
        raise _other_key("the earlier baseline", earlier.key_id, key_id)
    known = [] if earlier is None else earlier.entries
    new = (
        Entry(
            finding_id=finding.finding_id,
            rule=finding.rule_id,
            table=finding.table,
            column=finding.column,
            path=finding.path,
            shape=_shape(finding),
            reason=reason.strip(),
            owner=owner.strip(),
            expires=expires,
        )
        for finding in findings
    )
    return Baseline(key_id, [*new, *known])  # the later of two entries for one finding stays


def _shape(finding: Finding) -> str:
    """Describe what was accepted; a column finding by its kind only, since its count changes from run to run."""
    evidence: Evidence = finding.evidence
    if finding.collapsed:
        return f"column of {evidence.redacted}"
    return f"{evidence.redacted} {evidence.length} {evidence.alphabet}"


def load(path: Path, key_id: str) -> Baseline:
    """
    Read a baseline for a run with the key ``key_id``.

    Raise `ConfigError`, with file and line, for a file that is not one, for an entry that is listed twice, and for one that was
    made with another key: its ids would match nothing.
    """
    baseline = _read(path)
    if baseline.key_id != key_id:
        raise _other_key(str(path), baseline.key_id, key_id)
    return baseline


def prune(path: Path, seen_ids: Collection[str]) -> list[Entry]:
    """
    Drop the entries whose finding is not among ``seen_ids``, and return them.

    Raise `ConfigError` if those ids were made with another key, which would drop everything.
    """
    baseline = _read(path)
    for finding_id in seen_ids:
        if not finding_id.startswith(f"fnd_{baseline.key_id}"):
            raise _other_key(str(path), baseline.key_id, finding_id.removeprefix("fnd_")[:8])
    gone = [entry for entry in baseline.entries if entry.finding_id not in seen_ids]
    baseline.without({entry.finding_id for entry in gone}).write(path)
    return gone


def _other_key(where: str, theirs: str, ours: str) -> ConfigError:
    """Say that ids of two keys cannot be compared."""
    return ConfigError(
        f"was made with the key {theirs}, and this run uses {ours}", where=where, fix="use that key, or create the baseline anew"
    )


def _read(path: Path) -> Baseline:
    """Read a file, whatever its key."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=str(path), fix="`auditor baseline create` makes one"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("is no UTF-8 text", where=str(path)) from None
    key_id = ""
    first_lines: dict[str, int] = {}
    entries: list[Entry] = []
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        if not line.strip():
            continue
        values = _object(line, where)
        if not key_id:
            key_id = _key_of(values, where)
            continue
        entry = _entry(values, where)
        earlier = first_lines.setdefault(entry.finding_id, number)
        if earlier != number:
            raise ConfigError(f"{entry.finding_id} is listed already on line {earlier}", where=where, fix="keep one of them")
        if not entry.finding_id.startswith(f"fnd_{key_id}"):
            raise ConfigError(f"the finding id was not made with the key {key_id} of line 1", where=where, fix="remove the line")
        entries.append(entry)
    if not key_id:
        raise ConfigError("is empty", where=str(path), fix="`auditor baseline create` makes one")
    return Baseline(key_id, entries)


def _object(line: str, where: str) -> Mapping[str, Any]:
    """Read one line."""
    if line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
        raise ConfigError("a merge conflict was left here", where=where, fix="keep the entries of both sides, remove the markers")
    try:
        values = json.loads(line)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ConfigError("is no JSON object", where=where, fix="one entry a line; `auditor baseline create` writes them")
    return values


def _key_of(values: Mapping[str, Any], where: str) -> str:
    """Check the header and return its key id."""
    if values.get("record") != "baseline" or not isinstance(values.get("key_id"), str) or not values["key_id"]:
        raise ConfigError("is no header of a baseline", where=where, fix="`auditor baseline create` makes one")
    if values.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(
            f"has schema_version {values.get('schema_version')!r}, and this version reads {SCHEMA_VERSION}",
            where=where,
            fix="use the version of auditor that wrote it, or create the baseline anew",
        )
    _only(values, _HEADER_FIELDS, where)
    return str(values["key_id"])


def _entry(values: Mapping[str, Any], where: str) -> Entry:
    """Check one entry."""
    _only(values, _FIELDS, where)
    for name in _STRINGS:
        if not isinstance(values.get(name), str):
            raise ConfigError(f"{name} is missing, or no string", where=where)
    for name in ("finding_id", "reason", "owner"):
        if not values[name].strip():
            raise ConfigError(f"{name} is empty", where=where, fix="every entry says why, and who answers for it")
    expires = values.get("expires")
    try:
        until = None if expires is None else date.fromisoformat(expires)
    except (TypeError, ValueError):
        raise ConfigError("expires is no date", where=where, fix='write it as "2030-12-31", or null') from None
    return Entry(**{name: values[name] for name in _STRINGS}, expires=until)


def _only(values: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    """Refuse a field that nothing reads: it would be lost at the next write."""
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ConfigError(f"unknown field {unknown[0]}", where=where, fix=f"one of {', '.join(sorted(known))}")
