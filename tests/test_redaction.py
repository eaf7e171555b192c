"""What may be shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.redaction import evidence_of, shown_key, shown_uri


@given(secret=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60))
def test_evidence_shows_the_prefix_only(secret: str) -> None:
    """Nothing but the public prefix is shown, and under 20 characters not even that."""
    shown = evidence_of("pre_" + secret, "pre_").redacted
    assert shown == ("pre_..." if len(secret) >= 16 else "...")


def test_evidence_describes_length_and_alphabet() -> None:
    """The alphabet is that of the body."""
    evidence = evidence_of("pre_" + "0a" * 16, "pre_", ("base64",))
    assert (evidence.length, evidence.alphabet, evidence.decoded_by) == (36, "lower-case hex", ("base64",))


def test_only_plain_keys_are_shown() -> None:
    """Integers, UUIDs, dates, booleans and short words are shown; anything else is a keyed digest."""
    parts = [
        ("id", 12),
        ("", "63616665-6630-4064-8465-616462656562"),
        ("day", "2026-01-02T03:04:05.6Z"),
        ("city", "washington dc"),
        ("on", True),
        ("none", None),
        ("session", "q8" * 12),
    ]
    assert shown_key(parts, lambda _text: "D") == (
        "id=12, 63616665-6630-4064-8465-616462656562, day=2026-01-02T03:04:05.6Z, city=washington dc, on=true, none=NULL,"
        " session=digest:D"
    )


def test_a_uri_is_shown_without_what_opens_it() -> None:
    """A presigned query and a password in the authority are cut; a local path stays."""
    assert shown_uri("https://user:pw@host/a/b.csv?X-Amz-Signature=1") == "https://host/a/b.csv?..."
    assert shown_uri("s3://bucket/key") == "s3://bucket/key"
    assert shown_uri("/tmp/a?b") == "/tmp/a?b"
