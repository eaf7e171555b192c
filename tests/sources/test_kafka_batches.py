"""How what the consumer returns is cut into deliveries."""

from confluent_kafka import KafkaError, Message
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.kafka.batches import offset_after, payloads, pieces, runs, split_errors, unseen


def message(topic: str = "t", partition: int = 0, offset: int = 0, value: bytes | None = b"", **more: object) -> Message:
    return Message(topic=topic, partition=partition, offset=offset, value=value, **more)


def batches() -> st.SearchStrategy[list[Message]]:
    """Make batches of a few partitions, with ascending offsets in each."""
    places = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 2)), max_size=40)
    return places.map(lambda rows: [message(topic, partition, offset) for offset, (topic, partition) in enumerate(rows)])


@given(batches())
def test_runs_lose_and_reorder_nothing(batch: list[Message]):
    """Each message is in the run of its partition, in order."""
    found = runs(batch)
    assert sum(len(run.messages) for run in found) == len(batch)
    assert len({(run.topic, run.partition) for run in found}) == len(found)
    for run in found:
        expected = [one for one in batch if (one.topic(), one.partition()) == (run.topic, run.partition)]
        assert run.messages == expected


@given(st.lists(st.integers(0, 30)), st.integers(1, 50))
def test_pieces_are_bounded_and_whole(sizes: list[int], most: int):
    """No piece is larger than the bound unless it is a single message, none is empty, and together they are everything."""
    messages = [message(offset=offset, value=b"x" * size) for offset, size in enumerate(sizes)]
    cut = list(pieces(messages, most))
    assert [one for piece in cut for one in piece] == messages
    for piece in cut if messages else ():
        assert len(piece) == 1 or 0 < sum(map(len, piece)) <= most or sum(map(len, piece)) == 0
        assert piece


def test_a_batch_of_one_partition_is_not_copied():
    """The common case of a busy feed costs nothing for each message."""
    batch = [message(offset=offset) for offset in range(3)]
    assert runs(batch)[0].messages is batch
    assert split_errors(batch)[0] is batch
    assert next(pieces(batch)) is batch
    assert unseen(batch, 0) is batch


def test_errors_are_no_messages():
    """The end of a partition comes as a message whose value is a text of the client's: it must never be scanned as a row."""
    end = message(offset=2, value=b"reached end", error=KafkaError(getattr(KafkaError, "_PARTITION_EOF")))  # noqa: B009
    row = message(offset=1, value=None)
    assert split_errors([row, end]) == ([row], [end])


def test_what_was_handed_over_is_not_handed_over_again():
    """Messages before the expected offset are left out."""
    batch = [message(offset=offset) for offset in (3, 4, 5)]
    assert unseen(batch, 4) == batch[1:]
    assert unseen(batch, 9) == []
    assert offset_after(batch) == 6


def test_columns():
    """Keys, values and offsets stand side by side; headers are there if one message has some, for all."""
    first = message(offset=7, value=None, key=b"[1]", headers=[("a", b"1"), ("b", None)])
    found = payloads([first, message(offset=9, value=b"v")])
    assert found.keys == [b"[1]", None]
    assert [value or b"" for value in found.values] == [b"", b"v"]
    assert list(found.numbers) == [7, 9]
    assert found.headers == [[("a", b"1"), ("b", b"")], []]
    assert payloads([message()]).headers is None
