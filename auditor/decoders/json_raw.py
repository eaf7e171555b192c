"""
One column of a wrapped message, found in its text without parsing it.

In a column full of secrets every row has a hit, and parsing each for one value is most of the work. Where a message is as
CockroachDB writes it and nothing before the value is escaped, the place of the value follows from the quotes and brackets
before it. Anything else is left to the parser: this must never guess.
"""

from __future__ import annotations

import re

from auditor.decoders.names import table_from_topic
from auditor.model import Cell, Row

_START = b'{"after": {'
_STRUCTURE = b'{}[]"'
_OTHERS = bytes(byte for byte in range(256) if byte not in _STRUCTURE)
_DEEPEST = 6


def _before_value() -> re.Pattern[bytes]:
    """
    Match what is left of the text before a value when all but quotes and brackets is deleted.

    That is the opening of the message and of its row, then whole texts, objects and arrays. A bracket inside a text stands
    between an odd quote and an even one, which matches nothing here.
    """
    inside = rb'""'
    for _ in range(_DEEPEST):
        inside = rb'(?:""|\{%b*+\}|\[%b*+\])' % (inside, inside)
    return re.compile(rb'\{""\{%b*+' % inside)


_BEFORE_VALUE = _before_value()
# A topic at the end of the message, where only the commit time follows in the order of names.
_TOPIC = re.compile(rb'"topic": "([^"\\]*)"(?:, "updated": "[0-9.]*")?\}\s*\Z')


def row_holding(record: bytes, text: bytes) -> Row | None:
    """
    Return a row of the one column of ``after`` that holds a text, and its table; None where only parsing can tell.

    The text must be there once, in a value of a column's own, with nothing escaped before or in it.
    """
    place = record.find(text)
    if place < 0 or not record.startswith(_START) or record.find(text, place + 1) >= 0:
        return None
    start = record.rfind(b'"', 0, place)
    end = record.find(b'"', place)
    name_end = start - 3
    if record[name_end : start + 1] != b'": "' or record.find(b"\\", 0, end) >= 0:
        return None
    if not _BEFORE_VALUE.fullmatch(record[:start].translate(None, _OTHERS)):
        return None
    name = record[record.rfind(b'"', 0, name_end) + 1 : name_end]
    topic = _TOPIC.search(record, end)
    if topic is None and b'"topic"' in record[end:]:
        return None
    try:
        cell = Cell("after", name.decode(), "", record[start + 1 : end].decode())
        return Row([cell], table_from_topic(topic[1].decode()) if topic and topic[1] else None)
    except UnicodeDecodeError:
        return None
