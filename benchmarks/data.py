"""The files that are scanned: written by `auditor sample`, once, into build/bench."""

from __future__ import annotations

import json
import random
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BENCH = ROOT / "build" / "bench"
_DESCRIBE = {"result.csv", "schema.sql"}


@dataclass(frozen=True, slots=True)
class Data:
    """A folder of files to scan, those of the tables ``without`` left out, and the truth about what is in them."""

    folder: Path
    truth: Path
    without: str = "no table"

    @property
    def files(self) -> Sequence[Path]:
        """Return the files to scan, in the order of their names; the few small ones that describe others are left out."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.name not in _DESCRIBE)
        return sorted(path for path in files if self.without not in path.as_posix())

    @property
    def size(self) -> int:
        """Return their bytes."""
        return sum(path.stat().st_size for path in self.files)


def sample(name: str, *arguments: str) -> Data:
    """Return what `auditor sample` writes with these arguments; it is written anew if they have changed."""
    data = _data(name)
    made = BENCH / f"{name}.made.json"
    if not (made.exists() and json.loads(made.read_text("utf-8")) == list(arguments)):
        print(f"writing {data.folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
        made.unlink(missing_ok=True)
        shutil.rmtree(data.folder, ignore_errors=True)
        command = [sys.executable, "-m", "auditor", "sample", str(data.folder), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        made.write_text(json.dumps(arguments), encoding="utf-8")
    return data


def empty() -> Data:
    """Return a folder with one empty file: scanning it costs what starting costs."""
    data = _data("empty")
    data.folder.mkdir(parents=True, exist_ok=True)
    (data.folder / "empty.ndjson").write_bytes(b"")
    return data


def beginning(data: Data, share: float) -> Data:
    """Return the first part of each file, cut at a line end."""
    if share == 1:
        return data
    part = Data(data.folder.with_name(f"{data.folder.name}-{share:g}"), data.truth)
    shutil.rmtree(part.folder, ignore_errors=True)
    for path in data.files:
        copy = part.folder / path.relative_to(data.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as source, copy.open("wb") as target:
            wanted = int(path.stat().st_size * share)
            while wanted > 0 and (line := source.readline()):
                wanted -= len(line)
                target.write(line)
    return part


def _data(name: str) -> Data:
    return Data(BENCH / name, BENCH / f"{name}.truth.jsonl")


def million_findings() -> Data:
    """
    Return a feed with a million different secrets that stay a million findings: a thousand for each of 20 columns of 50 tables.

    Their kind is told by prefix and length alone; beyond a thousand, the secrets of a column would become one finding.
    """
    data = _data("million-findings")
    if not data.folder.exists():
        data.folder.mkdir(parents=True)
        rng = random.Random(20)
        for table in range(50):
            with (data.folder / f"t{table:02}.ndjson").open("w", encoding="utf-8") as file:
                file.writelines(_rows(rng, f"t{table:02}"))
    return data


def _rows(rng: random.Random, table: str) -> Iterator[str]:
    """Yield a thousand rows of a table with a secret in each of 20 columns."""
    alphabet = string.ascii_uppercase + "234567"
    for key in range(1000):
        after = {"id": key} | {f"c{column:02}": "AKIA" + "".join(rng.choices(alphabet, k=16)) for column in range(20)}
        yield json.dumps({"after": after, "key": [key], "topic": table, "updated": "1784758975071714277.0000000000"}) + "\n"
