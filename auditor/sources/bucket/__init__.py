"""
Objects in buckets, and files behind http(s) addresses.

The object store client is imported here and nowhere else, and its errors stop here: their texts hold addresses with signatures.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from auditor.errors import ConfigError, SourceUnavailable
from auditor.redaction import shown_uri
from auditor.sources.bucket.reading import RangedFile, StreamedFile
from auditor.sources.bucket.settings import FIXES, allows_http, settings_of

_KINDS = {"s3": "s3", "gs": "gs", "az": "az", "azure": "az", "azure-blob": "az", "http": "http", "https": "http"}
_BUFFER = 256 << 10
_PIECE = 1 << 20
_LISTED = 1000
# A request may take long (a slow line), but not without a byte for half a minute.
_CLIENT: dict[str, Any] = {"connect_timeout": "10s", "read_timeout": "30s", "timeout": "24h"}
_RETRIES: dict[str, Any] = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
_STATUS = re.compile(r"(?:status|Status)[^0-9]{1,20}([1-5]\d\d)\b")


@dataclass(slots=True)
class BucketInput:
    """
    An object; see `auditor.protocols.Input`.

    ``root`` is what its store is made from, ``key`` its place there. ``size`` is None where the server knows no ranges.
    """

    kind: str
    uri: str
    folder: str
    name: str
    size: int | None
    version: str
    root: str
    key: str
    etag: str

    def open(self) -> BinaryIO:
        """Open it: in ranges, or in one go. An object that changes while it is read is a `SourceUnavailable`."""
        raw = self._streamed() if self.size is None else RangedFile(self.size, self._fetch)
        return cast("BinaryIO", io.BufferedReader(raw, _BUFFER))

    def _fetch(self, start: int, end: int) -> memoryview:
        """Return a range of the object as it was when it was listed."""
        import obstore

        options: dict[str, Any] = {"range": (start, end)}
        if self.etag and not self.etag.startswith("W/"):
            options["if_match"] = f'"{self.etag}"'
        try:
            result = obstore.get(_store(self.kind, self.root), self.key, options=cast("Any", options))
            same = not self.etag or _etag(result.meta) == self.etag
            data = memoryview(result.bytes()) if same else memoryview(b"")
        except obstore.exceptions.PreconditionError:
            same = False
            data = memoryview(b"")
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            raise _unavailable(error, self.kind, self.uri) from None
        if not same or len(data) != end - start:
            raise SourceUnavailable("it was changed while it was read", where=shown_uri(self.uri), fix="scan it again")
        return data

    def _streamed(self) -> StreamedFile:
        """Begin to read the object in one go."""
        return StreamedFile(self._pieces())

    def _pieces(self) -> Iterator[memoryview]:
        """Yield the object as it comes."""
        import obstore

        try:
            for piece in obstore.get(_store(self.kind, self.root), self.key).stream(min_chunk_size=_PIECE):
                yield memoryview(piece)
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            raise _unavailable(error, self.kind, self.uri) from None


def find(argument: str) -> Iterator[BucketInput]:
    """
    Yield the object that an address names, or all objects below it, sorted by key.

    Raise `SourceUnavailable` if there is nothing or it cannot be reached, `ConfigError` if the address holds a credential.
    """
    _need_client(argument)
    scheme, _, rest = argument.partition("://")
    kind = _KINDS[scheme.lower()]
    return _by_http(argument) if kind == "http" else _in_bucket(kind, argument, rest)


def _need_client(argument: str) -> None:
    """Raise `ConfigError` where the object store client is not installed."""
    try:
        import obstore  # noqa: F401 - is it there?
    except ImportError:
        raise ConfigError(
            "buckets need the package obstore", where=shown_uri(argument), fix="pip install 'auditor[bucket]'"
        ) from None


def objects(argument: str, after: str = "") -> Iterator[BucketInput]:
    """
    Yield the objects below an address of a bucket, or those of them whose keys sort after one, in no fixed order.

    That there is none is no error. Raise `SourceUnavailable` or `ConfigError`.
    """
    _need_client(argument)
    scheme, _, rest = argument.partition("://")
    kind = _KINDS[scheme.lower()]
    container, key = _place(kind, argument, rest)
    root = f"{kind}://{container}"
    return (_input(kind, root, meta) for meta in _listed(kind, root, argument, key.strip("/"), after))


def _in_bucket(kind: str, argument: str, rest: str) -> Iterator[BucketInput]:
    """Yield an object of a bucket, or those below a prefix."""
    import obstore

    container, key = _place(kind, argument, rest)
    root = f"{kind}://{container}"
    try:
        found = [] if not key or key.endswith("/") else _head(_store(kind, root), key)
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        raise _unavailable(error, kind, argument) from None
    found = found or list(_listed(kind, root, argument, key.strip("/"), ""))
    if not found:
        raise SourceUnavailable("nothing lies there", where=argument, fix="name an object or a whole folder of the bucket")
    for meta in sorted(found, key=lambda meta: str(meta["path"])):
        yield _input(kind, root, meta)


def _place(kind: str, argument: str, rest: str) -> tuple[str, str]:
    """Split an address into bucket and key."""
    if "?" in rest:
        what = "an address cannot carry options or credentials"
        raise ConfigError(what, where=shown_uri(argument), fix=f"leave out what follows the question mark and {FIXES[kind]}")
    container, _, key = rest.partition("/")
    if not container:
        raise ConfigError("the address names no bucket", where=argument, fix=f"{kind}://BUCKET/PREFIX")
    return container, key


def _listed(kind: str, root: str, argument: str, prefix: str, after: str) -> Iterator[Any]:
    """Yield what a store says about the objects below a prefix whose keys sort after one; S3 and Google begin there."""
    import obstore

    try:
        for chunk in obstore.list(_store(kind, root), prefix or None, offset=after or None, chunk_size=_LISTED):
            yield from chunk
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        raise _unavailable(error, kind, argument) from None


def _input(kind: str, root: str, meta: Any) -> BucketInput:
    """Return a listed object as an input."""
    folder, _, name = meta["path"].rpartition("/")
    return BucketInput(
        kind, f"{root}/{meta['path']}", folder, name, meta["size"], _version(meta), root, meta["path"], _etag(meta)
    )


def _head(store: Any, key: str) -> list[Any]:
    """Return the one object of this key, or none. To be refused is no answer: the right to list may be there."""
    import obstore

    try:
        return [obstore.head(store, key)]
    except (FileNotFoundError, obstore.exceptions.PermissionDeniedError, obstore.exceptions.UnauthenticatedError):
        return []


def _by_http(argument: str) -> Iterator[BucketInput]:
    """
    Yield the file behind an http(s) address.

    It is asked for with GET, since a signed address is often good for that alone: by its first byte, which tells the size, or,
    from a server that knows no ranges, as a whole.
    """
    import obstore

    parts = urlsplit(argument)
    if parts.username or parts.password:
        raise ConfigError("an address cannot carry a password", where=shown_uri(argument), fix="use a signed address")
    try:
        store = _store("http", argument)
        try:
            meta = obstore.get(store, "", options={"range": (0, 1)}).meta
            size: int | None = meta["size"]
        except (obstore.exceptions.NotSupportedError, obstore.exceptions.GenericError):
            # No ranges, or an empty file: that has no first byte.
            meta = obstore.get(store, "").meta
            size = 0 if meta["size"] == 0 else None
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        raise _unavailable(error, "http", argument) from None
    folder, _, name = unquote(parts.path).strip("/").rpartition("/")
    yield BucketInput("http", argument, folder, name or parts.netloc, size, _version(meta), argument, "", _etag(meta))


def _etag(meta: Any) -> str:
    """Return an object's etag without its quotes, which Azure's listings leave out; '' if there is none."""
    return str(meta["e_tag"] or "").removeprefix('"').removesuffix('"')


def _version(meta: Any) -> str:
    """Return what tells an object from a later one of the same name."""
    return _etag(meta) or f"{meta['last_modified']:%Y%m%dT%H%M%S.%f}-{meta['size']}"


def _store(kind: str, root: str) -> Any:
    """Return the store of a bucket as the environment says, made once in each process."""
    if _owner() != os.getpid():
        # The client's threads are not in the child: it would wait for them for ever.
        raise RuntimeError("a process that was forked after a bucket was used cannot use one: start it anew (spawn)")
    settings = {} if kind == "http" else settings_of(kind, os.environ, Path.home())
    return _made(kind, root, tuple(settings.items()))


@lru_cache(1)
def _owner() -> int:
    """Return the process that uses buckets first, for those forked from it too."""
    return os.getpid()


@lru_cache(64)
def _made(kind: str, root: str, settings: tuple[tuple[str, Any], ...]) -> Any:
    """Make a store."""
    from obstore import store

    config: dict[str, Any] = dict(settings)
    address = root if kind == "http" else config.get("endpoint", config.get("base_url"))
    common: dict[str, Any] = {"client_options": {**_CLIENT, "allow_http": allows_http(address)}, "retry_config": _RETRIES}
    container = root.partition("://")[2]
    if kind == "http":
        return store.HTTPStore(root, **common)
    if kind == "s3":
        return store.S3Store(container, config=cast("Any", config), **common)
    if kind == "gs":
        return store.GCSStore(container, config=cast("Any", config), **common)
    return store.AzureStore(container, config=cast("Any", config), **common)


def _unavailable(error: Exception, kind: str, uri: str) -> SourceUnavailable:
    """Say what the client's error means, without its text."""
    name = type(error).__name__
    text = str(error)
    status = _STATUS.search(text)
    if isinstance(error, FileNotFoundError) or (status and status[1] == "404"):
        what, fix = "there is no such bucket or object", "check the address"
    elif name in ("PermissionDeniedError", "UnauthenticatedError"):
        what, fix = "access is refused", FIXES[kind]
    elif "dns error" in text or "error sending request" in text or "Connection refused" in text:
        what, fix = "the server cannot be reached", "check the address and the network"
    elif status:
        what, fix = f"the server answered with status {status[1]}", FIXES[kind]
    else:
        what, fix = f"cannot be read ({name})", FIXES[kind]
    return SourceUnavailable(what, where=shown_uri(uri), fix=fix)
