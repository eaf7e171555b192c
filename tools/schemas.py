"""
Write schemas/ from the types: JSON Schemas, draft 2020-12.

`python -m tools.schemas`
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tools import generated

FOLDER = "schemas"


def texts() -> Mapping[str, str]:
    """Return every schema by its file name."""
    from auditor.alerts.event import alert_schema
    from auditor.config import Config
    from auditor.confirm.settings import FingerprintFile
    from auditor.detect.rule import RuleFile
    from auditor.policies import policy_schema
    from auditor.reports.schema import finding_schema
    from auditor.sample.truth import truth_schema

    return {
        "alert.schema.json": _text("The body of an alert", alert_schema()),
        "config.schema.json": _text("The configuration of `auditor watch`", Config.model_json_schema()),
        "fingerprints.schema.json": _text("A file of fingerprints", FingerprintFile.model_json_schema()),
        "finding.schema.json": _text("One line of `auditor scan --report jsonl=FILE`", finding_schema()),
        "policy.schema.json": _text("A policy file", policy_schema()),
        "rule.schema.json": _text("A file of rules", RuleFile.model_json_schema()),
        "truth.schema.json": _text("One line of the truth about a sample", truth_schema()),
    }


def _text(title: str, schema: Mapping[str, object]) -> str:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    generated.write(FOLDER, texts())
