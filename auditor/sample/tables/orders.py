"""Orders: a composite key, DECIMAL with and without precision, an array of objects, notes with every awkward character."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from auditor.sample.sql_types import Column, Row, SqlType, Table
from auditor.sample.tables import pools

_STATUS = ("placed", "paid", "shipped", "returned")
_PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def _make(rng: Random, index: int) -> Row:
    roll = rng.random()
    return {
        "region": pools.REGIONS[int(roll * 4)],
        "id": pools.row_id(index, 3),
        "user_id": pools.uuid4(rng),
        "status": _STATUS[int(roll * 4)],
        "total": Decimal(int(rng.random() * 10_000_000)).scaleb(-2),
        "tax": Decimal(int(rng.random() * 10_000_000)).scaleb(-5) if roll > 0.4 else None,
        "items": [{"sku": f"NW-{int(roll * 90000) + 10000}", "title": pools.TITLES[int(roll * 128)], "qty": index % 5 + 1}],
        "ship_to": pools.ADDRESSES[int(rng.random() * 256)],
        "note": pools.NOTES[int(rng.random() * 512)] if roll < 0.35 else None,
        "callback_url": f"https://partner.northwind.internal/orders/{index}/done?lang={pools.LANGUAGES[int(roll * 8)]}"
        if roll > 0.5
        else None,
        "receipt": _PDF + rng.randbytes(24) if roll > 0.9 else None,
        "payment_id": f"pi_{rng.getrandbits(96):024x}",
        "is_gift": roll < 0.1,
        "placed_at": pools.moment(rng),
    }


def _earlier(rng: Random, row: Row) -> Row:
    return {**row, "status": "placed", "total": Decimal(int(rng.random() * 10_000_000)).scaleb(-2)}


TABLE = Table(
    name="orders",
    columns=(
        Column("region", SqlType.STRING),
        Column("id", SqlType.INT8),
        Column("user_id", SqlType.UUID),
        Column("status", SqlType.ENUM, "public.order_status"),
        Column("total", SqlType.DECIMAL, "DECIMAL(14,2)"),
        Column("tax", SqlType.DECIMAL, nullable=True),
        Column("items", SqlType.JSONB),
        Column("ship_to", SqlType.STRING),
        Column("note", SqlType.STRING, nullable=True),
        Column("callback_url", SqlType.STRING, nullable=True),
        Column("receipt", SqlType.BYTES, nullable=True),
        Column("payment_id", SqlType.STRING),
        Column("is_gift", SqlType.BOOL),
        Column("placed_at", SqlType.TIMESTAMPTZ),
    ),
    key=("region", "id"),
    make=_make,
    earlier=_earlier,
    enums={"order_status": _STATUS},
)
