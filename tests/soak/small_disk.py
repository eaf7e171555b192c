"""A disk of a few MiB, which can be filled."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@cache
def tmpfs() -> Path | None:
    """Return the program that mounts one, if this user may."""
    program = shutil.which("mount")
    if program is None or os.geteuid() != 0:
        return None
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run([program, "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False, capture_output=True)
        if mounted.returncode:
            return None
        subprocess.run(["umount", folder], check=True)
    return Path(program)


class SmallDisk:
    """A file system of its own, mounted at ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, but: int = 0) -> None:
        """Take all the room there is, and give back so many pages as hold ``but`` bytes."""
        with self._ballast.open("ab", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(4096))
                except OSError:
                    break
            if but:
                file.truncate(file.tell() - -(-but // 4096) * 4096)

    def make_room(self) -> None:
        """Give it back."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """Mount a disk of so many bytes for as long as a block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    program = tmpfs()
    assert program is not None, 'mark the test: @pytest.mark.needs("tmpfs")'
    subprocess.run([program, "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
