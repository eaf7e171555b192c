"""What one call of the consumer brings, cut into deliveries. Pure functions, few operations for each message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, compress
from operator import itemgetter, length_hint, ne, or_
from typing import Any, NamedTuple

from confluent_kafka import Message

from auditor.payloads import Joined

#: Bytes of values that one delivery holds at most, unless a single message is larger.
MOST_BYTES = 4 << 20

# Methods without their instance: `map` calls them in C, without a frame of Python for each message. They are typed for messages
# of any origin; one that was consumed always has a topic, a partition and an offset, and its key and value are bytes.
_of: Any = Message
_error, _headers, _key, _offset = _of.error, _of.headers, _of.key, _of.offset
_partition, _topic, _value = _of.partition, _of.topic, _of.value
_second = itemgetter(1)


class Run(NamedTuple):
    """Messages of one partition, in order."""

    topic: str
    partition: int
    messages: list[Message]


class Payloads(NamedTuple):
    """The columns of a `auditor.delivery.Messages`."""

    keys: list[bytes | None]
    values: Joined
    numbers: Sequence[int]
    headers: list[list[tuple[str, bytes]]] | None


def split_errors(batch: list[Message]) -> tuple[list[Message], list[Message]]:
    """Return the messages, and the events among them that are none (their value would be an error's text)."""
    if not any(map(_error, batch)):
        return batch, []
    return [one for one in batch if one.error() is None], [one for one in batch if one.error() is not None]


def runs(messages: list[Message]) -> list[Run]:
    """Return the messages by partition. A batch of one partition, as a busy feed's mostly are, is not copied."""
    if not messages:
        return []
    partitions, topics = list(map(_partition, messages)), list(map(_topic, messages))
    if partitions.count(partitions[0]) == len(messages) == topics.count(topics[0]):
        return [Run(topics[0], partitions[0], messages)]
    # Partitions take turns, each with what one answer of a broker held: there are far fewer turns than messages.
    differs = map(or_, map(ne, topics, topics[1:]), map(ne, partitions, partitions[1:]))
    starts = [0, *compress(range(1, len(messages)), differs)]
    groups: dict[tuple[str, int], list[Message]] = {}
    for start, end in zip(starts, [*starts[1:], len(messages)], strict=True):
        groups.setdefault((topics[start], partitions[start]), []).extend(messages[start:end])
    return [Run(topic, partition, group) for (topic, partition), group in groups.items()]


def unseen(messages: list[Message], expected: int) -> list[Message]:
    """Return the messages from an offset on."""
    return messages if _offset(messages[0]) >= expected else [one for one in messages if _offset(one) >= expected]


def offset_after(messages: Sequence[Message]) -> int:
    """Return the offset after the last message."""
    return int(_offset(messages[-1])) + 1


def pieces(messages: Sequence[Message], most: int = MOST_BYTES) -> Iterator[Sequence[Message]]:
    """Yield the messages in pieces of bounded size, each of at least one message."""
    if sum(map(len, messages)) <= most:
        yield messages
        return
    ends = list(accumulate(map(len, messages)))
    first = taken = 0
    for index, end in enumerate(ends):
        if end - taken > most and index > first:
            yield messages[first:index]
            first, taken = index, ends[index - 1]
    yield messages[first:]


def payloads(messages: Sequence[Message]) -> Payloads:
    """Return keys, values, offsets and, where any message has some, headers."""
    first, after = int(_offset(messages[0])), offset_after(messages)
    # Offsets ascend: where none is missing they need not be asked for.
    numbers = range(first, after) if after - first == len(messages) else list(map(_offset, messages))
    return Payloads(list(map(_key, messages)), Joined(list(map(_value, messages))), numbers, _all_headers(messages))


def _all_headers(messages: Sequence[Message]) -> list[list[tuple[str, bytes]]] | None:
    """
    Return the headers of each message, None where no message has any.

    A name that is not UTF-8 is a fault in the client (seen in 2.16): it returns its list with a hole in the name's place, and an
    exception beside it. `map` notices that and raises `SystemError`; a call in the code of a loop would, once it is fast, not
    notice, and unpack the hole: a crash of the process. So they are asked for through `map` alone, and such a message's headers
    are returned without their names.
    """
    rest = iter(messages)
    try:
        if not any(map(_headers, rest)):
            return None
        nameless = -1
    except SystemError:
        nameless = len(messages) - 1 - length_hint(rest)
    return [_own_headers(message, named=index != nameless) for index, message in enumerate(messages)]


def _own_headers(message: Message, *, named: bool) -> list[tuple[str, bytes]]:
    """Return the headers of one message."""
    if named:
        try:
            (headers,) = map(_headers, (message,))
        except SystemError:
            pass
        else:
            return [(name, value or b"") for name, value in headers or ()]
    # Asked for again, it returns what it made the first time; the holes are not touched.
    (headers,) = map(_headers, (message,))
    return [("", value or b"") for value in map(_second, headers)]
