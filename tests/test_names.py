from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import names
from auditor.hlc import Timestamp
from auditor.names import ChangefeedFile, ExportFile, ResolvedFile

NAME = "202004022058072107140000000000000-56087568dba1e6b8-1-72-00000000-{}.ndjson"
STAMP = Timestamp(1585861087_210714000, 0)


@pytest.mark.parametrize(
    ("topic", "table", "family", "schema"),
    [
        ("test_table-1", "test_table", "", 1),
        ("office_dogs+primary-2a", "office_dogs", "primary", 0x2A),
        ("movr.public.drivers-3", "movr.public.drivers", "", 3),
        ("odd-name v2.0-1-7", "odd-name v2.0-1", "", 7),
        ("a/b-1", "a/b", "", 1),
    ],
)
def test_the_name_of_a_changefeed_file_tells_its_table(topic, table, family, schema):
    """Whatever the table is called, its name is found between the fixed parts."""
    file = names.parse("2020-04-02/" + NAME.format(topic))
    assert file == ChangefeedFile(STAMP, "56087568dba1e6b8", 1, 72, 0, table, family, schema, "ndjson", "")
    assert names.table_of_name(NAME.format(topic)) == table


@pytest.mark.parametrize(
    ("suffix", "format_", "compression"), [("csv.gz", "csv", "gz"), ("ndjson.zst", "ndjson", "zst"), ("parquet", "parquet", "")]
)
def test_format_and_compression_are_in_the_suffix(suffix, format_, compression):
    """Each format and compression of the cloud storage sink is known."""
    file = names.parse(NAME.format("t-1").replace("ndjson", suffix))
    assert isinstance(file, ChangefeedFile)
    assert (file.format, file.compression) == (format_, compression)


def test_a_resolved_marker_is_named_by_its_timestamp():
    """Nanoseconds and the logical part are read from the digits."""
    assert names.parse("/2020-04-04/202004042351304139680000000000012.RESOLVED") == ResolvedFile(
        Timestamp(1586044290_413968000, 12)
    )
    assert names.resolved_of_name("202004042351304139680000000000012.RESOLVED") == Timestamp(1586044290_413968000, 12)
    assert names.resolved_of_name("x.RESOLVED") is None


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("export16808a04292505c80000000000000001-n1.0.csv.gz", ExportFile("16808a04292505c80000000000000001", 1, 0, "csv", "gz")),
        (
            "s3/export16808a-n812345678901234567.12.parquet.snappy",
            ExportFile("16808a", 812345678901234567, 12, "parquet", "snappy"),
        ),
    ],
)
def test_the_name_of_an_exported_file_tells_its_run(name, file):
    """Run, node and chunk are in the name, the table is not."""
    assert names.parse(name) == file
    assert names.table_of_name(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "users.csv",
        "exports.csv",
        NAME.format("t-1") + ".bak",
        "209913422058072107140000000000000.RESOLVED",
        "1" * 32 + ".RESOLVED",
    ],
)
def test_other_names_tell_nothing(name):
    """Names of another form, or with a time that there is not, are not taken for CockroachDB's."""
    assert names.parse(name) is None


# From CockroachDB's own table of names and topics (changefeedbase/name_test.go).
@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("foo", "foo"),
        ("_u0021_", "!"),
        ("foo_u0021_bar", "foo!bar"),
        ("foo_u005f__u0075__u0030__u0030__u0032__u0031__u005f_bar", "foo_u0021_bar"),
        ("_u2603_", "☃"),
        ("_u002e_", "."),
        ("_u0010ffff_", "\U0010ffff"),
        ("_ud800_", "_ud800_"),
        ("_u00ffffff_", "_u00ffffff_"),
    ],
)
def test_escapes_of_a_topic_are_undone(topic, name):
    """Escaped runes come back; what is no rune stays."""
    assert names.unescaped_topic(topic) == name


@given(st.text(alphabet="ab_u01!é☃\U0001f600", max_size=12))
def test_what_kafka_takes_as_a_topic_comes_back(name):
    """Names escaped rune by rune are read back, names that look like escapes too."""
    escaped = "".join(
        character
        if character.isascii() and character.isalnum() and character != "u"
        else f"_u{ord(character):0{4 if ord(character) < 65536 else 8}x}_"
        for character in name
    )
    assert names.unescaped_topic(escaped) == name


@pytest.mark.parametrize(
    ("topic", "table"),
    [
        ("drivers", "drivers"),
        ("drivers.primary", "drivers"),
        ("drivers.fam_1_a_b", "drivers"),
        ("office_dogs+employee", "office_dogs"),
        ("prod.users", "prod.users"),
        ("movr.public.drivers", "movr.public.drivers"),
        ("movr.public.drivers.primary", "movr.public.drivers"),
        ("_u0061_.public.t", "a.public.t"),
        ("", ""),
    ],
)
def test_a_topic_tells_its_table(topic, table):
    """Families go, escapes are undone, and what may be a prefix stays."""
    assert names.table_from_topic(topic) == table


def test_the_suffix_of_the_data_is_under_that_of_the_compression():
    """Compression suffixes are passed over."""
    assert [names.data_suffix(name) for name in ("a.csv.gz", "b/c.TSV", "d", "e.gz", "f.parquet.snappy")] == [
        "csv",
        "tsv",
        "",
        "",
        "parquet",
    ]
