"""
From inputs to units of work.

A big uncompressed text is cut into ranges at record ends, a big Parquet file into runs of row groups; all else is one unit.
The cut depends on the input alone, not on the number of workers, so a run can be resumed with another ``--jobs``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from auditor.blocks import Peeked
from auditor.decoders import compression, layout_of
from auditor.decoders.ddl import Tables, columns_of
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError, SourceUnavailable
from auditor.names import resolved_of_name, table_of_name
from auditor.protocols import Input, Layout
from auditor.unit import PARQUET_MAGIC, Unit

#: Most bytes of one unit. What one unit found is held in memory, so this also bounds that.
UNIT = 64 << 20
#: Towards its end an input is cut ever finer, down to this part of a unit, so that all workers end at about the same time.
_FINEST = 8
#: Bytes that are looked at to find a record's start; where that fails, the input is not cut there.
_WINDOW = 256 << 10


def options_for(source: Input, options: ReadOptions, tables: Tables) -> ReadOptions:
    """
    Return the reading options of one input, with the column names that the DDL gives its table.

    The table is the one the user names, else the file name's, else the DDL's table that a folder on the way is called after (the
    nearest one), else the DDL's only one.
    """
    if not tables:
        return options
    named = options.table or table_of_name(source.name)
    folders = [] if named else [folder for folder in reversed(source.folder.replace("\\", "/").split("/")) if folder]
    candidates = [named] if named else [*folders, *(tables if len(tables) == 1 else ())]
    for table in candidates:
        if columns := columns_of(tables, table):
            return replace(options, table=options.table or table, columns=options.columns or columns)
    return options


def plan(source: Input, options: ReadOptions, *, size: int = UNIT) -> Iterator[Unit]:
    """
    Yield the units of one input, in order.

    An input that cannot be opened is one unit: whoever scans it reports why.
    """
    if source.size is None or source.size <= size + size // 2 or resolved_of_name(source.name) is not None:
        yield Unit(source, options)
        return
    try:
        yield from _ranges(source, options, size)
    except (SourceUnavailable, DecodeError, OSError):
        yield Unit(source, options)


def _ranges(source: Input, options: ReadOptions, size: int) -> Iterator[Unit]:
    """Cut a big input where its format can be cut."""
    with source.open() as file:
        head = Peeked(file).head()
        if head.startswith(PARQUET_MAGIC):
            from auditor.decoders.parquet import group_sizes

            yield from _group_ranges(source, options, group_sizes(file), size)
            return
        if compression.recognise(head) or not (layout := layout_of(head, source.name, options)).splittable:
            yield Unit(source, options)
            return
        assert source.size is not None
        ordinal = start = at = 0
        while (left := source.size - at) > (piece := _piece(left, size)) * 3 // 2:
            at += piece
            end = _record_start(file, layout, at)
            if end > start:
                yield Unit(source, options, ordinal, start, end)
                ordinal, start = ordinal + 1, end
        yield Unit(source, options, ordinal, start)


def _piece(left: int, size: int) -> int:
    """Return how much of what is left the next unit is to take."""
    return min(size, max(left, size) // _FINEST)


def _record_start(file: BinaryIO, layout: Layout, position: int) -> int:
    """Return where the first record after a position starts; -1 if it cannot be told: whoever scans that part says why."""
    try:
        file.seek(position)
        start = layout.start(file.read(_WINDOW))
    except (SourceUnavailable, OSError):
        return -1
    return position + start if start >= 0 else -1


def _group_ranges(source: Input, options: ReadOptions, sizes: list[int], size: int) -> Iterator[Unit]:
    """Join row groups to units of about the wanted bytes."""
    first, ordinal, gathered, left = 0, 0, 0, sum(sizes)
    for group, bytes_ in enumerate(sizes):
        gathered += bytes_
        if gathered >= _piece(left, size) and group + 1 < len(sizes):
            yield Unit(source, options, ordinal, first, group + 1)
            first, ordinal, gathered, left = group + 1, ordinal + 1, 0, left - gathered
    yield Unit(source, options, ordinal, first, None if not ordinal else len(sizes))
