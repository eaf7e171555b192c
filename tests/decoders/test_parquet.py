"""Parquet files: every row of every column that can hold text is read, and what cannot be read is named."""

from __future__ import annotations

import io
import itertools
import re
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders.excerpt import FEWEST
from auditor.decoders.parquet import LARGEST_UNSEEKABLE, ParquetBlob, group_sizes, open_parquet
from auditor.decoders.parquet_batch import ParquetBatch
from auditor.errors import DecodeError
from auditor.model import Cell
from tests.decoders.parquet_examples import Noted, orders, with_text_decimals, written


def opened(body: bytes, noted: Noted) -> ParquetBlob:
    """Open a file's bytes."""
    return open_parquet(io.BytesIO(body), "file.parquet", "shop.public.orders", noted)


def batches(body: bytes) -> tuple[list[ParquetBatch], Noted, ParquetBlob]:
    """Read a file to its end."""
    noted = Noted()
    blob = opened(body, noted)
    return list(blob.batches(0, len(blob.groups))), noted, blob


def cells(found: list[ParquetBatch]) -> list[list[Cell]]:
    """Decode every row."""
    return [list(batch.decode(index).cells) for batch in found for index in range(len(batch))]


def test_every_row_is_read_in_order():
    """Rows are numbered from 1 over all row groups, and each has the text of each of its columns, decimals as digits."""
    body = with_text_decimals(written(orders(1000), row_group_size=300), "amount", precision=2147483647)
    found, noted, blob = batches(body)
    assert blob.format == "parquet"
    assert blob.groups == [300, 300, 300, 100]
    assert blob.columns == {"id": "INT64: holds no text", "amount": "", "note": ""}
    assert [batch.row_number(index) for batch in found for index in range(len(batch))] == list(range(1, 1001))
    rows = cells(found)
    assert rows[1] == [Cell("after", "amount", "", "1.01"), Cell("after", "note", "", "note 1")]
    assert rows[3] == [Cell("after", "note", "", "note 3")]
    assert len(rows) == 1000
    assert found[0].table_of(found[0].decode(0)) == "shop.public.orders"
    assert noted.gaps == []


@given(st.lists(st.integers(0, 5), max_size=5))
def test_any_cut_into_row_groups_gives_the_same_rows(cuts: list[int]):
    """Reading runs of row groups and joining them is reading the file, with numbers that begin anew in each run."""
    body = written(orders(50), row_group_size=10)
    whole = cells(batches(body)[0])
    edges = sorted({0, 5, *cuts})
    parts = []
    for first, last in itertools.pairwise(edges):
        blob = opened(body, Noted())
        part = list(blob.batches(first, last))
        assert part[0].first_row == 1
        parts += cells(part)
    assert parts == whole


TOKEN = "tok" + "en-" * 5
VALUES = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
PLACES = st.sampled_from(["", "x", "é" * 3])


@given(st.data(), st.sampled_from(["snappy", "zstd", "gzip", "none"]), st.booleans(), st.integers(1, 7))
def test_a_planted_value_is_found_in_its_row_and_column(data: st.DataObject, compression: str, dictionary: Any, group: int):
    """A value planted in any column leads by its position to its row, whose cells have it in the right column and path."""
    rows = data.draw(st.integers(1, 12))
    columns = {
        "name": data.draw(st.lists(VALUES, min_size=rows, max_size=rows)),
        "raw": [
            None if value is None else value.encode() + b"\xff"
            for value in data.draw(st.lists(VALUES, min_size=rows, max_size=rows))
        ],
        "tags": data.draw(st.lists(st.none() | st.lists(VALUES, max_size=3), min_size=rows, max_size=rows)),
        "same": ["blue"] * rows,
    }
    row = data.draw(st.integers(0, rows - 1))
    column = data.draw(st.sampled_from(sorted(columns)))
    text = data.draw(PLACES) + TOKEN + data.draw(PLACES)
    columns[column][row] = {"name": text, "same": text, "raw": text.encode(), "tags": ["red", text]}[column]
    types = {"raw": pa.binary(), "tags": pa.list_(pa.string())}
    table = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})
    found, noted, _ = batches(written(table, compression=compression, use_dictionary=dictionary, row_group_size=group))
    hits = []
    for batch in found:
        for haystack in batch.haystacks():
            end = haystack.data.find(TOKEN.encode()) + len(TOKEN) - 1
            if end >= len(TOKEN) - 1:
                assert haystack.values is not None
                which, indexes = haystack.rows(np.array([end], dtype=np.int64))
                starts = haystack.values.starts(np.full(len(which), end), indexes).tolist()
                for index, start in zip(indexes.tolist(), starts, strict=True):
                    cells = haystack.values.row(index, [start]).cells
                    assert set(cells) <= set(batch.decode(index).cells)
                    hits.append((batch.row_number(index), *cells))
    assert hits == [(row + 1, Cell("after", column, "$[*]" if column == "tags" else "", text))]
    assert noted.gaps == []


