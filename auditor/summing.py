"""From the record to the summary that ends every report, and the exit code that says it in one number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from auditor import __version__
from auditor.model import Confidence, Receipt, Severity, Summary, TableCoverage
from auditor.record.findings import Counted
from auditor.record.ledger import Ledger

MOST_GAPS = 10_000


@dataclass
class Counts:
    """What the findings come to."""

    findings: int = 0
    occurrences: int = 0
    suppressed: int = 0
    by_severity: Counter[Severity] = field(default_factory=Counter)
    by_table_rule: Counter[tuple[str, str]] = field(default_factory=Counter)
    worst: Severity | None = None

    @classmethod
    def of(cls, findings: Iterable[Counted]) -> Counts:
        """Count all findings; the worst one is that which ``--fail-on`` looks at: confidence low does not count."""
        counts = cls()
        for rule_id, table, severity, confidence, occurrences, suppressed in findings:
            if suppressed:
                counts.suppressed += 1
                continue
            counts.findings += 1
            counts.occurrences += occurrences
            counts.by_severity[severity] += 1
            counts.by_table_rule[table, rule_id] += 1
            if confidence is not Confidence.LOW and (counts.worst is None or severity > counts.worst):
                counts.worst = severity
        return counts


@dataclass(frozen=True, slots=True)
class Ending:
    """When a run began and ended, inputs that could not even be listed (an error, not a gap), and whether it was cut short."""

    started_at: str
    finished_at: str
    failed: Sequence[str]
    interrupted: bool


def summary_of(
    ledger: Ledger,
    counts: Counts,
    ending: Ending,
    *,
    key_id: str,
    rules_digest: str,
    fail_on: Severity,
    unused_baseline: Sequence[str],
) -> Summary:
    """Sum up a run, and give it its exit code: errors before findings before gaps (design of the command line)."""
    gaps, gaps_total = ledger.gaps(MOST_GAPS)
    coverage = _Coverage()
    for receipt in ledger.receipts():
        coverage.add(receipt)
    exit_code = 3 if ending.failed else 1 if counts.worst is not None and counts.worst >= fail_on else 4 if gaps_total else 0
    stopped = ["interrupted"] if ending.interrupted else []
    return Summary(
        tool_version=__version__,
        key_id=key_id,
        rules_digest=rules_digest,
        started_at=ending.started_at,
        finished_at=ending.finished_at,
        inputs=len(coverage.inputs),
        rows=coverage.rows,
        bytes=coverage.bytes,
        findings=counts.findings,
        occurrences=counts.occurrences,
        suppressed=counts.suppressed,
        by_severity={level.label: counts.by_severity[level] for level in reversed(Severity)},
        by_table_rule=dict(sorted(counts.by_table_rule.items())),
        tables=coverage.tables(),
        formats=dict(sorted(coverage.formats.items())),
        gaps=gaps,
        gaps_total=gaps_total,
        notes=ledger.notes(),
        resolved=dict(sorted(coverage.resolved.items())),
        reconciled=ledger.reconciled(),
        unused_baseline=unused_baseline,
        fail_on=fail_on.label,
        exit_code=exit_code,
        partial="; ".join([*stopped, *ending.failed]),
    )


class _Table:
    """The coverage of one table while it is gathered."""

    def __init__(self) -> None:
        self.inputs: set[str] = set()
        self.rows = 0
        self.bytes = 0
        self.columns: dict[str, str] = {}


class _Coverage:
    """Gathers receipts by table."""

    def __init__(self) -> None:
        self.inputs: set[str] = set()
        self.rows = 0
        self.bytes = 0
        self.formats: Counter[str] = Counter()
        self.resolved: dict[str, str] = {}
        self._tables: dict[str, _Table] = {}

    def add(self, receipt: Receipt) -> None:
        """Add one unit."""
        self.inputs.add(receipt.uri)
        self.bytes += receipt.bytes
        if receipt.ordinal == 0:
            self.formats[f"{receipt.format} ({receipt.compression})" if receipt.compression else receipt.format] += 1
        if receipt.resolved is not None:
            folder = receipt.uri.rpartition("/")[0]
            self.resolved[folder] = max(self.resolved.get(folder, ""), str(receipt.resolved), key=_as_numbers)
            return
        self.rows += receipt.rows
        if not receipt.rows and not receipt.columns:
            return
        table = self._tables.setdefault(receipt.table, _Table())
        table.inputs.add(receipt.uri)
        table.rows += receipt.rows
        table.bytes += receipt.bytes
        for name, why in receipt.columns.items():
            table.columns[name] = max(table.columns.get(name, ""), why)

    def tables(self) -> list[TableCoverage]:
        """Return the coverage by table."""
        return [
            TableCoverage(name, len(table.inputs), table.rows, table.bytes, _sorted(table.columns))
            for name, table in sorted(self._tables.items())
        ]


def _as_numbers(text: str) -> tuple[int, ...]:
    """Order HLC texts as numbers."""
    return tuple(int(part) for part in text.split(".")) if text else ()


def _sorted(columns: Mapping[str, str]) -> dict[str, str]:
    """Order columns by name, whichever unit was read first."""
    return dict(sorted(columns.items()))
