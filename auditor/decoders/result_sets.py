"""Small results of a statement, in whatever form the CLI printed them: for what the user hands over beside the data."""

from __future__ import annotations

from auditor.decoders import delimited, sql_records, sql_table
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError
from auditor.protocols import Layout


def rows(data: bytes, *columns: str) -> list[tuple[str, ...]] | None:
    """
    Return the values of these columns of every row; None if the data is no result that has them.

    Read are ``--format=table``, ``records``, ``csv`` and ``tsv``.
    """
    for module in (sql_records, sql_table, delimited):
        layout = module.recognise(data, "result.csv", ReadOptions(header=True))
        if layout is None:
            continue
        found = _decoded(layout, data[layout.preamble :])
        if found and all(column in row for row in found for column in columns):
            return [tuple(row[column] for column in columns) for row in found]
    return None


def _decoded(layout: Layout, data: bytes) -> list[dict[str, str]]:
    """Decode all rows of a layout to their columns; [] if one of them cannot be."""
    framed = layout.frame(data)
    starts = [0, *framed.ends.tolist()]
    try:
        decoded = [layout.decode(framed.data[start:end]) for start, end in zip(starts, framed.ends.tolist(), strict=False)]
    except DecodeError:
        return []
    return [{cell.column: cell.text for cell in row.cells} for row in decoded]
