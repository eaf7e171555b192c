"""What the client library is told to open a connection."""

from __future__ import annotations

import ssl

from auditor.sources.sinkless.settings import SinklessSettings


def login(settings: SinklessSettings) -> dict[str, str]:
    """Return libpq's parameters, the password among them. Raise `ConfigError` if that cannot be had."""
    parameters = {
        "host": settings.host,
        "port": str(settings.port),
        "dbname": settings.database,
        "user": settings.user,
        "sslmode": settings.sslmode,
        "application_name": f"auditor {settings.name}",
        "client_encoding": "UTF8",
        "gssencmode": "disable",
    }
    if settings.password is not None:
        parameters["password"] = settings.password.reveal()
    for name in ("sslrootcert", "sslcert", "sslkey"):
        if (path := getattr(settings, name)) is not None:
            parameters[name] = str(path)
    if settings.sslmode == "verify-full" and settings.sslrootcert is None:
        # The library's own "system" is a folder of the machine that its wheel was built on.
        parameters["sslrootcert"] = ssl.get_default_verify_paths().cafile or "system"
    return parameters
