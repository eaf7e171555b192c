"""
The ways out of the database: which columns of which tables leave to where, what is wrong with that, and a first policy for it.

Everything here is said before a row flows, from statements, from what the server shows, and from configurations of connectors.
"""

from __future__ import annotations

from auditor.egress.exits import Connector, Exit, Target
from auditor.egress.finding import EgressFinding
from auditor.egress.lint import lint, unaudited
from auditor.egress.reading import read_exits
from auditor.egress.schema import Column, Schema, Table, read_schema

__all__ = [
    "Column",
    "Connector",
    "EgressFinding",
    "Exit",
    "Schema",
    "Table",
    "Target",
    "lint",
    "read_exits",
    "read_schema",
    "unaudited",
]
