"""What surrounds a secret in its text: nothing, a URL, or other words. The remedy depends on it."""

from __future__ import annotations

import re
from typing import Any

from auditor.model import Setting

_MARGIN = " \t\r\n\"'"
_ENDS_URL = re.compile(r"[\s\"'<>]")


def setting_of(text: str, match: Any) -> Setting:
    """Return the setting of a match in its text."""
    start, end = match.span()
    if (not start or not text[:start].strip(_MARGIN)) and (end == len(text) or not text[end:].strip(_MARGIN)):
        return Setting.IN_URL if "://" in match[0] else Setting.ALONE
    scheme = text.rfind("://", 0, end)
    if scheme >= 0 and (scheme >= start or not _ENDS_URL.search(text, scheme, start)):
        return Setting.IN_URL
    return Setting.IN_TEXT
