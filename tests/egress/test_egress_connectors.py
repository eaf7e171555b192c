"""Debezium connectors: which columns leave by them."""

from __future__ import annotations

import json

import pytest

from auditor.egress.connectors import matches, read_connectors
from auditor.egress.exits import Exit
from auditor.egress.leaving import leaving, tables_of
from auditor.egress.schema import Column, Schema, Table
from auditor.errors import ConfigError

USERS = Table(
    "shop.public.users", (Column("id"), Column("email"), Column("token"), Column("api_key"), Column("note")), primary_key=("id",)
)
SCHEMA = Schema([USERS, Table("shop.public.rides", (Column("id"),)), Table("other.public.users", (Column("x"),))])
CLASS = "io.debezium.connector.postgresql.PostgresConnector"


def connector(**settings: str) -> Exit:
    """Read a connector with these settings, whose names have underscores for dots."""
    config = {"connector.class": CLASS, "database.dbname": "shop", "topic.prefix": "pre"}
    config |= {name.replace("_", "."): value for name, value in settings.items()}
    found = read_connectors(json.dumps({"name": "c", "config": config}).encode(), "c.json")
    assert found is not None
    [one] = found
    return one


def sent(way: Exit, part: str = "after") -> dict[str, bool]:
    """Return the columns of users that leave in a part, and whether only one way."""
    going = next(going for going in tables_of(way, SCHEMA) if going.name == "shop.public.users")
    return {each.column: each.one_way for each in leaving(way, going) if each.part == part}


@pytest.mark.parametrize(
    ("settings", "tables"),
    [
        ({}, ["shop.public.users", "shop.public.rides"]),
        ({"table_include_list": "public.users"}, ["shop.public.users"]),
        ({"table_include_list": r"public\.u.*,public\.[x-z]{1,3}"}, ["shop.public.users"]),
        ({"table_include_list": "shop.public.users"}, ["shop.public.users"]),
        ({"table_exclude_list": r"public\.users"}, ["shop.public.rides"]),
        ({"table_whitelist": "PUBLIC.RIDES"}, ["shop.public.rides"]),
    ],
)
def test_tables_by_patterns(settings: dict[str, str], tables: list[str]) -> None:
    """Lists of tables are expressions for whole names, in any case; without one all of the database leaves."""
    assert [going.name for going in tables_of(connector(**settings), SCHEMA)] == tables


def test_a_table_that_is_not_known_is_named() -> None:
    """A plain name in the list is a table, known or not."""
    way = connector(table_include_list="public.new,public.newer")
    assert [going.name for going in tables_of(way, SCHEMA)] == ["public.new", "public.newer"]


def test_columns_by_patterns() -> None:
    """Excluded ones stay in, hashed and masked ones leave one way, cut ones leave, and the key always has its own."""
    way = connector(
        **{
            "column_exclude_list": r"public\.users\.(note|id)",
            "column_mask_hash_v2_SHA-256_with_salt_": "public.users.token",
            "column_mask_with_10_chars": r".*\.api_key",
            "column_truncate_to_8_chars": "public.users.email",
        }
    )
    expected = {"email": False, "token": True, "api_key": True}
    assert sent(way) == sent(way, "before") == expected
    assert sent(way, "key") == {"id": False}
    assert sent(connector(column_include_list="public.users.email")) == {"email": False}


def test_transforms_work_on_flat_rows() -> None:
    """After ExtractNewRecordState there is no `before`; fields are dropped or put into headers by name."""
    flat = {"transforms": "unwrap,drop,head", "transforms_unwrap_type": "io.debezium.transforms.ExtractNewRecordState"}
    drop = {
        "transforms_drop_type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
        "transforms_drop_exclude": "token, note",
    }
    head = {
        "transforms_head_type": "org.apache.kafka.connect.transforms.HeaderFrom$Value",
        "transforms_head_fields": "api_key",
        "transforms_head_operation": "move",
    }
    way = connector(**flat, **drop, **head)
    assert set(sent(way)) == {"id", "email"}
    assert set(sent(way, "header")) == {"api_key"}
    assert not sent(way, "before")
    early = connector(**{**flat, "transforms": "drop,unwrap"}, **drop)
    assert set(sent(early)) == {"id", "email", "token", "api_key", "note"}, "before it is flat, a row has no such fields"


def test_credentials_of_a_connector_are_named() -> None:
    """A readable password is told of, one from a config provider is not; a salt is part of its property's name."""
    password = "p4ss" + "w0rd" * 3
    way = connector(**{"database_password": password, "column_mask_hash_SHA-256_with_salt_" + password: "public.users.token"})
    assert way.secrets == ("column.mask.hash salt", "database.password")
    assert password not in repr(way)
    assert connector(database_password="${file:/secrets.properties:pw}").secrets == ()


def test_forms_of_the_answer() -> None:
    """One connector, flat or not, a list, and the answer of Kafka Connect's own interface; sinks are passed over."""
    config = {"connector.class": CLASS, "name": "c"}
    sink = {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "name": "s"}
    for document in (
        config,
        {"name": "c", "config": {"connector.class": CLASS}},
        [config, sink],
        {"c": {"info": {"name": "c", "config": config, "tasks": []}}, "s": {"info": {"name": "s", "config": sink}}},
    ):
        found = read_connectors(json.dumps(document).encode())
        assert found is not None
        assert [way.name for way in found] == ["c"]
    for text in (b"{}", b"[]", b"not json", b'"text"'):
        assert read_connectors(text) is None


def test_a_pattern_that_is_none_is_refused() -> None:
    """The file is named, the pattern is not repeated."""
    with pytest.raises(ConfigError, match=r"^c\.json: a list of tables or columns holds what is no regular expression$"):
        connector(table_include_list="public.(users")
    assert matches("a.c", "ABC")
