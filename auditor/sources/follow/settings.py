"""Settings of a folder or bucket that is followed: the cloud storage sink of a changefeed, or any files that appear."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from auditor.errors import ConfigError
from auditor.feed_settings import FeedSettings

#: How buckets are addressed; the last two names of Azure are those of CockroachDB's sink URIs.
_SCHEMES = ("file", "s3", "gs", "az", "azure", "azure-blob")
_FORM = "file:///FOLDER, s3://BUCKET/PREFIX, gs://... or az://..."

Name = Annotated[str, StringConstraints(min_length=1)]


class FollowSettings(FeedSettings):
    """
    Settings of one folder or prefix. Times are seconds.

    ``uri`` is ``file:///FOLDER``, ``s3://BUCKET/PREFIX``, ``gs://...`` or ``az://...``; buckets are reached as their vendors' own
    variables of the environment say, and no address carries a credential. ``poll`` is the time between two listings: 1 s for a
    folder and 10 s for a bucket, unless given. ``files`` are patterns of paths below it (``*.ndjson*``), ``tables`` the tables of
    a changefeed; without them everything is read but hidden and temporary files (``.x``, ``x.tmp``, ``x.part``).

    A local file is read once it has stood still for ``settle``, or its changefeed has begun a later one: it may be half written.
    With ``tail`` local files of lines are read as they grow, by whole lines; compressed files and Parquet are not among those.

    ``grace`` is how long, by the time in its name, a changefeed's file may come late and be told from one that was read. After
    that it counts as read: only what was put there more than ``grace`` after its time is missed. ``changefeeds`` says whether
    one or several changefeeds write there. Several leave no resolved timestamps that could be relied on: a ``.RESOLVED`` file
    does not say whose it is. ``auto`` tells by files of two sessions of a node that keep coming side by side.

    ``on_deleted`` says what happens when a file that was seen is deleted before it was read: it is reported, or the feed stops.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["follow"] = "follow"
    uri: str
    poll: float | None = Field(None, ge=0.05, le=3600)
    files: tuple[Name, ...] = ()
    tables: tuple[Name, ...] = ()
    settle: float = Field(2.0, ge=0, le=3600)
    tail: bool = False
    grace: float = Field(3600, ge=0, le=7 * 86_400)
    changefeeds: Literal["auto", "one", "several"] = "auto"
    on_deleted: Literal["report", "stop"] = "report"

    @field_validator("files", "tables", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        return [name.strip() for name in given.split(",")] if isinstance(given, str) else given

    @field_validator("uri")
    @classmethod
    def _known(cls, uri: str) -> str:
        parts = urlsplit(uri)
        if parts.scheme not in _SCHEMES:
            raise ValueError(f"the address must be {_FORM}")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("the address cannot carry options or credentials: a bucket is reached as the environment says")
        if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
            raise ValueError("a folder's address is file:///FOLDER, with an absolute path")
        if parts.scheme != "file" and not parts.netloc:
            raise ValueError(f"the address names no bucket: {parts.scheme}://BUCKET/PREFIX")
        return uri.rstrip("/") if len(uri.rstrip("/")) > len("file:///") else uri

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.tail and not self.local:
            raise ValueError("tail is for local files: an object in a bucket does not grow")
        return self

    @property
    def local(self) -> bool:
        """Tell whether it is a folder."""
        return self.uri.startswith("file:")

    @property
    def folder(self) -> str:
        """Return the folder's path."""
        return unquote(urlsplit(self.uri).path)

    @property
    def seconds(self) -> float:
        """Return the time between two listings."""
        return self.poll if self.poll is not None else 1.0 if self.local else 10.0

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Read an address with settings as options: ``s3://BUCKET/PREFIX?tables=a,b&poll=5``. Raise `ConfigError`."""
        address, _, query = uri.partition("?")
        parts = urlsplit(address)
        where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        pairs = parse_qsl(query, keep_blank_values=True)
        fields: dict[str, object] = dict(pairs)
        if len(fields) < len(pairs):
            raise ConfigError("the address holds an option twice", where=where)
        named = re.sub(r"[^a-z0-9_.-]+", "-", f"{parts.netloc}{parts.path}".lower()).strip("_.-")
        try:
            return cls.model_validate({"name": named[-63:].lstrip("_.-") or "files", **fields, "uri": address})
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            fix = f"known are {', '.join(cls.model_fields)}" if first["type"] == "extra_forbidden" else ""
            raise ConfigError(f"{place}: {first['msg']}" if place else first["msg"], where=where, fix=fix) from None
