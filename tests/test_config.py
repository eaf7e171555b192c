"""The configuration: what is refused, and how it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor import yaml_file
from auditor.config import Config
from auditor.errors import ConfigError
from auditor.secret_ref import SecretRef

STATE = "state: {url: 'sqlite:///s.db'}\n"
FEED = "feeds: [{kind: follow, name: a, uri: 'file:///x'}]\n"


def read(text: str) -> Config:
    """Read a configuration."""
    return yaml_file.load(text.encode(), Config, "auditor.yaml")


def test_the_least_that_is_needed() -> None:
    """A state and a feed are enough: alerts go to standard output, probes are answered on loopback."""
    config = read(STATE + FEED)
    assert [sink.kind for sink in config.alerts] == ["stdout"]
    assert config.server is not None
    assert config.server.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FEED, "state: Field required"),
        (STATE, "feeds: Field required"),
        (STATE + "feeds: []\n", "feeds: Tuple should have at least 1 item"),
        (STATE + FEED + "stat: x\n", "stat: Extra inputs are not permitted"),
        (STATE + "feeds: [{kind: carrier-pigeon, name: a}]\n", "does not match any of the expected tags"),
        (STATE + "feeds: [{kind: follow, name: 'A b', uri: 'file:///x'}]\n", "should match pattern"),
        (STATE + FEED.replace("]", ", {kind: follow, name: a, uri: 'file:///y'}]"), "two of feeds are called a"),
        (STATE + FEED + "alerts: [{kind: stdout}, {kind: stdout}]\n", "two of alerts are called stdout"),
        (STATE + FEED + "key: {env: A, file: b}\n", "give either env or file"),
        (
            "state: {url: 'cockroachdb://db:26257/x'}\nfeeds: [{kind: sinkless, name: a, host: db, user: u, tables: [t]}]\n",
            "the state lies in the cluster that a reads",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str) -> None:
    """An error holds the file and what to change."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith("auditor.yaml:")
    assert message in str(caught.value)


def test_a_cluster_may_hold_its_own_audit_if_that_is_said() -> None:
    """The same cluster is allowed by a setting."""
    text = "state: {url: 'cockroachdb://db:26257/x', allow_same_cluster: true}\n"
    assert read(text + "feeds: [{kind: sinkless, name: a, host: db, user: u, tables: [t]}]\n").state.allow_same_cluster


def test_no_value_is_repeated_in_an_error() -> None:
    """A credential that stands where it should not is not shown."""
    secret = "pass" + "word-of-mine"
    with pytest.raises(ConfigError) as caught:
        read(STATE + f"feeds: [{{kind: follow, name: a, uri: 's3://{secret}@bucket'}}]\n")
    assert secret not in str(caught.value)


def test_secrets_are_read_from_where_they_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a variable or a file, without the line feed at its end; one that is missing is named."""
    path = tmp_path / "secret"
    path.write_text("one\n")
    assert SecretRef(file=path).reveal() == "one"
    monkeypatch.setenv("SOME_SECRET", "two")
    assert SecretRef(env="SOME_SECRET").reveal() == "two"
    with pytest.raises(ConfigError, match="NO_SECRET is not set"):
        SecretRef(env="NO_SECRET").reveal()
    with pytest.raises(ConfigError, match="a secret cannot be read"):
        SecretRef(file=tmp_path / "none").reveal()
