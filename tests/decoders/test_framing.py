from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import framing

text = st.text(alphabet="ab\r\n", max_size=40).map(str.encode)


@given(text)
def test_lines_end_behind_their_line_feeds(data):
    """Lines are cut as by a split that keeps line feeds; a last one without is a line too."""
    ends = framing.line_ends(data)
    lines = [data[start:end] for start, end in zip(framing.starts_of(ends), ends, strict=True)]
    assert lines == [line + b"\n" for line in data.split(b"\n")[:-1]] + [rest for rest in data.split(b"\n")[-1:] if rest]


@given(text)
def test_lines_are_found_by_their_beginning(data):
    """The starts of all lines with one of the prefixes, and of no other, are returned."""
    starts = [i for i in range(len(data)) if (not i or data[i - 1 : i] == b"\n") and data.startswith((b"ab", b"b"), i)]
    assert framing.lines_beginning(data, (b"ab", b"b")) == starts
