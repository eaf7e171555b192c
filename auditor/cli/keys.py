"""Which key a command uses: `--key-file`, then `AUDITOR_KEY`, then the user's own key file."""

from __future__ import annotations

import os
from pathlib import Path

import rich_click as click

from auditor.errors import ConfigError
from auditor.identity import AuditKey, create_key, key_from_text, read_key


def find_key(key_file: Path | None, *, may_create: bool) -> AuditKey:
    """
    Return the key; create the user's own (0600) and say so if there is none and ``may_create``.

    Raise `ConfigError` where a new key would silently make every id a new one: a baseline or a resumed run was made with another.
    """
    if key_file is not None:
        return read_key(key_file)
    text = os.environ.get("AUDITOR_KEY", "")
    if text:
        return key_from_text(text)
    own = _own_key_file()
    if own.exists():
        return read_key(own)
    if not may_create:
        raise ConfigError(
            "there is no key, and a new one would not match the ids of earlier runs",
            fix="set AUDITOR_KEY or --key-file to the key they were made with",
        )
    key = create_key(own)
    click.echo(f"auditor: created the key {key.key_id} in {own} (keep it: the ids of findings depend on it)", err=True)
    return key


def _own_key_file() -> Path:
    """Return where a user's key lies by the XDG convention."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "auditor" / "key"
