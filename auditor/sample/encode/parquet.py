"""
Parquet as CockroachDB writes it: all columns optional, DECIMAL as ASCII digits in byte arrays, times as text, UUIDs as 16 bytes.

Arrow cannot write a DECIMAL of that kind, so columns are written as plain binary, and the footer is given its logical types
afterwards. Types follow util/parquet/schema.go: an unset precision becomes 2147483647, and so does the scale that goes with it.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.decoders import thrift
from auditor.decoders.thrift import Field
from auditor.sample.encode.sql_text import export_value
from auditor.sample.sql_types import Column, SqlType

_UNSET = 2_147_483_647
# fields of FileMetaData
_SCHEMA, _CREATED_BY = 2, 6
# fields of SchemaElement, and members of the LogicalType union (parquet.thrift)
_NAME, _CONVERTED, _SCALE, _PRECISION, _LOGICAL = 4, 6, 7, 8, 10
_LOGICAL_ENUM, _LOGICAL_DECIMAL, _LOGICAL_INT, _LOGICAL_JSON, _LOGICAL_UUID = 4, 5, 10, 12, 14
_CONVERTED_ENUM, _CONVERTED_DECIMAL, _CONVERTED_INT64, _CONVERTED_JSON = 4, 5, 18, 19

_ARROW: Mapping[SqlType, Any] = {
    SqlType.UUID: pa.binary(16),
    SqlType.STRING: pa.string(),
    SqlType.BYTES: pa.binary(),
    SqlType.INT8: pa.int64(),
    SqlType.FLOAT8: pa.float64(),
    SqlType.DECIMAL: pa.binary(),
    SqlType.BOOL: pa.bool_(),
    SqlType.TIMESTAMPTZ: pa.string(),
    SqlType.INET: pa.string(),
    SqlType.JSONB: pa.binary(),
    SqlType.STRING_ARRAY: pa.list_(pa.field("element", pa.string())),
    SqlType.ENUM: pa.binary(),
}
_AS_IT_IS = frozenset(
    {SqlType.STRING, SqlType.BYTES, SqlType.INT8, SqlType.FLOAT8, SqlType.BOOL, SqlType.STRING_ARRAY, SqlType.INET}
)


def _converter(column: Column) -> Callable[[Any], Any]:
    if column.type is SqlType.UUID:
        return lambda value: uuid.UUID(value).bytes
    if column.type in (SqlType.DECIMAL, SqlType.JSONB, SqlType.ENUM):
        return lambda value: export_value(column, value).encode()
    return lambda value: export_value(column, value)


class ParquetOutput:
    """A Parquet file, written in row groups. Memory holds one group at a time."""

    def __init__(self, path: Path, columns: Sequence[Column], codec: str, *, group_rows: int = 10_000) -> None:
        """
        Create the file and its folders.

        ``codec`` is ``none``, ``snappy``, ``gzip`` or ``zstd``: inside the file, as Parquet has it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._columns, self._group_rows = path, columns, group_rows
        self._schema = pa.schema([pa.field(column.name, _ARROW[column.type]) for column in columns])
        self._converters = [None if column.type in _AS_IT_IS else _converter(column) for column in columns]
        self._rows: list[Sequence[Any]] = []
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, self._schema, compression=codec.upper(), store_schema=False)

    def write(self, values: Sequence[Any]) -> None:
        """Append one row, its values in column order."""
        self._rows.append(values)
        if len(self._rows) >= self._group_rows:
            self._flush()

    def reached(self, size: int) -> bool:
        """Tell whether the groups written so far take this many bytes."""
        return self._file.tell() >= size

    def _flush(self) -> None:
        if not self._rows:
            return
        arrays = []
        for field, values, convert in zip(self._schema, zip(*self._rows, strict=True), self._converters, strict=True):
            items: Iterable[Any] = values
            if convert is not None:
                items = [None if value is None else convert(value) for value in values]
            arrays.append(pa.array(items, type=field.type))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=self._group_rows)
        self._rows.clear()

    def close(self) -> None:
        """Write the last group and the footer."""
        self._flush()
        self._writer.close()
        self._file.close()
        _annotate(self._path, {column.name: column for column in self._columns})


class _Logical(NamedTuple):
    """A logical type: its legacy number if it has one, its member of the union, and that member's fields."""

    converted: int | None
    member: int
    fields: tuple[Field, ...] = ()


def _logical(column: Column) -> _Logical | None:
    if column.type is SqlType.DECIMAL:
        precision, _, scale = column.declared.strip("DECIMAL()").partition(",")
        digits, places = int(precision or _UNSET), int(scale or 0)
        return _Logical(
            _CONVERTED_DECIMAL, _LOGICAL_DECIMAL, (Field(1, thrift.I32, places or digits), Field(2, thrift.I32, digits))
        )
    if column.type is SqlType.INT8:
        return _Logical(_CONVERTED_INT64, _LOGICAL_INT, (Field(1, thrift.BYTE, 64), Field(2, thrift.TRUE, value=True)))
    if column.type is SqlType.JSONB:
        return _Logical(_CONVERTED_JSON, _LOGICAL_JSON)
    if column.type is SqlType.ENUM:
        return _Logical(_CONVERTED_ENUM, _LOGICAL_ENUM)
    if column.type is SqlType.UUID:
        return _Logical(None, _LOGICAL_UUID)
    return None


def _annotate(path: Path, columns: Mapping[str, Column]) -> None:
    """Give the footer's schema elements the logical types that CockroachDB states, and its name as their author."""
    with path.open("r+b") as file:
        file.seek(-8, 2)
        (size,) = struct.unpack("<I", file.read(4))
        start = file.seek(-8 - size, 2)
        fields = [span.field for span in thrift.spans(file.read(size))]
        written = thrift.write_value(thrift.STRUCT, [_edited(field, columns) for field in fields])
        file.seek(start)
        file.write(written + struct.pack("<I", len(written)) + b"PAR1")
        file.truncate()


def _edited(field: Field, columns: Mapping[str, Column]) -> Field:
    """Return a field of the footer as CockroachDB would write it."""
    if field.id == _CREATED_BY:
        return field._replace(value=b"cockroachdb")
    if field.id == _SCHEMA and isinstance(field.value, thrift.Items):
        elements: Sequence[Any] = field.value.values
        return field._replace(value=thrift.Items(thrift.STRUCT, [_annotated(element, columns) for element in elements]))
    return field


def _annotated(element: list[Field], columns: Mapping[str, Column]) -> list[Field]:
    """Return a schema element with its column's logical type, its fields in the order of their ids."""
    by_id = {field.id: field for field in element}
    name = by_id[_NAME].value
    column = columns.get(name.decode()) if isinstance(name, bytes) else None
    logical = _logical(column) if column else None
    if logical is None:
        return element
    by_id[_LOGICAL] = Field(_LOGICAL, thrift.STRUCT, [Field(logical.member, thrift.STRUCT, list(logical.fields))])
    if logical.converted is not None:
        by_id[_CONVERTED] = Field(_CONVERTED, thrift.I32, logical.converted)
    if logical.member == _LOGICAL_DECIMAL:
        scale, precision = logical.fields
        by_id[_SCALE], by_id[_PRECISION] = scale._replace(id=_SCALE), precision._replace(id=_PRECISION)
    return [by_id[number] for number in sorted(by_id)]
