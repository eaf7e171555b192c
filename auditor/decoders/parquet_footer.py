"""
Open the footers that pyarrow refuses: DECIMAL columns whose values are text.

CockroachDB writes DECIMAL as a BYTE_ARRAY of ASCII digits annotated DECIMAL(precision, scale), with precision 2147483647 where
the column has none (cockroachdb/cockroach#172339). The format asks for two's complement there, so pyarrow fails on reading the
column, or on opening the file. Without the annotation the same bytes read as plain binary, which is what a scan wants anyway.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.decoders.thrift import STRUCT, Field, Items, spans, write_value
from auditor.errors import DecodeError

MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
#: A footer of more is refused: 10,000 columns in 100 row groups make about this many.
LARGEST_FOOTER = 128 << 20
_TAIL = 8

# Field numbers and enum values of parquet.thrift.
_FILE_SCHEMA = 2
_TYPE, _CONVERTED_TYPE, _SCALE, _PRECISION, _LOGICAL_TYPE = 1, 6, 7, 8, 10
_BYTE_ARRAY = 6
_CONVERTED_DECIMAL = 5
_LOGICAL_DECIMAL = 5
_ANNOTATION = frozenset((_CONVERTED_TYPE, _SCALE, _PRECISION, _LOGICAL_TYPE))


def read_footer(file: BinaryIO) -> Any:
    """
    Return pyarrow's ``FileMetaData`` of a Parquet file, to be passed on as ``pq.ParquetFile(file, metadata=...)``.

    Raise `DecodeError` if the file has no whole footer.
    """
    footer = without_byte_array_decimals(_footer_bytes(file))
    try:
        return pq.read_metadata(io.BytesIO(MAGIC + footer + len(footer).to_bytes(4, "little") + MAGIC))
    except (pa.ArrowException, OSError):
        raise DecodeError("the Parquet footer is damaged, or describes what pyarrow does not know") from None


def without_byte_array_decimals(footer: bytes) -> bytes:
    """
    Drop the DECIMAL annotation of every BYTE_ARRAY column from a footer.

    Only the schema, which comes first, is parsed: row groups are most of a large footer and stay as they are.
    """
    for field, start, end in spans(footer):
        if field.id != _FILE_SCHEMA:
            continue
        if not isinstance(field.value, Items) or field.value.type != STRUCT:
            break
        elements: Sequence[Any] = field.value.values
        edited = [_plain(element) if _is_text_decimal(element) else element for element in elements]
        if edited == elements:
            return footer
        return footer[:start] + write_value(field.type, Items(STRUCT, edited)) + footer[end:]
    raise DecodeError("the Parquet footer holds no schema")


def _footer_bytes(file: BinaryIO) -> bytes:
    """Read the footer from the end of the file."""
    size = file.seek(0, io.SEEK_END)
    if size < _TAIL + len(MAGIC):
        raise DecodeError("the file is too short for Parquet", fix="it may have been cut off: fetch it again")
    file.seek(size - _TAIL)
    tail = file.read(_TAIL)
    if tail[4:] == _ENCRYPTED:
        raise DecodeError("the Parquet footer is encrypted", fix="decrypt the file first")
    if tail[4:] != MAGIC:
        raise DecodeError("the file does not end in a Parquet footer", fix="it may have been cut off: fetch it again")
    length = int.from_bytes(tail[:4], "little")
    if length > min(size - _TAIL - len(MAGIC), LARGEST_FOOTER):
        raise DecodeError("the Parquet footer states a length that cannot be")
    file.seek(size - _TAIL - length)
    return file.read(length)


def _is_text_decimal(element: Sequence[Field]) -> bool:
    """Tell whether a schema element is a BYTE_ARRAY annotated DECIMAL, in the old way or the new."""
    values = {field.id: field.value for field in element}
    logical = values.get(_LOGICAL_TYPE)
    annotated = values.get(_CONVERTED_TYPE) == _CONVERTED_DECIMAL or (
        isinstance(logical, list) and any(field.id == _LOGICAL_DECIMAL for field in logical)
    )
    return values.get(_TYPE) == _BYTE_ARRAY and annotated


def _plain(element: Sequence[Field]) -> list[Field]:
    """Return a schema element without its annotation."""
    return [field for field in element if field.id not in _ANNOTATION]
