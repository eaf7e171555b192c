import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from auditor.errors import SourceUnavailable
from auditor.sources.webhook import WebhookSource
from auditor.sources.webhook.settings import WebhookSettings
from tests.sources.feed_harness import MemoryClaims
from tests.sources.webhook_harness import batch, eventually, running, send


def never(_reader, _delivery):
    """Record nothing."""


class Gate:
    """Records deliveries only while it is open."""

    def __init__(self):
        self.opened = threading.Event()

    def __call__(self, reader, delivery):
        assert self.opened.wait(10)
        reader.committed(delivery)


def test_no_answer_comes_before_the_record():
    """A request is answered when its delivery is recorded, not when it is handed over."""
    gate = Gate()
    with running(record=gate) as endpoint, ThreadPoolExecutor() as pool:
        answer = pool.submit(endpoint.post)
        eventually(lambda: endpoint.deliveries)
        time.sleep(0.1)
        assert not answer.done()
        gate.opened.set()
        assert answer.result(5).status == 200


def test_what_waits_is_handed_over_together():
    """While one delivery is not taken, requests gather into the next, in bounds; the numbers go on from the recorded position."""
    source = WebhookSource(WebhookSettings(name="feed", port=0, path="/feed", max_requests=1000, max_connections=1000))
    reader = source.open(MemoryClaims({"": {"requests": 41}}))
    bodies = [batch([number]) for number in range(20)]
    with ThreadPoolExecutor(20) as pool, running() as other:
        other.port = reader.port
        answers = [pool.submit(other.post, body) for body in bodies]
        eventually(lambda: len(reader._inbox._waiting) == 20)
        deliveries = iter(reader)
        delivery = next(deliveries)
        assert sorted(delivery.values) == sorted(bodies)
        assert (list(delivery.numbers), delivery.position) == (list(range(42, 62)), {"requests": 61})
        reader.committed(delivery)
        assert {answer.result(5).status for answer in answers} == {200}
        assert next(deliveries) is None
        reader.close()
        assert list(deliveries) == []


def test_one_answer_covers_all_deliveries_before():
    """`committed` says that everything up to there is recorded."""

    def second_only(reader, delivery):
        if delivery.numbers[-1] == 2:
            reader.committed(delivery)

    with running(record=second_only) as endpoint, ThreadPoolExecutor() as pool:
        first = pool.submit(endpoint.post, b"1")
        eventually(lambda: len(endpoint.deliveries) == 1)
        second = pool.submit(endpoint.post, b"2")
        assert (first.result(5).status, second.result(5).status) == (200, 200)


def test_a_refused_delivery_is_sent_again():
    """What could not be recorded is answered with 503 at once, and the sender is told when to come again."""
    with running(record=lambda reader, delivery: reader.refused(delivery)) as endpoint:
        began = time.monotonic()
        reply = endpoint.post()
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - began < 1


def test_an_answer_comes_in_time_whatever_the_state_does():
    """Without a record the answer is 503 before the sink gives up; the sender sends again, and both are handed over."""
    gate = Gate()
    with running(record=gate, answer_within=1.5) as endpoint:
        connection = endpoint.connection()
        began = time.monotonic()
        assert send(connection, b"1").status == 503
        assert 1 < time.monotonic() - began < 3, "the sink gives up after 3 s"
        gate.opened.set()
        assert send(connection, b"1").status == 200
        connection.close()
        assert endpoint.bodies == [b"1", b"1"]


def test_a_sender_that_gives_up_and_sends_again_is_served():
    """A sink whose own time ran out hangs up; its second attempt is answered, its first is recorded too."""
    gate = Gate()
    with running(record=gate) as endpoint:
        impatient = endpoint.connection()
        impatient.timeout = 0.2
        with pytest.raises(TimeoutError):
            send(impatient, b"1")
        impatient.close()
        gate.opened.set()
        assert endpoint.post(b"1").status == 200
        eventually(lambda: endpoint.bodies == [b"1", b"1"])


def test_too_many_bytes_are_refused_at_once_and_room_comes_back():
    """What is not recorded yet counts, even after its request was answered; nothing grows beyond the bound."""
    gate = Gate()
    large = bytes(60_000)
    with running(record=gate, max_body=100_000, max_in_flight=200_000, answer_within=4) as endpoint, ThreadPoolExecutor() as pool:
        waiting = [pool.submit(endpoint.post, large) for _ in range(3)]
        eventually(lambda: endpoint.deliveries)
        eventually(lambda: len(endpoint.bodies) + len(endpoint.reader._inbox._waiting) == 3)
        began = time.monotonic()
        reply = endpoint.post(large)
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - began < 2, "well before the others' time is over"
        assert {answer.result(10).status for answer in waiting} == {503}
        assert endpoint.post(bytes(99_000)).status == 503
        gate.opened.set()
        eventually(lambda: endpoint.post(large).status == 200)


