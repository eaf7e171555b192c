import base64
import re
from collections import defaultdict
from urllib.parse import unquote

import jsonschema
import orjson
import pytest

from auditor.sample.catalogue import FORMATS
from auditor.sample.tokens import catalogue
from auditor.sample.truth import TruthLine, read_lines, truth_schema
from tests.sample.sample_readers import Record, literals, read

_STEP = re.compile(r"\.\{name\}|\.([^.\[]+)|\[\*\]")


def under(value, path):
    """Return the values at a path; text on the way is parsed as JSON."""
    found = [value]
    for match in _STEP.finditer(path.removeprefix("$")):
        below = []
        for value_or_text in found:
            item = orjson.loads(value_or_text) if isinstance(value_or_text, str | bytes) else value_or_text
            if match[0] == "[*]":
                below.extend(item if isinstance(item, list) else [])
            elif match[0] == ".{name}":
                below.extend(item)
            elif isinstance(item, dict) and match[1] in item:
                below.append(item[match[1]])
        found = below
    return found


def decoded(text, encoding):
    """Undo one encoding, of the whole text or of the runs in it."""
    if encoding == "hex":
        return bytes.fromhex(text.removeprefix("\\x")).decode("utf-8", "replace")
    if encoding == "percent":
        return unquote(text)
    if encoding in ("base64", "base64url"):
        runs = re.findall(r"[A-Za-z0-9+/]{16,}" if encoding == "base64" else r"[A-Za-z0-9_-]{16,}", text)
        alphabet = b"-_" if encoding == "base64url" else None
        whole = (run[: len(run) - (len(run) % 4 == 1)] for run in runs)
        return "\n".join(
            base64.b64decode(run + "=" * (-len(run) % 4), altchars=alphabet).decode("utf-8", "replace") for run in whole
        )
    assert encoding == "json"
    return text


def cells(record: Record, line: TruthLine):
    """Return the texts in which a line says that its plant is, before decoding."""
    if record.text:
        return leaves_of(record.text)
    if line.part == "key":
        key = list(record.key.values()) if isinstance(record.key, dict) else record.key
        assert not isinstance(record.key, dict) or line.column in record.key
        return key
    columns = record.after if line.part == "after" else record.before
    value = (columns or {}).get(line.column)
    if value is None:
        return []
    if isinstance(value, str) and value.startswith("{") and line.path == "$[*]":
        return [value]  # an array as the SQL shell prints it
    if isinstance(value, str) and value.startswith("ARRAY["):
        return literals(value)
    return under(value, line.path) if line.path else [value]


def leaves_of(statement):
    """Return a statement's text, its literals, and every text in the JSON among those."""
    found = [statement, *literals(statement.rpartition("\nrequest ")[2] if "\nrequest " in statement else statement)]
    for text in found:
        if text[:1] in ("{", "["):
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
            found.extend(texts_in(value))
    return found


def texts_in(value):
    if isinstance(value, str):
        yield value
    for name, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(name, str):
            yield name
        yield from texts_in(child)


def holds(cell, line):
    """Tell whether a cell holds the planted text under the encodings that the line names."""
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
    for encoding in line.encoded:
        try:
            text = decoded(text, encoding)
        except ValueError:
            return False
    if line.format == "sql-table":
        return "".join(line.text.split()) in "".join(text.split())
    return line.text in text


@pytest.fixture(scope="module", name="by_file")
def by_file_fixture(sample):
    lines = defaultdict(list)
    for line in read_lines(sample.truth):
        lines[line.format, line.file].append(line)
    return lines


@pytest.mark.parametrize("layout", FORMATS)
def test_every_plant_is_where_the_truth_says(sample, by_file, layout):
    """Decoded by other means, each file holds each planted text at the row, part, column and path that its truth line names."""
    checked = 0
    for (form, name), lines in by_file.items():
        if form != layout:
            continue
        records = dict(read(sample.folder, name, layout))
        for line in lines:
            if line.row is None:
                continue
            candidates = [
                cell for record in records[line.row] if record.table in ("", line.table) for cell in cells(record, line)
            ]
            assert any(holds(cell, line) for cell in candidates), (
                line.file,
                line.row,
                line.part,
                line.column,
                line.path,
                line.kind,
                line.encoded,
            )
            checked += 1
    assert checked >= (8 if layout == "cli-key-only" else 50)


@pytest.mark.parametrize("layout", ["wrapped", "wrapped-mixed", "export-csv", "export-parquet", "parquet", "csv"])
def test_every_kind_is_planted_at_least_once(by_file, layout):
    """Every kind, real or not, is somewhere in the feed and in the exports."""
    planted = {(line.kind, line.expect) for (form, _), lines in by_file.items() if form == layout for line in lines}
    kinds = (*catalogue.REAL, *catalogue.SPOILED, *catalogue.UNKNOWN, *catalogue.OPAQUE, *catalogue.LOOKALIKES)
    assert {(kind.id, kind.expect.value) for kind in kinds} <= planted


def test_every_hiding_place_is_used(by_file):
    """Tokens lie in columns, JSON, names, keys, earlier versions, deleted rows, and under each encoding."""
    wrapped = [line for (form, _), lines in by_file.items() if form == "wrapped" for line in lines]
    assert {line.part for line in wrapped} == {"after", "before", "key"}
    assert {line.encoded for line in wrapped} >= {(), ("base64",), ("base64url",), ("hex",), ("percent",), ("json",)}
    assert any(line.path.endswith(".{name}") for line in wrapped)
    assert any(line.path == "" for line in wrapped)
    assert any("[*]" in line.path for line in wrapped)


def test_a_plant_in_both_versions_of_a_row_is_told_once(by_file):
    """The same secret before and after an update is one occurrence, as in findings."""
    for lines in by_file.values():
        places = [
            (line.row, line.table, line.column, line.path, line.kind, line.secret)
            for line in lines
            if line.row and line.part != "key"
        ]
        assert len(places) == len(set(places))


def test_some_long_log_entries_are_broken_inside_a_token(sample, by_file):
    """crdb-v2 breaks long entries wherever they reach the limit, which is at times inside a secret."""
    ((name, lines),) = [(name, lines) for (form, name), lines in by_file.items() if form == "audit-crdb-v2"]
    raw = (sample.folder / name).read_text("utf-8").replace("‹", "").replace("›", "")
    assert any(
        len(line.secret) > 30 and "\n" not in line.secret and not line.encoded and line.secret not in raw for line in lines
    )


def test_raw_session_ids_are_told_for_the_whole_column(by_file):
    """A column that is opaque throughout has one line a part, without a row."""
    (lines,) = [lines for (form, _), lines in by_file.items() if form == "wrapped-mixed"]
    throughout = [line for line in lines if line.row is None]
    assert {(line.table, line.column, line.part, line.expect) for line in throughout} == {
        ("sessions", "session_id", "after", "opaque"),
        ("sessions", "session_id", "before", "opaque"),
        ("sessions", "", "key", "opaque"),
    }


def test_the_truth_follows_its_schema(sample, schema_file):
    """Every line is valid under schemas/truth.schema.json, which is made from the type."""
    schema = orjson.loads(schema_file.read_bytes())
    assert {name: value for name, value in schema.items() if name not in ("$schema", "title")} == {
        name: value for name, value in orjson.loads(orjson.dumps(truth_schema())).items() if name != "title"
    }
    validator = jsonschema.Draft202012Validator(schema)
    with sample.truth.open("rb") as lines:
        for number, line in enumerate(lines):
            if number % 40 == 0:
                validator.validate(orjson.loads(line))
