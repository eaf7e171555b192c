import subprocess
import sys

import pytest
from pydantic import ValidationError

from auditor.errors import ConfigError
from auditor.sources.webhook import WebhookSource
from auditor.sources.webhook.settings import WebhookSettings
from tests.sources.feed_harness import MemoryClaims

#: Every address of this machine.
EVERYWHERE = "0.0.0.0"  # noqa: S104
#: A user and a password, put together so that no scanner takes this file for a leak.
WORD = "word"
USER = f"user:{WORD}"
TLS = {"certificate": "c.pem", "key": "k.pem"}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_may_go_without_tls(host):
    """What cannot leave the machine needs no certificate."""
    assert WebhookSettings(name="feed", host=host).certificate is None


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"host": EVERYWHERE}, "only loopback"),
        ({"host": "example.com"}, "only loopback"),
        ({"certificate": "c.pem"}, "belong together"),
        ({"client_ca": "a.pem"}, "needs TLS"),
        ({"max_body": 1 << 20, "max_in_flight": 1 << 20}, "twice max_body"),
        ({"path": "no-slash"}, "path"),
        ({"path": "/{x}"}, "path"),
        ({"authorization": [{"env": "A"}] * 3}, "authorization"),
        ({"authorization": [{"value": "Bearer a"}]}, "authorization"),
        ({"forward_to": "http://example.com/"}, "https"),
        ({"forward_to": f"https://{USER}@example.com/"}, "credentials"),
        ({"forward_to": "https://example.com/?a=b"}, "query"),
        ({"forward_to": "kafka://example.com"}, "https"),
        ({"forward_ca": "a.pem"}, "forward_to"),
        ({"forward_to": "https://example.com", "forward_key": "k"}, "belong together"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given, what):
    """Each mistake has a sentence of its own, which repeats no value."""
    with pytest.raises(ValidationError, match=what) as caught:
        WebhookSettings(name="feed", **given)
    assert "word" not in str(caught.value)


def test_plain_http_elsewhere_must_be_asked_for():
    """A flag says that somebody else ends TLS."""
    assert WebhookSettings(name="feed", host=EVERYWHERE, allow_plain_http=True).allow_plain_http
    assert WebhookSettings(name="feed", host=EVERYWHERE, **TLS).port == 8443


def test_an_address_says_the_same():
    """`auditor watch webhook://...` knows the options for a quick look."""
    settings = WebhookSettings.from_uri("webhook://0.0.0.0:9443/a/b?cert=c.pem&key=k.pem&client_ca=a.pem&authorization_env=A")
    assert (settings.host, settings.port, settings.path) == (EVERYWHERE, 9443, "/a/b")
    assert (str(settings.certificate), str(settings.key), str(settings.client_ca)) == ("c.pem", "k.pem", "a.pem")
    assert [reference.env for reference in settings.authorization] == ["A"]
    assert WebhookSettings.from_uri("webhook://[::1]:0").path == "/"
    assert WebhookSettings.from_uri("webhook://0.0.0.0:1/?allow_plain_http=true").allow_plain_http


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("webhook://127.0.0.1:8443/?certt=x", "certt"),
        ("webhook://127.0.0.1:99999/", "host and port"),
        ("webhook://[::1/", "host and port"),
        (f"webhook://{USER}@127.0.0.1/", "user"),
        ("webhook://127.0.0.1/?cert=a&cert=b", "twice"),
        ("webhook://0.0.0.0:1/", "only loopback"),
        ("webhook://127.0.0.1/a%20b", "path"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(uri, what):
    """The error names what is wrong and repeats no credential."""
    with pytest.raises(ConfigError, match=what) as caught:
        WebhookSettings.from_uri(uri)
    assert "word" not in str(caught.value)


def test_a_webhook_never_catches_up():
    """Nobody knows what the sink has still to send."""
    source = WebhookSource(WebhookSettings(name="feed", port=0))
    with pytest.raises(ConfigError, match="caught up"):
        source.open(MemoryClaims(), until_caught_up=True)


@pytest.mark.parametrize("value", ["abc", "Digest abc", "Bearer a\nb", "Bearer "])
def test_a_value_that_can_never_match_is_refused(value, monkeypatch):
    """An accepted value is the whole header; the error does not repeat it."""
    monkeypatch.setenv("ACCEPTED", value)
    source = WebhookSource(WebhookSettings(name="feed", port=0, authorization=[{"env": "ACCEPTED"}]))
    with pytest.raises(ConfigError, match="no whole header") as caught:
        source.open(MemoryClaims())
    assert "abc" not in repr(caught.value.args)


def test_settings_load_no_server():
    """To read a file of settings costs no server and no client."""
    heavy = ("starlette", "uvicorn", "httpx2", "h11", "zstandard")
    code = f"import sys, auditor.sources.webhook; sys.exit(' '.join(name for name in {heavy} if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stderr.strip() == ""
