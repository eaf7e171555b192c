"""Sessions: a raw session id as primary key, the fault that an audit is for, beside the fingerprint that is as it should be."""

from __future__ import annotations

from random import Random

from auditor.sample.sql_types import Column, Row, SqlType, Table
from auditor.sample.tables import pools

_HOUR = 3_600_000_000


def _make(rng: Random, index: int) -> Row:
    roll = rng.random()
    created = pools.moment(rng)
    return {
        "session_id": rng.randbytes(16).hex(),
        "user_id": pools.uuid4(rng),
        "token_hash": rng.randbytes(32).hex(),
        "refresh_token": None,
        "user_agent": pools.USER_AGENTS[int(roll * 64)],
        "ip": pools.address(rng),
        "data": {"device": {"os": "android" if roll < 0.4 else "web", "trusted": roll > 0.7}, "step": index % 9},
        "revoked": roll < 0.05,
        "created_at": created,
        "expires_at": created + 12 * _HOUR,
    }


def _earlier(rng: Random, row: Row) -> Row:
    expires = row["expires_at"]
    assert isinstance(expires, int)
    return {**row, "revoked": False, "ip": pools.address(rng), "expires_at": expires - 6 * _HOUR}


TABLE = Table(
    name="sessions",
    columns=(
        Column("session_id", SqlType.STRING),
        Column("user_id", SqlType.UUID),
        Column("token_hash", SqlType.STRING),
        Column("refresh_token", SqlType.STRING, nullable=True),
        Column("user_agent", SqlType.STRING),
        Column("ip", SqlType.INET),
        Column("data", SqlType.JSONB),
        Column("revoked", SqlType.BOOL),
        Column("created_at", SqlType.TIMESTAMPTZ),
        Column("expires_at", SqlType.TIMESTAMPTZ),
    ),
    key=("session_id",),
    make=_make,
    earlier=_earlier,
    raw_ids=("session_id",),
)
