"""The five tables of the sample, one file each."""

from __future__ import annotations

from auditor.sample.sql_types import Table
from auditor.sample.tables import api_tokens, logs, orders, sessions, users

TABLES: tuple[Table, ...] = (users.TABLE, sessions.TABLE, api_tokens.TABLE, orders.TABLE, logs.TABLE)
