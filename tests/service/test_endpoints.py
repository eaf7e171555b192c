"""What probes and Prometheus get, and what systemd is told."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.errors import ConfigError
from auditor.hlc import Timestamp
from auditor.model import Gap, Receipt
from auditor.pipeline import Inspected, Partial
from auditor.service import systemd
from auditor.service.endpoints import Endpoints
from auditor.service.metrics import Metrics
from auditor.state.recording import Recorded
from tests.report_examples import finding


@pytest.fixture
def problems() -> dict[str, str]:
    """Return what is not as it should be: the test fills it."""
    return {}


@pytest.fixture
def metrics() -> Metrics:
    """Return counters that begin at nothing."""
    return Metrics()


@pytest.fixture
def base(problems: dict[str, str], metrics: Metrics) -> Iterator[str]:
    """Return the address of running endpoints."""
    endpoints = Endpoints("127.0.0.1", 0, ready=lambda: problems, metrics=metrics.text)
    yield f"http://127.0.0.1:{endpoints.port}"
    endpoints.close()


def get(url: str) -> tuple[int, str]:
    """Return status and body of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_alive_is_not_ready(base: str, problems: dict[str, str]) -> None:
    """A feed that waits makes the service unready, by its name; the process is alive all the same."""
    assert get(f"{base}/readyz") == (200, "{}\n")
    problems["orders"] = "waiting: no broker"
    status, body = get(f"{base}/readyz")
    assert (status, json.loads(body)) == (503, {"orders": "waiting: no broker"})
    assert get(f"{base}/healthz") == (200, "ok\n")


def test_other_paths_are_not_there(base: str) -> None:
    """A mistyped path is told what there is."""
    status, body = get(f"{base}/metric")
    assert status == 404
    assert "/metrics" in body


def test_metrics_count_what_was_recorded(base: str, metrics: Metrics) -> None:
    """Rows, bytes, gaps and findings are counted by feed, table and rule."""
    partial = Partial(Receipt("t[0]", 0, "kafka", "json", "", "t", 7, 900))
    partial.gap(Gap("t[0]", "invalid JSON", row=3))
    metrics.recorded("orders", [Inspected(partial, "t/0", resolved=Timestamp(10**18))], Recorded([finding()]))
    _, text = get(f"{base}/metrics?x")
    lines = text.splitlines()
    assert 'auditor_rows_total{feed="orders"} 7.0' in lines
    assert 'auditor_bytes_total{feed="orders"} 900.0' in lines
    assert 'auditor_coverage_gaps_total{feed="orders"} 1.0' in lines
    assert 'auditor_decode_errors_total{feed="orders"} 1.0' in lines
    assert 'auditor_resolved_timestamp_seconds{feed="orders",shard="t/0"} 1e+09' in lines
    metrics.read("orders", running=True, backlog=12, under_way=3)
    lines = get(f"{base}/metrics")[1].splitlines()
    assert 'auditor_source_backlog{feed="orders"} 12.0' in lines
    assert 'auditor_deliveries_under_way{feed="orders"} 3.0' in lines
    metrics.read("orders", running=True, backlog=None, under_way=0)
    assert "auditor_source_backlog{" not in get(f"{base}/metrics")[1]
    assert any(line.startswith("auditor_findings_total{") and f'rule="{finding().rule_id}"' in line for line in lines)


def test_a_port_that_is_taken_is_an_error_of_the_configuration(base: str) -> None:
    """The message names the address and what to do."""
    port = int(base.rpartition(":")[2])
    with pytest.raises(ConfigError, match=f"127.0.0.1:{port}: cannot listen"):
        Endpoints("127.0.0.1", port, ready=dict, metrics=bytes)


def test_systemd_is_told_where_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY=1 goes to the socket that systemd names; without one nothing happens."""
    systemd.notify("READY=1")
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        systemd.notify("READY=1", "STATUS=well")
        systemd.reloading()
        assert listener.recv(100) == b"READY=1\nSTATUS=well"
        assert listener.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
