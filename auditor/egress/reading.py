"""Ways out from a file of any of the forms that are known."""

from __future__ import annotations

from auditor.egress.connectors import read_connectors
from auditor.egress.exits import Exit
from auditor.egress.outputs import read_output
from auditor.egress.statements import read_statements
from auditor.errors import ConfigError


def read_exits(data: bytes, where: str) -> list[Exit]:
    """
    Return the ways out in a file: a connector's JSON, what SHOW ... printed, or statements of SQL.

    Raise `ConfigError` where there is none in it, and none could have been.
    """
    connectors = read_connectors(data, where)
    if connectors is not None:
        return connectors
    shown = read_output(data, where)
    if shown is not None:
        return shown
    found = read_statements(data.decode("utf-8", "replace"), where)
    if not found:
        raise ConfigError(
            "no way out in it",
            where=where,
            fix="give CREATE CHANGEFEED or EXPORT statements, the output of SHOW CHANGEFEED JOBS, or a connector's JSON",
        )
    return found
