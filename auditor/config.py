"""
The configuration of `auditor watch`, as typed settings. It knows which kinds of feeds and alert sinks there are.

`schemas/config.schema.json` is made from these types.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from auditor.alerts import AlertSettings
from auditor.alerts.stdout import StdoutSettings
from auditor.secret_ref import SecretRef
from auditor.sources.files_feed.settings import FilesSettings
from auditor.sources.follow.settings import FollowSettings
from auditor.sources.kafka.settings import KafkaSettings
from auditor.sources.sinkless.settings import SinklessSettings
from auditor.sources.webhook.settings import WebhookSettings

_CLOSED = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

Feed = Annotated[
    KafkaSettings | SinklessSettings | WebhookSettings | FollowSettings | FilesSettings,
    Field(discriminator="kind"),
]


class StateSettings(BaseModel):
    """Where findings, positions, coverage and undelivered alerts are kept."""

    model_config = _CLOSED

    url: str
    """sqlite:///FILE, postgresql://HOST/DB or cockroachdb://HOST/DB; a password stands in `password`."""
    password: SecretRef | None = None
    allow_same_cluster: bool = False
    """A cluster that a feed reads may hold the state, too: every transaction of the auditor is then load on what it audits."""
    retention_days: int = Field(default=400, ge=1)
    """Findings that were decided on, and gaps, are kept so long after they were last seen."""


class ServerSettings(BaseModel):
    """Where /healthz, /readyz and /metrics are answered."""

    model_config = _CLOSED

    host: str = "127.0.0.1"
    port: int = Field(default=9464, ge=0, le=65535)


class LogSettings(BaseModel):
    """How the service logs, on standard error."""

    model_config = _CLOSED

    format: Literal["json", "console"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(BaseModel):
    """The whole configuration."""

    model_config = _CLOSED

    version: Literal[1] = 1
    key: SecretRef | None = None
    """The key of all ids; AUDITOR_KEY where it is left out."""
    state: StateSettings
    feeds: tuple[Feed, ...] = Field(min_length=1)
    alerts: tuple[AlertSettings, ...] = (StdoutSettings(),)
    rules: tuple[Path, ...] = ()
    """Files of further rules."""
    policies: tuple[Path, ...] = ()
    """Policy files: what is declared of tables and columns."""
    engine: Literal["", "hyperscan", "standard"] = ""
    adopt_before: AwareDatetime | None = None
    """Secrets in rows written before this are counted as debt, with one alert a column; each newer one is told."""
    server: ServerSettings | None = ServerSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _clusters_differ(self) -> Self:
        state = urlsplit(self.state.url)
        place = (state.hostname, state.port or 26257)
        for feed in () if self.state.allow_same_cluster else self.feeds:
            if isinstance(feed, SinklessSettings) and (feed.host, feed.port) == place:
                raise ValueError(f"the state lies in the cluster that {feed.name} reads: move it, or say allow_same_cluster")
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, names in (("feeds", [feed.name for feed in self.feeds]), ("alerts", [sink.name for sink in self.alerts])):
            name, count = Counter(names).most_common(1)[0] if names else ("", 1)
            if count > 1:
                raise ValueError(f"two of {what} are called {name}")
        return self
