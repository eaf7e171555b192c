"""A prefix of a bucket, listed. Objects are known by their etags."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.names import parse
from auditor.sources.bucket import objects
from auditor.sources.follow.listed import Listed, Since


def listed_prefix(uri: str, since: Since | None) -> Iterator[Listed]:
    """
    Yield the objects below a prefix: with ``since`` those alone that sort after what a changefeed wrote before that time.

    Raise `SourceUnavailable` or `ConfigError`.
    """
    prefix = uri.partition("://")[2].partition("/")[2].strip("/")
    cut = len(prefix) + 1 if prefix else 0
    first = "" if since is None else since.first_key()
    after = f"{prefix}/{first}".lstrip("/") if first else ""
    for found in objects(uri, after):
        name = found.key[cut:] if found.key.startswith(f"{prefix}/") or not prefix else found.key
        yield Listed(name, found, parse(name), None)
