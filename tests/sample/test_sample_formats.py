import base64
import csv
import gzip
import hashlib
import io
import json
import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.sample.catalogue import FORMATS
from auditor.sample.changes import changes
from auditor.sample.encode import csv_text, sql_text
from auditor.sample.encode.bytea import escape_form, hex_form
from auditor.sample.encode.json_text import compacted, go_quoted, jsonb, quoted
from auditor.sample.encode.moments import iso_utc, sql_utc
from auditor.sample.sql_types import SqlType
from auditor.sample.tables import TABLES
from auditor.sample.writer import SampleOptions, write_sample
from tests.sample.sample_readers import bytea, literals, read

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURRENT = ("export-", "sql-")


def plain(column, value):
    """Return a logical value in the form that every reader's value is brought to."""
    if value is None:
        return None
    if column.type is SqlType.JSONB:
        return orjson.loads(orjson.dumps(value))
    if column.type is SqlType.BYTES:
        return value.hex()
    return str(value) if column.type is SqlType.DECIMAL else value


def read_value(column, value):
    """Bring a value that a reader gave, typed or as text, to the same form."""
    if value is None:
        return None
    kind = column.type
    if kind is SqlType.BYTES:
        return value.hex() if isinstance(value, bytes) else value.removeprefix("\\x")
    if kind is SqlType.UUID:
        return str(uuid.UUID(bytes=value) if isinstance(value, bytes) else value)
    if kind is SqlType.TIMESTAMPTZ:
        moment = datetime.fromisoformat(value)
        return (moment - EPOCH).days * 86_400_000_000 + (moment - EPOCH).seconds * 1_000_000 + moment.microsecond
    if kind is SqlType.DECIMAL:
        return value.decode() if isinstance(value, bytes) else str(value)
    if kind is SqlType.BOOL:
        return value if isinstance(value, bool) else {"true": True, "t": True, "false": False, "f": False}[value.strip()]
    if kind in (SqlType.INT8, SqlType.FLOAT8):
        return type_of(kind)(value)
    if kind is SqlType.JSONB:
        return orjson.loads(value) if isinstance(value, str | bytes) else value
    if kind is SqlType.STRING_ARRAY:
        return value if isinstance(value, list) else array(value)
    return value.decode() if isinstance(value, bytes) else value


def type_of(kind):
    return int if kind is SqlType.INT8 else float


def array(text):
    """Read an array as EXPORT or as the shell writes it."""
    if text.startswith("ARRAY["):
        return [next(iter(literals(item)), None) for item in re.findall(r"NULL|e?'(?:[^'\\]|\\.)*'", text)]
    items = next(csv.reader([text[1:-1]], escapechar="\\")) if text != "{}" else []
    return [None if item == "NULL" else item for item in items]


def shell_text(value):
    """Undo what the shell does to text with control characters."""
    return (
        value.encode("ascii").decode("unicode_escape") if isinstance(value, str) and re.search(r"\\[abfnrtvx]", value) else value
    )


def same(layout, column, seen, logical):
    """Compare a value with the logical one; an aligned table keeps neither tabs nor spaces at line ends."""
    got, expected = read_value(column, seen), plain(column, logical)
    if got == expected:
        return True
    if column.type is SqlType.DECIMAL and expected is not None:
        return Decimal(got) == Decimal(expected)
    if layout.startswith("sql-") and isinstance(expected, str):
        got = shell_text(got)
        if layout == "sql-table":
            return [line.rstrip() for line in got.split("\n")] == [
                line.expandtabs(1).rstrip() for line in expected.split("\n")
            ] or ("".join(got.split()) == "".join(expected.split()))
    return got == expected


def expected_changes(sample, planned, table):
    """Return the logical changes of one table."""
    return list(islice(changes(table, *planned), sample.rows))


