"""What to do about a finding, at every kind of place."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model import Setting
from auditor.remedies import remedy_for

VENDOR = "Delete the key in the vendor's console."


def remedy(table="defaultdb.public.users", column="token", path="", part="after", setting=Setting.ALONE, *, feed=False):
    return remedy_for(vendor_remedy=VENDOR, table=table, column=column, path=path, part=part, setting=setting, feed=feed)


def sql(text):
    """Return the statements of a remedy, without comments, each on one line."""
    lines = [line.strip() for line in text.split("\n") if line.startswith("    ")]
    joined = " ".join(line for line in lines if not line.startswith("--"))
    return [statement.strip() + ";" for statement in joined.split(";") if statement.strip()]


PLACES = st.fixed_dictionaries(
    {
        "table": st.one_of(st.just(""), st.text(max_size=20), st.just("a.b.c")),
        "column": st.one_of(st.just(""), st.text(max_size=20)),
        "path": st.one_of(
            st.just(""),
            st.text(max_size=30),
            st.lists(st.sampled_from([".a", '["odd \'name"]', "[*]", ".*", ".{name}", ".gh_..."]), max_size=4).map(
                lambda steps: "$" + "".join(steps)
            ),
        ),
        "part": st.sampled_from(["after", "before", "key", "header", "topic"]),
        "setting": st.sampled_from(list(Setting)),
        "feed": st.booleans(),
    }
)


@given(PLACES)
def test_a_remedy_is_numbered_steps_with_the_vendors_first(place):
    """Whatever the place, step 1 is the vendor's own, the steps are numbered, and other lines belong to the step above."""
    lines = remedy(**place).split("\n")
    assert lines[0] == f"1. Make it worthless first. {VENDOR}"
    numbers = [int(match[1]) for line in lines if (match := re.match(r"(\d+)\. ", line))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 3
    assert all(re.match(r"\d+\. | {3}\S| {4}", line) for line in lines)


@given(PLACES)
def test_no_name_can_end_its_quotes_or_its_line(place):
    """A hostile name stays inside one quoted identifier or string: without those, the statements hold no quote at all."""
    for line in remedy(**place).split("\n"):
        if line.startswith("    ") and not line.lstrip().startswith("--"):
            bare = re.sub(r"""e'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*\"""", "", line)
            assert "'" not in bare
            assert '"' not in bare
            assert line.isprintable()


def test_a_token_in_its_own_column_moves_to_a_fingerprint_column():
    """The migration adds, fills in batches, constrains, and drops the raw column last."""
    assert sql(remedy()) == [
        "ALTER TABLE defaultdb.public.users ADD COLUMN token_fingerprint STRING;",
        (
            "UPDATE defaultdb.public.users SET token_fingerprint = sha256(token)"
            " WHERE token_fingerprint IS NULL AND token IS NOT NULL LIMIT 1000;"
        ),
        "CREATE INDEX ON defaultdb.public.users (token_fingerprint);",
        "ALTER TABLE defaultdb.public.users ADD CONSTRAINT token_is_fingerprint CHECK (token_fingerprint ~ '^[0-9a-f]{64}$');",
        "ALTER TABLE defaultdb.public.users ALTER COLUMN token_fingerprint SET NOT NULL;",
        "SET sql_safe_updates = false;",
        "ALTER TABLE defaultdb.public.users DROP COLUMN token;",
    ]


def test_names_are_quoted_where_they_must_be():
    """Upper case, reserved words and odd characters are quoted, in the names made from them too."""
    text = remedy(table='shop.public.Order "x"', column="user")
    assert 'ALTER TABLE shop.public."Order ""x""" ADD COLUMN user_fingerprint STRING;' in text
    assert 'sha256("user")' in text


def test_what_is_unknown_stands_in_angle_brackets():
    """Without table and column the steps are the same, with placeholders."""
    text = remedy(table="", column="")
    assert "ALTER TABLE <table> ADD COLUMN <column>_fingerprint STRING;" in text
    assert "DROP COLUMN <column>;" in text


def test_a_log_text_gets_parameters_and_generic_errors():
    """A secret inside a message is a matter of how messages are made, and of the rows that hold one."""
    text = remedy(column="message", setting=Setting.IN_TEXT)
    assert "query parameters" in text
    assert "generic error" in text
    assert "UPDATE defaultdb.public.users SET message = '[removed]' WHERE <primary key> IN (<keys of these rows>);" in text


def test_a_log_text_in_a_json_member_stays_json():
    """What replaces a message inside a document is a JSON string."""
    text = remedy(column="doc", path="$.error.message", setting=Setting.IN_TEXT)
    assert """SET doc = json_set(doc, ARRAY['error', 'message'], '"[removed]"')""" in text
    assert """SET doc = '"[removed]"'""" in remedy(column="doc", path="$[*]", setting=Setting.IN_TEXT)


def test_a_url_loses_its_query_before_it_is_stored():
    """The statement strips query and fragment, and matches no row twice."""
    text = remedy(column="callback", setting=Setting.IN_URL)
    assert "before it is stored or logged" in text
    (update,) = sql(text)
    assert update == (
        """UPDATE defaultdb.public.users SET callback = regexp_replace(callback, '[?#][^[:space:]"]+', '', 'g')"""
        """ WHERE callback ~ '[?#][^[:space:]"]+' LIMIT 1000;"""
    )


@given(st.text(alphabet='a?#" \t', max_size=12))
def test_stripping_a_url_comes_to_an_end(text):
    """No text that the stripping expression has been over matches it again, so the batches run out."""
    expression = r'[?#][^\s"]+'
    assert not re.search(expression, re.sub(expression, "", text))


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("$.token", "payload - 'token'"),
        ("$.auth.token", "json_remove_path(payload, ARRAY['auth', 'token'])"),
        ("$.auth.tokens[*]", "json_remove_path(payload, ARRAY['auth', 'tokens'])"),
        ("$.by_user.*", "payload - 'by_user'"),
        ("$.by_token.{name}", "payload - 'by_token'"),
        ('$["it\'s"]["a b"]', "json_remove_path(payload, ARRAY['it''s', 'a b'])"),
        ('$["back\\\\slash"]', r"payload - e'back\\slash'"),
        ("$.auth.gh_....x", "payload - 'auth'"),
    ],
)
def test_a_json_member_is_removed_by_its_path(path, expression):
    """A member is removed; of a list, a map or a redacted name, what holds it is."""
    assert f"SET payload = {expression}\n" in remedy(column="payload", path=path)


