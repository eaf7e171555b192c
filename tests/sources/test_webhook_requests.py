import base64
import contextlib
import gzip
import http.client
import logging
import secrets
import socket
import threading
import time

import pytest
import zstandard

from auditor.sources.webhook import server as server_module
from tests.sources.webhook_harness import PATH, batch, eventually, running, send


@pytest.fixture(scope="module", name="endpoint")
def endpoint_fixture(tmp_path_factory):
    """Give an endpoint over TLS that records at once; the tests of this file leave it as it was."""
    with running(tmp_path_factory.mktemp("tls"), max_body=1 << 20, max_in_flight=4 << 20) as endpoint:
        yield endpoint


def last(endpoint):
    return endpoint.deliveries[-1]


def test_a_body_is_one_message(endpoint):
    """A batch is handed over as it came, and answered once it is recorded."""
    body = batch(range(100))
    reply = endpoint.post(body)
    assert (reply.status, reply.body) == (200, b"")
    assert (last(endpoint).keys, last(endpoint).values, last(endpoint).topic) == ([None], [body], "")
    assert last(endpoint).origin == f"webhook://127.0.0.1:{endpoint.port}{PATH}"
    assert last(endpoint).position == {"requests": last(endpoint).numbers[-1]}


@pytest.mark.parametrize("body", [b'{"resolved":"2.0000000000"}', b"", b"{not json", b"\xff\x00", b"[]"])
def test_any_body_is_handed_over(endpoint, body):
    """Resolved posts and what cannot be decoded are not the source's to judge."""
    assert endpoint.post(body).status == 200
    assert last(endpoint).values == [body]


def test_csv_bodies_are_told_apart(endpoint):
    """Glued csv rows are no JSON: the delivery says so."""
    assert endpoint.post(b"1,a2,b", {"Content-Type": "text/csv; charset=utf-8"}).status == 200
    assert (last(endpoint).format, last(endpoint).values) == ("csv", [b"1,a2,b"])
    endpoint.post()
    assert last(endpoint).format == ""


def test_headers_and_query_are_handed_over(endpoint):
    """What `extra_headers` and the sink's address can hold is scanned; our own credential is not kept."""
    own = "Bearer " + secrets.token_hex(8)
    assert endpoint.post(headers={"X-Extra": "1", "Cookie": "a=b", "Authorization": own}, path=PATH + "?a=b%20c").status == 200
    assert last(endpoint).headers == [[("x-extra", b"1"), ("cookie", b"a=b"), (":query", b"a=b%20c")]]
    endpoint.post()
    assert last(endpoint).headers is None


@pytest.mark.parametrize("compress", [gzip.compress, lambda body: zstandard.ZstdCompressor().compress(body)])
def test_compressed_bodies_are_undone(endpoint, compress):
    """What is handed over is the content, of several members too."""
    encoding = "gzip" if compress is gzip.compress else "zstd"
    body = batch(range(100))
    assert endpoint.post(compress(body[:99]) + compress(body[99:]), {"Content-Encoding": encoding}).status == 200
    assert last(endpoint).values == [body]


def test_a_damaged_or_unknown_compression_is_refused(endpoint):
    """Half a body is no body: the sink sends it again."""
    before = len(endpoint.deliveries)
    packed = gzip.compress(batch(range(100)))
    assert endpoint.post(packed[:-9], {"Content-Encoding": "gzip"}).status == 400
    assert endpoint.post(b"{}", {"Content-Encoding": "zstd"}).status == 400
    assert endpoint.post(b"{}", {"Content-Encoding": "br"}).status == 415
    assert endpoint.post(b"{}", {"Content-Encoding": "identity"}).status == 200
    assert len(endpoint.deliveries) == before + 1


def test_a_bomb_is_refused_and_the_connection_lives_on(endpoint):
    """A small body that would be 64 MiB is stopped at the limit."""
    connection = endpoint.connection()
    bomb = gzip.compress(bytes(64 << 20))
    assert send(connection, bomb, {"Content-Encoding": "gzip"}).status == 413
    assert send(connection).status == 200
    connection.close()


@pytest.mark.parametrize("stated", [True, False])
def test_a_body_that_is_too_large_is_refused(endpoint, stated):
    """The limit holds whether the sender states the length or sends chunks."""
    body = bytes((1 << 20) + 1)
    assert endpoint.post(body if stated else iter([body[:-1], b"x", b"y"])).status == 413


def test_chunks_are_joined(endpoint):
    """A body without a stated length comes in chunks."""
    assert endpoint.post(iter([b'{"payload"', b':[],"length":0}'])).status == 200
    assert last(endpoint).values == [b'{"payload":[],"length":0}']


def test_other_paths_and_methods_are_refused(endpoint):
    """There is one address and one method."""
    before = len(endpoint.deliveries)
    assert endpoint.post(path="/other").status == 404
    assert endpoint.post(path=PATH + "/").status == 404
    reply = endpoint.post(method="GET")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert endpoint.post(method="PUT").status == 405
    assert len(endpoint.deliveries) == before
    assert "server" not in reply.headers