@pytest.mark.parametrize("layout", [name for name in FORMATS if not name.startswith("audit-")])
def test_every_format_carries_the_same_rows(sample, planned, files_of, layout):
    """Parsed by other means, each format gives back the logical rows of each table, in order, value by value."""
    seen = {table.name: [] for table in TABLES}
    for name in files_of(layout):
        family = "detail" if "logs+detail" in name else ""
        for _, records in read(sample.folder, name, layout):
            for record in records:
                if not family:
                    seen[record.table].append(record)
    for table in TABLES:
        history = expected_changes(sample, planned, table)
        current = layout.startswith(CURRENT) or layout in {"csv", "row"}
        wanted = [change for change in history if not (current and change.op == "d")]
        if layout == "families" and table.name != "logs":
            continue
        if layout == "families":
            wanted = [
                change
                for change in wanted
                if change.op != "u" or any(change.row[name] != change.before[name] for name in table.families["primary"])
            ]
        assert len(seen[table.name]) == len(wanted)
        for record, change in zip(seen[table.name], wanted, strict=True):
            check(layout, table, record, change)


def check(layout, table, record, change):
    """Compare one record with its change."""
    if record.key is not None:
        values = [record.key[name] for name in table.key] if isinstance(record.key, dict) else record.key
        assert [read_value(table.column(name), value) for name, value in zip(table.key, values, strict=True)] == [
            change.row[name] for name in table.key
        ]
    pairs = [(record.before, change.before)] if record.before is not None else []
    if change.op != "d" and layout != "cli-key-only":
        pairs.append((record.after, change.row))
    for seen, logical in pairs:
        for name, value in seen.items():
            assert same(layout, table.column(name), value, logical[name]), (layout, table.name, name)
        assert layout == "families" or (list(seen) and set(seen) == set(table.names))


def test_the_same_seed_writes_the_same_bytes(sample, tmp_path):
    """Two runs with one seed agree byte for byte, compressed files and truth included; another seed does not."""
    first, again, other = digests(sample), None, None
    for seed in (1, 2):
        options = SampleOptions(tmp_path / str(seed) / "d", rows=sample.rows, seed=seed)
        options.folder.parent.mkdir()
        write_sample(options)
        again, other = (digests(options), other) if seed == 1 else (again, digests(options))
    assert again == first
    assert other != first


def digests(options):
    files = {path.relative_to(options.folder).as_posix(): path for path in options.folder.rglob("*") if path.is_file()}
    files["truth"] = options.truth
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_size_is_kept_whatever_the_compression(tmp_path, compression):
    """With a size, a file holds about as many bytes of text, and the plan of every kind fits into it."""
    options = SampleOptions(tmp_path / "d", size=2_000_000, formats=("wrapped-mixed",), compression=compression)
    (name,) = write_sample(options)
    total = sum(1 for _ in read(options.folder, name, "wrapped-mixed"))
    assert total > 2000
    if compression == "none":
        assert 2_000_000 <= (options.folder / name).stat().st_size < 2_010_000


def test_one_kind_can_stand_in_every_row(tmp_path):
    """With a kind for every row, each row holds one token of it, and the truth says so once for each column."""
    options = SampleOptions(tmp_path / "d", rows=30, formats=("wrapped-mixed",), token_every_row="github-pat-classic")
    (name,) = write_sample(options)
    prefix = "gh" + "p_"
    for _, (record,) in read(options.folder, name, "wrapped-mixed"):
        assert prefix in json.dumps([record.after, record.before])
    found = [orjson.loads(line) for line in options.truth.read_bytes().splitlines() if b'"found"' in line]
    assert {(line["table"], line["part"], line["row"]) for line in found} == {
        (table.name, part, None) for table in TABLES for part in ("after", "before")
    }


def test_resolved_files_come_after_what_they_cover(sample):
    """A RESOLVED file sorts after the files whose rows it covers and before the next ones, and no row is on the wrong side."""
    for feed in (sample.folder / "changefeed").iterdir():
        if feed.name in ("csv", "parquet"):
            continue
        names = sorted((path for path in feed.rglob("*") if path.is_file()), key=lambda path: path.name)
        resolved = [path.name.endswith(".RESOLVED") for path in names]
        assert resolved.count(True) == 2
        assert resolved[-1]
        low = "0"
        for path in names:
            if path.name.endswith(".RESOLVED"):
                text = path.read_text()
                assert re.fullmatch(r'\{"resolved":"\d{19}\.\d{10}"\}', text)
                low = text[13:-2]
                continue
            high = next(other for other in names[names.index(path) :] if other.name.endswith(".RESOLVED")).read_text()[13:-2]
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for moment in re.findall(rb'"updated": "(\d+\.\d+)"', raw):
                assert low < moment.decode() < high


