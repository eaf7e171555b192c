"""What the tests of local confirmation share: tokens made at run time, settings, and batches of JSON lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from auditor.confirm.confirmer import Confirmer
from auditor.confirm.settings import FingerprintSettings
from auditor.decoders.batch import TextBatch
from auditor.decoders.json_lines import JsonLines
from auditor.identity import AuditKey
from auditor.model import Receipt
from auditor.pipeline import Partial
from auditor.protocols import Frame

SUBKEY = b"s" * 32
TABLE = "app.public.sessions"


def token(number: int, length: int = 32) -> str:
    """Return a token of letters and digits."""
    return hashlib.sha512(f"token {number}".encode()).hexdigest()[:length]


def sha256(text: str) -> str:
    """Return the fingerprint that the plainest recipe makes."""
    return hashlib.sha256(text.encode()).hexdigest()


def declared(**more: Any) -> FingerprintSettings:
    """Return settings of the column token_hash."""
    least = {"table": "*.*.sessions", "column": "token_hash", "key": ["id"], "recipe": {"hash": "sha256"}}
    return FingerprintSettings.model_validate({**least, **more})


def confirmer(*settings: FingerprintSettings, path: Any = None, subkey: bytes = SUBKEY) -> Confirmer:
    """Return a confirmer under a fixed key."""
    return Confirmer(settings or (declared(),), AuditKey(b"k" * 32), subkey, path)


def frame(part: str, rows: Sequence[Mapping[str, object]], *, table: str = TABLE, first: int = 0) -> Frame:
    """Return rows of one part with the columns of the first."""
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    return Frame(table, part, range(first, first + len(rows)), columns)


def batch(*messages: Mapping[str, object] | bytes) -> TextBatch:
    """Return a batch of JSON lines of the table logs."""
    lines = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in messages]
    layout = JsonLines("wrapped")
    problems = Partial(Receipt("file", 0, "file", "", "", "", 0, 0))
    return TextBatch(
        layout.frame(b"".join(line + b"\n" for line in lines)), layout, uri="f", table="logs", first_row=1, problems=problems
    )
