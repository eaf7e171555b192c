"""From a match to a verdict."""

from __future__ import annotations

import base64
import json

from auditor.decoders.batch import TextBatch
from auditor.decoders.json_lines import JsonLines
from auditor.detect.judge import entropy, is_placeholder
from auditor.identity import AuditKey
from auditor.pipeline import Partial
from auditor.toolkit import Toolkit


def test_one_key_has_one_id_however_its_lines_are_broken(partial: Partial) -> None:
    """A PEM key with real, escaped and doubly escaped line breaks is the same secret."""
    body = base64.encodebytes(b"0\x82\x01\x20" + bytes(range(200)) * 2).decode().strip()
    label = "PRIVATE" + " KEY"
    pem = f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"
    texts = (pem, pem.replace("\n", "\\n"), pem.replace("\n", "\\\\n"), pem.replace("\n", "\r\n"))
    layout = JsonLines("bare")
    framed = layout.frame(b"".join(json.dumps({"c": text}).encode() + b"\n" for text in texts))
    detector = Toolkit.load([], "", AuditKey(b"k" * 32)).detector("", partial)
    batch = TextBatch(framed, layout, uri="", table="t", first_row=1, problems=partial)
    found = list(detector.inspect(batch))
    assert [sighting.row for sighting in found] == [1, 2, 3, 4]
    assert len({sighting.secret_id for sighting in found}) == 1


def test_placeholders_are_known() -> None:
    """What documentation, masks and templates hold is no secret."""
    for text in (
        "your_token_here",
        "${TOKEN}",
        "<token>",
        "{{ token }}",
        "xxxxxxxxxx",
        "AKIA***",
        "aaaaaaaa",
        "%s",
        "[REDACTED]",
    ):
        assert is_placeholder(text)
    assert not is_placeholder("q7Zt3Lx9")


def test_entropy_is_in_bits_a_character() -> None:
    """Sixteen different characters have four bits each; one repeated has none."""
    assert entropy("0123456789abcdef") == 4.0
    assert entropy("aaaa") == 0.0
    assert entropy("") == 0.0