def test_partitions_follow_the_timestamps(sample):
    """Daily and hourly folders are those of the timestamps in the file names; a flat feed has none."""
    for name, form in (("wrapped", "{0}-{1}-{2}"), ("wrapped-gzip", "{0}-{1}-{2}/{3}"), ("wrapped-zstd", ".")):
        feed = sample.folder / "changefeed" / name
        for path in (path for path in feed.rglob("*") if path.is_file()):
            stamp = path.name
            expected = form.format(stamp[:4], stamp[4:6], stamp[6:8], stamp[8:10])
            assert path.parent.relative_to(feed).as_posix() == expected


def test_parquet_states_the_types_that_cockroachdb_states(sample, files_of):
    """DECIMAL is text under a DECIMAL annotation, which Arrow refuses without precision; the others have their logical types."""
    orders = next(name for name in files_of("export-parquet") if "/orders/" in name)
    with pytest.raises(pa.ArrowInvalid, match="precision"):
        pq.ParquetFile(sample.folder / orders)
    users = pq.ParquetFile(sample.folder / next(name for name in files_of("export-parquet") if "/users/" in name))
    schema = {users.schema.column(place).name: users.schema.column(place) for place in range(len(users.schema))}
    assert users.metadata.created_by == "cockroachdb"
    assert str(schema["balance"].logical_type) == "Decimal(precision=12, scale=2)"
    assert schema["balance"].physical_type == "BYTE_ARRAY"
    assert (schema["id"].physical_type, schema["id"].length, str(schema["id"].logical_type)) == (
        "FIXED_LEN_BYTE_ARRAY",
        16,
        "UUID",
    )
    assert str(schema["preferences"].logical_type) == "JSON"
    assert str(schema["status"].logical_type) == "Enum"
    assert str(schema["created_at"].logical_type) == "String"


def test_resolved_files_of_parquet_feeds_are_parquet(sample):
    """They hold one DECIMAL of an HLC timestamp, as text."""
    paths = sorted((sample.folder / "changefeed" / "parquet").rglob("*.RESOLVED"))
    assert len(paths) == 2
    for path in paths:
        raw = path.read_bytes()
        assert raw[:4] == raw[-4:] == b"PAR1"
        assert b"__crdb__resolved" in raw
        assert re.search(rb"\d{19}\.0000000000", raw)


def test_the_codec_of_parquet_lies_inside_the_file(sample, files_of):
    """``.parquet.gz`` and ``.parquet.snappy`` are Parquet files; the suffix names the codec of their pages."""
    for layout, codec in (
        ("export-parquet", "UNCOMPRESSED"),
        ("export-parquet-snappy", "SNAPPY"),
        ("export-parquet-gzip", "GZIP"),
    ):
        name = next(name for name in files_of(layout) if "/users/" in name)
        assert pq.ParquetFile(sample.folder / name).metadata.row_group(0).column(0).compression == codec


def test_the_result_set_of_export_agrees_with_the_files(sample, planned):
    """``result.csv`` states each file's name, rows and bytes."""
    for path in (sample.folder / "exports").rglob("result.csv"):
        (row,) = csv.DictReader(path.read_text().splitlines())
        assert (path.parent / row["filename"]).stat().st_size == int(row["bytes"])
        table = next(table for table in TABLES if table.name == path.parent.name)
        assert int(row["rows"]) == sum(change.op != "d" for change in expected_changes(sample, planned, table))


def test_the_schema_names_every_table_and_column(sample):
    """``schema.sql`` creates the five tables with their columns in order."""
    text = (sample.folder / "exports" / "schema.sql").read_text()
    created = {
        name: re.findall(r"^    (\w+) (?!\w+_pkey)", body, re.MULTILINE)
        for name, body in re.findall(r"CREATE TABLE public\.(\w+) \((.*?)\n\);", text, re.DOTALL)
    }
    assert {name: tuple(column for column in columns if column != "CONSTRAINT") for name, columns in created.items()} == {
        table.name: table.names for table in TABLES
    }


