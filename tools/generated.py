"""Write generated files, or say which are out of date."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent


def stale(folder: str, texts: Mapping[str, str]) -> list[str]:
    """Name the files that are missing, or hold something else."""
    place = ROOT / folder
    return [name for name, text in texts.items() if not (place / name).exists() or (place / name).read_text("utf-8") != text]


def write(folder: str, texts: Mapping[str, str]) -> None:
    """Write the files that are stale, and name them."""
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    for name in stale(folder, texts):
        (ROOT / folder / name).write_text(texts[name], encoding="utf-8")
        print(f"wrote {folder}/{name}")
