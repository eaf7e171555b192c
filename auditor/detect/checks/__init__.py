"""
Offline proofs of a secret's form, by name.

A check sees the secret and the text that the rule's pattern matched, and says what it proves. It never raises
and never keeps what it was given. One file a family; a new check is one entry in the table of its file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum


class Verdict(Enum):
    """
    What a check says.

    PROVEN: checksum or structure holds: confidence ``confirmed-format``. FAILED: the shape is right and the
    checksum is not: confidence ``low``, never dropped. REJECTED: it is something else altogether (a header that
    does not decode): no finding. UNKNOWN: this form cannot be checked.
    """

    PROVEN = "proven"
    FAILED = "failed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


#: (secret, matched text) -> verdict
Check = Callable[[str, str], Verdict]


def all_checks() -> Mapping[str, Check]:
    """Return every check by its name."""
    from auditor.detect.checks import azure, checksums, context, cookies, decodes, jose, keys, private_keys, structures

    tables = (azure, checksums, context, cookies, decodes, jose, keys, private_keys, structures)
    return {name: check for table in tables for name, check in table.CHECKS.items()}