def test_a_member_can_keep_a_fingerprint_only_if_it_is_one_value():
    """The fingerprint variant is offered for a plain path, and not for the elements of a list."""
    variant = "to_json(sha256(payload #>> ARRAY['auth']))"
    assert variant in remedy(column="payload", path="$.auth")
    assert "sha256" not in remedy(column="payload", path="$.auth[*]")


def test_a_feed_leaves_the_column_out():
    """A changefeed gets the CDC query, and the warning that before and the past are not covered by it."""
    text = remedy(feed=True)
    assert "AS SELECT <every column but token> FROM defaultdb.public.users;" in text
    assert "`before` still carries" in text
    assert "cursor" in text
    assert "What was sent stays where it went" in text
    assert "CHANGEFEED" not in remedy(feed=False)


def test_a_feed_keeps_the_column_less_the_member():
    """A member of a document is left out by the query itself."""
    text = remedy(column="payload", path="$.auth.token", feed=True)
    assert "<every other column>, json_remove_path(payload, ARRAY['auth', 'token']) AS payload FROM" in text


def test_a_key_gets_a_new_primary_key():
    """A secret in a key is not removed by leaving a column out: the key itself is replaced."""
    text = remedy(part="key", feed=True)
    assert "ALTER PRIMARY KEY USING COLUMNS (id);" in text
    assert "CREATE CHANGEFEED" not in text


def test_a_past_value_is_a_matter_of_garbage_collection():
    """What only `before` holds is not in the row any more: the steps are for its older versions."""
    text = remedy(part="before", feed=True)
    assert "gc.ttlseconds" in text
    assert "without `diff`" in text
    assert "DROP COLUMN" not in text


def test_headers_and_topics_have_their_own_steps():
    """A header is traced to the option it comes from, a topic to what names it."""
    header = remedy(column="meta", path="$.key", part="header", feed=True)
    assert "headers_json_column_name" in header
    assert "SET meta = meta - 'key'" in header
    assert "topic_prefix" in remedy(part="topic", feed=True)
