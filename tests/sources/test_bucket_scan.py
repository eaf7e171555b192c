"""Audits of buckets through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_two_jobs_scan_a_bucket(bucket, moto: str, tmp_path: Path) -> None:
    """Worker processes read objects too, each with a client of its own, and name them by their address."""
    token = "ghp" + "_" + "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o" + "AAAAAA"
    client = boto3.client("s3", endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    client.create_bucket(Bucket="two-jobs")
    for number in range(3):
        body = json.dumps({"after": {"tok": token}}).encode() + b"\n"
        client.put_object(Bucket="two-jobs", Key=f"feed/{number}.ndjson", Body=body, ACL="public-read")
    address = f"{bucket.uri.partition('://')[0]}://two-jobs"
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "scan", f"{address}/feed/", "--jobs", "2", "--quiet", "--report=jsonl=-"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
    )
    finding, summary = (json.loads(line) for line in done.stdout.splitlines())
    assert [exposure["uri"] for exposure in finding["exposures"]] == [f"{address}/feed/{number}.ndjson" for number in range(3)]
    assert (summary["inputs"], summary["rows"], summary["gaps_total"]) == (3, 3, 0)
    assert done.returncode == 0, "a failed checksum does not fail the audit"
