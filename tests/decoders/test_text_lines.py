from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import text_lines
from auditor.decoders.options import ReadOptions

OPTIONS = ReadOptions()


def read(data, cuts=()):
    layout = text_lines.recognise(data[: 1 << 16], "x", OPTIONS)
    texts, carry, rest = [], b"", data[layout.preamble :]
    for size in [*cuts, len(rest)]:
        carry, rest = carry + rest[:size], rest[size:]
        end = layout.cut(carry, final=not rest)
        framed = layout.frame(carry[:end])
        start = 0
        for stop in framed.ends.tolist():
            texts += [cell.text for cell in layout.decode(framed.data[start:stop]).cells]
            start = stop
        carry = carry[end:]
        if not rest:
            break
    return layout, texts


lines = st.lists(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=8), max_size=8)


@given(lines, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]), st.lists(st.integers(1, 20), max_size=6))
def test_every_line_is_a_row(texts, encoding, cuts):
    """Lines of UTF-8 and UTF-16, with either line end and cut anywhere, come back as they were."""
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    data = mark + "\r\n".join(texts).encode(encoding)
    _, found = read(data, cuts)
    assert found == [text for text in texts if text]


def test_the_fallback_says_so():
    """A note tells that the format was not recognised, and of UTF-16 what it was read as."""
    assert text_lines.recognise(b"some text\n", "x", OPTIONS).notes == ("not a listed format; scanned as text lines",)
    assert "utf-16-le" in text_lines.recognise(b"\xff\xfea\0", "x", OPTIONS).notes[0]


def test_binary_data_is_read_between_nul_bytes():
    """Runs of text in binary data are rows, and a note says what it was."""
    layout, found = read(b"\x7fELF\0\0\0one token\0two\nthree\0\xff\xfe\0\0", [5, 9])
    assert found == ["\x7fELF", "one token", "two", "three", "\ufffd\ufffd"]
    assert "binary" in layout.notes[0]


def test_a_line_without_end_is_cut_between_words():
    """A line that is longer than a chunk may be is cut where no token goes through."""
    layout = text_lines.recognise(b"word ", "x", OPTIONS)
    block = b"word " * 300_000
    cut = layout.cut(block, final=False)
    assert text_lines.LONGEST - 5 <= cut <= text_lines.LONGEST
    assert block[cut - 1 : cut] == b" "
    assert layout.cut(b"x" * (text_lines.LONGEST + 1), final=False) == text_lines.LONGEST
    assert layout.cut(b"x" * 1000, final=False) == 0


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_long_line_of_utf_16_is_cut_between_characters(encoding):
    """No surrogate pair is cut in two."""
    mark = "\ufeff".encode(encoding)
    layout = text_lines.recognise(mark, "x", OPTIONS)
    block = ("x" + "\U0001f600" * (text_lines.LONGEST // 4 + 8)).encode(encoding)
    cut = layout.cut(block, final=False)
    assert "\ufffd" not in layout.frame(block[:cut]).data.decode()


def test_a_range_starts_at_a_line():
    """A window from the middle starts behind its first line feed; one without has none."""
    layout = text_lines.recognise(b"a\n", "x", OPTIONS)
    assert layout.splittable
    assert (layout.start(b"ne\ntwo\n"), layout.start(b"no end")) == (3, -1)
    assert not text_lines.recognise(b"\xff\xfea\0", "x", OPTIONS).splittable


def test_nothing_has_no_rows():
    """An empty chunk frames to nothing, also of binary data."""
    assert len(text_lines.recognise(b"", "x", OPTIONS).frame(b"").ends) == 0
    assert len(text_lines.recognise(b"\0", "x", OPTIONS).frame(b"").ends) == 0


PEM = "\n".join(["-----" + f"BEGIN {'PRIVATE'} KEY-----", *["Zm9v" * 16] * 3, "-----" + f"END {'PRIVATE'} KEY-----"])


@given(
    st.lists(st.sampled_from([PEM, "a line", "-----" + "BEGIN and no end", PEM.replace("END", "ENDE")]), max_size=6), st.data()
)
def test_a_key_is_one_row(texts, draw):
    """A PEM block is one record, cut anywhere; one that never ends is lines. Each has the number of its first line."""
    data = "\n".join([*texts, "x" * 40_000]).encode()
    cuts = draw.draw(st.lists(st.integers(1, 300), max_size=8))
    _, found = read(data, cuts)
    assert found.count(PEM) == texts.count(PEM)
    assert "\n".join(found).encode() == data
    framed = text_lines.recognise(data, "x", OPTIONS).frame(data)
    assert framed.total == data.count(b"\n") + 1
    assert (
        framed.numbers is None or [data[: int(end)].count(b"\n") + 1 for end in framed.ends[:-1]] == framed.numbers[1:].tolist()
    )


def test_no_range_begins_in_a_key():
    """A window that begins inside of a PEM block starts behind it; one that begins before another starts at the next line."""
    layout = text_lines.recognise(b"x\n", "x", OPTIONS)
    window = (PEM[40:] + "\nnext\n" + PEM).encode()
    assert window[layout.start(window) :].startswith(b"next\n")
    assert layout.start(b"rest\n" + PEM.encode()) == len(b"rest\n")
