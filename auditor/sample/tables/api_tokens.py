"""API tokens: fingerprints in BYTES, ciphertexts, scopes in an array; ``token`` is NULL, as it should be."""

from __future__ import annotations

from random import Random

from auditor.sample.sql_types import Column, Row, SqlType, Table
from auditor.sample.tables import pools

_SCOPES = ("orders:read", "orders:write", "users:read", "reports:read", "webhooks:manage", "billing, invoices")
_KINDS = ("personal", "service", "partner")


def _make(rng: Random, index: int) -> Row:
    roll = rng.random()
    first = int(roll * 4)
    scopes: list[object] = [_SCOPES[first], _SCOPES[first + 1]]
    if roll > 0.97:
        scopes = [None, 'it\'s "all"']
    return {
        "id": pools.uuid4(rng),
        "user_id": pools.uuid4(rng),
        "name": pools.TITLES[int(roll * 128)],
        "kind": _KINDS[int(roll * 3)],
        "token": None,
        "fingerprint": rng.randbytes(32),
        "secret_box": rng.randbytes(60) if roll < 0.25 else None,
        "scopes": scopes,
        "metadata": {"created_by": pools.login(rng), "rate": {"burst": index % 50, "per": "minute"}, "ids": [index, index + 7]},
        "created_at": pools.moment(rng),
        "last_used_at": pools.moment(rng) if roll > 0.3 else None,
    }


def _earlier(rng: Random, row: Row) -> Row:
    return {**row, "last_used_at": pools.moment(rng), "scopes": [_SCOPES[0]]}


TABLE = Table(
    name="api_tokens",
    columns=(
        Column("id", SqlType.UUID),
        Column("user_id", SqlType.UUID),
        Column("name", SqlType.STRING),
        Column("kind", SqlType.ENUM, "public.token_kind"),
        Column("token", SqlType.STRING, nullable=True),
        Column("fingerprint", SqlType.BYTES),
        Column("secret_box", SqlType.BYTES, nullable=True),
        Column("scopes", SqlType.STRING_ARRAY),
        Column("metadata", SqlType.JSONB),
        Column("created_at", SqlType.TIMESTAMPTZ),
        Column("last_used_at", SqlType.TIMESTAMPTZ, nullable=True),
    ),
    key=("id",),
    make=_make,
    earlier=_earlier,
    enums={"token_kind": _KINDS},
)
