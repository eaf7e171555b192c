"""
Whatever is found in JSON messages is found in Avro and Protobuf messages of the same rows, where texts touch their lengths.

The byte before a text is its length, and that may be a letter or a digit: the run that a token begins with then begins earlier.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import NamedTuple

import numpy as np
import pytest

from auditor.decoders.messages.avro import AvroCodec
from auditor.decoders.messages.batch import MessageBatch
from auditor.decoders.messages.json import JsonCodec
from auditor.decoders.messages.protobuf import ProtobufCodec
from auditor.delivery import Messages
from auditor.identity import AuditKey
from auditor.model import Receipt
from auditor.pipeline import Partial
from auditor.protocols import Codec, Framed, Values
from auditor.sample.tokens import catalogue
from auditor.toolkit import Toolkit
from tests.decoders import protobuf_examples
from tests.decoders.avro_examples import Registry, envelope_schema, table_schema

#: Lengths that are a letter or a digit before the text: in Avro (twice the length), and in Protobuf.
AVRO_LENGTHS = (24, 26, 33, 35, 38, 42, 45, 49, 52, 57, 61, 4160)
PROTOBUF_LENGTHS = (48, 52, 57, 65, 70, 77, 84, 90, 97, 105, 113, 122, 8320)
COLUMNS = {"plain": "STRING", "doc": "JSONB", "scalar": "JSONB", "raw": "BYTES", "tags": "STRING[]", "next": "STRING"}
KEY = {"k": "STRING", "n": "STRING"}

Sighted = Mapping[int, set[tuple[str, str, str, str, str]]]


class Planted(NamedTuple):
    """A message: a text in one place of it."""

    part: str
    column: str
    text: str


def planted(seed: int) -> list[Planted]:
    """Return every kind in every place, and beside texts that make the length before it a letter."""
    found: list[Planted] = []
    for kind in (*catalogue.REAL, *catalogue.SPOILED, *catalogue.LOOKALIKES):
        text = kind.make(Random(seed)).text
        size = len(text.encode())
        lengths = {next((one for one in all_lengths if one > size), 0) for all_lengths in (AVRO_LENGTHS, PROTOBUF_LENGTHS)}
        found += [Planted("after", "plain", f"{text} {'x' * (length - size - 1)}") for length in sorted(lengths - {0})]
        found += [Planted("after", column, text) for column in COLUMNS]
        found += [Planted("before", "plain", text), Planted("key", "k", text)]
        found.append(Planted("after", "next", base64.b64encode(text.encode()).decode()))
        found.append(Planted("after", "raw", base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")))
    return found


def columns_of(one: Planted) -> dict[str, object]:
    """Return the columns of a row, as Python's values."""
    row: dict[str, object] = dict.fromkeys(COLUMNS)
    row["plain"] = "beside it"
    value: object = one.text
    if one.column == "doc":
        value = {"a": [one.text], "b": 1}
    elif one.column == "raw":
        value = one.text.encode()
    elif one.column == "tags":
        value = ["first", None, one.text, "last"]
    return row | {one.column: value}


def json_messages(rows: list[Planted]) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value as JSON."""
    for one in rows:
        key = {"k": one.text if one.part == "key" else "k", "n": "n"}
        row = {name: f"\\x{of.hex()}" if isinstance(of, bytes) else of for name, of in columns_of(one).items()}
        value = {"after": None, "before": None}
        if one.part != "key":
            value[one.part] = row
        yield json.dumps(key).encode(), json.dumps(value, ensure_ascii=False).encode()


def avro_messages(rows: list[Planted], registry: Registry) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value as Avro."""
    schema, key_schema = envelope_schema("t", COLUMNS, ["before", "after"]), table_schema("t", KEY)
    for one in rows:
        row = columns_of(one) | {name: _json_text(columns_of(one)[name]) for name in ("doc", "scalar")}
        value = {} if one.part == "key" else {one.part: row}
        key = {"k": one.text if one.part == "key" else "k", "n": "n"}
        yield registry.encode(key_schema, key), registry.encode(schema, value)


