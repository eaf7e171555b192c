"""Runs of encoded text are noticed and decoded."""

from __future__ import annotations

import base64
import random

from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.encoded import decoded_runs, encoded_positions

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=18, max_size=80)


@given(text=PRINTABLE, before=st.binary(max_size=80), hexed=st.booleans(), urlsafe=st.booleans())
def test_every_encoded_text_is_noticed(text: str, before: bytes, *, hexed: bool, urlsafe: bool) -> None:
    """Printable text of 18 bytes and more is noticed in base64 and hex, wherever it lies in the buffer."""
    raw = text.encode()
    run = raw.hex().encode() if hexed else base64.urlsafe_b64encode(raw) if urlsafe else base64.b64encode(raw)
    data = before + b'"' + run + b'"' + b" padding to a whole word"
    positions = encoded_positions(data)
    start = len(before) + 1
    assert any(start <= position < start + len(run) for position in positions.tolist())


@given(text=PRINTABLE)
def test_runs_decode_to_the_text(text: str) -> None:
    """What was encoded comes out, with the encoding's name and the run's place."""
    for name, run in (("base64", base64.b64encode(text.encode()).decode()), ("hex", text.encode().hex())):
        decoded = next(decoded_runs(f"({run})"))
        assert decoded.text == text
        assert decoded.encoding in (name, "base64url")
        assert (decoded.start, decoded.end) == (1, 1 + len(run.rstrip("=")) + run.count("="))


def test_wrapped_base64_is_one_run() -> None:
    """Line breaks inside base64, as in mail and PEM, do not cut it."""
    text = "the quick brown fox jumps over the lazy dog, twice and again"
    run = base64.encodebytes((text * 3).encode()).decode().strip()
    assert text * 3 in [decoded.text for decoded in decoded_runs(run)]


def test_hashes_are_hardly_ever_noticed() -> None:
    """Random digests, in hex and base64, pass by: fewer than 1 in 1,000."""
    source = random.Random(1)
    count = 5000
    rows = [
        b'{"sha": "' + source.randbytes(32).hex().encode() + b'", "b": "' + base64.b64encode(source.randbytes(48)) + b'"}'
        for _ in range(count)
    ]
    assert len(encoded_positions(b"\n".join(rows))) < 2 * count * 0.001


@given(data=st.binary(max_size=200))
def test_any_bytes_are_taken(data: bytes) -> None:
    """No input breaks the stage; positions lie inside the buffer, ascending."""
    positions = encoded_positions(data).tolist()
    assert positions == sorted(positions)
    assert all(0 <= position < max(1, len(data)) for position in positions)
    list(decoded_runs(data.decode("latin-1")))


def test_hex_behind_a_word_is_decoded() -> None:
    """A name, a path or a dash before hex digits does not hide what they say."""
    text = "the quick brown fox jumps"
    for before in ("https://x.example.org/callback/", "session_", "session-", "\\x"):
        assert text in [decoded.text for decoded in decoded_runs(before + text.encode().hex())]
        data = (before + text.encode().hex()).encode()
        assert len(encoded_positions(data))


@given(text=PRINTABLE, before=st.integers(0, 40) | st.integers(4000, 4200), after=st.integers(0, 40))
def test_a_run_at_the_end_of_a_buffer_is_noticed(text: str, before: int, after: int) -> None:
    """Nothing needs to follow a run, in a small buffer and in a large one."""
    data = b"x: " + b" " * before + base64.b64encode(text.encode()) + b" " * after
    assert len(encoded_positions(data))
