"""Objects in buckets and behind addresses: listed in order, read whole and in ranges, and never mixed from two versions."""

from __future__ import annotations

import io
import multiprocessing
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.errors import ConfigError, SourceUnavailable
from auditor.model import Gap
from auditor.protocols import Input
from auditor.sources import find_inputs
from tests.sources.conftest import OBJECTS, Bucket, FileServer


def contract(bucket: Bucket) -> None:
    """Check all that a bucket of any vendor must do."""
    # Other tests put theirs beside them.
    mine = {f"{bucket.uri}/{key}" for key in OBJECTS}
    whole = [source for source in find_inputs(bucket.uri) if source.uri in mine]
    assert [source.uri for source in whole] == [f"{bucket.uri}/{key}" for key in sorted(OBJECTS)]
    for source in whole:
        body = OBJECTS[f"{source.folder}/{source.name}".lstrip("/")]
        assert source.size == len(body)
        assert source.version
        with source.open() as file:
            assert file.read() == body
    below = [source.name for source in find_inputs(f"{bucket.uri}/feed/")]
    assert below == [".hidden", "users.csv", "users.ndjson", "empty.ndjson"]
    assert [source.name for source in find_inputs(f"{bucket.uri}/feed")] == below
    (one,) = find_inputs(f"{bucket.uri}/feed/2026-01-02/users.ndjson")
    assert (one.folder, one.name) == ("feed/2026-01-02", "users.ndjson")
    with pickle.loads(pickle.dumps(one)).open() as file:  # noqa: S301 - as it goes to a worker process
        assert file.seekable()
        file.seek(-5, io.SEEK_END)
        assert file.read() == b" 1}}\n"
        file.seek(21 * 40_000)
        assert file.read(21) == b'{"after": {"id": 1}}\n'
    with pytest.raises(SourceUnavailable, match="nothing lies there"):
        list(find_inputs(f"{bucket.uri}/feed/users"))
    changed(bucket)


def changed(bucket: Bucket) -> None:
    """Check that an object that was replaced is not read on from."""
    key = "feed/2026-01-02/users.ndjson"
    (source,) = find_inputs(f"{bucket.uri}/{key}")
    with source.open() as file:
        assert file.read(100)
        bucket.put(key, b"x" * len(OBJECTS[key]))
        with pytest.raises(SourceUnavailable, match="changed while it was read") as caught:
            file.read()
    assert caught.value.where == source.uri
    assert source.version != next(find_inputs(source.uri)).version


def test_s3_and_google_keep_the_contract(bucket: Bucket):
    """Amazon's and Google's buckets are listed, read, and noticed to change."""
    contract(bucket)


@pytest.mark.needs("azurite")
def test_azure_keeps_the_contract(azure_bucket: Bucket):
    """Azure's containers are listed, read, and noticed to change."""
    contract(azure_bucket)


@pytest.mark.needs("azurite")
def test_the_names_that_cockroachdb_gives_azure_are_understood(azure_bucket: Bucket):
    """``azure://`` and ``azure-blob://``, as in sink URIs, are ``az://``."""
    for scheme in ("azure", "azure-blob"):
        (source,) = find_inputs(f"{scheme}{azure_bucket.uri.removeprefix('az')}/feed-2/users.csv")
        assert (source.kind, source.uri) == ("az", f"{azure_bucket.uri}/feed-2/users.csv")


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_a_bucket_that_is_not_there_is_named(bucket: Bucket):
    """A wrong bucket is an error with its place and what to check."""
    with pytest.raises(SourceUnavailable, match="s3://no-such-bucket/x: there is no such bucket or object"):
        list(find_inputs("s3://no-such-bucket/x"))


@pytest.mark.parametrize(
    "address", ["s3://audited/feed?AWS_SECRET_ACCESS_KEY=", "gs://audited/?CREDENTIALS=", "az://audited?AZURE_ACCOUNT_KEY="]
)
def test_credentials_in_an_address_are_refused_and_not_shown(address: str):
    """A sink URI with its credentials is refused, and the message repeats none of them."""
    value = "q" * 30
    with pytest.raises(ConfigError) as caught:
        list(find_inputs(address + value))
    assert value not in str(caught.value)
    assert "leave out" in str(caught.value)


def test_an_address_without_a_bucket_is_refused():
    """``s3://`` alone says how to go on."""
    with pytest.raises(ConfigError, match="s3://BUCKET/PREFIX"):
        list(find_inputs("s3:///x"))


def test_a_file_behind_a_signed_address(file_server: FileServer):
    """The signature goes to the server with every request, and is shown nowhere."""
    body = bytes(range(256)) * 5000
    file_server.files["/dumps/a%20b.csv"] = body
    file_server.signature = "X-Amz-Signature=" + "f" * 40 + "&x=%2F"
    (source,) = find_inputs(f"{file_server.address}/dumps/a%20b.csv?{file_server.signature}")
    assert (source.kind, source.folder, source.name, source.size) == ("http", "dumps", "a b.csv", len(body))
    with source.open() as file:
        assert file.read() == body
    file_server.signature = "another"
    with source.open() as file, pytest.raises(SourceUnavailable, match="access is refused") as caught:
        file.read()
    assert "f" * 40 not in str(caught.value)
    assert caught.value.where == f"{file_server.address}/dumps/a%20b.csv?..."


