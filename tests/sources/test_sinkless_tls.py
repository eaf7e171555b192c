"""A sinkless feed over TLS."""

import ssl

import pytest
import trustme

from auditor.errors import ConfigError
from auditor.sources.sinkless import SinklessSource
from tests.replay.cluster import Flood
from tests.replay.server import ReplayServer
from tests.sources.sinkless_harness import USERS, settings_for, shop, user, watching


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
def root(authority, tmp_path):
    path = tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(path)
    return path


def test_a_feed_is_read_over_tls_and_the_doctor_says_so(tls, root):
    """The certificate is verified against the given authority."""
    cluster = shop()
    cluster.put(*user(1))
    row = (USERS.encode(), b"[1]", b"x" * 5000)
    cluster.add(Flood(cluster.clock()._replace(wall=9 * 10**18), (row,), 2000))
    with ReplayServer(cluster, tls=tls) as server:
        settings = settings_for(server, sslmode="verify-full", sslrootcert=str(root))
        with watching(settings) as feed:
            feed.wait(lambda feed: len(feed.rows) == 2001)
        levels = {check.name: check.level for check in SinklessSource(settings).checks()}
    assert levels["TLS"] == "ok"


def test_an_authority_that_is_not_trusted_is_an_edit(tls):
    """The system's authorities did not sign it."""
    with ReplayServer(shop(), tls=tls) as server, watching(settings_for(server, sslmode="verify-full")) as feed:
        error = feed.wait_for_end()
    assert isinstance(error, ConfigError)
    assert "TLS" in str(error)


def test_a_server_without_tls_is_not_spoken_to_in_the_clear():
    """Only `sslmode: disable` does that."""
    with ReplayServer(shop()) as server, watching(settings_for(server, sslmode="require")) as feed:
        error = feed.wait_for_end()
    assert isinstance(error, ConfigError)
    assert "sslmode" in error.fix


def test_a_secure_server_is_not_reached_without_tls(tls):
    """The error says what to set."""
    with ReplayServer(shop(), tls=tls) as server, watching(settings_for(server)) as feed:
        assert isinstance(feed.wait_for_end(), ConfigError)
