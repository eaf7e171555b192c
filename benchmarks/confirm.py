"""
How fast live tokens are looked for, and what 10 million of their fingerprints take. `python -m benchmarks.confirm` prints both.

The rows are those of `benchmarks.watch.rows`, in buffers of 4 MB. Every figure is of one run on one core, the best of five
passes; beside it stands what is asked for.
"""

from __future__ import annotations

import gc
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from auditor.confirm.confirmer import Confirmer
from auditor.confirm.entries import Entries
from auditor.confirm.lookup import Lookup
from auditor.confirm.recipe import Recipe
from auditor.confirm.settings import FingerprintSettings
from auditor.identity import AuditKey
from auditor.protocols import Frame
from benchmarks.watch import rows

_KEY = bytes(32)
_BUFFER = 4 << 20
_BUFFERS = 6
_PASSES = 5
_MILLIONS = 10
_KNOWN = 100_000
_SHA256, _HMAC = {"hash": "sha256"}, {"hash": "hmac-sha256", "key": {"env": "AUDITOR_BENCHMARK_KEY"}}
#: What is declared, and the MB/s that are asked for.
SEARCHES: list[tuple[str, Mapping[str, Any], Mapping[str, Any], int]] = [
    ("sha256", _SHA256, {}, 100),
    ("hmac-sha256", _HMAC, {}, 50),
    ("sha256, 64 hex", _SHA256, {"lengths": [64], "alphabet": "hex"}, 300),
    ("sha256, 43 base64url", _SHA256, {"lengths": [43], "alphabet": "base64url"}, 300),
    ("hmac-sha256, 32 base62", _HMAC, {"lengths": [32], "alphabet": "base62"}, 300),
    ("sha256, sess_ and 32 base62", _SHA256, {"lengths": [37], "alphabet": "base62", "prefix": "sess_"}, 300),
]


def settings(recipe: Mapping[str, Any], token: Mapping[str, Any]) -> FingerprintSettings:
    """Return the settings of one column."""
    declared = {"table": "*.*.sessions", "column": "token_hash", "key": ["id"], "recipe": recipe, "token": token}
    return FingerprintSettings.model_validate(declared)


def buffers() -> list[bytes]:
    """Return the benchmark's rows, joined."""
    joined = b"\n".join(row.value for row in rows.different())
    return [joined[at : at + _BUFFER] for at in range(0, _BUFFERS * _BUFFER, _BUFFER)]


def best(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest pass."""
    times = []
    for _ in range(_PASSES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def names(count: int) -> Iterator[bytes]:
    """Yield so many names, ascending and evenly spread, as they come from a store."""
    step = 1 << 16
    for first in range(0, count, step):
        size = min(step, count - first)
        spread = np.random.default_rng(first).integers(0, 1 << 63, (size, 2), dtype=np.uint64)
        width = (1 << 64) // count
        spread[:, 0] = (first + np.arange(size, dtype=np.uint64)) * np.uint64(width) + spread[:, 0] % np.uint64(width)
        yield spread.astype(">u8").tobytes()


def resident() -> int:
    """Return the bytes of memory that this process has (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def search() -> None:
    """Print the speed of the search for each kind of declaration."""
    data = buffers()
    size = sum(map(len, data))
    known = Entries(_KNOWN, names(_KNOWN))
    for name, recipe, token, asked in SEARCHES:
        one = settings(recipe, token)
        lookup = Lookup([one], [Recipe.of(one)], _KEY)
        took = best(lambda lookup=lookup: [lookup.matches(each, known) for each in data])  # type: ignore[misc]
        print(f"{name:30} {size / took / 1e6:8.0f} MB/s  asked for {asked}")
    none, nothing = Entries(), Lookup([], [], _KEY)
    took = best(lambda: [nothing.matches(each, none) for each in data])
    print(f"{'no fingerprints':30} {took / size * 1e12:8.2f} us a MB")


def hold() -> None:
    """Print what 10 million fingerprints take, and what looking one up, adding and removing do."""
    count = _MILLIONS * 1_000_000
    gc.collect()
    before = resident()
    entries = Entries(count, names(count))
    print(f"{f'{_MILLIONS} million fingerprints':30} {(resident() - before) / 1e6:8.0f} MB    asked for 250")
    asked = [secrets.token_bytes(16) for _ in range(100_000)]
    batches = [asked[at : at + 5000] for at in range(0, len(asked), 5000)]
    print(f"{'one lookup':30} {best(lambda: [each in entries for each in asked]) / len(asked) * 1e6:8.2f} us    asked for 5")
    print(f"{'one of a batch':30} {best(lambda: [entries.found(each) for each in batches]) / len(asked) * 1e6:8.2f} us")
    for name, change in (("adding one", entries.add), ("removing one", entries.discard)):
        began = time.perf_counter()
        for each in asked:
            change(each)
        print(f"{name:30} {(time.perf_counter() - began) / len(asked) * 1e6:8.2f} us")
    print(f"{'after 100,000 more, and less':30} {(resident() - before) / 1e6:8.0f} MB    asked for 250")


def learn() -> None:
    """Print how fast rows are learned into a file, and learned again."""
    with tempfile.TemporaryDirectory() as folder:
        confirmer = Confirmer([settings(_SHA256, {})], AuditKey(_KEY), _KEY, Path(folder) / "fingerprints")
        frames = [
            Frame(
                "app.public.sessions",
                "after",
                range(5000),
                {"id": range(at, at + 5000), "token_hash": [secrets.token_hex(32) for _ in range(5000)]},
            )
            for at in range(0, _KNOWN, 5000)
        ]
        for name in ("learning one row", "learning it again"):
            began = time.perf_counter()
            for frame in frames:
                confirmer.learn([frame])
                confirmer.commit()
            print(f"{name:30} {(time.perf_counter() - began) / _KNOWN * 1e6:8.2f} us")
        confirmer.close()


if __name__ == "__main__":
    os.environ.setdefault("AUDITOR_BENCHMARK_KEY", "k" * 32)
    hold()
    search()
    learn()
