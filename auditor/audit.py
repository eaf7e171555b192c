"""One audit, from arguments to findings and a summary: list the inputs, plan units, scan, merge, sum up."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from auditor.baseline import Baseline
from auditor.column_findings import raw_columns, text_of_column
from auditor.columns.verdict import Verdict
from auditor.decoders.ddl import Tables
from auditor.decoders.options import ReadOptions
from auditor.errors import SourceUnavailable
from auditor.identity import digest_of
from auditor.model import Finding, Gap, Note, Receipt, Setting, Severity, Summary
from auditor.pipeline import Partial
from auditor.plan import options_for, plan
from auditor.profiling import RAW_COLUMN
from auditor.protocols import Input
from auditor.record.findings import MOST_EXPOSURES, FindingReader, counted
from auditor.record.ledger import Ledger
from auditor.redaction import shown_uri
from auditor.remedies import remedy_for
from auditor.sources import find_inputs
from auditor.summing import Counts, Ending, summary_of
from auditor.toolkit import Toolkit
from auditor.unit import Unit, learn_unit
from auditor.workers import Workers

#: The unit number under which the gap of an interrupted input is recorded.
UNFINISHED = 1 << 30
_LOCAL = frozenset(("file", "stdin"))


@dataclass(frozen=True, slots=True)
class Job:
    """What to audit, and how. ``tables`` are a DDL file's tables with their columns; ``resume`` keeps the record in a file."""

    arguments: Sequence[str]
    options: ReadOptions
    tables: Tables = field(default_factory=dict)
    jobs: int = 1
    engine: str = ""
    rule_files: Sequence[Path] = ()
    policy_files: Sequence[Path] = ()
    fingerprints: Path | None = None
    resume: Path | None = None


