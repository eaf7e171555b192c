"""What surrounds a secret in its text: nothing, a URL, or other words. The remedy depends on it."""

from __future__ import annotations

import re

from auditor.model import Setting

_NEAR, _LONGEST_URL = 80, 4096
_MARGIN = " \t\r\n\"'"
_ENDS_URL = re.compile(r"[\s\"'<>]")


def setting_of(text: str, start: int, end: int) -> Setting:
    """Return the setting of a match in its text."""
    if end - start == len(text):
        return Setting.IN_URL if "://" in text else Setting.ALONE
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if not before.strip(_MARGIN) and not after.strip(_MARGIN):
        return Setting.IN_URL if "://" in text[start:end] else Setting.ALONE
    scheme = text.rfind("://", max(0, start - _LONGEST_URL), end)
    if scheme >= 0 and (scheme >= start or not _ENDS_URL.search(text, scheme, start)):
        return Setting.IN_URL
    return Setting.IN_TEXT
