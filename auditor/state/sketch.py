"""
How many different secrets a full column holds, in 4 KiB.

Ids are keyed digests and so evenly spread: where the 256th smallest lies tells how many there are, to about 6 %.
"""

from __future__ import annotations

from collections.abc import Iterable

_KEPT = 256
_DIGITS = 16
_ID = 32  # hex digits of an id behind its prefix and the key's id


class Sketch:
    """The smallest ids of a place, by their first 16 hex digits."""

    def __init__(self, text: str) -> None:
        """Take a stored sketch, '' for none."""
        self._smallest = {text[start : start + _DIGITS] for start in range(0, len(text), _DIGITS)}

    def add(self, secret_ids: Iterable[str]) -> bool:
        """Add secrets; return whether that changed anything."""
        before = self._smallest
        digits = {secret_id[-_ID:][:_DIGITS] for secret_id in secret_ids}
        self._smallest = set(sorted(before | digits)[:_KEPT])
        return self._smallest != before

    @property
    def text(self) -> str:
        """Return the sketch as it is stored."""
        return "".join(sorted(self._smallest))

    @property
    def distinct(self) -> int:
        """Estimate the number of different secrets; exact below 256."""
        if len(self._smallest) < _KEPT:
            return len(self._smallest)
        share = int(max(self._smallest), 16) / float(16**_DIGITS)
        return round((_KEPT - 1) / share)

    def bound(self, key_id: str) -> str:
        """Return the largest secret id that could still change the sketch, '' if any could."""
        if len(self._smallest) < _KEPT:
            return ""
        return f"sec_{key_id}{max(self._smallest)}{'f' * (_ID - _DIGITS)}"