class Audit:
    """
    An audit under way, and then its results.

    First `scan`, then `summary` (which counts), then `findings` as often as wanted; `close` at the end.
    """

    def __init__(self, job: Job, tools: Toolkit, baseline: Baseline) -> None:
        """List the inputs and open the record; what cannot be listed is kept for the summary."""
        self._job, self._tools, self._baseline = job, tools, baseline
        self._started = datetime.now(UTC)
        self._today = self._started.astimezone().date()
        self._failed: list[str] = []
        self._interrupted = False
        self._learnt = ""
        self._unread: list[Note] = []
        self._inputs = self._list_inputs()
        identity = {
            "key": tools.key.key_id,
            "set of rules, policies and fingerprints": tools.digest,
            "way of reading": digest_of([repr((job.options, sorted(job.tables.items()))).encode()]),
        }
        self._ledger = Ledger.open(job.resume, identity=identity)
        self._profiles = tools.profiles()

    @property
    def size(self) -> int | None:
        """Return the bytes that are to be read, None if one input does not say how many it has."""
        sizes = [source.size for source in self._inputs]
        times = 1 if self._tools.confirmer is None else 2
        return None if None in sizes else times * sum(size or 0 for size in sizes)

    def _list_inputs(self) -> list[Input]:
        """Return every input of the arguments once, in the order given."""
        inputs: dict[str, Input] = {}
        for argument in self._job.arguments:
            try:
                for source in find_inputs(argument):
                    inputs.setdefault(source.uri, source)
            except SourceUnavailable as error:
                self._failed.append(self._tools.scrub(str(error)))
        return list(inputs.values())

    def scan(self, progress: Callable[[int], None]) -> None:
        """
        Scan what the record does not have yet, and merge unit by unit.

        A KeyboardInterrupt ends it cleanly: units under way on other processes are merged, and the results say that they are
        partial.
        """
        job = self._job
        self._ledger.forget(UNFINISHED)
        self._interrupted = not self._learn(progress)
        # What has no version may hold anything by now.
        self._ledger.ask((self._name(source), self._version(source)) for source in self._inputs if source.version)
        if self._interrupted:
            self._name_unfinished()
            return
        for snapshot in self._ledger.profiles():
            self._profiles.restore(snapshot)
        try:
            remote = any(source.kind not in _LOCAL for source in self._inputs)
            with Workers(
                self._tools,
                job.jobs,
                files=(job.rule_files, job.policy_files, job.fingerprints),
                engine=job.engine,
                remote=remote,
                kept=job.resume is not None,
                progress=progress,
            ) as workers:
                for unit, partial in workers.scan(self._units(progress)):
                    profiles = self._merge_profiles(partial)
                    version = self._version(unit.source)
                    self._ledger.add(partial, uri=self._name(unit.source), version=version, profiles=profiles)
        except KeyboardInterrupt:
            self._interrupted = True
            self._name_unfinished()

    def _learn(self, progress: Callable[[int], None]) -> bool:
        """Learn the fingerprints of live tokens from all inputs before any is scanned; tell whether that was not interrupted."""
        confirmer = self._tools.confirmer
        if confirmer is None:
            return True
        try:
            for source in self._inputs:
                if source.kind in _LOCAL and not source.version:
                    what = "is read once, by the scan: fingerprints in it were not learned"
                    self._unread.append(Note(self._tools.scrub(shown_uri(source.uri)), what))
                    continue
                for unit in self._plan(source):
                    learn_unit(unit, self._tools, progress)
                confirmer.commit()
        except KeyboardInterrupt:
            return False
        self._unread += [
            Note(
                "fingerprints",
                f"{self._tools.scrub(f'{table}.{column}')}: {count:,} rows without a key, or none of the recipe",
            )
            for (table, column), count in sorted(confirmer.unread.items())
        ]
        if not len(confirmer):
            self._unread.append(Note("fingerprints", "none were learned: no input has a live row of the declared tables"))
        self._learnt = confirmer.learnt()
        confirmer.rest()
        return True

    def _version(self, source: Input) -> str:
        """Return the version of an input under what was learned: what was scanned without knowing that is scanned again."""
        return f"{source.version} {self._learnt}" if source.version and self._learnt else source.version

    def _merge_profiles(self, partial: Partial) -> list[bytes]:
        """Add a unit's column profiles to those of all; return what a run that resumes this one needs of them."""
        profiles = partial.profiles
        if profiles is None:
            return []
        self._profiles.merge(profiles)
        return [profiles.snapshot(table) for table in profiles.tables()] if self._job.resume is not None else []

    def _name(self, source: Input) -> str:
        """Return the name of an input in the record: a keyed digest, since an address may hold a secret."""
        return self._tools.key.digest(source.uri)

    def _plan(self, source: Input) -> Iterator[Unit]:
        """Return the units of an input."""
        return plan(source, options_for(source, self._job.options, self._job.tables))

    def _units(self, progress: Callable[[int], None]) -> Iterator[Unit]:
        """Yield the units that an earlier run did not finish."""
        for source in self._inputs:
            done = self._ledger.finished(self._name(source), self._version(source))
            for unit in self._plan(source):
                if unit.ordinal not in done:
                    yield unit
                elif unit.ordinal == 0:
                    progress(source.size or 0)

    def _name_unfinished(self) -> None:
        """Record as a gap every input that was not finished, so that "not looked at" never looks like clean."""
        for source in self._inputs:
            done = self._ledger.finished(self._name(source), self._version(source))
            if any(unit.ordinal not in done for unit in self._plan(source)):
                shown = self._tools.scrub(shown_uri(source.uri))
                partial = Partial(Receipt(shown, UNFINISHED, source.kind, "unfinished", "", "", 0, 0))
                partial.gap(Gap(shown, "the audit was interrupted before this input was finished"))
                self._ledger.add(partial, uri=self._name(source), version=self._version(source))

    def findings(self) -> Iterator[Finding]:
        """Yield every finding, in report order."""
        return heapq.merge(self._reader(), self._columns(), key=_report_order)

    def _columns(self) -> list[Finding]:
        """Return a finding for each column that holds raw tokens, in report order."""
        found = raw_columns(self._profiles, self._tools.policies, self._ledger.told(), self._tools.scrub)
        return sorted((self._column(verdict) for verdict in found), key=_report_order)

    def _column(self, verdict: Verdict) -> Finding:
        """Return the finding of a column."""
        text = text_of_column(verdict)
        finding_id = self._tools.key.finding_id("", RAW_COLUMN, "", verdict.table, verdict.column, verdict.path)
        exposures, total = self._ledger.exposures(verdict.table, MOST_EXPOSURES)
        seen_at = text_of(self._started)
        return Finding(
            finding_id=finding_id,
            secret_id="",
            rule_id=RAW_COLUMN,
            policy_id=None,
            title=text.title,
            kind=text.kind,
            severity=verdict.severity,
            confidence=verdict.confidence,
            table=verdict.table,
            column=verdict.column,
            path=verdict.path,
            evidence=verdict.evidence,
            occurrences=verdict.counts.values,
            distinct=verdict.counts.distinct,
            exposures=exposures,
            exposures_total=total,
            first_seen=seen_at,
            last_seen=seen_at,
            gains=text.gains,
            remedy=remedy_for(
                vendor_remedy=text.remedy,
                table=verdict.table,
                column=verdict.column,
                path=verdict.path,
                part="after",
                setting=Setting.ALONE,
                feed=self._ledger.is_feed(verdict.table),
            ),
            suppressed=self._suppression(finding_id),
        )

    def _reader(self) -> FindingReader:
        """Return the reader of this run's findings."""
        return FindingReader(
            self._ledger,
            self._tools.key,
            describe=self._tools.describe,
            suppression=self._suppression if self._baseline.entries else None,
            seen_at=text_of(self._started),
        )

    def _suppression(self, finding_id: str) -> str | None:
        """Return the baseline's reason for a finding."""
        entry = self._baseline.match(finding_id, self._today)
        return None if entry is None else entry.reason

    def summary(self, fail_on: Severity) -> Summary:
        """Count the findings and sum up the run."""
        counts = Counts.of(chain(self._reader().counted(), map(counted, self._columns())))
        ending = Ending(text_of(self._started), text_of(datetime.now(UTC)), self._failed, self._interrupted)
        summary = summary_of(
            self._ledger,
            counts,
            ending,
            key_id=self._tools.key.key_id,
            rules_digest=self._tools.digest,
            fail_on=fail_on,
            unused_baseline=[entry.label for entry in self._baseline.unused],
        )
        expired = [Note("baseline", f"expired, so it counts again: {entry.label}") for entry in self._baseline.expired]
        return replace(summary, notes=[*summary.notes, *self._unread, *expired])

    def close(self) -> None:
        """Close the record."""
        self._ledger.close()


def _report_order(finding: Finding) -> tuple[int, str, str, str, str]:
    """Order findings as reports do: most severe first, then by place and rule."""
    return (-finding.severity, finding.table, finding.column, finding.path, finding.rule_id)


def text_of(moment: datetime) -> str:
    """Return a time as in reports: RFC 3339, whole seconds, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
