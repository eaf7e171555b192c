"""What every source keeps, whatever it reads: one suite over all of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from auditor.delivery import Messages
from auditor.errors import ConfigError
from tests.contracts.feed_worlds import (
    FilesWorld,
    FollowWorld,
    KafkaWorld,
    SinklessWorld,
    WebhookWorld,
    World,
    session,
)
from tests.sources.feed_harness import MemoryClaims
from tests.sources.kafka_brokers import Broker, eventually, running_tansu

APACHE = os.environ.get("AUDITOR_TEST_KAFKA", "")
KAFKA = [pytest.param("tansu", marks=pytest.mark.needs("tansu")), *(["apache-kafka"] if APACHE else [])]
ENDLESS = [*KAFKA, "sinkless", "webhook", "follow"]
KINDS = [*ENDLESS, "files"]


@pytest.fixture(scope="session")
def tansu() -> Iterator[Broker]:
    """Run a broker for these tests."""
    with running_tansu() as (address, _):
        yield Broker(address, apache=False)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Return the outside of a kind of source."""
    with ExitStack() as stack:
        kind = request.param
        if kind == "tansu":
            yield KafkaWorld(request.getfixturevalue("tansu"))
        elif kind == "apache-kafka":
            yield KafkaWorld(Broker(APACHE, apache=True))
        elif kind == "sinkless":
            yield SinklessWorld(stack)
        elif kind == "webhook":
            yield WebhookWorld(stack)
        else:
            yield FollowWorld(tmp_path) if kind == "follow" else FilesWorld(tmp_path)


@pytest.mark.parametrize("world", KINDS, indirect=True)
def test_reading_goes_on_after_what_is_recorded(world: World) -> None:
    """What was recorded, up to a resolved timestamp, does not come again; what came meanwhile does."""
    for number in range(1, 6):
        world.put(number)
    claims = MemoryClaims()
    with session(world, claims) as first:
        first.wait(lambda first: len(set(first.rows)) == 5)
        count = len(first.deliveries)
        world.settle()
        if world.endless:
            first.wait(lambda first: len(first.deliveries) > count)
            time.sleep(0.3)
    for number in range(6, 9):
        world.put(number)
    with session(world, claims) as second:
        second.wait(lambda second: set(second.rows) >= {6, 7, 8})
    assert set(second.rows) == {6, 7, 8}


@pytest.mark.parametrize("world", KINDS, indirect=True)
def test_what_is_not_recorded_comes_again(world: World) -> None:
    """A crash before the transaction repeats the rows; none is skipped, however often it happens."""
    for number in range(1, 4):
        world.put(number)
    claims = MemoryClaims()
    for _ in range(2):
        with session(world, claims, record=False) as lost:
            lost.wait(lambda lost: set(lost.rows) == {1, 2, 3})
    with session(world, claims) as kept:
        kept.wait(lambda kept: set(kept.rows) == {1, 2, 3})


@pytest.mark.parametrize("world", KINDS, indirect=True)
def test_a_poisoned_payload_is_handed_over_as_it_is(world: World) -> None:
    """Decoding is not a source's job: what is no message goes on like any other, and the next row comes."""
    poison = b'{"after": {"id": 1, "note": "row-1.' + b"\x01\x02{{["
    world.put(1, poison)
    world.put(2)
    with session(world, MemoryClaims()) as reading:
        reading.wait(lambda reading: set(reading.rows) == {1, 2})
    assert poison in reading.payloads


@pytest.mark.parametrize("world", ENDLESS, indirect=True)
def test_closing_is_prompt_and_may_be_done_twice(world: World) -> None:
    """Whether it waits for rows or has just had some, the iteration ends well within a second, from several threads too."""
    with session(world, MemoryClaims()) as reading:
        world.put(1)
        reading.wait(lambda reading: reading.rows)
        threads = [threading.Thread(target=reading.reader.close) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert reading.close() < 1
        for thread in threads:
            thread.join()
        assert reading.close() < 0.5


@pytest.mark.parametrize("world", ENDLESS, indirect=True)
def test_a_quiet_feed_gives_a_sign_of_life(world: World) -> None:
    """None comes at least once a second while there is nothing, and a row that comes then is handed over soon."""
    with session(world, MemoryClaims()) as reading:
        reading.wait(lambda reading: len(reading.pauses) > 3)
        world.put(1)
        began = time.monotonic()
        reading.wait(lambda reading: reading.rows)
        assert time.monotonic() - began < 2
    gaps = [later - sooner for sooner, later in zip(reading.pauses, reading.pauses[1:], strict=False)]
    assert max(gaps) < 1.5


@pytest.mark.parametrize("world", ENDLESS, indirect=True)
def test_a_delivery_is_of_bounded_size(world: World) -> None:
    """Whatever there is, no delivery holds more than a few MiB of small rows."""
    filler = b"x" * 200_000
    for number in range(1, 61):
        world.put(number, b'{"after": {"id": %d, "note": "row-%d.%s"}}' % (number, number, filler))
    with session(world, MemoryClaims()) as reading:
        reading.wait(lambda reading: len(set(reading.rows)) == 60, 30)
    sizes = [sum(len(value or b"") for value in one.values) for one in reading.deliveries if isinstance(one, Messages)]
    assert max(sizes, default=0) <= world.largest


@pytest.mark.parametrize("world", KINDS, indirect=True)
def test_a_backlog_is_nothing_once_all_is_read(world: World) -> None:
    """A source that can tell what waits says so without asking anybody; one that cannot says that."""
    for number in range(1, 4):
        world.put(number)
    world.settle()
    with session(world, MemoryClaims()) as reading:
        reading.wait(lambda reading: len(set(reading.rows)) == 3)
        eventually(lambda: not reading.reader.backlog)


@pytest.mark.parametrize("world", KINDS, indirect=True)
def test_a_bounded_reading_ends_by_itself(world: World) -> None:
    """With ``until_caught_up`` what was there is read, and then the iteration ends; a webhook cannot know, and says so."""
    if isinstance(world, WebhookWorld):
        with pytest.raises(ConfigError):
            world.source().open(MemoryClaims(), until_caught_up=True)
        return
    for number in range(1, 4):
        world.put(number)
    if isinstance(world, SinklessWorld):
        threading.Timer(0.5, world.settle).start()
    with session(world, MemoryClaims(), until_caught_up=True) as reading:
        reading.join()
    assert set(reading.rows) == {1, 2, 3}
