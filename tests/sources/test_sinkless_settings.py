"""Settings of a sinkless feed, from YAML's values and from a URI."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from auditor.errors import ConfigError
from auditor.hlc import Timestamp
from auditor.sources.sinkless.login import login
from auditor.sources.sinkless.settings import SinklessSettings

PASSWORD = "pass" + "word-of-mine"
FIELDS = {"name": "shop", "host": "db.example.com", "user": "auditor", "tables": ["shop.public.users"]}


def settings(**fields):
    return SinklessSettings.model_validate({**FIELDS, **fields})


def test_a_dsn_says_the_same_as_its_parts():
    """Escapes are undone, and the ssl options are fields."""
    dsn = "postgresql://audit%20or@db.example.com:26258/my%20shop?sslmode=verify-ca&sslrootcert=/etc/ca.crt"
    one = SinklessSettings.model_validate({"name": "shop", "dsn": dsn, "tables": ["a"]})
    assert (one.host, one.port, one.user, one.database) == ("db.example.com", 26258, "audit or", "my shop")
    assert (one.sslmode, str(one.sslrootcert)) == ("verify-ca", "/etc/ca.crt")
    assert one.origin == "cockroachdb://db.example.com:26258/my shop"


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://auditor:{PASSWORD}@db/shop",
        f"postgresql://auditor@db/shop?password={PASSWORD}",
        f"postgresql://auditor:{PASSWORD}@db:port/shop",
        f"postgresql://auditor:{PASSWORD}@[db/shop",
        f"mysql://auditor:{PASSWORD}@db/shop",
        f"postgresql://auditor:{PASSWORD}@a,b/shop",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(dsn):
    """Neither the text of the error nor its repr holds it."""
    with pytest.raises(ValidationError) as caught:
        SinklessSettings.model_validate({"name": "shop", "dsn": dsn, "tables": ["a"]})
    assert PASSWORD not in str(caught.value) + repr(caught.value)
    with pytest.raises(ConfigError) as refused:
        SinklessSettings.from_uri(dsn.replace("postgresql", "cockroachdb") + ("&" if "?" in dsn else "?") + "tables=a")
    assert PASSWORD not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tables": []}, "either tables or query"),
        ({"query": "SELECT 1 FROM a"}, "either tables or query"),
        ({"tables": [], "query": "DROP TABLE a"}, "SELECT"),
        ({"tables": ["a", "a"]}, "twice"),
        ({"tables": ["a\nb"]}, "control character"),
        ({"format": "avro"}, "JSON"),
        ({"envelope": "row", "diff": True}, "diff"),
        ({"initial_scan": "only", "end_time": "1784758953157033880.0"}, "end_time"),
        ({"end_time": "2026-01-31T12:00:00"}, "zone"),
        ({"sslcert": "/a"}, "sslkey"),
        ({"sslmode": "verify-ca"}, "sslrootcert"),
        ({"options": {"resolved": "1s"}}, "field of its own"),
        ({"options": {"a; DROP": True}}, "lower-case"),
        ({"resolved": "1ms"}, "0.5"),
        ({"host": "x", "dsn": "postgresql://u@y/d"}, "beside it"),
        ({"pasword": "x"}, "Extra"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields, said):
    """The error says which, and what to write."""
    with pytest.raises(ValidationError, match=re.escape(said)):
        settings(**fields)


@pytest.mark.parametrize(("given", "seconds"), [("500ms", 0.5), ("5s", 5), ("1m", 60), ("1h", 3600), (7, 7), ("1.5s", 1.5)])
def test_times_are_seconds_or_text(given, seconds):
    """As CockroachDB writes them, or plain numbers."""
    assert settings(resolved=given).resolved == seconds


@pytest.mark.parametrize(("given", "scan"), [(True, "yes"), (False, "no"), ("only", "only")])
def test_yaml_may_write_yes_and_no_without_quotes(given, scan):
    """They are booleans by the time they come here."""
    assert settings(initial_scan=given).initial_scan == scan


def test_an_end_time_is_a_moment_or_a_timestamp():
    """A time with its zone is read to the microsecond, CockroachDB's own form to the digit."""
    assert settings(end_time="2026-01-31T12:00:00.000001+01:00").end_time == Timestamp(1769857200000001000)
    assert settings(end_time="1784758953157033880.0000000001").end_time == Timestamp(1784758953157033880, 1)


@given(st.integers(0, 9 * 10**18), st.integers(0, 10**9))
def test_an_end_time_can_be_written_back(wall, logical):
    """The text form of what was read is what was written."""
    text = str(Timestamp(wall, logical))
    assert str(settings(end_time=text).end_time) == text


def test_a_query_is_bare_without_before_unless_told_otherwise():
    """As the server would choose."""
    query = settings(tables=[], query="select id from users where id > 3; ")
    assert (query.envelope, query.diff, query.query) == ("bare", False, "select id from users where id > 3")
    assert settings(tables=[], query="SELECT * FROM a", envelope="wrapped").diff is True
    assert (settings().envelope, settings().diff) == ("wrapped", True)


def test_a_uri_says_where_and_what():
    """Fields without structure follow as options; the password is a reference."""
    uri = "cockroachdb://audit%20or@db:26258/shop?tables=a,b&resolved=1s&initial_scan=no&sslmode=disable&password_env=SHOP"
    one = SinklessSettings.from_uri(uri)
    assert (one.name, one.host, one.port, one.user, one.database) == ("db-shop", "db", 26258, "audit or", "shop")
    assert (one.tables, one.resolved, one.initial_scan, one.sslmode) == (("a", "b"), 1, "no", "disable")
    assert one.password is not None
    assert one.password.env == "SHOP"


@pytest.mark.parametrize(
    "uri",
    [
        "cockroachdb://db/shop?tables=a",
        "cockroachdb://u@db/shop",
        "cockroachdb://u@db/shop?tables=a&tables=b",
        "cockroachdb://u@db/s?tables=a&x=1",
    ],
)
def test_a_uri_that_lacks_something_is_refused(uri):
    """User and tables are needed, and nothing may stand twice or be unknown."""
    with pytest.raises(ConfigError):
        SinklessSettings.from_uri(uri)


def test_the_system_s_authorities_are_trusted_unless_one_is_named(monkeypatch):
    """And the password goes to the client library alone."""
    monkeypatch.setenv("SHOP", PASSWORD)
    one = settings(password={"env": "SHOP"})
    assert login(one)["password"] == PASSWORD
    assert PASSWORD not in repr(one)
    assert login(one)["sslrootcert"]
    assert login(settings(sslrootcert="/a/ca.crt"))["sslrootcert"] == "/a/ca.crt"
    assert "sslrootcert" not in login(settings(sslmode="require"))


def test_the_schema_of_the_settings_can_be_made():
    """`auditor config schema` shows every field."""
    schema = SinklessSettings.model_json_schema()
    assert {"tables", "query", "resolved", "end_time", "initial_scan"} <= schema["properties"].keys()
