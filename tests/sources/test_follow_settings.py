"""Settings of feeds of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from auditor.errors import ConfigError
from auditor.sources.follow.settings import FollowSettings


def settings(**more: object) -> FollowSettings:
    return FollowSettings.model_validate({"name": "f", "uri": "s3://b/p", **more})


def test_polling_suits_the_place() -> None:
    """A folder is looked at every second, a bucket every ten, unless it is said."""
    assert settings().seconds == 10
    assert settings(uri="file:///a").seconds == 1
    assert settings(poll=3).seconds == 3


@pytest.mark.parametrize(
    ("uri", "folder"), [("file:///a/b/", "/a/b"), ("file:///", "/"), ("file:///with%20space", "/with space")]
)
def test_a_folder_is_named_by_its_address(uri: str, folder: str) -> None:
    """Escapes are undone."""
    assert settings(uri=uri).folder == folder


@pytest.mark.parametrize(
    "uri",
    ["s3://", "file://host/a", "file:a", "/a", "http://h/a", "s3://b/p?AWS_SECRET=x", "s3://user:pass@b/p", "file:///a#b", ""],
)
def test_other_addresses_are_refused_without_being_told(uri: str) -> None:
    """An address may hold a credential: no message quotes it."""
    with pytest.raises(ValidationError) as error:
        settings(uri=uri)
    assert "pass@" not in str(error.value)
    assert "AWS_SECRET" not in str(error.value)


def test_only_local_files_grow() -> None:
    """An object of a bucket does not."""
    with pytest.raises(ValidationError, match="tail is for local files"):
        settings(tail=True)


def test_from_uri() -> None:
    """Options are settings; the name comes from the address."""
    made = FollowSettings.from_uri("s3://Bucket/feeds/Prod?tables=a,b&poll=5&grace=60")
    assert (made.name, made.uri, made.tables, made.poll, made.grace) == (
        "bucket-feeds-prod",
        "s3://Bucket/feeds/Prod",
        ("a", "b"),
        5,
        60,
    )
    assert FollowSettings.from_uri(f"file://{Path('/tmp/x')}?tail=true").tail
    assert FollowSettings.from_uri("file:///").name == "files"


@pytest.mark.parametrize("query", ["nothing=1", "poll=x", "poll=1&poll=2", "secret=abcdef"])
def test_wrong_options_are_named(query: str) -> None:
    """The option is named, its value is not."""
    with pytest.raises(ConfigError) as error:
        FollowSettings.from_uri(f"s3://b/p?{query}")
    assert "s3://b/p" in str(error.value)
    assert "abcdef" not in str(error.value)
