"""Names and strings as SQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sql_quoting import identifier, string_literal, table_name, text_array


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("token", "token"),
        ("_a$1", "_a$1"),
        ("Token", '"Token"'),
        ("1st", '"1st"'),
        ("user", '"user"'),
        ("index", '"index"'),
        ("left", '"left"'),
        ("value", "value"),
        ("naïve", '"naïve"'),
        ('a"b', '"a""b"'),
        ("a b", '"a b"'),
    ],
)
def test_an_identifier_is_quoted_only_if_it_must_be(name, quoted):
    """Lower-case names stay bare, unless CockroachDB reserves them."""
    assert identifier(name) == quoted


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1b[2Jb", "\u202eb", "\ud800"])
def test_a_name_that_cannot_be_pasted_is_refused(name):
    """A control, a direction override or a lone surrogate has no place in a line to paste."""
    with pytest.raises(ValueError, match="control character"):
        identifier(name)


def test_a_table_has_at_most_three_parts():
    """A further dot belongs to the table's own name."""
    assert table_name("shop.public.a.b") == 'shop.public."a.b"'
    assert table_name("Users") == '"Users"'


def test_a_string_array_is_what_a_path_operator_takes():
    """Quotes are doubled."""
    assert text_array(["a", "it's"]) == "ARRAY['a', 'it''s']"


@given(st.text())
def test_a_string_can_be_read_back(text):
    """Undoing the literal gives the text, and the literal is one line of printable characters."""
    literal = string_literal(text)
    assert literal.isprintable()
    body = literal.removeprefix("e").removeprefix("'").removesuffix("'").replace("''", "'")
    if literal.startswith("e"):
        body = body.encode("latin-1", "backslashreplace").decode("unicode_escape")
    assert body == text