def test_json_is_spelled_as_cockroachdb_spells_it():
    r"""Members sorted, spaces after comma and colon, controls as \u00xx without short forms, other scripts and HTML raw."""
    assert quoted('a"\\\n\r\t\b\f\x01\x7f<é\u2028🎁') == '"a\\"\\\\\\n\\r\\t\\u0008\\u000c\\u0001\x7f<é\u2028🎁"'
    assert quoted("\\b\b") == '"\\\\b\\u0008"'
    assert jsonb({"b": [1, 2.5, None, True], "a": {"ü": "\b"}}) == '{"a": {"ü": "\\u0008"}, "b": [1, 2.5, null, true]}'
    assert jsonb({}) == "{}"


def test_go_marshals_without_spaces_and_escapes_html():
    """The shell's and the older sinks' JSON: compact, numbers digit for digit."""
    assert go_quoted("<a & b>\u2028") == '"\\u003ca \\u0026 b\\u003e\\u2028"'
    assert compacted('{"b": 53.00, "a": [1, "x y", null, true, "<"]}') == '{"b":53.00,"a":[1,"x y",null,true,"\\u003c"]}'


def test_bytea_has_two_forms():
    """Hex for everything, or readable ASCII with doubled backslashes and octal escapes."""
    assert hex_form("[1]") == "\\x5b315d"
    assert escape_form('a\\"\né') == 'a\\\\"\\012\\303\\251'
    assert bytea(escape_form('a\\"\né')).decode() == 'a\\"\né'


def test_sql_literals_escape_what_cockroachdb_escapes():
    r"""Plain where possible; else e'...' with short escapes, \xXX, \uXXXX and \UXXXXXXXX."""
    assert sql_text.literal("plain <text>") == "'plain <text>'"
    assert sql_text.literal("it's\n\x1bé美🎁\\") == "e'it\\'s\\n\\x1b\\u00E9\\U00007F8E\\U0001F381\\\\'"
    assert literals(sql_text.literal("it's\n\x1bé美🎁\\")) == ["it's\n\x1bé美🎁\\"]


def test_csv_quotes_as_little_as_go_does():
    r"""Quotes only for the delimiter, quotes, line breaks, a leading space and a lone ``\.``."""
    assert csv_text.record(["a b", "", "x,y", 'q"', "l\n", " s", "\\.", "|"]) == 'a b,,"x,y","q""","l\n"," s","\\.",|\n'
    assert csv_text.record(["a,b", "c|d"], "|") == 'a,b|"c|d"\n'
    assert next(csv.reader(io.StringIO(csv_text.record(['a"\n', "b"]), newline=""))) == ['a"\n', "b"]


def test_times_lose_their_trailing_zeros():
    """Both forms cut zeros at the end of the fraction, and the dot with them."""
    moment = 1_767_225_600_000_000
    assert iso_utc(moment) == "2026-01-01T00:00:00Z"
    assert iso_utc(moment + 120_000) == "2026-01-01T00:00:00.12Z"
    assert sql_utc(moment + 86_399_000_001) == "2026-01-01 23:59:59.000001+00"


def test_rows_hold_every_awkward_thing(planned):
    """Line breaks, quotes, delimiters, controls, other scripts, NULL and base64 are in the rows, so that readers meet them."""
    texts = [
        value
        for table in TABLES
        for change in islice(changes(table, *planned), 400)
        for value in change.row.values()
        if isinstance(value, str) or value is None
    ]
    whole = "\n".join(text for text in texts if text)
    for wanted in ("\n", "\r\n", "\t", '"', ",", "|", "\\", "\x1b", "é", "美", "<", "$2b$12$"):
        assert wanted in whole
    assert None in texts
    assert any(base64.b64decode(text)[:4] == b"\x89PNG" for text in texts if text and text.startswith("iVBORw0KGgo"))
