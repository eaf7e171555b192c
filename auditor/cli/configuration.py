"""How verbs come by a configuration: from its file, or from URIs and options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auditor import yaml_file
from auditor.alerts.stdout import StdoutSettings
from auditor.config import Config, StateSettings
from auditor.errors import ConfigError
from auditor.identity import AuditKey, key_from_text, read_key
from auditor.sources.follow.settings import FollowSettings
from auditor.sources.kafka.settings import KafkaSettings
from auditor.sources.sinkless.settings import SinklessSettings
from auditor.sources.webhook.settings import WebhookSettings

_BY_SCHEME: dict[str, Any] = {
    "kafka": KafkaSettings,
    "cockroachdb": SinklessSettings,
    "webhook": WebhookSettings,
    "file": FollowSettings,
    "s3": FollowSettings,
    "gs": FollowSettings,
    "az": FollowSettings,
}


def read_config(path: Path) -> Config:
    """Read the file; raise `ConfigError` naming file, line and path."""
    return yaml_file.load_file(path, Config)


def config_of_uris(uris: Sequence[str], state: str, rules: Sequence[Path] = (), policies: Sequence[Path] = ()) -> Config:
    """Make a configuration of feeds given as URIs: alerts as text on standard output, and no port opened."""
    if not uris:
        raise ConfigError("there is no feed", where="watch", fix="give --config FILE, or a URI such as file:///folder")
    if not state:
        raise ConfigError("there is no state", where="--state", fix="--state sqlite:///auditor.db")
    feeds = []
    for uri in uris:
        settings = _BY_SCHEME.get(uri.partition("://")[0])
        if settings is None:
            raise ConfigError(
                "no such kind of feed", where="watch", fix=f"one of {', '.join(f'{name}://' for name in _BY_SCHEME)}"
            )
        feeds.append(settings.from_uri(uri))
    names = [feed.name for feed in feeds]
    numbered = [
        feed if names.count(feed.name) == 1 else feed.model_copy(update={"name": f"{feed.name}-{number}"})
        for number, feed in enumerate(feeds, 1)
    ]
    return Config(
        state=StateSettings(url=state),
        feeds=tuple(numbered),
        rules=tuple(rules),
        policies=tuple(policies),
        alerts=(StdoutSettings(format="text"),),
        server=None,
    )


def key_for(config: Config, key_file: Path | None) -> AuditKey:
    """Return the key of a running auditor. None is made up: its ids would be new ones after every restart."""
    if key_file is not None:
        return read_key(key_file)
    if config.key is not None:
        return key_from_text(config.key.reveal())
    text = os.environ.get("AUDITOR_KEY", "")
    if not text:
        raise ConfigError("there is no key", fix="set AUDITOR_KEY, `key:` or --key-file; `openssl rand -hex 32` makes one")
    return key_from_text(text)


def state_url(settings: StateSettings) -> str:
    """Return the URL of the state with its password."""
    if settings.password is None:
        return settings.url
    from auditor.state.database import with_password

    return with_password(settings.url, settings.password.reveal())
