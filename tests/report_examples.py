"""Findings and summaries for tests of whatever reads them. Their ids are made up; no secret exists behind them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from auditor.model import (
    Confidence,
    Evidence,
    Exposure,
    Finding,
    Gap,
    Note,
    Reconciled,
    Setting,
    Severity,
    Summary,
    TableCoverage,
)
from auditor.remedies import remedy_for

KEY_ID = "1a2b3c4d"
TABLES = ("users", "sessions", "api_tokens", "orders", "logs")
RULES = (
    ("github.personal-access-token", "GitHub personal access token", Severity.CRITICAL, "gh" + "p_"),
    ("aws.access-key-id", "AWS access key id", Severity.HIGH, "AK" + "IA"),
    ("stripe.secret-key", "Stripe secret key", Severity.CRITICAL, "sk_" + "live_"),
    ("jwt.signed", "Signed JSON Web Token", Severity.MEDIUM, "ey" + "J"),
    ("url.access-token", "Access token in a URL", Severity.HIGH, ""),
    ("flask.session-cookie", "Flask session cookie", Severity.LOW, ""),
    ("slack.webhook-url", "Slack incoming webhook", Severity.MEDIUM, ""),
)
GAINS = "Reads and writes everything its owner may, from anywhere, until it is revoked."


def exposure(**changes: Any) -> Exposure:
    """Make an exposure."""
    values: dict[str, Any] = {
        "kind": "file",
        "uri": "exports/users.csv",
        "part": "after",
        "row": 17,
        "row_key": "id=3",
        "updated": None,
        "count": 1,
    }
    return Exposure(**values | changes)


def finding(number: int = 1, **changes: Any) -> Finding:
    """Make a finding; its ids are made from ``number``."""
    exposures = changes.pop("exposures", None) or (exposure(),)
    values: dict[str, Any] = {
        "finding_id": f"fnd_{KEY_ID}{number:032x}",
        "secret_id": f"sec_{KEY_ID}{number:032x}",
        "rule_id": "github.personal-access-token",
        "policy_id": None,
        "title": "GitHub personal access token",
        "kind": "access-token",
        "severity": Severity.CRITICAL,
        "confidence": Confidence.CONFIRMED_FORMAT,
        "table": "defaultdb.public.users",
        "column": "api_token",
        "path": "",
        "evidence": Evidence("gh" + "p_...", 40, "letters and digits"),
        "occurrences": sum(entry.count for entry in exposures),
        "distinct": 1,
        "exposures": exposures,
        "exposures_total": len(exposures),
        "first_seen": "2026-11-20T08:00:00+00:00",
        "last_seen": "2026-11-24T08:00:00+00:00",
        "gains": GAINS,
        "remedy": "1. Make it worthless first. Delete it.\n2. Then this:\n    ALTER TABLE users DROP COLUMN api_token;",
        "suppressed": None,
    }
    return Finding(**values | changes)


def findings(count: int, seed: int = 1) -> Iterator[Finding]:
    """Yield varied findings in the order of a report; only places are held, whatever the count."""
    rng = random.Random(seed)
    places = [
        (rule, f"defaultdb.public.{table}", column, path, setting)
        for rule in RULES
        for table in TABLES
        for column, path, setting in (
            ("api_token", "", Setting.ALONE),
            ("payload", "$.auth.tokens[*]", Setting.ALONE),
            ("callback_url", "", Setting.IN_URL),
            ("message", "", Setting.IN_TEXT),
        )
        if rng.random() < 0.5
    ]
    places.sort(key=lambda place: (-place[0][2], place[1], place[2], place[3], place[0][0]))
    weights = [rng.paretovariate(1) for _ in places]
    number = 0
    for index, place in enumerate(places):
        share = round(count * sum(weights[: index + 1]) / sum(weights)) - number
        for _ in range(share):
            number += 1
            yield _varied(number, place, rng)


def _varied(number: int, place: Any, rng: random.Random) -> Finding:
    (rule_id, title, severity, prefix), table, column, path, setting = place
    short = table.rpartition(".")[2]
    exposures = tuple(
        exposure(
            kind=kind,
            uri=uri,
            part=rng.choice(("after", "after", "after", "before", "key")),
            row=rng.randrange(1, 10**6),
            row_key=f"id={rng.randrange(10**6)}",
            updated=f"17847589750717{rng.randrange(10**5):05d}.0000000000" if kind == "s3" else None,
            count=rng.randrange(1, 9),
        )
        for kind, uri in (
            ("file", f"exports/{short}/n{rng.randrange(1, 9)}.csv"),
            ("s3", f"s3://acme-cdc/2026-11-24/20261124080000-{short}-{rng.randrange(9)}.ndjson.gz"),
        )[: rng.randrange(1, 3)]
    )
    return finding(
        number,
        rule_id=rule_id,
        title=title,
        severity=severity,
        confidence=rng.choice(list(Confidence)[:4]),
        table=table,
        column=column,
        path=path,
        evidence=Evidence(f"{prefix}...", rng.randrange(20, 120), "letters and digits", rng.choice(((), (), ("base64", "json")))),
        exposures=exposures,
        remedy=remedy_for(
            vendor_remedy="Revoke it at the vendor and look through its audit log.",
            table=table,
            column=column,
            path=path,
            part=exposures[0].part,
            setting=setting,
            feed=exposures[0].kind == "s3",
        ),
        suppressed="test data" if rng.random() < 0.03 else None,
    )


def summary(found: Sequence[Finding] = (), **changes: Any) -> Summary:
    """Make a summary that agrees with these findings."""
    counted = [entry for entry in found if entry.suppressed is None]
    by_severity = Counter(entry.severity.label for entry in counted)
    gaps = changes.get("gaps", ())
    values: dict[str, Any] = {
        "tool_version": "0.1.0",
        "key_id": KEY_ID,
        "rules_digest": "8f3e6c1d2b4a5978",
        "started_at": "2026-11-24T08:00:00+00:00",
        "finished_at": "2026-11-24T08:00:42.500000+00:00",
        "inputs": 12,
        "rows": 1_234_567,
        "bytes": 1_234_567_890,
        "findings": len(counted),
        "occurrences": sum(entry.occurrences for entry in counted),
        "suppressed": len(found) - len(counted),
        "by_severity": {level.label: by_severity[level.label] for level in reversed(Severity)},
        "by_table_rule": dict(sorted(Counter((entry.table, entry.rule_id) for entry in counted).items())),
        "tables": tuple(
            TableCoverage(
                f"defaultdb.public.{table}", 2, 10_000, 5_000_000, {"id": "INT8 holds no text", "name": "", "payload": ""}
            )
            for table in TABLES
        ),
        "formats": {"csv": 4, "ndjson": 8},
        "gaps": gaps,
        "gaps_total": len(gaps),
        "notes": (),
        "resolved": {},
        "reconciled": (),
        "unused_baseline": (),
        "fail_on": "low",
        "exit_code": 1 if counted else 4 if gaps else 0,
    }
    return Summary(**values | changes)


#: What a summary says about coverage where not all went well.
TROUBLE: dict[str, Any] = {
    "gaps": (
        Gap(
            "exports/orders/n2.parquet", "column total: DECIMAL without a length could not be read", column="total", bytes=40_000
        ),
        Gap("s3://acme-cdc/2026-11-24/x.ndjson.gz", "the gzip stream ends early", row=40_312, bytes=1_200_000),
        Gap("exports/users/n3.csv", "record has 5 fields, 6 expected", row=18),
    ),
    "notes": (Note("exports/README", "scanned as text lines"),),
    "resolved": {"s3://acme-cdc/2026-11-24": "1784758975071714277.0000000001"},
    "reconciled": (Reconciled("n1.csv", 1000, 1000), Reconciled("n2.csv", 1000, 998), Reconciled("n3.csv", 500, None)),
    "unused_baseline": (f"fnd_{KEY_ID}{7:032x} jwt.signed in defaultdb.public.logs.message (test data; platform)",),
}
