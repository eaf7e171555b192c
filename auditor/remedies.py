"""
What to do about a finding, fitted to the place it was found in.

Plain text: numbered steps, the credential's own revocation first; lines indented by four spaces are SQL for CockroachDB, ready
to paste. What is not known stands in angle brackets. Functions and statements are those of the CockroachDB docs: sha256 (a hex
STRING), json_remove_path, json_set, to_json, regexp_replace (RE2), ``UPDATE ... LIMIT``, ALTER PRIMARY KEY, CDC queries,
gc.ttlseconds.
"""

from __future__ import annotations

import functools
import textwrap
from typing import NamedTuple

from auditor.model import Setting
from auditor.sql_place import SqlPlace
from auditor.sql_quoting import string_literal, text_array

_WIDTH = 104
_BATCH = 1000
# From the first ? or # of a URL to its end; as a replacement leaves nothing that matches, the UPDATE comes to an end.
_QUERY = string_literal('[?#][^[:space:]"]+')


class _Step(NamedTuple):
    """One thing to do, and the SQL for it."""

    text: str
    sql: tuple[str, ...] = ()


@functools.lru_cache(maxsize=4096)  # a column of a million tokens has one remedy
def remedy_for(*, vendor_remedy: str, table: str, column: str, path: str, part: str, setting: Setting, feed: bool) -> str:
    """
    Return the steps for a secret found there.

    ``vendor_remedy`` is the rule's own. ``table`` and ``column`` may be '' if unknown. ``part`` is one of ``after before key
    header topic``. ``feed`` says that a changefeed sent it, not an EXPORT or a dump.
    """
    where = SqlPlace.of(table, column, path)
    steps = [_Step(f"Make it worthless first. {vendor_remedy.strip()}")]
    if part == "topic":
        steps.append(_topic())
    elif part == "header":
        steps += _header(where)
    elif part == "before":
        steps += _past_value(where)
    elif part == "key":
        steps += _key(where)
    elif setting is Setting.IN_URL:
        steps += _url(where)
    elif setting is Setting.IN_TEXT:
        steps += _text(where)
    elif where.members or not where.whole:
        steps += _member(where)
    else:
        steps += _own_column(where)
    if feed and part == "after":
        steps.append(_projection(where))
    steps.append(_what_left(feed=feed))
    return "\n".join(_written(number, step) for number, step in enumerate(steps, 1))


def _written(number: int, step: _Step) -> str:
    """Write a step: its text wrapped under its number, then its SQL, which is never wrapped."""
    return "\n".join([_wrapped(number, step.text), *(f"    {line}" for line in step.sql)])


@functools.lru_cache(maxsize=1024)  # wrapping is most of the work of a remedy, and its texts name no place
def _wrapped(number: int, text: str) -> str:
    """Write the text of a step."""
    lead = f"{number}. "
    return textwrap.fill(text, _WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_long_words=False)


def _own_column(where: SqlPlace) -> list[_Step]:
    """Move a column of raw tokens to fingerprints."""
    table, column = where.table, where.column
    fingerprint = where.suffixed("_fingerprint")
    return [
        _Step(
            "Keep a fingerprint instead of the token: the application hashes a token before it stores or looks it up, so that no "
            "statement ever holds one. This suits long random tokens. A password or a short code needs bcrypt or Argon2id; a "
            "credential that must be used again belongs in a secret manager, and here only its name.",
            (
                f"ALTER TABLE {table} ADD COLUMN {fingerprint} STRING;",
                "-- Let the application write it from now on. Then, again and again until it says UPDATE 0:",
                f"UPDATE {table} SET {fingerprint} = sha256({column})",
                f"  WHERE {fingerprint} IS NULL AND {column} IS NOT NULL LIMIT {_BATCH};",
                f"CREATE INDEX ON {table} ({fingerprint});",
                f"ALTER TABLE {table} ADD CONSTRAINT {where.suffixed('_is_fingerprint')}",
                f"  CHECK ({fingerprint} ~ '^[0-9a-f]{{64}}$');",
                "-- Leave this out if some rows have no token:",
                f"ALTER TABLE {table} ALTER COLUMN {fingerprint} SET NOT NULL;",
                "-- Once nothing reads the raw column any more:",
                "SET sql_safe_updates = false;",
                f"ALTER TABLE {table} DROP COLUMN {column};",
            ),
        )
    ]


def _member(where: SqlPlace) -> list[_Step]:
    """Take a token out of a JSON column."""
    table, column = where.table, where.column
    advice = "Stop the application from storing it in the JSON document; then take it out of the rows that hold it."
    if not where.members:
        return [
            _Step(
                f"{advice} It lies in a list or map at the top of the document, so rewrite each element in the application, "
                "or empty the document:",
                (f"UPDATE {table} SET {column} = 'null' WHERE {column} != 'null' LIMIT {_BATCH};",),
            )
        ]
    if not where.whole:
        advice += " This removes the whole list or map that holds it; to keep the rest, rewrite its elements in the application."
    sql = [
        f"UPDATE {table} SET {column} = {where.without_member}",
        f"  WHERE {where.member} IS NOT NULL LIMIT {_BATCH};",
        "-- Again until it says UPDATE 0. A STRING column that holds JSON needs ::JSONB and ::STRING around it.",
    ]
    if where.whole:
        path = text_array(where.members)
        sql += [
            "-- Or, once, keep a fingerprint in its place:",
            f"UPDATE {table} SET {column} = json_set({column}, {path}, to_json(sha256({column} #>> {path})))",
            f"  WHERE {where.member} IS NOT NULL;",
        ]
    return [_Step(advice, tuple(sql))]


