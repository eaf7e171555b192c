"""Shapes with arguments, as owners write them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from auditor.shapes import FAMILIES, SHAPES, parse
from auditor.shapes.forms import FORMS

SHA = hashlib.sha256(b"x").hexdigest()


def matches(expression: str, text: str) -> bool:
    return any(shape.matches(text) for shape in parse(expression))


@pytest.mark.parametrize(
    ("expression", "yes", "no"),
    [
        ("hmac(sha256)", [SHA, "\\x" + SHA], [SHA[:-1], "raw"]),
        ("hmac(sha256, hex)", [SHA], ["A" * 42 + "E="]),
        ("hmac(sha256, base64)", ["A" * 42 + "E="], [SHA]),
        ("hmac(sha512)", [SHA * 2], [SHA]),
        ("hmac(sha256, hex, 32)", [SHA[:32], "\\x" + SHA[:32]], [SHA, SHA[:31]]),
        ("debezium-hash(SHA-256)", [SHA], [SHA[:40]]),
        ("debezium-hash(SHA-256, 20)", [SHA[:20]], [SHA]),
        ("debezium-hash(MD5)", [SHA[:32]], [SHA]),
        ("sha512-hex", [SHA * 2], [SHA]),
        ("sha256", [SHA, "A" * 42 + "E="], [SHA[:-2]]),
        ("masked(*????)", ["****1234", "•••••abcd", "xxxx1234", "...wxyz"], ["12341234", "x1234", "****123"]),
        ("masked(sk_live_*)", ["sk_live_********"], ["sk_live_abcdefgh", "pk_live_****"]),
        ("masked(?*@?*.com)", ["a***@e***.com"], ["alice@example.com"]),
        ("masked(***)", ["*", "****"], ["1"]),
        ("regex([A-Z]{3}-[0-9]+)", ["ABC-1"], ["ABC-", "xABC-1", "ABC-1\n"]),
        ("regex(^a|b$)", ["a", "b"], ["ab", "c"]),
        ("regex((?i)abc)", ["ABC"], ["ABD"]),
        ("one-of(active, revoked)", ["active", "revoked"], ["Active", " active", ""]),
        ("one-of('a, b', \"c\", '')", ["a, b", "c", ""], ["a", "'c'"]),
        ("one-of(a.c)", ["a.c"], ["abc"]),
        ("length(4)", ["abcd", "ab\nd", "éééé"], ["abc", "abcde", ""]),
        ("length(2..3)", ["ab", "abc"], ["a", "abcd"]),
        ("length(..3)", ["", "abc"], ["abcd"]),
        ("length(2000..)", ["a" * 2000, "a\n" * 1500], ["a" * 1999]),
        ("password-hash", ["md5" + "a" * 32], [SHA]),
    ],
)
def test_a_form_takes_what_it_says(expression: str, yes: list[str], no: list[str]) -> None:
    """Texts of the form are taken and others are not."""
    assert [text for text in yes if not matches(expression, text)] == []
    assert [text for text in no if matches(expression, text)] == []


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("sha256hex", "did you mean sha256-hex"),
        ("nonsense", "there is no shape nonsense"),
        ("hmac", "needs arguments"),
        ("hmac(sha257)", "knows no digest"),
        ("hmac(sha256, base32)", "is not of the form"),
        ("hmac(sha256, base64, 20)", "is not of the form"),
        ("hmac(sha256, hex, 65)", "8 to 64 hex digits"),
        ("debezium-hash(SHA-256, 3)", "8 to 64 hex digits"),
        ("masked(abc)", "hides nothing"),
        ("regex([)", "RE2 does not take"),
        ("regex((?=a)a)", "RE2 does not take"),
        ("one-of()", "no values"),
        ("one-of(a, a)", "twice"),
        ("one-of('a)", "is not of the form"),
        ("length()", "is not of the form"),
        ("length(5..3)", "wrong way round"),
        ("uuid()", "there is no shape"),
        ("hmac(sha256", "put a form that has commas in quotes"),
    ],
)
def test_a_mistake_is_explained(expression: str, message: str) -> None:
    """What is no shape is refused in words that help."""
    with pytest.raises(ValueError, match=message):
        parse(expression)


def test_a_name_is_its_shape() -> None:
    """The name of a shape stands for it alone."""
    assert all(parse(f" {name} ") == (shape,) for name, shape in SHAPES.items())


def test_the_documentation_lists_every_shape() -> None:
    """The page about policies has the name of each shape, family and form."""
    page = (Path(__file__).parents[2] / "docs/how-to/write-a-policy.md").read_text("utf-8")
    missing = [name for name in (*SHAPES, *FAMILIES) if f"`{name}`" not in page] + [
        name for name in FORMS if f"`{name}(" not in page
    ]
    assert missing == []
