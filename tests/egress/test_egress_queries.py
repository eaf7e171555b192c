"""What queries let out, and the same queries without a column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.egress.query import Item, Query, Reading, copied, query_of, whole_table
from auditor.sql_quoting import identifier

COLUMNS = ("id", "email", "token", 'Odd "Name"', "meta")


def raw(query: Query, columns: tuple[str, ...] = COLUMNS) -> set[tuple[str, bool]]:
    """Return the columns that come out as they are, and whether of the previous row."""
    return {(reading.column, reading.previous) for _, reading in query.reading(columns) if not reading.one_way}


@pytest.mark.parametrize(
    ("selected", "columns"),
    [
        ("id, token", {"id", "token"}),
        ("u.id, u.token AS t, users.email", {"id", "token", "email"}),
        ("token session_key", {"token"}),
        ('"Odd ""Name"""', {'Odd "Name"'}),
        ("*", set(COLUMNS)),
        ("u.*", set(COLUMNS)),
        ("*, sha256(token) AS h", set(COLUMNS)),
        ("sha256(token)", set()),
        ("encode(digest(token, 'sha256'), 'hex') AS h", set()),
        ("sha256(lower(token)) h", set()),
        ("lower(sha256(token)), md5(email)", set()),
        ("token IS NOT NULL AS has_token, length(email)", set()),
        ("email IS NULL", set()),
        ("lower(token)", {"token"}),
        ("left(token, 4) || '...'", {"token"}),
        ("concat(email, sha256(token))", {"email"}),
        ("token::STRING, CAST(email AS token)", {"token", "email"}),
        ("case when token is null then 'no' else email end", {"email"}),
        ("case when meta = 'x' then token end", {"meta", "token"}),
        ("meta->>'token', meta->'a'", {"meta"}),
        ("jsonb_build_object('id', id, 'token', token) AS o", {"id", "token"}),
        ("row_to_json(u.*)", set(COLUMNS)),
        ("to_jsonb(u)", set(COLUMNS)),
        ("2 * id AS twice", {"id"}),
        ("event_op() AS op, crdb_internal_mvcc_timestamp", set()),
        ("ARRAY[email, token]", {"email", "token"}),
    ],
)
def test_what_a_projection_lets_out(selected: str, columns: set[str]) -> None:
    """Columns come out by name, in expressions and in rows; digests, lengths and null tests do not tell them."""
    assert raw(query_of(f"SELECT {selected} FROM users AS u WHERE token = 'x'")) == {(column, False) for column in columns}


@pytest.mark.parametrize(
    ("selected", "columns"),
    [
        ("cdc_prev", set(COLUMNS)),
        ("(cdc_prev).*", set(COLUMNS)),
        ("cdc_prev() AS before", set(COLUMNS)),
        ("(cdc_prev).token", {"token"}),
        ("(cdc_prev()).token", {"token"}),
        ("cdc_prev.token", {"token"}),
        ("row_to_json((cdc_prev).*)", set(COLUMNS)),
        ("sha256((cdc_prev).token)", set()),
        ("(cdc_prev).email != email AS changed", {"email"}),
    ],
)
def test_the_previous_row_is_known_as_such(selected: str, columns: set[str]) -> None:
    """What is taken from cdc_prev is of the previous row, whole or by column."""
    found = raw(query_of(f"SELECT {selected} FROM users"))
    assert {column for column, previous in found if previous} == columns


@pytest.mark.parametrize(
    ("sql", "table", "alias", "tail"),
    [
        ("SELECT a FROM t", "t", "", ""),
        ("select a from d.s.t as x where x.a > 1", "d.s.t", "x", "where x.a > 1"),
        ("SELECT a FROM t x", "t", "x", ""),
        ('SELECT a FROM "T" "X" WHERE b', "T", "X", "WHERE b"),
        ("SELECT a FROM t AS OF SYSTEM TIME '-1s'", "t", "", "AS OF SYSTEM TIME '-1s'"),
        ("SELECT a FROM t@primary WHERE b", "t", "", "WHERE b"),
        ("SELECT a /* from x */ FROM t -- from y", "t", "", ""),
        ("SELECT extract(epoch FROM a) FROM t", "t", "", ""),
    ],
)
def test_the_table_of_a_query(sql: str, table: str, alias: str, tail: str) -> None:
    """The table, its alias and what follows are told apart."""
    query = query_of(sql)
    assert (query.table, query.alias, query.tail, query.plain) == (table, alias, tail, True)


