"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def described(peers: Iterable[str]) -> str:
    """Name the processor, the system, and the versions of what ran."""
    info = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    processor = next((line.partition(": ")[2] for line in info if line.startswith("model name")), platform.machine())
    versions = ", ".join(f"{name} {version(name)}" for name in ("auditor", "hyperscan", "pyarrow", "isal"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {processor}, {os.cpu_count()} cores; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}; {versions}; {', '.join(peers)}. MB are millions of bytes."
    )
