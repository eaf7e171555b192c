import base64
import json
import random
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.confirm.form import Cutter, Form
from auditor.confirm.runs import RunFinder, bytea_places
from auditor.confirm.settings import TokenSettings
from tests.confirm.confirming import token

HEX = token(1)
FORMS = {
    "undeclared": TokenSettings(),
    "shorter": TokenSettings(shortest=8, longest=40),
    "hex": TokenSettings(lengths=(32,), alphabet="hex"),
    "base64url": TokenSettings(lengths=(22, 43), alphabet="base64url"),
    "base64": TokenSettings(alphabet="base64"),
    "prefixed": TokenSettings(prefix="sess_", alphabet="base62"),
    "joined prefix": TokenSettings(prefix="app/", lengths=(20,), alphabet="hex"),
    "short": TokenSettings(lengths=(8,), alphabet="digits"),
}
#: What texts are made of here: pieces that are, or are next to, tokens.
PIECES = st.one_of(
    st.sampled_from([HEX, HEX[:8], "sess_", "app/", "\\x", "\\n", "\\u003d", "%3D", "12345678", "2026-01-17T02:55:32.490158Z"]),
    st.sampled_from(["$2b$12$", "=", ":", "/", ".", "-", "_", "+", "|", '"', " ", "\n", "é", "a", "Z", "7", HEX.encode().hex()]),
    st.text("abcXYZ0189-_+/=.:|", min_size=1, max_size=40),
)
TEXTS = st.lists(PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode())


def of(form, text):
    """Return the values that a text offers as tokens of a form."""
    return {candidate.value.decode("latin-1") for candidate in Cutter(Form.of(FORMS[form])).candidates(text.encode())}


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        f"Bearer {HEX}",
        f"token={HEX}",
        f"https://example.org/reset?user=7&token={HEX}&next=/",
        f"https://example.org/reset/{HEX}/confirm",
        json.dumps({"session": HEX, "user": 7}),
        json.dumps(json.dumps({"session": HEX})),
        f"sess_{HEX}",
        f"17|{HEX}",
        f"the token is {HEX}.",
        f"line\\n{HEX}\\nline",
        f"token%3D{HEX}%26x",
        f"token\\u003d{HEX}\\u0026x",
        f"user:{HEX}@example.org",
        f"\\x{f'token={HEX} '.encode().hex()}",
        f"\\\\x{HEX.encode().hex()}",
    ],
)
@pytest.mark.parametrize("form", ["undeclared", "hex"])
def test_a_token_is_found_wherever_it_is_joined_to_other_text(text, form):
    """Headers, URLs, JSON, prefixes, escapes, and BYTES: the token itself is among the candidates."""
    assert HEX in of(form, text)


def test_a_token_with_characters_that_a_format_escapes_is_found():
    """Base64 is found in JSON that escapes its slashes, and percent-encoded in a URL."""
    value = base64.b64encode(b"\xfb\xef" + bytes(range(180, 226))).decode()
    assert "/" in value
    assert "+" in value
    for text in (
        value.replace("/", "\\/"),
        quote(value, safe=""),
        f"x={quote(value, safe='')}&y=1",
        value.replace("/", "\\u002f"),
    ):
        assert value in of("undeclared", text), text
        assert value in of("base64", text), text


def test_a_token_is_found_with_and_without_its_padding_and_prefix():
    """The whole run is tried, and what is left without what could be the prefix or the padding."""
    found = of("undeclared", f"live_{HEX}==")
    assert {f"live_{HEX}==", f"live_{HEX}", f"{HEX}==", HEX} <= found


def test_without_a_declaration_plain_data_is_passed_over():
    """Numbers, timestamps and bcrypt digests are no candidates, nor is anything of under 16 characters."""
    bcrypt = "$2b$12$" + HEX + HEX[:21]
    plain = json.dumps(["1793659200000005045.0000000000", "2026-01-17T02:55:32.490158Z", bcrypt, HEX[:15]])
    assert of("undeclared", plain) == set()