@pytest.mark.parametrize("name", ["__crdb__event_type", "__crdb_event_type__"])
def test_metadata_of_a_changefeed(name: str):
    """The event's kind and time come from the metadata columns; the previous row is decoded to cells of its columns."""
    before = '{"id": 7, "note": "old", "extra": {"a": ["x", 1]}, "gone": null}'
    table = pa.table(
        {
            "note": ["new", None],
            name: ["u", "d"],
            "__crdb__updated": ["1784758975071714277.0000000001", None],
            "__crdb__mvcc_timestamp": ["1784758975071714276.0000000000", "1784758975071714279.0000000000"],
            "__crdb__before": [before, None],
        }
    )
    (batch,), noted, blob = batches(written(table))
    row = batch.decode(0)
    assert (row.op, row.updated) == ("u", "1784758975071714277.0000000001")
    assert [cell for cell in row.cells if cell.part != "header"] == [
        Cell("after", "note", "", "new"),
        Cell("before", "note", "", "old"),
        Cell("before", "extra", "$.a[*]", "x"),
    ]
    deleted = batch.decode(1)
    assert (deleted.op, deleted.updated) == ("d", "1784758975071714279.0000000000")
    assert set(blob.columns.values()) == {""}
    assert noted.gaps == []


def test_a_value_is_found_without_its_row():
    """A position leads to the value around it, in a list and in the previous row's JSON too, as decoding the row gives it."""
    table = pa.table(
        {
            "note": [f"red one {row}" for row in range(FEWEST)],
            "tags": [["blue", f"red two {row}"] for row in range(FEWEST)],
            "__crdb__before": [f'{{"id": {row}, "other": {{"b": ["red three {row}"]}}}}' for row in range(FEWEST)],
        }
    )
    (batch,), _, _ = batches(written(table))
    found = []
    for haystack in batch.haystacks():
        at = np.array([match.end() - 1 for match in re.finditer(b"red", haystack.data)])
        which, rows = haystack.rows(at)
        assert (which.tolist(), rows.tolist(), haystack.adjacent) == (list(range(FEWEST)), list(range(FEWEST)), True)
        assert haystack.values is not None
        starts = haystack.values.starts(at, rows).tolist()
        row = haystack.values.row(1, starts[1:2])
        assert row is not None
        found += row.cells
    assert found == [
        Cell("after", "note", "", "red one 1"),
        Cell("after", "tags", "$[*]", "red two 1"),
        Cell("before", "other", "$.b[*]", "red three 1"),
    ]
    assert set(found) < set(batch.decode(1).cells)


def test_a_previous_row_that_is_no_json_is_scanned_as_text():
    """What cannot be decoded is one cell of its text, and a gap that names the row and not the value."""
    (batch,), noted, _ = batches(written(pa.table({"__crdb__before": ["{}", '{"a": ', "[1"]})))
    assert [batch.decode(index).cells for index in range(3)] == [
        [],
        [Cell("before", "", "", '{"a": ')],
        [Cell("before", "", "", "[1")],
    ]
    assert [(gap.row, gap.column) for gap in noted.gaps] == [(2, "__crdb__before"), (3, "__crdb__before")]
    assert all('"a"' not in gap.reason for gap in noted.gaps)