def test_a_server_without_ranges_is_read_in_one_go(file_server: FileServer):
    """Where ranges are unknown the size is, too, and the file comes as a stream."""
    body = b"line\n" * 500_000
    file_server.files["/a.csv"] = body
    file_server.ranges = False
    (source,) = find_inputs(f"{file_server.address}/a.csv")
    assert source.size is None
    with source.open() as file:
        assert not file.seekable()
        assert file.read(7) == body[:7]
        assert file.read() == body[7:]


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"', None], ids=["strong", "weak", "none"])
def test_any_kind_of_etag_will_do(file_server: FileServer, etag: str | None):
    """Servers with strong, weak and no etags are read; with one, a change is noticed."""
    file_server.files["/a"] = b"x" * 3_000_000
    file_server.etag = etag
    (source,) = find_inputs(f"{file_server.address}/a")
    with source.open() as file:
        assert len(file.read()) == 3_000_000
    if etag:
        file_server.etag = '"2"'
        with source.open() as file, pytest.raises(SourceUnavailable, match="changed"):
            file.read()


def test_an_empty_file_behind_an_address(file_server: FileServer):
    """An empty file has no first byte to ask for, and is read all the same."""
    file_server.files["/empty"] = b""
    (source,) = find_inputs(f"{file_server.address}/empty")
    with source.open() as file:
        assert file.read() == b""


def test_addresses_that_lead_nowhere_are_named(file_server: FileServer):
    """A missing file, a server that is down and a password in the address are errors that say so."""
    with pytest.raises(SourceUnavailable, match="no such bucket or object"):
        list(find_inputs(f"{file_server.address}/none"))
    with pytest.raises(ConfigError, match="cannot carry a password"):
        list(find_inputs("http://me:" + "p" * 12 + "@127.0.0.1/x"))


def _read(source: Input, answers: multiprocessing.SimpleQueue[str]) -> None:
    """Read a source in another process."""
    try:
        with source.open() as file:
            answers.put(str(len(file.read())))
    except RuntimeError as error:
        answers.put(str(error))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize(("method", "answer"), [("spawn", "4"), ("fork", "cannot use one: start it anew (spawn)")])
def test_other_processes(file_server: FileServer, method: str, answer: str):
    """A process that was started anew reads an object; one forked after a bucket was used says that it cannot, and ends."""
    file_server.files["/a"] = b"1,a\n"
    (source,) = find_inputs(f"{file_server.address}/a")
    context = multiprocessing.get_context(method)
    answers = context.SimpleQueue()
    process = context.Process(target=_read, args=(source, answers))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert answer in answers.get()


class Gaps(list[Gap]):
    """Takes gaps; any would fail the test."""

    gap = list.append
    note = list.append


def test_parquet_is_read_in_ranges(file_server: FileServer):
    """Of a Parquet file only the footer and the chosen columns' pages are fetched, in few requests."""
    from auditor.decoders.parquet import open_parquet

    rows = 200_000
    numbers = pa.array(range(rows), pa.int64())
    table = pa.table({"number": numbers, "text": pa.array([f"text {row * 7919}" for row in range(rows)]), "more": numbers})
    file = io.BytesIO()
    pq.write_table(table, file, compression="none", use_dictionary=False)
    file_server.files["/x.parquet"] = file.getvalue()
    (source,) = find_inputs(f"{file_server.address}/x.parquet")
    gaps = Gaps()
    with source.open() as opened:
        blob = open_parquet(opened, source.uri, "", gaps)
        read = sum(len(batch) for batch in blob.batches(0, len(blob.groups)))
    assert read == rows
    assert gaps == []
    fetched = sum(int(match.split("-")[1]) - int(match.split("=")[1].split("-")[0]) + 1 for _, match in file_server.requests)
    assert fetched < len(file.getvalue()) * 0.8
    assert len(file_server.requests) < 40


def test_a_file_that_changes_under_parquet_is_no_damage(file_server: FileServer):
    """An object that is replaced while its row groups are read is reported as that, not as damaged columns."""
    from auditor.decoders.parquet import open_parquet

    table = pa.table({"text": pa.array([f"text {row * 7919}" for row in range(300_000)])})
    file = io.BytesIO()
    pq.write_table(table, file, compression="none", use_dictionary=False, row_group_size=50_000)
    file_server.files["/x.parquet"] = file.getvalue()
    (source,) = find_inputs(f"{file_server.address}/x.parquet")
    gaps = Gaps()
    with source.open() as opened:
        blob = open_parquet(opened, source.uri, "", gaps)
        batches = blob.batches(0, len(blob.groups))
        next(batches)
        file_server.etag = '"2"'
        with pytest.raises(SourceUnavailable, match="changed while it was read"):
            list(batches)
    assert gaps == []
