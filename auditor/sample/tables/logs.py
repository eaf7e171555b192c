"""Logs: messages, stack traces over many lines, logged requests as JSONB, two column families."""

from __future__ import annotations

from random import Random

from auditor.sample.sql_types import Column, Row, SqlType, Table
from auditor.sample.tables import pools

_LEVELS = ("debug", "info", "warn", "error")
_PATHS = ("/v1/orders", "/v1/users/me", "/healthz", "/v1/search?q=wool&page=2", "/v1/reports/daily")


def _make(rng: Random, index: int) -> Row:
    roll = rng.random()
    path = _PATHS[int(roll * 5)]
    return {
        "id": pools.row_id(index, 1),
        "at": pools.moment(rng),
        "level": _LEVELS[int(roll * 4)],
        "service": pools.SERVICES[int(rng.random() * 10)],
        "message": f"{pools.SENTENCES[int(rng.random() * 512)]} after {index % 900} ms",
        "error": pools.STACK_TRACES[int(roll * 2048)] if roll < 0.125 else None,
        "request": {
            "method": "GET" if roll < 0.6 else "POST",
            "url": f"https://api.northwind.internal{path}",
            "status": 200 + index % 5,
            "agent": pools.USER_AGENTS[int(roll * 64)] if roll < 0.5 else "kube-probe/1.33",
            "remote": pools.address(rng),
        },
        "trace_id": rng.randbytes(16).hex(),
        "duration": (int(rng.random() * 100_000) * 2 + 1) / 1000,
        "tags": ["env:prod", f"shard:{index % 16}"],
    }


def _earlier(rng: Random, row: Row) -> Row:
    return {**row, "level": "debug", "duration": (int(rng.random() * 100_000) * 2 + 1) / 1000}


TABLE = Table(
    name="logs",
    columns=(
        Column("id", SqlType.INT8),
        Column("at", SqlType.TIMESTAMPTZ),
        Column("level", SqlType.ENUM, "public.log_level"),
        Column("service", SqlType.STRING),
        Column("message", SqlType.STRING),
        Column("error", SqlType.STRING, nullable=True),
        Column("request", SqlType.JSONB),
        Column("trace_id", SqlType.STRING),
        Column("duration", SqlType.FLOAT8),
        Column("tags", SqlType.STRING_ARRAY),
    ),
    key=("id",),
    make=_make,
    earlier=_earlier,
    enums={"log_level": _LEVELS},
    families={
        "primary": ("id", "at", "level", "service", "message", "trace_id", "duration"),
        "detail": ("error", "request", "tags"),
    },
)
