"""
From inputs to units of work.

A big uncompressed text is cut into ranges at record ends, a big Parquet file into runs of row groups; all else is one unit. The cut depends on
the input alone, not on the number of workers, so a run can be resumed with another ``--jobs``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from auditor.blocks import Peeked
from auditor.decoders import compression, layout_of
from auditor.decoders.framing import next_line_start, quote_count, quoted_start
from auditor.decoders.names import resolved_of_name, table_of_name
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError, SourceUnavailable
from auditor.protocols import Input
from auditor.unit import HEAD, PARQUET_MAGIC, Unit

#: Bytes of one unit. What one unit found is held in memory, so this also bounds that.
UNIT = 64 << 20


def options_for(source: Input, options: ReadOptions, tables: Mapping[str, tuple[str, ...]]) -> ReadOptions:
    """
    Return the reading options of one input, with the column names that the DDL gives its table.

    The table is the one the user names, else the file name's, else the DDL's table that a folder on the way is called after, else
    the DDL's only one.
    """
    if not tables:
        return options
    by_name = {name.rpartition(".")[2]: name for name in tables}
    named = options.table or table_of_name(source.name)
    candidates = [named, *reversed(source.folder.replace("\\", "/").split("/"))]
    table = next((by_name[short] for name in candidates if (short := name.rpartition(".")[2]) in by_name), "")
    if not table and not named and len(tables) == 1:
        table = next(iter(tables))
    if not table:
        return options
    return replace(options, table=options.table or named or table, columns=options.columns or tables[table])


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
        head = Peeked(file).peek(HEAD)
        if head.startswith(PARQUET_MAGIC):
            from auditor.decoders.parquet import group_sizes

            yield from _group_ranges(source, options, group_sizes(file), size)
            return
        if compression.recognise(head) or not (layout := layout_of(head, source.name, options)).splittable:
            yield Unit(source, options)
            return
        assert source.size is not None
        starts = [0]
        quote = layout.quote
        quotes = 0
        place = 0
        while (wanted := starts[-1] + size) < source.size - size // 2:
            if quote:
                quotes += quote_count(file, place, wanted, quote)
                start = quoted_start(file, wanted, quote, inside=quotes % 2 == 1)
                place = wanted
            else:
                start = next_line_start(file, wanted)
            if start is None or start >= source.size:
                break
            starts.append(start)
        ends = [*starts[1:], None]
        for ordinal, (start, end) in enumerate(zip(starts, ends, strict=True)):
            yield Unit(source, options, ordinal, start, end)


def _group_ranges(source: Input, options: ReadOptions, sizes: list[int], size: int) -> Iterator[Unit]:
    """Join row groups to units of about ``size`` bytes."""
    first, ordinal, gathered = 0, 0, 0
    for group, bytes_ in enumerate(sizes):
        gathered += bytes_
        if gathered >= size and group + 1 < len(sizes):
            yield Unit(source, options, ordinal, first, group + 1)
            first, ordinal, gathered = group + 1, ordinal + 1, 0
    yield Unit(source, options, ordinal, first, None if not ordinal else len(sizes))