def _url(where: SqlPlace) -> list[_Step]:
    """Strip URLs."""
    table, column = where.table, where.column
    if where.members and where.whole:
        path = text_array(where.members)
        value = f"({column} #>> {path})"
        stripped = f"json_set({column}, {path}, to_json(regexp_replace({value}, {_QUERY}, '', 'g')))"
    else:
        value = column
        stripped = f"regexp_replace({column}, {_QUERY}, '', 'g')"
    sql: tuple[str, ...] = (
        f"UPDATE {table} SET {column} = {stripped}",
        f"  WHERE {value} ~ {_QUERY} LIMIT {_BATCH};",
        "-- Again until it says UPDATE 0. It cuts every ?query and #fragment, not user:password@ before a host.",
    )
    if not where.whole:
        sql = (f"-- The URL lies in a list or map inside {column}: rewrite its elements in the application.",)
    return [
        _Step(
            "Strip the query, the fragment and any user:password@ from a URL before it is stored or logged. Send tokens in a "
            "header or a POST body; let links of mails and redirects work once and for minutes; keep connection strings in a "
            "secret manager.",
            sql,
        )
    ]


def _text(where: SqlPlace) -> list[_Step]:
    """Keep secrets out of logs and messages."""
    table, column = where.table, where.column
    removed = "'[removed]'" if where.whole else "'\"[removed]\"'"
    if where.members:
        removed = f"json_set({column}, {text_array(where.members)}, '\"[removed]\"')"
    whole = () if where.whole else ("-- This replaces the whole list or map that holds it.",)
    return [
        _Step(
            "Keep secrets out of messages where they are made: pass values as query parameters, never inside the SQL text; "
            "give users and logs a generic error with an id; scrub headers, cookies and URLs before the insert."
        ),
        _Step(
            "Overwrite it in the rows that hold it; the finding lists where it was seen, with the keys of the rows.",
            (
                *whole,
                f"UPDATE {table} SET {column} = {removed} WHERE <primary key> IN (<keys of these rows>);",
                "-- Or let old rows of a log expire:",
                f"ALTER TABLE {table} SET (ttl_expire_after = '30 days');",
            ),
        ),
    ]


def _key(where: SqlPlace) -> list[_Step]:
    """Replace a primary key that is a secret."""
    table = where.table
    return [
        _Step(
            "It is part of the primary key, which goes out with every message, deletes and key_only feeds included, and shows "
            "up in range boundaries and logs. Give the table a key that means nothing; move foreign keys that point here "
            "first.",
            (
                f"ALTER TABLE {table} ADD COLUMN id UUID NOT NULL DEFAULT gen_random_uuid();",
                f"ALTER TABLE {table} ALTER PRIMARY KEY USING COLUMNS (id);",
                "-- The old key stays behind as a unique index; SHOW INDEXES names it:",
                f"SHOW INDEXES FROM {table};",
                f"DROP INDEX {table}@<old key index> CASCADE;",
            ),
        ),
        *_own_column(where),
    ]


def _header(where: SqlPlace) -> list[_Step]:
    """Take a secret out of a feed's headers."""
    sql = (f"UPDATE {where.table} SET {where.column} = {where.without_member}", f"  WHERE {where.member} IS NOT NULL;")
    return [
        _Step(
            "It goes out as a record header. Headers come from the JSONB column that headers_json_column_name names, or from "
            "extra_headers, which SHOW CHANGEFEED JOBS prints. Take it out of that column, or create the feed again without it.",
            sql if where.members and where.whole else (),
        )
    ]


def _topic() -> _Step:
    """Rename what names a topic."""
    return _Step(
        "It is part of a topic or file name, which listings, metrics and logs repeat. Rename the table, column family, "
        "topic_name, topic_prefix or path of the sink URI that it comes from, create the feed again, and delete the old topic "
        "or files."
    )


def _past_value(where: SqlPlace) -> list[_Step]:
    """Let a value that is gone from the row be forgotten."""
    return [
        _Step(
            "The row no longer holds it, but its older versions can be read until they are garbage collected, and backups "
            "keep them. See how long that is, and shorten it for a while if no feed or backup needs them:",
            (
                f"SHOW ZONE CONFIGURATION FROM TABLE {where.table};",
                f"ALTER TABLE {where.table} CONFIGURE ZONE USING gc.ttlseconds = 600;",
            ),
        ),
        _Step(
            "Create the feed again without `diff`, or read only what you need of cdc_prev: `before` is the whole previous "
            "row, columns that a CDC query leaves out included."
        ),
    ]


def _projection(where: SqlPlace) -> _Step:
    """Leave a column, or one member of it, out of a feed."""
    if where.members:
        selected = f"<every other column>, {where.without_member} AS {where.column}"
    else:
        selected = f"<every column but {where.column}>"
    return _Step(
        "Until then, leave it out of the feed with a CDC query, and cancel the old feed. Leave `diff` out: `before` still "
        "carries the whole row. With `cursor` nothing is sent again, but a later schema change may send every row anew "
        "(schema_change_policy).",
        (
            "CREATE CHANGEFEED INTO '<sink URI>'",
            "  WITH cursor = '<last resolved timestamp of the old feed>', updated, resolved",
            f"  AS SELECT {selected} FROM {where.table};",
            "CANCEL JOB <job id of the old feed>;",
        ),
    )


def _what_left(*, feed: bool) -> _Step:
    """Remind of the copies."""
    if feed:
        return _Step("What was sent stays where it went: expire or delete those messages and files, and their copies downstream.")
    return _Step("Files that were exported keep it: delete them, their copies and older object versions, and export again.")