def protobuf_messages(rows: list[Planted]) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value as Protobuf."""
    for one in rows:
        row = columns_of(one)
        row["doc"] = _json_text(row["doc"])
        parts = {} if one.part == "key" else {one.part: row}
        key = {"k": one.text if one.part == "key" else "k", "n": "n"}
        yield protobuf_examples.key(key), protobuf_examples.wrapped(parts.get("after"), parts.get("before"))


def _json_text(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def sightings(tools: Toolkit, codec: Codec, messages: list[tuple[bytes, bytes]], size: int = 64) -> Sighted:
    """Return what is found in messages, by their numbers."""
    found: dict[int, set[tuple[str, str, str, str, str]]] = defaultdict(set)
    partial = Partial(Receipt("feed", 0, "kafka", codec.format, "", "", 0, 0))
    detector = tools.detector("feed", partial)
    for first in range(0, len(messages), size):
        some = messages[first : first + size]
        numbers = range(first, first + len(some))
        delivery = Messages("kafka://test", "t", [key for key, _ in some], [value for _, value in some], numbers)
        for one in detector.inspect(MessageBatch(delivery, codec, uri="feed", table="t", problems=partial)):
            found[one.row].add((one.rule_id, one.secret_id, one.column, one.path, one.part))
    # What is encoded five times before it is hidden once more.
    assert all("encoded over 5 times" in gap.reason for gap in partial.gaps)
    return found


@pytest.fixture(scope="module", params=["hyperscan", "standard"])
def tools(request: pytest.FixtureRequest) -> Toolkit:
    return Toolkit.load([], request.param, AuditKey(b"k" * 32))


class Clued:
    """A codec that has every row decoded: what is found there must not depend on where texts are known to lie."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.format, self.row, self.resolved = codec.format, codec.row, codec.resolved

    def values(self, framed: Framed) -> Values | None:
        """Know no places."""
        return None


@pytest.mark.parametrize("wrap", [lambda codec: codec, Clued], ids=["located", "clued"])
def test_the_same_is_found_in_every_format(tools: Toolkit, wrap: Callable[[Codec], Codec]) -> None:
    """Rule, secret, column, path and part are those of JSON; in BYTES, what JSON hides in hex digits may be more."""
    rows = planted(7)
    if tools.prefilter._engine.name == "standard":
        rows = [one for one in rows if len(one.text) < 2000][::7]  # it reads a few MB/s
    registry = Registry()
    expected = sightings(tools, JsonCodec(), list(json_messages(rows)))
    assert len(expected) > len(rows) // 3
    for codec, messages in (
        (AvroCodec(registry), list(avro_messages(rows, registry))),
        (ProtobufCodec(), list(protobuf_messages(rows))),
    ):
        found = sightings(tools, wrap(codec), messages)
        for number, one in enumerate(rows):
            here, there = found.get(number, set()), expected.get(number, set())
            assert there <= here, (codec.format, one.part, one.column, [rule for rule, *_ in there - here])
            assert here == there or one.column == "raw", (codec.format, one.part, one.column, [rule for rule, *_ in here - there])


def test_a_position_on_a_length_is_that_of_its_text() -> None:
    """A run that begins with the letter before a text is told to be in that text, not between two."""
    registry = Registry()
    schema = table_schema("t", {"a": "STRING", "b": "STRING"})
    value = registry.encode(schema, {"a": "x" * 33, "b": "y" * 24})
    framed = Framed(value + b"\n", np.array([len(value) + 1]), 1)
    first, second = value.index(b"x"), value.index(b"y")
    assert (value[first - 1], value[second - 1]) == (ord("B"), ord("0"))
    starts = AvroCodec(registry).values(framed).starts(np.array([first - 1, first, second - 1]), np.zeros(3, dtype=np.int64))
    assert starts.tolist() == [first, first, second]
