import base64
import json
import zlib

from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.bounded import MOST, from_base64, inflated, is_json, json_object


@given(st.binary(min_size=1, max_size=300))
def test_base64_is_read_in_both_alphabets_padded_or_not(data: bytes):
    """Four spellings, one value."""
    standard, urlsafe = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    assert {from_base64(text) for text in (standard, urlsafe, standard.rstrip("="), urlsafe.rstrip("="))} == {data}


def test_what_is_no_base64_is_none():
    """Foreign characters, a lone symbol, nothing, too much."""
    assert [from_base64(text) for text in ("a b", "é", "A", "", "A" * (MOST + 4))] == [None] * 5


@given(st.binary(max_size=1000))
def test_inflating_gives_the_whole_stream_or_none(data: bytes):
    """A cut stream and a bomb are none."""
    packed = zlib.compress(data)
    assert inflated(packed) == data
    assert inflated(packed[:-1]) is None
    assert inflated(zlib.compress(bytes(MOST + 1))) is None
    raw = zlib.compressobj(wbits=-15)
    assert inflated(raw.compress(data) + raw.flush(), raw=True) == data


def test_json_is_told_without_raising():
    """Also where it nests deeper than any parser goes."""
    assert is_json(b'"x"')
    assert json_object(json.dumps({"a": 1}).encode()) == {"a": 1}
    for data in (b"[" * 50_000, b"{", b"\xff", b"9" * 5000, b"", None):
        assert not is_json(data)
        assert json_object(data) == {}
    assert json_object(b"[1]") == {}
