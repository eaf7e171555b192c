"""What surrounds a secret in its text: nothing, a URL, or other words. The remedy depends on it."""

from __future__ import annotations

import re
from typing import Any

from auditor.model import Setting

_URL = re.compile(r"[a-z][a-z0-9+.-]{1,30}://[^\s\"'<>]*", re.IGNORECASE)


def setting_of(text: str, match: Any) -> Setting:
    """Return the setting of a match in its text."""
    start, end = match.span()
    if not text[:start].strip(" \t\r\n\"'") and not text[end:].strip(" \t\r\n\"'"):
        return Setting.ALONE
    for url in _URL.finditer(text, max(0, start - 2000), end + 1):
        if url.start() <= start < url.end():
            return Setting.IN_URL
    return Setting.IN_TEXT
