"""What a policy finds, and what is said about it."""

from __future__ import annotations

from typing import NamedTuple

from auditor.model import Severity

SHAPE = "policy.shape"
FORBIDDEN_COLUMN = "policy.forbidden-column"
UNKNOWN_COLUMN = "policy.unknown-column"
UNKNOWN_TABLE = "policy.unknown-table"
ROW = "policy.row."
#: A row rule that could not be evaluated: what it would have said is not known.
ROW_ERROR = "policy.row-error."


class Breach(NamedTuple):
    """
    A place where a row breaks a policy.

    ``row`` is an index into the batch. ``value`` is the offending text: the caller turns it into an id and evidence at once, and
    keeps neither it nor this. It is None where there is no text to tell: a null, a column that is missing, forbidden or unknown,
    a row. ``rows`` is for how many rows it stands: what columns alone tell comes once for all that have them.
    """

    kind: str
    row: int
    table: str
    part: str
    column: str
    path: str
    value: str | None
    severity: Severity
    rows: int = 1


class PolicyText(NamedTuple):
    """
    What a finding says of a breach.

    ``policy_id`` names the policy (a file's ``name``). ``observed`` says that it is to be recorded only.
    """

    policy_id: str
    title: str
    gains: str
    remedy: str
    owner: str
    observed: bool


class Decision(NamedTuple):
    """One thing that policies say of a column, where (file:line), and whether it holds or gives way to another."""

    key: str
    value: object
    where: str
    holds: bool
