"""The address of a cluster as a URL, without what opens it."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

_SCHEMES = ("postgresql", "postgres", "cockroachdb")
_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def split_dsn(dsn: str) -> dict[str, object]:
    """
    Return the host, port, user, database and ``ssl`` options of ``postgresql://USER@HOST:26257/DATABASE?sslmode=...``.

    What the URL does not say is left out. Raise `ValueError`, without any of the URL, if it holds a password or cannot be read.
    """
    try:
        parts = urlsplit(dsn)
    except ValueError:
        raise ValueError("dsn is no URL: postgresql://USER@HOST:26257/DATABASE") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("dsn must begin with postgresql:// or cockroachdb://")
    if parts.password is not None:
        raise ValueError("dsn cannot hold a password: give password: {env: NAME} or password: {file: PATH}")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is no number up to 65535, or there are several hosts: name one, or a load balancer") from None
    if "," in (parts.hostname or ""):
        raise ValueError("there are several hosts: name one, or a load balancer")
    options: dict[str, object] = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - set(_OPTIONS)):
        hidden = "a password, or another" if "password" in unknown else "an"
        raise ValueError(f"dsn holds {hidden} option that is not among {', '.join(_OPTIONS)}")
    found: dict[str, object] = {
        "host": parts.hostname,
        "port": port,
        "user": unquote(parts.username) if parts.username else None,
        "database": unquote(parts.path.removeprefix("/")) or None,
    }
    return {name: value for name, value in found.items() if value is not None} | options