def test_columns_that_hold_no_text_are_named_with_their_type():
    """Numbers, times, UUIDs and the like are not read, and the account says why; mixed structs are read for their text."""
    kinds = {
        "bool": pa.bool_(), "int": pa.int32(), "float": pa.float64(), "day": pa.date32(), "time": pa.time64("us"),
        "at": pa.timestamp("us"), "uuid": pa.uuid(), "fixed": pa.binary(5), "amount": pa.decimal128(30, 2),
        "mixed": pa.struct({"n": pa.int64(), "s": pa.string()}), "numbers": pa.list_(pa.int64()), "json": pa.json_(),
        "a.b": pa.string(), "a": pa.struct({"b": pa.string()}),
    }  # fmt: skip
    _, noted, blob = batches(written(pa.table({name: pa.nulls(3, kind) for name, kind in kinds.items()})))
    assert blob.columns == {
        "bool": "BOOLEAN: holds no text",
        "int": "INT32: holds no text",
        "float": "DOUBLE: holds no text",
        "day": "INT32 DATE: holds no text",
        "time": "INT64 TIME: holds no text",
        "at": "INT64 TIMESTAMP: holds no text",
        "uuid": "FIXED_LEN_BYTE_ARRAY UUID: holds no text",
        "fixed": "",
        "amount": "FIXED_LEN_BYTE_ARRAY DECIMAL: holds no text",
        "mixed": "",
        "numbers": "INT64: holds no text",
        "json": "",
        "a.b": "",
        "a": "",
    }
    assert noted.gaps == []


def test_rows_are_counted_where_no_column_holds_text():
    """A table of numbers is read: its rows count, though there is nothing to scan."""
    found, noted, _ = batches(written(pa.table({"id": range(10)}), row_group_size=4))
    assert [len(batch) for batch in found] == [4, 4, 2]
    assert [list(batch.haystacks()) for batch in found] == [[], [], []]
    assert cells(found) == [[]] * 10
    assert noted.gaps == []


def test_columns_of_the_same_name_are_both_read():
    """A SELECT may give two columns one name: neither hides the other."""
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["x", "x"])
    (batch,), _, _ = batches(written(table))
    assert [cell.text for cell in batch.decode(0).cells] == ["a", "b"]


def test_an_empty_file_has_no_rows():
    """No rows, no batches, no gaps."""
    found, noted, blob = batches(written(pa.table({"a": pa.array([], pa.string())})))
    assert (sum(map(len, found)), noted.gaps, blob.columns) == (0, [], {"a": ""})


def damaged(body: bytes, group: int, column: int, *, from_part: float = 0.0) -> bytes:
    """Overwrite the pages of a column in one row group."""
    chunk = pq.read_metadata(io.BytesIO(body)).row_group(group).column(column)
    start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    end = start + chunk.total_compressed_size
    start += int((end - start) * from_part)
    return body[:start] + b"\xff" * (end - start) + body[end:]


def wide(rows: int) -> Any:
    """Return a table of three columns of text, whose values tell where they are."""
    return pa.table({name: pa.array([f"{name}{row * 7919}" for row in range(rows)]) for name in ("a", "b", "c")})


def test_a_damaged_column_costs_no_other_column_or_row_group():
    """One unreadable column of one row group is a gap with its place; all the rest is read."""
    body = damaged(written(wide(300), row_group_size=100, use_dictionary=False, compression="none"), 1, 1)
    found, noted, blob = batches(body)
    rows = cells(found)
    assert [[cell.column for cell in row] for row in rows] == [["a", "b", "c"]] * 100 + [["a", "c"]] * 100 + [
        ["a", "b", "c"]
    ] * 100
    assert [row[-1].text for row in rows] == [f"c{row * 7919}" for row in range(300)]
    ((uri, reason, row, column, _),) = noted.gaps
    assert (uri, row, column) == ("file.parquet", 101, "b")
    assert "end of row group 2" in reason
    assert (blob.columns["a"], blob.columns["c"]) == ("", "")
    assert blob.columns["b"].startswith("not fully scanned")


def test_a_damaged_column_is_read_up_to_the_damage(monkeypatch: pytest.MonkeyPatch):
    """The batches before the damage have the column; the gap begins at the row from which it is missing."""
    monkeypatch.setattr("auditor.decoders.parquet.BATCH_BYTES", 20_000)
    body = written(wide(20_000), use_dictionary=False, compression="none", data_page_size=10_000)
    found, noted, _ = batches(damaged(body, 0, 1, from_part=0.5))
    with_b = [any(cell.column == "b" for cell in row) for row in cells(found)]
    assert len(with_b) == 20_000
    assert with_b == sorted(with_b, reverse=True)
    assert 5000 < sum(with_b) < 11_000
    (gap,) = noted.gaps
    assert (gap.row, gap.column) == (sum(with_b) + 1, "b")


def test_rows_count_where_every_column_is_damaged():
    """A row group of which nothing can be read leaves a gap for each column, and the next one is read."""
    body = written(wide(200), row_group_size=100, use_dictionary=False, compression="none")
    for column in range(3):
        body = damaged(body, 0, column)
    found, noted, _ = batches(body)
    rows = cells(found)
    assert len(rows) == 200
    assert rows[0] == []
    assert [cell.text for cell in rows[100]] == ["a791900", "b791900", "c791900"]
    assert [(gap.row, gap.column) for gap in noted.gaps] == [(1, "a"), (1, "b"), (1, "c")]


