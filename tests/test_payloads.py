"""Payloads in one buffer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.payloads import Joined

PAYLOADS = st.lists(st.none() | st.binary(max_size=20), max_size=20)


@given(payloads=PAYLOADS)
def test_joined_payloads_are_those_that_were_joined(payloads: list[bytes | None]) -> None:
    """Each comes back as it was, an absent one empty, by its place from either end and in slices."""
    joined = Joined(payloads)
    parts = [payload or b"" for payload in payloads]
    assert list(joined) == parts
    assert [joined[index - len(payloads)] for index in range(len(payloads))] == parts
    assert joined[1:-1] == parts[1:-1]
    assert joined.size == sum(map(len, parts))


@given(payloads=PAYLOADS)
def test_a_line_feed_stands_behind_each_payload(payloads: list[bytes | None]) -> None:
    """The buffer is the payloads with their line feeds, and the ends say where each has gone by."""
    joined = Joined(payloads)
    assert joined.data == b"".join((payload or b"") + b"\n" for payload in payloads)
    assert [joined.data[:end][-1:] for end in joined.ends.tolist()] == [b"\n"] * len(payloads)
