"""Users: bcrypt hashes, mail addresses, preferences as JSONB, names of many scripts."""

from __future__ import annotations

import base64
from decimal import Decimal
from random import Random

from auditor.sample.sql_types import Column, Row, SqlType, Table
from auditor.sample.tables import pools

_STATUS = ("active", "invited", "suspended")
_BCRYPT = bytes.maketrans(b"+/", b"./")
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def _make(rng: Random, index: int) -> Row:
    roll = rng.random()
    login = pools.login(rng)
    created = pools.moment(rng)
    return {
        "id": pools.uuid4(rng),
        "email": f"{login}@mail.northwind.internal",
        "name": f"{pools.FIRST[int(roll * 32)]} {pools.LAST[int(rng.random() * 26)]}",
        "password_hash": "$2b$12$" + base64.b64encode(rng.randbytes(40)).translate(_BCRYPT)[:53].decode(),
        "status": _STATUS[int(roll * 3)],
        "is_admin": roll < 0.02,
        "balance": Decimal(int(rng.random() * 1_000_000)).scaleb(-2),
        "preferences": _preferences(rng, roll),
        "bio": pools.NOTES[int(rng.random() * 512)] if roll < 0.3 else None,
        "avatar": base64.b64encode(_PNG + rng.randbytes(48)).decode() if roll > 0.95 else None,
        "remember_token": None,
        "signup_ip": pools.address(rng),
        "created_at": created,
        "last_login_at": created + index % 97 * 3_600_000_001 if roll > 0.2 else None,
    }


def _preferences(rng: Random, roll: float) -> dict[str, object]:
    """Return settings: nested, with a number that is no integer and a member of another script."""
    return {
        "lang": pools.LANGUAGES[int(roll * 8)],
        "mail": {"weekly": roll > 0.5, "hour": int(roll * 24)},
        "zoom": (int(rng.random() * 40) * 2 + 1) / 20,
        "größe": "M" if roll < 0.5 else None,
    }


def _earlier(rng: Random, row: Row) -> Row:
    return {**row, "balance": Decimal(int(rng.random() * 1_000_000)).scaleb(-2), "status": "invited", "last_login_at": None}


TABLE = Table(
    name="users",
    columns=(
        Column("id", SqlType.UUID),
        Column("email", SqlType.STRING),
        Column("name", SqlType.STRING),
        Column("password_hash", SqlType.STRING),
        Column("status", SqlType.ENUM, "public.user_status"),
        Column("is_admin", SqlType.BOOL),
        Column("balance", SqlType.DECIMAL, "DECIMAL(12,2)"),
        Column("preferences", SqlType.JSONB),
        Column("bio", SqlType.STRING, nullable=True),
        Column("avatar", SqlType.STRING, nullable=True),
        Column("remember_token", SqlType.STRING, nullable=True),
        Column("signup_ip", SqlType.INET),
        Column("created_at", SqlType.TIMESTAMPTZ),
        Column("last_login_at", SqlType.TIMESTAMPTZ, nullable=True),
    ),
    key=("id",),
    make=_make,
    earlier=_earlier,
    enums={"user_status": _STATUS},
)