def test_names_that_things_go_out_by() -> None:
    """An alias is the name, or the column's own; an expression has none."""
    query = query_of('SELECT id, u.email, token AS t, sha256(token), lower(x) AS "L", y z FROM u')
    assert [item.name for item in query.items] == ["id", "email", "t", "", "L", "z"]


def test_a_column_is_taken_out_of_a_query() -> None:
    """Everything that lets it out goes, digests stay, and a star becomes the other columns."""
    query = query_of("SELECT *, sha256(token) AS h, lower(token), (cdc_prev).token FROM users AS u WHERE token != ''")
    kept = query.without({"token"}, COLUMNS)
    assert kept is not None
    assert kept.sql == ('SELECT id, email, "Odd ""Name""", meta, sha256(token) AS h FROM users AS u WHERE token != \'\'')
    assert whole_table("d.public.T").without({"id"}, ("id", "a b")) == Query(
        (Item('"a b"', "a b", (Reading("a b"),)),), "d.public.T"
    )


def test_a_query_that_cannot_be_kept_is_none() -> None:
    """Without the columns a star cannot be spelt out; without anything left there is no query."""
    assert whole_table("t").without({"a"}, ()) is None
    assert query_of("SELECT token FROM t").without({"token"}, ()) is None
    assert query_of("SELECT a.x FROM a JOIN b").without({"y"}, ()) is None


def test_long_literals_are_not_repeated() -> None:
    """Nobody knows what a long literal is: it is left out of what is written again."""
    literal = "x" * 30
    query = query_of(f"SELECT a FROM t WHERE b = '{literal}' AND c = 'short'")
    assert query.sql == "SELECT a FROM t WHERE b = '<literal>' AND c = 'short'"


@pytest.mark.parametrize(
    ("expression", "columns"),
    [("lower(token)", ("token",)), ("sha256(token)", ()), ("a || ':' || b", ("a", "b")), ("meta->>'t'", ("meta",))],
)
def test_what_a_computed_column_copies(expression: str, columns: tuple[str, ...]) -> None:
    """A computed column lets out what its expression reads, unless it makes a digest of it."""
    assert copied(expression) == columns


names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12).filter(
    str.isprintable
)
wrapped = st.sampled_from(["{}", "lower({})", "sha256({})", "{}::STRING", "coalesce({}, 'x')", "{} IS NULL"])


@given(
    columns=st.lists(names, min_size=2, max_size=6, unique=True),
    shapes=st.lists(st.tuples(wrapped, st.integers(0, 5), st.none() | names), min_size=1, max_size=6),
    star=st.booleans(),
    unwanted=st.integers(0, 5),
    table=names.filter(lambda name: "." not in name),
)
def test_a_rendered_query_is_the_same_projection_less_the_column(
    *, columns: list[str], shapes: list[tuple[str, int, str | None]], star: bool, unwanted: int, table: str
) -> None:
    """Read again, the query without a column lets out what it did before, but for the column."""
    gone = columns[unwanted % len(columns)]
    items = [
        form.format(identifier(columns[at % len(columns)])) + (f" AS {identifier(alias)}" if alias else "")
        for form, at, alias in shapes
    ]
    query = query_of(
        f"SELECT {', '.join([*items, *(['*'] if star else [])])} FROM {identifier(table)} WHERE {identifier(gone)} = 'x'"
    )
    kept = query.without({gone}, tuple(columns))
    if kept is None:
        assert {column for column, _ in raw(query, tuple(columns))} <= {gone}
        return
    again = query_of(kept.sql)
    assert again == kept
    assert raw(again, tuple(columns)) == {(column, previous) for column, previous in raw(query, tuple(columns)) if column != gone}
