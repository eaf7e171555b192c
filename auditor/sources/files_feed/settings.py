"""Settings of inputs that are read once, as `auditor scan` reads them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator

from auditor.feed_settings import FeedSettings


class FilesSettings(FeedSettings):
    """
    Settings of a feed that ends.

    ``inputs`` are files, folders, patterns, ``s3:// gs:// az:// http(s)://`` addresses, or ``-`` for standard input. Each file is
    read once, in order.
    """

    kind: Literal["files"] = "files"
    inputs: tuple[str, ...] = Field(min_length=1)

    @field_validator("inputs", mode="before")
    @classmethod
    def _one(cls, given: object) -> object:
        return [given] if isinstance(given, str) else given

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Take one input as a feed."""
        return cls.model_validate({"name": "files", "inputs": (uri,)})
