"""Schema policies: what the owner of a table declares about its columns, checked value by value."""

from __future__ import annotations

from auditor.policies.breach import Breach, Decision, PolicyText
from auditor.policies.form import policy_schema
from auditor.policies.policies import Policies
from auditor.policies.table_policy import TablePolicy

__all__ = ["Breach", "Decision", "Policies", "PolicyText", "TablePolicy", "policy_schema"]