def test_a_declared_form_passes_nothing_over():
    """Numbers of the declared length are candidates, next to a dollar sign or inside a timestamp, too."""
    assert of("short", "$20$12345678") == {"12345678"}
    assert of("short", "12345678-01-01T01:01:01Z 1234567 123456789") == {"12345678"}


def test_lengths_are_those_of_the_whole_token():
    """Only runs, or pieces of them, of the declared lengths are candidates; a prefix says where they begin."""
    assert of("hex", HEX + "0") == set()
    assert of("joined prefix", f"x/app/{HEX} app/{HEX[:16]}") == {f"app/{HEX[:16]}", f"app/{HEX}"[:20]}
    assert f"sess_{HEX}" in of("prefixed", f"abcsess_{HEX}.")


@pytest.mark.parametrize("form", FORMS)
@given(text=TEXTS)
def test_a_long_buffer_offers_what_a_short_one_does(form, text):
    """Runs found in numpy and by the regular expression are cut into the same candidates."""
    cutter = Cutter(Form.of(FORMS[form]))
    spans = RunFinder(cutter.form).runs(text)
    found = {value for start, end in (*spans.whole, *spans.joined) for value in cutter.values(text[start:end])}
    known = {value for start, end in cutter.spans(text) for value in cutter.values(text[start:end])}
    assert found == known or cutter.anchored  # where a prefix leads to the tokens, no runs are looked for
    by_place = [value for start, end in cutter.spans(text) for value in (each.value for each in cutter.of_run(text, start, end))]
    assert set(by_place) == known
    assert bytea_places(text) == [place for place in range(len(text)) if text.startswith(b"\\x", place)]


@given(values=st.lists(TEXTS, max_size=12))
@pytest.mark.parametrize("form", ["undeclared", "hex", "short", "prefixed"])
def test_values_that_lie_back_to_back_offer_what_they_offer_apart(form, values):
    """No candidate lies in two values, and none is lost at an edge."""
    cutter = Cutter(Form.of(FORMS[form]))
    cuts = np.cumsum([0, *map(len, values)])
    joined = b"".join(values)
    if cutter.anchored:
        spans = cutter.prefixed_spans(joined, cuts.tolist())
    else:
        runs = RunFinder(cutter.form).runs(joined, cuts)
        spans = [*runs.whole, *runs.joined]
    found = {value for start, end in spans for value in cutter.values(joined[start:end])}
    assert found == {value for one in values for start, end in cutter.spans(one) for value in cutter.values(one[start:end])}
    printed = {candidate.value for candidate in cutter.of_bytea(joined, None, cuts.tolist())}
    assert printed >= {candidate.value for one in values for candidate in cutter.of_bytea(one)}


@pytest.mark.parametrize("form", FORMS)
@given(text=TEXTS, more=st.booleans(), ascii_only=st.booleans())
def test_json_text_offers_all_that_its_value_does(form, text, more, ascii_only):
    """Whatever a writer of JSON escapes: what is found in the value is found in the buffer, so that no row is passed over."""
    value = text.decode()
    raw = json.dumps({"after": {"text": value}}, ensure_ascii=ascii_only)
    if more:
        raw = raw.replace("/", "\\/").replace("=", "\\u003d").replace("+", "\\u002B")
    cutter = Cutter(Form.of(FORMS[form]))
    assert {each.value for each in cutter.candidates(text)} <= {each.value for each in cutter.candidates(raw.encode())}


def test_one_long_run_takes_time_that_grows_with_its_length():
    """A megabyte of base64 is no token: it offers few candidates and does not take the square of its length."""
    blob = base64.b64encode(random.Random(1).randbytes(1 << 20))
    assert len(list(Cutter(Form.of(FORMS["undeclared"])).candidates(blob))) < 10
