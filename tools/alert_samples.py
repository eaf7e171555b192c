"""One sample of each kind of alert, for docs/reference/alerts.md. Their ids are made up, and no secret exists behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from auditor.alerts.event import compose
from auditor.detect.rulebook import load_rulebook
from auditor.model import Confidence, Evidence, Exposure, Finding, Gap, Setting, Severity
from auditor.profiling import RAW_COLUMN
from auditor.remedies import remedy_for
from auditor.state.columns import WITHDRAWN
from auditor.state.outbox import Alert

_KEY_ID = "1a2b3c4d"
_AT = "2026-11-24T08:00:00.000Z"
_FEED = "orders-kafka"
_TOPIC = "kafka://kafka:9092/shop.public.users/3"

#: Kind of event to when it happens.
WHEN: Mapping[str, str] = {
    "finding.opened": "A secret was seen at a place where it was not known. Told once; later rows with it are only counted.",
    "finding.reopened": (
        "A finding that was resolved was seen in a row written after that; or one that was ignored was seen after the day until"
        " which it was."
    ),
    "finding.debt": (
        "With `adopt_before`: the first secret of a column in a row older than that moment. One for each rule and column;"
        " further old ones are only counted."
    ),
    "finding.withdrawn": (
        "With more rows, a column that was told to hold raw tokens no longer looks so. The finding is resolved by itself; only"
        " findings of whole columns (`column.raw-token`) are ever withdrawn."
    ),
    "coverage.gap": (
        "Something was not read (`lost`), was not of its format and scanned as text (`quarantined`), or was not scanned as it"
        " should be (`unscanned`). The same cause at the same place is told once an hour; what is lost is told each time."
    ),
}


def sample(kind: str) -> str:
    """Return the body of an alert of this kind, as it is sent."""
    alert = Alert(kind, f"evt_{'0' * 31}{list(WHEN).index(kind) + 1}", _AT, _FEED)
    if kind == "coverage.gap":
        gap = Gap(_TOPIC, "not JSON: scanned as text", 48_211)
        return compose(replace(alert, gap=gap, cause="quarantined"))
    return compose(replace(alert, finding=_column_finding() if kind == "finding.withdrawn" else _finding()))


def _column_finding() -> Finding:
    """Return a finding of a whole column, which was withdrawn."""
    return replace(
        _finding(),
        finding_id=f"fnd_{_KEY_ID}{3:032x}",
        secret_id="",
        rule_id=RAW_COLUMN,
        title="voucher_key holds raw tokens: key",
        kind="column",
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        column="voucher_key",
        evidence=Evidence("...", 32, "lower-case hex"),
        occurrences=180,
        distinct=180,
        exposures=(),
        exposures_total=1,
        gains="the name is that of a key; 180 of 180 values differ and look random",
        remedy="Store a hash of it.",
        suppressed=f"resolved: {WITHDRAWN}",
    )


def _finding() -> Finding:
    """Return a finding of a GitHub token in a column of its own."""
    rule = load_rulebook(()).by_id["github.pat-classic"].rule
    table, column = "shop.public.users", "api_token"
    return Finding(
        finding_id=f"fnd_{_KEY_ID}{1:032x}",
        secret_id=f"sec_{_KEY_ID}{2:032x}",
        rule_id=rule.id,
        policy_id=None,
        title=rule.name,
        kind=rule.kind.value,
        severity=Severity.of(rule.severity),
        confidence=Confidence.CONFIRMED_FORMAT,
        table=table,
        column=column,
        path="",
        evidence=Evidence(f"{rule.prefixes[0]}...", 40, "letters and digits"),
        occurrences=1,
        distinct=1,
        exposures=(Exposure("kafka", _TOPIC, "after", 48_210, "17", "1795507199000000000.0000000000", 1),),
        exposures_total=1,
        first_seen=_AT,
        last_seen=_AT,
        gains=rule.gains,
        remedy=remedy_for(
            vendor_remedy=rule.remedy,
            table=table,
            column=column,
            path="",
            part="after",
            setting=Setting.ALONE,
            feed=True,
        ),
    )
