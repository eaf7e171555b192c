"""Judges columns: whether they hold raw tokens, by their names and by bounded profiles of their values that hold no value."""

from __future__ import annotations

from auditor.columns.profiles import Profiles
from auditor.columns.verdict import Classification, Counts, Verdict

__all__ = ["Classification", "Counts", "Profiles", "Verdict"]
