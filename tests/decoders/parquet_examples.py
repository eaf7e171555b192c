"""Parquet files as CockroachDB writes them, made from what pyarrow writes by editing the footer."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.decoders.thrift import BINARY, I32, STRUCT, Field, Items, spans, write_value
from auditor.model import Gap, Note


class Noted:
    """Collects gaps and notes."""

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self.notes: list[Note] = []

    def gap(self, gap: Gap) -> None:
        """Keep a gap."""
        self.gaps.append(gap)

    def note(self, note: Note) -> None:
        """Keep a note."""
        self.notes.append(note)


def written(table: Any, **options: Any) -> bytes:
    """Return a table as the bytes of a Parquet file."""
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def footer_of(body: bytes) -> bytes:
    """Return the footer's bytes."""
    length = int.from_bytes(body[-8:-4], "little")
    return body[-8 - length : -8]


def with_footer(body: bytes, footer: bytes) -> bytes:
    """Return the file with another footer."""
    return body[: -8 - len(footer_of(body))] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def with_text_decimals(body: bytes, *columns: str, precision: int = 38, scale: int = 9, logical: bool = True) -> bytes:
    """Annotate binary columns as DECIMAL, as CockroachDB does, though their bytes are digits."""
    footer = footer_of(body)
    (schema,) = (span for span in spans(footer) if span.field.id == 2)
    assert isinstance(schema.field.value, Items)
    elements: list[Any] = []
    for element in schema.field.value.values:
        assert isinstance(element, list)
        names = [field.value for field in element if field.id == 4 and field.type == BINARY]
        if names and names[0].decode() in columns:
            kept = [field for field in element if field.id not in (6, 7, 8, 10)]
            kept += [Field(6, I32, 5), Field(7, I32, scale), Field(8, I32, precision)]
            if logical:
                decimal = [Field(1, I32, scale), Field(2, I32, precision)]
                kept.append(Field(10, STRUCT, [Field(5, STRUCT, decimal)]))
            elements.append(sorted(kept, key=lambda field: field.id))
        else:
            elements.append(element)
    edited = write_value(schema.field.type, Items(STRUCT, elements))
    return with_footer(body, footer[: schema.start] + edited + footer[schema.end :])


def orders(rows: int) -> Any:
    """Return a table with a decimal column as digits, among others; amount is NULL in every fourth row."""
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "amount": pa.array([None if row % 4 == 3 else b"%d.%02d" % (row, row % 100) for row in range(rows)], pa.binary()),
            "note": pa.array([f"note {row}" for row in range(rows)], pa.string()),
        }
    )
