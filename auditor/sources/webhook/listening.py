"""The socket that requests come to."""

from __future__ import annotations

import errno
import os
import socket

from auditor.errors import ConfigError, SourceUnavailable
from auditor.sources.webhook.settings import WebhookSettings

_BACKLOG = 512


def listen(settings: WebhookSettings) -> socket.socket:
    """Return a socket that is bound and listens; raise `SourceUnavailable` where the port is taken, else `ConfigError`."""
    where = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"the host cannot be listened on: {error.strerror}", where=where) from None
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise SourceUnavailable(
                "the port is in use", where=where, fix="end what listens there, or choose another port"
            ) from None
        raise ConfigError(f"the address cannot be listened on: {error.strerror}", where=where) from None
    return listening
