"""Servers on loopback: S3 (which speaks for Google's too), Azure's, and a plain one for files."""

from __future__ import annotations

import base64
import http.server
import os
import random
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

#: What the buckets of the tests hold.
OBJECTS = {
    "feed/2026-01-02/users.ndjson": b'{"after": {"id": 1}}\n' * 50_000,
    "feed/2026-01-02/users.csv": b"1,a\n",
    "feed/2026-01-03/empty.ndjson": b"",
    "feed/.hidden": b"h",
    "feed-2/users.csv": b"2,b\n",
    "odd name (1)+%.csv": b"3,c\n",
}
BUCKET = "audited"


class Bucket(NamedTuple):
    """A bucket that holds `OBJECTS`: how addresses in it begin, and how to replace one."""

    uri: str
    put: Callable[[str, bytes], object]


@pytest.fixture(autouse=True)
def _no_cloud_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what the developer's own environment says about clouds out of the tests."""
    for name in os.environ:
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "STORAGE_", "GCE_")) or name.lower() in (
            "http_proxy",
            "https_proxy",
            "all_proxy",
        ):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Give the address of an S3 server."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest, moto: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Give a bucket by each of the two addresses that moto's server understands."""
    import boto3

    client = boto3.client("s3", endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)

    def put(key: str, body: bytes) -> object:
        return client.put_object(Bucket=BUCKET, Key=key, Body=body, ACL="public-read")

    for key, body in OBJECTS.items():
        put(key, body)
    if request.param == "s3":
        monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    else:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", moto)
    return Bucket(f"{request.param}://{BUCKET}", put)


AZURE_ACCOUNT = "auditortests"
AZURE_KEY = base64.b64encode(random.randbytes(64)).decode()


@pytest.fixture(scope="session")
def azurite(service: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of an Azure server's account."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [service("azurite"), "--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--blobHost", "127.0.0.1"]
    command += ["--blobPort", str(port), "--queuePort", "0", "--tablePort", "0", "--disableTelemetry"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path_factory.mktemp("azurite"),
        env={**os.environ, "AZURITE_ACCOUNTS": f"{AZURE_ACCOUNT}:{AZURE_KEY}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "Azurite did not start"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def azure_bucket(azurite: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Give a container of Azure's."""
    import obstore
    from obstore.store import AzureStore

    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING", f"AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};BlobEndpoint={azurite};"
    )
    store = AzureStore(
        BUCKET, account_name=AZURE_ACCOUNT, account_key=AZURE_KEY, endpoint=azurite, client_options={"allow_http": True}
    )
    _create_container(azurite)
    for key, body in OBJECTS.items():
        obstore.put(store, key, body)
    return Bucket(f"az://{BUCKET}", lambda key, body: obstore.put(store, key, body))


def _create_container(address: str) -> None:
    """Create the container by Azure's REST API, signed with the shared key: the object store client cannot."""
    import hmac
    import http.client
    from datetime import UTC, datetime

    date = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S} GMT"
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06", "Content-Length": "0"}
    canonical = f"x-ms-date:{date}\nx-ms-version:2021-08-06\n/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/{BUCKET}\nrestype:container"
    text = "PUT" + "\n" * 12 + canonical
    signature = base64.b64encode(hmac.digest(base64.b64decode(AZURE_KEY), text.encode(), "sha256")).decode()
    headers["Authorization"] = f"SharedKey {AZURE_ACCOUNT}:{signature}"
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    connection.request("PUT", f"/{AZURE_ACCOUNT}/{BUCKET}?restype=container", headers=headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    assert answer.status in (201, 409), f"the container was not created: {answer.status} {said!r}"


class FileServer(http.server.ThreadingHTTPServer):
    """A server of `files`, by path. It keeps the requests, and can be told to know no ranges or to want a signature."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _FileHandler)
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.signature = ""
        self.etag: str | None = '"1"'
        self.requests: list[tuple[str, str]] = []

    def handle_error(self, *_args: object) -> None:
        """Say nothing: clients leave in the middle of an answer that is not what they asked for."""

    @property
    def address(self) -> str:
        """Return how its addresses begin."""
        return f"http://127.0.0.1:{self.server_port}"


class _FileHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range") or ""
        server.requests.append((self.path, wanted))
        path, _, query = self.path.partition("?")
        if query != server.signature:
            self._answer(403, b"")
            return
        body = server.files.get(path)
        if body is None:
            self._answer(404, b"")
            return
        expected = self.headers.get("If-Match")
        if expected and expected != server.etag:
            self._answer(412, b"")
            return
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted) if server.ranges else None
        if match is None:
            self._answer(200, body)
            return
        start, end = int(match[1]), min(int(match[2]), len(body) - 1)
        if start > end:
            self._answer(416, b"")
            return
        self._answer(206, body[start : end + 1], f"bytes {start}-{end}/{len(body)}")

    def _answer(self, status: int, body: bytes, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """Give a server of files."""
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
