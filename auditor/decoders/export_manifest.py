"""The result of an EXPORT statement: which files it wrote, and how many rows and bytes each has (CockroachDB docs "EXPORT")."""

from __future__ import annotations

from auditor import names
from auditor.decoders import result_sets


def export_manifest(data: bytes) -> list[tuple[str, int, int]] | None:
    """Return (file name, rows, bytes) of each exported file, from any form that the CLI prints; None for other data."""
    if b"export" not in data:
        return None
    found = result_sets.rows(data, "filename", "rows", "bytes")
    if not found or not all(_is_account(*row) for row in found):
        return None
    return [(name, int(rows), int(size)) for name, rows, size in found]


def _is_account(name: str, rows: str, size: str) -> bool:
    """Tell whether a row names a file as EXPORT names them, and counts."""
    return isinstance(names.parse(name), names.ExportFile) and rows.isdecimal() and size.isdecimal()
