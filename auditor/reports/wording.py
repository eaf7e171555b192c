"""The words and numbers that reports for people share, and the neutralising of names that came from data."""

from __future__ import annotations

from datetime import UTC, datetime

from auditor.hlc import Timestamp
from auditor.model import Evidence, Exposure

_EXIT_MEANINGS = {
    0: "nothing at or above {bar}, and everything was scanned",
    1: "findings at or above {bar}",
    2: "wrong usage or configuration, nothing was read",
    3: "an input could not be read, or the run failed",
    4: "nothing at or above {bar}, but not everything was scanned",
}


def printable(text: str) -> str:
    r"""
    Make every character visible, on one line.

    Controls (terminal escapes), direction overrides, zero-width characters, lone surrogates and unassigned code
    points become escapes such as ``\x1b`` and ``\u202e``, so that a name can neither move a cursor nor pose as another.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(ord(character)) for character in text)


def printable_lines(text: str) -> str:
    """Do the same to a text of several lines, and keep its line ends."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _escape(code: int) -> str:
    """Write a code point as Python would in a string literal."""
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def place(table: str, column: str, path: str) -> str:
    """Name a place in the database: ``db.schema.table.column $.path``; what is not known is said to be unknown."""
    name = ".".join(part for part in (table or "(table unknown)", column) if part)
    return printable(f"{name} {path}" if path else name)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write ``1 finding``, ``1,200 findings``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def byte_size(number: int) -> str:
    """Write a number of bytes in decimal units: ``999 B``, ``1.2 GB``."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.95:
            return f"{number} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def evidence_words(evidence: Evidence) -> str:
    """Describe a secret by its shape: ``abc_... 40 characters, letters and digits; base64 > json``."""
    shape = f"{evidence.redacted} {counted(evidence.length, 'character')}, {evidence.alphabet}"
    decoded = [" > ".join(evidence.decoded_by)] if evidence.decoded_by else []
    live = [f"live, held by {', '.join(evidence.held_by)}"] if evidence.held_by else []
    return printable("; ".join([shape, *decoded, *live]))


def exposure_words(exposure: Exposure) -> str:
    """Say where a secret was seen first in one source: ``users.csv row 17, key id=3, past value``."""
    words = [f"{exposure.uri} row {exposure.row:,}"]
    if exposure.row_key:
        words.append(f"key {exposure.row_key}")
    if exposure.part == "before":
        words.append("past value")
    elif exposure.part not in ("", "after"):
        words.append(f"in the {exposure.part}")
    return printable(", ".join(words))


def exit_meaning(code: int, fail_on: str) -> str:
    """Say what an exit code of `auditor scan` means, where ``fail_on`` is the severity that fails it."""
    return _EXIT_MEANINGS.get(code, "unknown").format(bar=fail_on)


def resolved_words(text: str) -> str:
    """Show a resolved timestamp as it is, with its time in UTC."""
    try:
        return f"{text} ({Timestamp.parse(text).utc():%Y-%m-%d %H:%M:%S} UTC)"
    except (ValueError, OverflowError):
        return printable(text)


def time_words(text: str) -> str:
    """Show an ISO 8601 time in UTC to the second; what is none is shown as it is."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return printable(text)


def seconds_between(started_at: str, finished_at: str) -> float | None:
    """Return the seconds between two ISO 8601 times; None if they are not."""
    try:
        return (datetime.fromisoformat(finished_at) - datetime.fromisoformat(started_at)).total_seconds()
    except (ValueError, TypeError):
        return None