def test_too_many_requests_are_refused_at_once():
    """The number of requests is bounded like their bytes."""
    gate = Gate()
    with running(record=gate, max_requests=2) as endpoint, ThreadPoolExecutor() as pool:
        waiting = [pool.submit(endpoint.post) for _ in range(2)]
        eventually(lambda: len(endpoint.bodies) + len(endpoint.reader._inbox._waiting) == 2)
        assert endpoint.post().status == 503
        gate.opened.set()
        assert {answer.result(5).status for answer in waiting} == {200}
        assert endpoint.post().status == 200


def test_what_nobody_took_is_not_held_after_its_answer():
    """A request that ran out of time before anybody looked at it leaves no trace: the sender has it still."""
    source = WebhookSource(WebhookSettings(name="feed", port=0, path="/feed", answer_within=0.2))
    reader = source.open(MemoryClaims())
    with running() as other:
        other.port = reader.port
        assert other.post(b"1").status == 503
    deliveries = iter(reader)
    assert next(deliveries) is None
    reader.close()


@pytest.mark.parametrize("secure", [False, True])
def test_closing_answers_who_waits_and_is_prompt(secure, tmp_path):
    """Every request that waits is told to come again; closing takes well under a second, again takes nothing."""
    with running(tmp_path if secure else None, record=never) as endpoint, ThreadPoolExecutor() as pool:
        idle = endpoint.connection()
        idle.connect()
        answers = [pool.submit(endpoint.post) for _ in range(4)]
        eventually(lambda: len(endpoint.bodies) == 4)
        began = time.monotonic()
        endpoint.reader.close()
        assert time.monotonic() - began < 0.7
        assert {answer.result(5).status for answer in answers} == {503}
        assert endpoint.ended.wait(1)
        began = time.monotonic()
        endpoint.reader.close()
        assert time.monotonic() - began < 0.1
        with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system says
            endpoint.post()
        endpoint.reader.committed(endpoint.deliveries[-1])
        idle.close()


def test_what_is_recorded_while_closing_is_answered_so():
    """A feed that is stopped records what it has taken: those requests need not come again."""
    gate = Gate()
    with running(record=gate) as endpoint, ThreadPoolExecutor() as pool:
        answers = [pool.submit(endpoint.post) for _ in range(4)]
        eventually(lambda: len(endpoint.bodies) == 4)
        closing = pool.submit(endpoint.reader.close)
        assert endpoint.ended.wait(1)
        gate.opened.set()
        assert {answer.result(5).status for answer in answers} == {200}
        closing.result(5)


def test_closing_does_not_wait_for_a_body(caplog):
    """A body that is still arriving is cut short, with an answer."""
    with running() as endpoint, socket.create_connection(("127.0.0.1", endpoint.port), timeout=5) as slow:
        slow.sendall(b"POST /feed HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
        eventually(lambda: endpoint.reader._server._state.tasks)
        began = time.monotonic()
        endpoint.reader.close()
        assert time.monotonic() - began < 0.7
        assert slow.recv(100).startswith(b"HTTP/1.1 503 ")
    # Readers of other tests may still be ending on threads of theirs.
    assert [record for record in caplog.records if record.name != "auditor.kafka"] == []


def test_the_port_is_free_again_after_closing():
    """A feed is opened again where it was, also while old connections linger; a port that is taken can be tried later."""
    with running() as endpoint:
        lingering = endpoint.connection()
        send(lingering)
        source = WebhookSource(WebhookSettings(name="feed", port=endpoint.port))
        with pytest.raises(SourceUnavailable, match="in use"):
            source.open(MemoryClaims())
        endpoint.reader.close()
        again = source.open(MemoryClaims())
        again.close()
        lingering.close()


def test_a_server_that_ends_by_itself_ends_the_reading():
    """If the server breaks, the feed is opened anew instead of standing still."""
    reader = WebhookSource(WebhookSettings(name="feed", port=0)).open(MemoryClaims())
    deliveries = iter(reader)
    assert next(deliveries) is None
    reader._server.stop()
    with pytest.raises(SourceUnavailable, match="ended by itself"):
        list(deliveries)
    reader.close()


def test_none_comes_while_there_is_nothing():
    """A quiet feed says so at least every other second, and a request does not wait for that."""
    with running() as endpoint:
        time.sleep(0.3)
        began = time.monotonic()
        endpoint.post()
        assert time.monotonic() - began < 0.3
