"""JSON messages gathered many at once, where all of them are wrapped and of one kind, as nearly all are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress, islice
from typing import Any, NamedTuple

import numpy as np
import orjson

from auditor.decoders.envelope import columns_of_key, key_pairs
from auditor.decoders.framing import starts_of
from auditor.decoders.json_kinds import Kind, kind_of, parsed
from auditor.protocols import Framed, Gathering

#: Messages among which one with a row is looked for.
_LOOKED_AT = 8
#: What JSON writers escape; all other printable ASCII CockroachDB writes as it is.
_ESCAPED = '"\\<>&/'
_FEED, _BRACE, _CLOSE = b"\n"[0], b"{"[0], b"}"[0]


def gathered_at_once(framed: Framed, beside: Sequence[object] | None, into: Gathering) -> bool:
    """
    Gather plain wrapped messages of one kind, and return whether they are; if not, nothing is gathered.

    ``beside`` are the keys that stood beside them, if any did. CockroachDB writes all columns of a row, in one order, so most
    messages are of the kind of the one before. One by one they take four times as long.
    """
    sample = _sample(framed, beside) if _are_objects(framed) else None
    if sample is None:
        return False
    after, before = tuple(sample.after), tuple(sample.before)
    named = key_pairs(sample.key, sample.after)
    of_key = {name for name, _ in named if name in sample.after}
    kind = kind_of(after, before, into.wanted(after) | into.wanted(before) | of_key)
    messages = kind.messages(framed.data)
    if messages is None or len(messages) != len(framed.ends):
        return False
    afters, befores = [message.after for message in messages], [message.before for message in messages]
    keys = [message.key for message in messages]
    if beside is not None:
        keys = [other if key is None else key for key, other in zip(keys, beside, strict=True)]
    if after != before and any(befores):  # rare: what is said of a key below takes both for alike
        return False
    key_columns = _key_columns([name for name, _ in named], keys, _Messages(kind, afters, befores, framed, beside is None))
    if key_columns is None:
        return False
    everything = range(len(messages))
    for part, found in (("after", afters), ("before", befores)):
        if all(found):
            into.add_columns(everything, part, kind.columns(part, found))
        elif any(found):
            into.add_columns(list(compress(everything, found)), part, kind.columns(part, list(filter(None, found))))
    if key_columns:
        into.add_columns(everything, "key", key_columns)
    return True


class _Sample(NamedTuple):
    """The columns of a message, now and before, and its key."""

    after: Mapping[str, object]
    before: Mapping[str, object]
    key: object


def _sample(framed: Framed, beside: Sequence[object] | None) -> _Sample | None:
    """Return what the first message with a row has; the columns before are taken to be those of now, unless they are there."""
    starts = starts_of(framed.ends)
    for index, (start, end) in islice(enumerate(zip(starts.tolist(), framed.ends.tolist(), strict=True)), _LOOKED_AT):
        try:
            message: Any = parsed(framed.data[start:end])
        except orjson.JSONDecodeError:
            return None
        after, before, key = (message.get(part) for part in ("after", "before", "key"))
        if type(after) is dict:
            before = before if type(before) is dict else after
            return _Sample(after, before, key if key is not None or beside is None else beside[index])
    return None


def _are_objects(framed: Framed) -> bool:
    """
    Tell whether each line begins and ends as an object does.

    Then each is one or more whole ones, since JSON has no object right behind another, nor a line feed in a string (RFC 8259).
    """
    if not len(framed.ends):
        return False
    data = np.frombuffer(framed.data, dtype=np.uint8)
    lasts = framed.ends - 2
    if data[-1] != _FEED:
        lasts[-1] += 1
    return bool((data[starts_of(framed.ends)] == _BRACE).all() and (data[lasts] == _CLOSE).all())


def _key_columns(names: Sequence[str], keys: Sequence[Any], messages: _Messages) -> Mapping[str, Any] | None:
    """
    Return the keys column by column, None if they must be looked at one by one.

    A key has no names: a part takes that of the one column with its text (see `envelope.key_pairs`). A part that is no text has
    none.
    """
    if keys.count(None) == len(keys):
        return {}
    if set(map(type, keys)) != {list} or set(map(len, keys)) != {len(names)}:
        return None
    parts = list(zip(names, zip(*keys, strict=True), strict=True))
    for name, values in parts:
        if not messages.named(name, values) if name else str in set(map(type, values)):
            return None
    return columns_of_key(parts)


class _Messages(NamedTuple):
    """Messages of a kind, where each begins and ends, and whether their keys are in them."""

    kind: Kind
    afters: Sequence[Any]
    befores: Sequence[Any]
    framed: Framed
    keyed: bool

    def named(self, name: str, values: Sequence[Any]) -> bool:
        """
        Tell whether texts are those of this column, in each row, and for certain of no other.

        They are where each message holds its text in its key and this column alone, now and before.
        """
        rows = self.afters if all(self.afters) else [now or past for now, past in zip(self.afters, self.befores, strict=True)]
        if set(map(type, values)) != {str} or not all(rows) or list(values) != self.kind.values(name, rows):
            return False
        texts = "".join(values)
        if not (texts.isascii() and texts.isprintable()) or any(mark in texts for mark in _ESCAPED):
            return False
        at = self.kind.place(name)
        needles = ('"' + '"\n"'.join(values) + '"').encode().split(b"\n")
        counts = list(map(self.framed.data.count, needles, starts_of(self.framed.ends).tolist(), self.framed.ends.tolist()))
        once = self.keyed + 1
        if not any(self.befores):
            return counts == [once] * len(counts)
        return counts == [
            once + (now is not None and past is not None and at(past) == value)
            for now, past, value in zip(self.afters, self.befores, values, strict=True)
        ]
