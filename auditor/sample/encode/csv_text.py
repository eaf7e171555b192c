r"""csv as CockroachDB writes it: quoted only where delimiter, quote, line break, a leading space or ``\.`` call for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache
def _needs_quotes(delimiter: str) -> re.Pattern[str]:
    return re.compile(rf'[\r\n"{re.escape(delimiter)}]|\A\s|\A\\\.\Z')


def record(fields: Iterable[str], delimiter: str = ",") -> str:
    """Return one record with its line feed."""
    search = _needs_quotes(delimiter).search
    return delimiter.join(f'"{field.replace(chr(34), chr(34) * 2)}"' if search(field) else field for field in fields) + "\n"
