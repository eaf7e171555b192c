"""Batches to sightings."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.detect.detector import Detector
from auditor.detect.engines import make_engine
from auditor.detect.hits import Prefilter
from auditor.detect.rulebook import Rulebook
from auditor.identity import AuditKey
from auditor.model import Setting, Sighting
from auditor.pipeline import Partial

Inspect = Callable[[Sequence[bytes]], list[Sighting]]
BODY = "Zk3" + "Qp9xT7mW2sLr8vNc4"[:17]
TOKEN = "acme_" + BODY


def wrapped(after: object, **more: object) -> bytes:
    """Return a wrapped message in CockroachDB's spacing."""
    return json.dumps({"after": after, **more}).encode()


def test_finds_a_token_in_its_column(inspect_lines: Inspect, key: AuditKey) -> None:
    """A token in a column is sighted with its row, column and part, and only its public prefix is shown."""
    (sighting,) = inspect_lines([wrapped({"id": 1}), wrapped({"id": 2, "tok": TOKEN})])
    assert (sighting.row, sighting.column, sighting.part, sighting.path) == (2, "tok", "after", "")
    assert sighting.secret_id == key.secret_id(TOKEN)
    assert sighting.evidence.redacted == "acme_..."
    assert sighting.evidence.length == 25
    assert sighting.setting is Setting.ALONE


def test_names_the_path_inside_json(inspect_lines: Inspect) -> None:
    """A token in nested JSON has a path with joined array indexes, whether the column is JSONB or text that holds JSON."""
    document = {"auth": {"tokens": ["no", TOKEN]}}
    native, as_text = inspect_lines([wrapped({"doc": document}), wrapped({"doc": json.dumps(document)})])
    assert native.path == as_text.path == "$.auth.tokens[*]"
    assert native.evidence == as_text.evidence


@pytest.mark.parametrize(
    ("encode", "decoded_by"),
    [
        (lambda text: base64.b64encode(text.encode()).decode(), ("base64",)),
        (lambda text: base64.urlsafe_b64encode(b"\xff\xfe\xfd" + text.encode()).decode().rstrip("="), ("base64url",)),
        (lambda text: "\\x" + text.encode().hex(), ("hex",)),
        (lambda text: base64.b64encode(json.dumps({"t": text, "u": "some words"}).encode()).decode(), ("base64", "json")),
        (lambda text: "https://h.example.org/?next=" + text.replace("_", "%5F"), None),
        (lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(), ("base64", "base64")),
    ],
)
def test_undoes_encodings(
    inspect_lines: Inspect, key: AuditKey, encode: Callable[[str], str], decoded_by: tuple[str, ...] | None
) -> None:
    """An encoded token has the same id as a plain one, and the evidence says how it was decoded."""
    found = inspect_lines([wrapped({"value": encode(TOKEN)})])
    if decoded_by is None:
        assert not found, "a token whose prefix is percent-encoded where nothing needs it is written by nobody"
        return
    (sighting,) = found
    assert sighting.secret_id == key.secret_id(TOKEN)
    assert sighting.evidence.decoded_by == decoded_by


def test_one_occurrence_for_before_and_after(inspect_lines: Inspect) -> None:
    """The same token in before and after of one event is one occurrence in after; only in before, it is a past value."""
    both, past = inspect_lines(
        [
            wrapped({"tok": TOKEN}, before={"tok": TOKEN}),
            wrapped({"tok": "gone"}, before={"tok": TOKEN}),
        ]
    )
    assert (both.row, both.part) == (1, "after")
    assert (past.row, past.part) == (2, "before")


def test_key_and_topic_are_scanned(inspect_lines: Inspect) -> None:
    """A token that is a primary key is found in the key, under the column's name, besides the column."""
    found = inspect_lines([wrapped({"session": TOKEN}, key=[TOKEN], topic="sessions")])
    assert {(sighting.part, sighting.column) for sighting in found} == {("after", "session"), ("key", "session")}
    assert all(sighting.table == "sessions" for sighting in found)
    assert all(TOKEN not in sighting.row_key for sighting in found)


def test_the_specific_rule_wins(inspect_lines: Inspect) -> None:
    """A vendor's token after Bearer is one finding, the vendor's."""
    (sighting,) = inspect_lines([wrapped({"log": f"GET / Authorization: Bearer {TOKEN} 200"})])
    assert sighting.rule_id == "acme.token"
    assert sighting.setting is Setting.IN_TEXT


def test_a_pair_is_found_across_cells(inspect_lines: Inspect) -> None:
    """A row-wide rule takes its secret from another cell than the one that holds the id."""
    secret = "QWERTYUIOPASDFGHJKLZXCVB"
    found = inspect_lines([wrapped({"id": "PAIRID123456", "other": secret}), wrapped({"other": secret})])
    assert [(sighting.rule_id, sighting.row, sighting.column) for sighting in found] == [("pair.secret", 1, "other")]


def test_an_undecodable_record_is_scanned_as_text(inspect_lines: Inspect, partial: Partial) -> None:
    """A broken line still gives its token, and a gap with its row."""
    line = wrapped({"tok": TOKEN, "z": 1}).replace(b'": {', b'" {')
    (sighting,) = inspect_lines([wrapped({}), line])
    assert (sighting.row, sighting.column) == (2, "")
    assert any(gap.row == 2 for gap in partial.gaps)
    assert all(BODY not in repr(gap) for gap in partial.gaps)


