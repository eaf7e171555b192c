"""Prefixes of buckets that are followed as objects appear in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auditor.delivery import ALL
from auditor.errors import SourceUnavailable
from auditor.sources import bucket as buckets
from auditor.sources.follow import FollowSource
from auditor.sources.follow.settings import FollowSettings
from auditor.toolkit import Toolkit
from tests.sources.conftest import BUCKET, Bucket
from tests.sources.feed_harness import MemoryClaims
from tests.sources.follow_harness import Feed, Killed, Runner, at, lines, restarts


def source(uri: str, **settings: object) -> FollowSource:
    return FollowSource(FollowSettings.model_validate({"name": "f", "uri": uri, "poll": 0.05, **settings}))


def feed_in(bucket: Bucket, prefix: str, layout: str = "daily", **more: str) -> Feed:
    """Return a changefeed that writes below a prefix."""
    return Feed(lambda name, body: bucket.put(f"{prefix}/{name}", body), layout, **more)


def follow(bucket: Bucket, tools: Toolkit, prefix: str) -> None:
    """Follow a prefix over restarts, with late, changed and new objects."""
    feed = feed_in(bucket, prefix, "hourly")
    for number, ending in enumerate(("", ".gz", ".zst")):
        feed.write(number * 3000, lines(100_000 * number, 30_000, 100), ending=ending)
    feed.resolve(6001)
    feed.write(9000, lines(400_000, 10))
    claims = MemoryClaims()
    runs = list(restarts(lambda: Runner(tools, claims, kill_after=3), lambda: source(f"{bucket.uri}/{prefix}")))
    found = [secret for run in runs for secret in run.secrets]
    assert len(found) == len(set(found)) == 910
    assert [mark for run in runs for mark in run.resolved] == [at(6001)]
    assert any(offset for run in runs for _, offset in run.starts)
    feed.write(5999, lines(500_000, 7))
    feed.put(feed.name(at(9001)), lines(600_000, 7))
    last = Runner(tools, claims).run(source(f"{bucket.uri}/{prefix}"))
    assert len(last.secrets) == 14
    assert not Runner(tools, claims).run(source(f"{bucket.uri}/{prefix}")).names


def test_a_prefix_is_followed(bucket: Bucket, tools: Toolkit, request: pytest.FixtureRequest) -> None:
    """On S3 and by Google's address: each object once, places inside objects kept, late ones read."""
    follow(bucket, tools, f"followed-{request.node.callspec.id}")


@pytest.mark.needs("azurite")
def test_a_prefix_of_azure_is_followed(azure_bucket: Bucket, tools: Toolkit) -> None:
    """On Azure, which cannot list from a key on, the same."""
    follow(azure_bucket, tools, "followed")


def test_an_object_that_is_replaced_is_read_again(bucket: Bucket, tools: Toolkit) -> None:
    """Objects are known by their etags; what was begun of another version is begun again."""
    feed = feed_in(bucket, "replaced")
    name = feed.write(0, lines(0, 60_000, 100))
    claims = MemoryClaims()
    with pytest.raises(Killed):
        Runner(tools, claims, kill_after=1).run(source(f"{bucket.uri}/replaced"))
    feed.put(name, lines(100_000, 60_000, 100))
    runner = Runner(tools, claims).run(source(f"{bucket.uri}/replaced"))
    assert runner.starts[0][1] == 0
    assert len(runner.secrets) == 600


