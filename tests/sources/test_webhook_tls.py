import http.client
import socket
import ssl
import time

import pytest

from auditor.errors import ConfigError
from auditor.sources.webhook import WebhookSource
from auditor.sources.webhook import server as server_module
from auditor.sources.webhook.settings import WebhookSettings
from tests.sources.feed_harness import MemoryClaims
from tests.sources.webhook_harness import authority, eventually, pem, running, send, trusting


def test_clients_need_a_certificate_where_an_authority_is_named(tmp_path):
    """With `client_ca` only clients of that authority get as far as a request."""
    authority("clients").cert_pem.write_to_path(str(tmp_path / "clients.pem"))
    with running(tmp_path, client_ca=tmp_path / "clients.pem") as endpoint:
        known, unknown = trusting(), trusting()
        authority("clients").issue_cert("client@example.com").configure_cert(known)
        authority("others").issue_cert("client@example.com").configure_cert(unknown)
        connection = endpoint.connection(known)
        assert send(connection).status == 200
        connection.close()
        for context in (unknown, trusting()):
            connection = endpoint.connection(context)
            with pytest.raises((OSError, http.client.HTTPException)):
                send(connection)
            connection.close()
        assert endpoint.bodies == [b"{}"]


def test_a_renewed_certificate_is_loaded_without_a_restart(tmp_path, monkeypatch):
    """New connections get it, open ones go on; while the pair does not fit, the old one stays."""
    monkeypatch.setattr(server_module, "_TICK", 0.02)

    def serial(endpoint):
        plain = socket.create_connection(("127.0.0.1", endpoint.port))
        with trusting().wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            return connection.getpeercert()["serialNumber"]

    with running(tmp_path) as endpoint:
        open_since = endpoint.connection()
        assert send(open_since).status == 200
        first = serial(endpoint)
        (tmp_path / "new").mkdir()
        new = pem(tmp_path / "new")
        new["certificate"].replace(tmp_path / "server.pem")
        time.sleep(0.2)
        assert serial(endpoint) == first
        new["key"].replace(tmp_path / "server.key")
        eventually(lambda: serial(endpoint) != first)
        assert send(open_since).status == 200
        open_since.close()


@pytest.mark.parametrize(
    ("which", "content"), [("certificate", None), ("key", None), ("certificate", b"no PEM"), ("key", b"no PEM")]
)
def test_a_certificate_that_cannot_be_used_is_a_matter_of_settings(tmp_path, which, content):
    """The error names the files."""
    paths = pem(tmp_path)
    if content is None:
        paths[which].unlink()
    else:
        paths[which].write_bytes(content)
    with pytest.raises(ConfigError, match=r"server\.pem"):
        WebhookSource(WebhookSettings(name="feed", port=0, **paths)).open(MemoryClaims())


def test_a_key_of_another_certificate_is_refused(tmp_path):
    """Both must belong together."""
    paths = pem(tmp_path)
    paths["key"] = pem(tmp_path, "others")["key"]
    with pytest.raises(ConfigError, match="mismatch"):
        WebhookSource(WebhookSettings(name="feed", port=0, **paths)).open(MemoryClaims())


def test_plain_http_to_the_tls_port_is_no_request(tmp_path):
    """Who speaks without TLS is not answered, and does no harm to the others."""
    with running(tmp_path) as endpoint:
        plain = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=5)
        with pytest.raises((OSError, http.client.HTTPException)):
            send(plain)
        plain.close()
        assert endpoint.post().status == 200


def test_old_versions_of_tls_are_refused(tmp_path):
    """TLS 1.2 is the oldest that is spoken."""
    with running(tmp_path) as endpoint:
        old = trusting()
        with pytest.warns(DeprecationWarning, match="deprecated"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="deprecated"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        connection = endpoint.connection(old)
        with pytest.raises(OSError):  # noqa: PT011 - its text is OpenSSL's
            send(connection)
        connection.close()