def test_a_token_in_a_member_name_is_redacted_in_the_path(inspect_lines: Inspect) -> None:
    """A member that is named by a token gives a path without the token."""
    found = inspect_lines([wrapped({"doc": {"by_token": {TOKEN: {"n": "x"}}}})])
    assert [sighting.path for sighting in found] == ["$.by_token.{name}"]
    (inner,) = [s for s in inspect_lines([wrapped({"doc": {TOKEN: TOKEN}})]) if not s.path.endswith("{name}")]
    assert BODY not in inner.path


_TEXTS = st.lists(
    st.one_of(
        st.just(TOKEN),
        st.just("acme_admin_" + "q1w2e3r4t5" * 2),
        st.just(base64.b64encode(f"user:{TOKEN}".encode()).decode()),
        st.text(max_size=12),
        st.just('quote " back \\ slash \n line'),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(_TEXTS, min_size=1, max_size=12), cuts=st.lists(st.integers(1, 11), max_size=4))
def test_any_cut_into_batches_gives_the_same(inspect_lines: Inspect, rows: list[list[str]], cuts: list[int]) -> None:
    """Cutting rows into batches changes nothing but the row numbers' base."""
    lines = [wrapped({f"c{index}": text for index, text in enumerate(row)}) for row in rows]
    whole = inspect_lines(lines)
    edges = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    pieces = [
        sighting._replace(row=sighting.row + start)
        for start, end in pairwise(edges)
        for sighting in inspect_lines(lines[start:end])
    ]
    assert pieces == whole


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(_TEXTS, min_size=1, max_size=6))
def test_both_engines_agree(rulebook: Rulebook, key: AuditKey, partial: Partial, rows: list[list[str]]) -> None:
    """Hyperscan and the standard library give the same sightings."""
    from auditor.decoders.batch import TextBatch
    from auditor.decoders.json_lines import JsonLines

    layout = JsonLines("wrapped")
    framed = layout.frame(b"".join(wrapped({"c": row}) + b"\n" for row in rows))
    results = []
    for name in ("hyperscan", "standard"):
        engine = make_engine(rulebook.expressions, name)
        detector = Detector(rulebook, Prefilter(rulebook, engine), key, uri="file", problems=partial)
        results.append(list(detector.inspect(TextBatch(framed, layout, uri="f", table="t", first_row=1, problems=partial))))
    assert results[0] == results[1]


def test_scrub_replaces_secrets(rulebook: Rulebook, key: AuditKey, partial: Partial) -> None:
    """A name or address with a token in it is shown without the token, plain or encoded."""
    detector = Detector(rulebook, Prefilter(rulebook, make_engine(rulebook.expressions)), key, uri="", problems=partial)
    assert detector.scrub(f"dump-{TOKEN}.csv") == "dump-acme_....csv"
    encoded = base64.b64encode(TOKEN.encode()).decode()
    assert encoded not in detector.scrub(f"dump-{encoded}.csv")
    assert detector.scrub("orders-2026.csv") == "orders-2026.csv"


def test_names_and_metadata_are_scanned(inspect_lines: Inspect) -> None:
    """A token that is a column's name, or a member of the metadata, is found; no part of it is shown."""
    found = inspect_lines(
        [
            wrapped({"id": 1, TOKEN: "x"}),
            wrapped({"id": 1}, updated=TOKEN),
            wrapped({"id": 1}, key={TOKEN: 5}),
            json.dumps({"payload": [], "length": TOKEN}).encode(),
        ]
    )
    assert [(sighting.row, sighting.part) for sighting in found] == [(1, "after"), (2, "header"), (3, "key"), (4, "header")]
    assert BODY not in repr(found)


def test_a_key_that_is_the_secret_is_not_shown(inspect_lines: Inspect) -> None:
    """A row's key that is a secret of the row is a digest, however plain a word it is."""
    word = "correcthorse"
    (sighting,) = inspect_lines([wrapped({"id": word, "log": f"Authorization: Bearer {word}.{word}"}, key=[f"{word}.{word}"])])[
        :1
    ]
    assert word not in sighting.row_key


def test_two_secrets_that_touch_are_two(inspect_lines: Inspect) -> None:
    """A token in the same run as an encoded other one does not hide it, wherever the run comes into step."""
    other = "acme_" + BODY[::-1]
    encoded = base64.b64encode(other.encode()).decode()
    found = [len(inspect_lines([wrapped({"c": f"{TOKEN}{between}{encoded}"})])) for between in ("/", "//", "///", "////")]
    assert found.count(2) >= 2, "where what stands before decodes to a letter, no boundary is seen"


def test_what_is_encoded_too_often_is_a_gap(inspect_lines: Inspect, partial: Partial) -> None:
    """Encodings beyond the bound are named, not passed over."""
    text = TOKEN
    for _ in range(7):
        text = base64.b64encode(text.encode()).decode()
    assert inspect_lines([wrapped({"c": text})]) == []
    assert any("encoded over" in gap.reason for gap in partial.gaps)