def test_connections_stay_open_and_run_side_by_side(endpoint):
    """Parallel workers, each with a connection of its own that it keeps, are all served; their requests share deliveries."""
    before = len(endpoint.bodies)
    sent = [[batch([worker * 100 + number]) for number in range(30)] for worker in range(8)]
    failures = []

    def work(bodies):
        connection = endpoint.connection()
        connection.connect()
        first = connection.sock
        failures.extend(body for body in bodies if send(connection, body).status != 200)
        if connection.sock is not first:
            failures.append(b"the connection was closed")
        connection.close()

    threads = [threading.Thread(target=work, args=(bodies,)) for bodies in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    got = endpoint.bodies[before:]
    assert sorted(got) == sorted(body for bodies in sent for body in bodies)
    # What one worker sent is in order.
    for bodies in sent:
        assert [body for body in got if body in set(bodies)] == bodies
    numbers = [number for delivery in endpoint.deliveries for number in delivery.numbers]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_two_values_are_accepted_while_one_is_replaced(scheme, monkeypatch, tmp_path):
    """The header is compared whole; nothing is read for whoever has the wrong one."""
    old, new = (f"{scheme} {base64.b64encode(secrets.token_bytes(12)).decode()}" for _ in range(2))
    monkeypatch.setenv("ACCEPTED_OLD", old)
    (tmp_path / "new").write_text(new + "\n")
    references = [{"env": "ACCEPTED_OLD"}, {"file": tmp_path / "new"}]
    with running(authorization=references) as endpoint:
        assert endpoint.post(headers={"Authorization": old}).status == 200
        assert endpoint.post(headers={"Authorization": new}).status == 200
        for wrong in ("", new[:-1], new + "x", new.partition(" ")[2], "Bearer \xff"):
            reply = endpoint.post(b"secret body", {"Authorization": wrong})
            assert (reply.status, reply.headers["www-authenticate"]) == (401, f'{scheme} realm="auditor"')
        assert endpoint.post().status == 401
        assert endpoint.bodies == [b"{}", b"{}"]


def test_nothing_of_a_request_is_logged(endpoint, caplog, monkeypatch):
    """No line of any logger holds a path's query, a header or a body, whatever the answer was."""
    caplog.set_level(logging.DEBUG)
    # Somebody who sets up every logger of the process must not bring back the access log.
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)
    told = secrets.token_hex(12)
    headers = {"Authorization": f"Bearer {told}", "X-Extra": told}
    for more in ({}, {"Content-Encoding": "gzip"}, {"Content-Encoding": "br"}):
        endpoint.post(told.encode(), {**headers, **more}, path=f"{PATH}?{told}")
    endpoint.post(told.encode() * (1 << 17), headers)
    endpoint.post(method="GET", path=f"/{told}")
    for record in caplog.records:
        assert told not in record.getMessage() + repr(record.args) + repr(record.exc_info)


def raw_socket(endpoint):
    return socket.create_connection(("127.0.0.1", endpoint.port), timeout=5)


def test_a_head_that_never_ends_is_cut_off(monkeypatch):
    """A sender that trickles its head is left after a while."""
    monkeypatch.setattr(server_module, "_PATIENCE", 0.2)
    with running() as endpoint, raw_socket(endpoint) as trickling, raw_socket(endpoint) as silent:
        trickling.sendall(b"POST /feed HTTP/1.1\r\nA: ")
        began = time.monotonic()
        for _ in range(30):
            time.sleep(0.02)
            try:
                trickling.sendall(b"a")
            except OSError:
                break
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe
            trickling.sendall(b"a") or trickling.recv(1) or trickling.sendall(b"a")
        assert time.monotonic() - began < 3
        assert_cut(silent)


def assert_cut(connection):
    """Wait for the other side to close."""
    with contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""


def test_a_body_that_trickles_is_cut_off():
    """The body must arrive within the time of the answer."""
    with running(answer_within=0.3) as endpoint, raw_socket(endpoint) as slow:
        slow.sendall(b"POST /feed HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
        response = http.client.HTTPResponse(slow)
        response.begin()
        assert (response.status, response.getheader("connection")) == (408, "close")
        response.close()
        assert endpoint.bodies == []


def test_an_idle_connection_is_kept_when_a_request_was_answered(monkeypatch):
    """The clock that watches heads does not run between requests."""
    monkeypatch.setattr(server_module, "_PATIENCE", 0.2)
    with running() as endpoint:
        connection = endpoint.connection()
        assert send(connection).status == 200
        time.sleep(0.4)
        assert send(connection, path="/other").status == 404
        time.sleep(0.4)
        assert send(connection).status == 200
        connection.close()


def test_a_head_that_is_too_large_is_refused(endpoint):
    """Heads are bounded before anybody is authorized."""
    connection = endpoint.connection()
    try:
        status = send(connection, headers={"X-Extra": "a" * (200 << 10)}).status
    except OSError:
        status = 400
    connection.close()
    assert status == 400


def test_more_connections_than_allowed_are_closed():
    """Beyond the bound a connection is closed at once; those that are open go on."""
    with running(max_connections=2) as endpoint:
        first, second = endpoint.connection(), endpoint.connection()
        assert send(first).status == send(second).status == 200
        with raw_socket(endpoint) as third:
            assert_cut(third)
        assert send(first).status == 200
        first.close()

        def served() -> bool:
            try:
                return endpoint.post().status == 200
            except (OSError, http.client.HTTPException):
                return False

        eventually(served)
        second.close()
