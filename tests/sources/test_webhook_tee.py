import gzip
import http.server
import secrets
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from auditor.errors import ConfigError
from auditor.sources.webhook import WebhookSource
from auditor.sources.webhook.settings import WebhookSettings
from tests.sources.feed_harness import MemoryClaims
from tests.sources.webhook_harness import PATH, authority, batch, pem, running, send


class Behind(http.server.ThreadingHTTPServer):
    """The real endpoint: keeps what it gets, and answers as it is told."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.status, self.text, self.headers, self.delay = 200, b"", {}, 0.0
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.connections: set[tuple[str, int]] = set()

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.server_port}/real/path"

    def handle_error(self, *_args: object) -> None:
        """Say nothing: clients leave when time is up."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Behind

    def do_POST(self) -> None:
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        server.connections.add(self.client_address)
        time.sleep(server.delay)
        self.send_response(server.status)
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(server.text)))
        self.end_headers()
        self.wfile.write(server.text)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def behind(tmp_path) -> Iterator[Behind]:
    """Give the real endpoint, with a certificate of an authority of its own."""
    authority("behind").cert_pem.write_to_path(str(tmp_path / "behind-ca.pem"))
    paths = pem(tmp_path, "behind")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths["certificate"], paths["key"])
    server = Behind(context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def tee(behind, tmp_path):
    """Give the settings of a tee before that endpoint."""
    return {"forward_to": behind.address, "forward_ca": tmp_path / "behind-ca.pem"}


def test_the_endpoint_behind_gets_the_same_request(behind, tee):
    """The body as it came, the headers, the credential and the query are passed on; connections are kept open."""
    own = "Bearer " + secrets.token_hex(8)
    body = gzip.compress(batch(range(10)))
    headers = {"Authorization": own, "X-Extra": "1", "Content-Encoding": "gzip", "User-Agent": "Go-http-client/1.1"}
    behind.text = b"thanks"
    with running(**tee) as endpoint:
        connection = endpoint.connection()
        for _ in range(3):
            reply = send(connection, body, headers, PATH + "?a=b%20c&d")
            assert (reply.status, reply.body) == (200, b"thanks")
        connection.close()
        path, got, passed = behind.got[0]
        assert (path, passed) == ("/real/path?a=b%20c&d", body)
        assert got == {
            "host": f"127.0.0.1:{behind.server_port}",
            "content-length": str(len(body)),
            "content-type": "application/json",
            "authorization": own,
            "x-extra": "1",
            "content-encoding": "gzip",
            "user-agent": "Go-http-client/1.1",
        }
        assert endpoint.bodies == [batch(range(10))] * 3
        assert len(behind.connections) == 1


@pytest.mark.parametrize("status", [200, 202, 204, 301, 400, 401, 429, 500, 503])
def test_its_answer_is_passed_back(behind, tee, status):
    """Whatever it says is what the sink is told, so that the sink sends again what was not taken; redirects are not followed."""
    behind.status, behind.text = status, b"" if status == 204 else b"said behind"
    behind.headers = {"Retry-After": "7", "Content-Type": "text/x", "Location": behind.address, "Set-Cookie": "a=b"}
    with running(**tee) as endpoint:
        reply = endpoint.post()
        assert (reply.status, reply.body) == (status, behind.text)
        assert (reply.headers["retry-after"], reply.headers["content-type"]) == ("7", "text/x")
        assert not {"location", "set-cookie"} & set(reply.headers)
        assert len(behind.got) == len(endpoint.bodies) == 1


def test_what_is_sent_again_is_passed_on_again(behind, tee):
    """At least once holds for both: after an error of the endpoint behind, the second attempt reaches both."""
    with running(**tee) as endpoint:
        behind.status = 500
        assert endpoint.post(b"1").status == 500
        behind.status = 200
        assert endpoint.post(b"1").status == 200
        assert endpoint.bodies == [b"1", b"1"] == [body for _, _, body in behind.got]


@pytest.mark.parametrize("record", [lambda reader, delivery: reader.refused(delivery), lambda _reader, _delivery: None])
def test_what_is_not_recorded_is_not_passed_on(behind, tee, record):
    """The endpoint behind never has what was not audited: refused or not recorded in time, the answer is 503."""
    with running(record=record, answer_within=0.4, **tee) as endpoint:
        assert endpoint.post().status == 503
        assert endpoint.bodies == [b"{}"]
        assert behind.got == []


def test_an_endpoint_that_is_slow_is_answered_for(behind, tee):
    """The time of the answer holds for both parts together."""
    behind.delay = 1.0
    with running(answer_within=0.4, **tee) as endpoint:
        began = time.monotonic()
        assert endpoint.post().status == 504
        assert time.monotonic() - began < 0.8


def test_an_endpoint_that_is_not_there_is_answered_for(behind, tee):
    """Nobody listens: 502, and the sink tries again."""
    behind.shutdown()
    behind.server_close()
    with running(**tee) as endpoint:
        assert endpoint.post().status == 502


def test_an_endpoint_that_is_not_trusted_gets_nothing(behind):
    """Its certificate is checked against the system's authorities unless another is named."""
    with running(forward_to=behind.address) as endpoint:
        reply = endpoint.post()
        assert (reply.status, behind.got) == (502, [])


def test_a_long_answer_is_cut(behind, tee):
    """An answer is text for an error message, and bounded."""
    behind.status, behind.text = 500, b"x" * 200_000
    with running(**tee) as endpoint:
        reply = endpoint.post()
        assert (reply.status, len(reply.body)) == (500, 64 << 10)


def test_the_tee_shows_a_certificate_of_its_own(tmp_path):
    """An endpoint that wants client certificates is given the one of the settings."""
    authority("behind").cert_pem.write_to_path(str(tmp_path / "behind-ca.pem"))
    paths = pem(tmp_path, "behind")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths["certificate"], paths["key"])
    authority("clients").configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    server = Behind(context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    own = pem(tmp_path, "clients", "client@example.com")
    more = {"forward_certificate": own["certificate"], "forward_key": own["key"]}
    common = {"forward_to": server.address, "forward_ca": tmp_path / "behind-ca.pem"}
    with running(**common, **more) as endpoint:
        assert endpoint.post().status == 200
    with running(**common) as endpoint:
        assert endpoint.post().status == 502
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_authority_that_cannot_be_read_is_a_matter_of_settings(tmp_path):
    """The error names the file, and the port is free again."""
    settings = WebhookSettings(name="feed", port=0, forward_to="https://127.0.0.1", forward_ca=tmp_path / "missing.pem")
    with pytest.raises(ConfigError, match=r"missing\.pem"):
        WebhookSource(settings).open(MemoryClaims())


def test_closing_cuts_what_is_being_passed_on(behind, tee, caplog):
    """A slow endpoint behind does not keep the feed from closing: the sink is told to come again."""
    behind.delay = 2.0
    with running(answer_within=5, **tee) as endpoint:
        connection = endpoint.connection()
        connection.request("POST", PATH, b"{}")
        while not behind.got:
            time.sleep(0.01)
        began = time.monotonic()
        endpoint.reader.close()
        assert time.monotonic() - began < 0.9
        assert connection.getresponse().status == 503
        connection.close()
    assert [record for record in caplog.records if record.name != "auditor.kafka"] == [], "a client of another test may speak"
