"""The webhook source: an HTTPS endpoint that CockroachDB's webhook sink posts to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.delivery import ALL, Check, Claims, Position
from auditor.errors import ConfigError
from auditor.sources.webhook.settings import WebhookSettings

if TYPE_CHECKING:
    from auditor.sources.webhook.reader import WebhookReader


class WebhookSource:
    """One endpoint; see `auditor.delivery.Source`. Nothing is ever lost here: the sink keeps what was not answered with 2xx."""

    def __init__(self, settings: WebhookSettings) -> None:
        """Take the settings; nothing is opened yet."""
        self.settings = settings

    def open(self, claims: Claims, *, until_caught_up: bool = False, rescan: bool = False) -> WebhookReader:
        """
        Listen. There is no position to lose, so ``rescan`` changes nothing.

        Raise `ConfigError` for ``until_caught_up``, as a webhook never knows that it is, and for files and secrets that cannot be
        used; `SourceUnavailable` where the port is taken.
        """
        try:
            from auditor.sources.webhook.reader import WebhookReader
        except ImportError:
            fix = "pip install 'auditor[watch]'"
            raise ConfigError(
                "a webhook needs the packages starlette, uvicorn and httpx2", where=self.settings.name, fix=fix
            ) from None
        from auditor.sources.webhook.listening import listen
        from auditor.sources.webhook.tls import Certificate

        del rescan
        if until_caught_up:
            raise ConfigError(
                "a webhook cannot be read until caught up: it never knows what is still to come",
                where=self.settings.name,
                fix="run it without --until-caught-up, or read the tables by a sinkless feed",
            )
        accepted = self.settings.accepted()
        certificate = Certificate.of(self.settings)
        position = claims.claim((ALL,)).get(ALL, {})
        count = position.get("requests", 0)
        listening = listen(self.settings)
        try:
            return WebhookReader(self.settings, accepted, certificate, listening, count if isinstance(count, int) else 0)
        except BaseException:
            listening.close()
            raise

    def checks(self, position: Position | None = None) -> Iterator[Check]:
        """Look at the certificate, the port, who may post, and the endpoint behind."""
        from auditor.sources.webhook.checks import checks

        return checks(self.settings)
