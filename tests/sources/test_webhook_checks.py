import datetime as dt

import pytest

from auditor.sources.webhook import WebhookSource
from auditor.sources.webhook.settings import WebhookSettings
from tests.sources.webhook_harness import authority, pem, running

#: Every address of this machine.
EVERYWHERE = "0.0.0.0"  # noqa: S104
NOW = dt.datetime.now(dt.UTC)


def answers(**given):
    settings = WebhookSettings(**{"name": "feed", "port": 0, "path": "/feed", **given})
    return {check.name: check for check in WebhookSource(settings).checks()}


def levels(**given):
    return {name: check.level for name, check in answers(**given).items()}


@pytest.fixture(name="accepted")
def accepted_fixture(monkeypatch):
    monkeypatch.setenv("ACCEPTED", "Bearer " + "a" * 8)
    return [{"env": "ACCEPTED"}]


def test_a_feed_that_is_as_it_should_be(tmp_path, accepted):
    """TLS for a month and more, a port, and a credential: nothing to do."""
    assert levels(**pem(tmp_path), authorization=accepted) == {"certificate": "ok", "port": "ok", "authorization": "ok"}


@pytest.mark.parametrize(
    ("days", "level", "what"), [(29, "warn", "28 days|29 days"), (31, "ok", "30 days|31 days"), (-1, "fail", "expired")]
)
def test_a_certificate_that_ends_soon(tmp_path, days, level, what):
    """Within 30 days it is a warning; once it has expired, every sink refuses it."""
    more = {"not_before": NOW - dt.timedelta(days=90), "not_after": NOW + dt.timedelta(days=days)}
    check = answers(**pem(tmp_path, **more))["certificate"]
    assert check.level == level
    assert any(part in check.what for part in what.split("|"))


def test_a_certificate_that_cannot_be_read(tmp_path):
    """It is named."""
    paths = pem(tmp_path)
    paths["key"].write_text("nothing")
    check = answers(**paths)["certificate"]
    assert (check.level, "server.key" in check.what) == ("fail", True)


def test_plain_http_is_named():
    """Nothing but loopback may do without TLS unheard."""
    assert levels()["certificate"] == "ok"
    assert levels(host=EVERYWHERE, allow_plain_http=True)["certificate"] == "warn"


def test_a_port_that_is_in_use():
    """It may be the auditor itself."""
    with running() as endpoint:
        assert levels(port=endpoint.port)["port"] == "warn"


def test_a_host_of_another_machine(tmp_path):
    """What cannot be listened on will not work."""
    assert levels(host="192.0.2.1", **pem(tmp_path))["port"] == "fail"


def test_who_may_post(tmp_path, accepted):
    """Everybody, or those with a credential or a certificate; a credential in plain text is a warning, a missing one an error."""
    assert levels()["authorization"] == "warn"
    assert levels(authorization=[{"env": "MISSING_" * 2}])["authorization"] == "fail"
    assert levels(host=EVERYWHERE, allow_plain_http=True, authorization=accepted)["authorization"] == "warn"
    authority("clients").cert_pem.write_to_path(str(tmp_path / "clients.pem"))
    check = answers(**pem(tmp_path), client_ca=tmp_path / "clients.pem")["authorization"]
    assert (check.level, "clients.pem" in check.what) == ("ok", True)


def test_the_endpoint_behind(tmp_path):
    """It is reached and trusted, or the answer says what is wrong; it is sent no request."""
    authority("server").cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with running(tmp_path) as behind:
        address = f"https://127.0.0.1:{behind.port}/feed"
        assert levels(forward_to=address, forward_ca=tmp_path / "ca.pem")["forward_to"] == "ok"
        check = answers(forward_to=address)["forward_to"]
        assert (check.level, check.fix) == ("fail", "give its authority as forward_ca")
        assert behind.bodies == []
    assert levels(forward_to=address, forward_ca=tmp_path / "ca.pem")["forward_to"] == "fail"
    assert levels(forward_to=address, forward_ca=tmp_path / "missing.pem")["forward_to"] == "fail"
