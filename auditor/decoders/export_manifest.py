"""The result of an EXPORT statement: which files it wrote, and how many rows and bytes each has (CockroachDB docs "EXPORT")."""

from __future__ import annotations

from auditor.decoders import names, result_sets


def export_manifest(data: bytes) -> list[tuple[str, int, int]] | None:
    """Return (filename, rows, bytes) of each exported file, from any form that the CLI prints; None if this is no such result."""
    if b"export" not in data:
        return None
    found = result_sets.rows(data, "filename", "rows", "bytes")
    if found is None:
        return None
    try:
        manifest = [(name, int(rows), int(size)) for name, rows, size in found]
    except ValueError:
        return None
    return manifest if all(isinstance(names.parse(name), names.ExportFile) for name, _, _ in manifest) else None