def test_what_is_no_whole_parquet_is_refused():
    """A file without footer, or of something else behind the magic number, is a `DecodeError` that says what to do."""
    body = written(orders(3))
    for cut in (body[:100], body[:-1], b"PAR1" + b"text\n" * 10):
        with pytest.raises(DecodeError) as caught:
            opened(cut, Noted())
        assert caught.value.fix


class Unseekable(io.BytesIO):
    """A stream that gives out little at a time and cannot be sought in."""

    def seekable(self) -> bool:
        """Say no."""
        return False

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most 1,000 bytes."""
        return super().read(1000 if size is None or size < 0 else min(size, 1000))


def test_a_stream_is_held_in_memory_up_to_a_bound(monkeypatch: pytest.MonkeyPatch):
    """From standard input a file is read whole; one that is too large says how else to scan it."""
    body = written(wide(2000))
    noted = Noted()
    blob = open_parquet(Unseekable(body), "-", "", noted)
    assert len(cells(list(blob.batches(0, 1)))) == 2000
    assert LARGEST_UNSEEKABLE >= 1 << 20
    monkeypatch.setattr("auditor.decoders.parquet.LARGEST_UNSEEKABLE", len(body) - 1)
    with pytest.raises(DecodeError, match="cannot be read from a stream") as caught:
        open_parquet(Unseekable(body), "-", "", noted)
    assert "save it to a file" in caught.value.fix


def test_the_sizes_of_row_groups():
    """Whoever shares out the work is told the bytes of each row group."""
    sizes = group_sizes(io.BytesIO(written(wide(250), row_group_size=100)))
    assert len(sizes) == 3
    assert sizes[0] == pytest.approx(sizes[1], rel=0.2)
    assert sizes[2] < sizes[0]


def grown(body: bytes, tmp_path: Path) -> tuple[int, int]:
    """Return how many rows a file has, and by how many megabytes reading it made this process grow."""
    path = tmp_path / "big.parquet"
    path.write_bytes(body)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = 0
    noted = Noted()
    with path.open("rb") as file:
        blob = open_parquet(file, "big", "", noted)
        for batch in blob.batches(0, len(blob.groups)):
            rows += len(batch)
            for haystack in batch.haystacks():
                assert len(haystack.data) < 80 << 20
    assert noted.gaps == []
    return rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024


def test_few_distinct_long_values_cost_no_memory(tmp_path: Path):
    """A default of 20 kB in each of 100,000 rows is 2 GB of text in a file of kilobytes: it is scanned once, not spelled out."""
    table = pa.table({"settings": pa.DictionaryArray.from_arrays(np.zeros(100_000, np.int32), [TOKEN * 1200])})
    rows, megabytes = grown(
        written(table.cast(pa.schema({"settings": pa.dictionary(pa.int32(), pa.string())})), store_schema=False), tmp_path
    )
    assert rows == 100_000
    assert megabytes < 100


def test_long_values_of_a_dictionary_make_small_batches(tmp_path: Path):
    """Twenty values of 40 kB in 20,000 rows are 800 MB of text: they are spelled out a few rows at a time."""
    values = [f"{number:02d}" * 20_000 for number in range(20)]
    codes = np.arange(20_000, dtype=np.int32) % 20
    table = pa.table(
        {"settings": pa.DictionaryArray.from_arrays(codes, values), "note": [f"note {number}" for number in range(20_000)]}
    )
    rows, megabytes = grown(written(table, store_schema=False), tmp_path)
    assert rows == 20_000
    assert megabytes < 100


def test_batches_shrink_where_values_are_longer_than_the_footer_told(tmp_path: Path):
    """Where only the middle of a column is long, which no footer tells, the batches after the first long one are smaller."""
    values = ["a", "z", *(f"{number:02d}" * 4000 for number in range(10, 30))]
    codes = np.concatenate((np.arange(2000) % 2, 2 + np.arange(18_000) % 20)).astype(np.int32)
    table = pa.table(
        {"settings": pa.DictionaryArray.from_arrays(codes, values), "note": [f"{number * 7919}" for number in range(20_000)]}
    )
    rows, _ = grown(written(table, store_schema=False), tmp_path)
    assert rows == 20_000