def test_an_object_that_is_deleted_is_reported(bucket: Bucket, tools: Toolkit, moto: str) -> None:
    """Between listing and reading: the reading fails, and the next opening says which object is missing."""
    import boto3

    feed = feed_in(bucket, "deleted")
    feed.write(0, lines(0, 1))
    doomed = feed.write(1, lines(1, 1))
    client = boto3.client("s3", endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    following, claims = source(f"{bucket.uri}/deleted"), MemoryClaims()

    def delete(runner: Runner) -> bool:
        if runner.names:
            client.delete_object(Bucket=BUCKET, Key=f"deleted/{doomed}")
        return False

    with pytest.raises(SourceUnavailable):
        Runner(tools, claims, ends=delete).run(following)
    (lost,) = Runner(tools, claims).run(following).lost
    assert lost.reason == f"{bucket.uri}/deleted/{doomed} was deleted before it was read"


def test_a_listing_begins_where_the_feed_stands(
    bucket: Bucket, tools: Toolkit, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Old objects are listed once, not at each poll; a folder that sorts elsewhere makes every listing whole."""
    prefix = f"offset-{request.node.callspec.id}"
    feed = feed_in(bucket, prefix)
    for hour in range(48):
        feed.write(hour * 3600, lines(hour, 1))
    listed: list[int] = []
    real = buckets.objects

    def counted(uri: str, after: str = "") -> object:
        found = list(real(uri, after))
        listed.append(len(found))
        return iter(found)

    monkeypatch.setattr("auditor.sources.follow.prefix.objects", counted)
    claims = MemoryClaims()
    runner = Runner(tools, claims, ends=lambda _runner: len(listed) > 3)
    runner.run(source(f"{bucket.uri}/{prefix}", grace=7200), until_caught_up=False)
    assert listed[0] == 48
    assert listed[2] <= 4
    feed.layout = "a folder"
    feed.write(50 * 3600, lines(50, 1))
    listed.clear()
    runner = Runner(tools, claims, ends=lambda _runner: len(listed) > 3)
    runner.run(source(f"{bucket.uri}/{prefix}", grace=7200), until_caught_up=False)
    assert set(listed) == {49}


def test_what_sorts_before_the_beginning_of_a_listing_is_found(
    bucket: Bucket, tools: Toolkit, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A changefeed with another partition format, whose keys sort elsewhere, is found by the next whole listing."""
    from auditor.sources.follow import reader

    monkeypatch.setattr(reader, "_EVERYTHING_EVERY", 0.5)
    prefix = f"elsewhere-{request.node.callspec.id}"
    feed = feed_in(bucket, prefix)
    feed.write(0, lines(0, 1))

    def go_on(runner: Runner) -> bool:
        if len(runner.names) == 1:
            feed.layout = "hourly"
            feed.write(1, lines(1, 1))
            feed.layout = "daily"
            for second in range(2, 20):
                feed.write(second, lines(second, 1))
        return len(runner.names) == 20

    assert Runner(tools, MemoryClaims(), ends=go_on).run(source(f"{bucket.uri}/{prefix}", grace=0), until_caught_up=False)


def test_an_empty_prefix_is_waited_for(bucket: Bucket, tools: Toolkit) -> None:
    """A feed may be followed before it writes its first file."""
    claims = MemoryClaims()
    assert Runner(tools, claims).run(source(f"{bucket.uri}/not/yet")).deliveries == 0
    assert ALL not in claims.positions


def test_no_bucket_is_tried_again_later(bucket: Bucket, tools: Toolkit) -> None:
    """It says what could not be reached."""
    with pytest.raises(SourceUnavailable):
        Runner(tools, MemoryClaims()).run(source(bucket.uri.replace(BUCKET, "nowhere-at-all")))


@pytest.fixture
def answers(bucket: Bucket) -> Callable[[str], dict[str, str]]:
    """Return what doctor says of a prefix, by check."""
    return lambda prefix: {check.name: check.level for check in source(f"{bucket.uri}/{prefix}").checks()}


def test_checks(bucket: Bucket, answers: Callable[[str], dict[str, str]], request: pytest.FixtureRequest) -> None:
    """Listing, reading, and what is there."""
    prefix = f"checked-{request.node.callspec.id}"
    assert answers(prefix) == {"listing": "ok", "files": "warn"}
    feed = feed_in(bucket, prefix)
    feed.write(0, lines(0, 1))
    assert answers(prefix) == {"listing": "ok", "reading": "ok", "resolved": "warn"}
    feed.resolve(1)
    assert answers(prefix) == {"listing": "ok", "reading": "ok"}
    gone = source(bucket.uri.replace(BUCKET, "nowhere-at-all")).checks()
    assert [(check.name, check.level, bool(check.fix)) for check in gone] == [("listing", "fail", True)]
