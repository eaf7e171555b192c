"""From verdicts on columns to what is told of them: those that hold raw tokens, unless a rule or a policy speaks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from auditor.columns.profiles import Profiles
from auditor.columns.verdict import Classification, Verdict
from auditor.model import FindingText
from auditor.policies import Policies
from auditor.profiling import RAW_COLUMN

#: A column of whose values rules have told this share needs no finding of its own.
_EXPLAINED = 0.5
_REMEDY = (
    "Store a hash of it (SHA-256 of a random token, HMAC of a short one) and compare hashes; revoke what has left. "
    "Declare the column in a policy once it is so: `shape: sha256`."
)


def raw_columns(
    profiles: Profiles, policies: Policies | None, told: Mapping[tuple[str, str, str], int], scrub: Callable[[str], str]
) -> Iterator[Verdict]:
    """
    Yield the verdicts on columns that hold raw tokens, their names scrubbed.

    ``told`` is how many values of a place rules have told. A column whose form is declared is judged by its policy alone, and one
    where `RAW_COLUMN` is allowed is left.
    """
    today = datetime.now(UTC).date()
    for table in profiles.tables():
        policy = None if policies is None else policies.for_table(table)
        for verdict in profiles.judge(table):
            column, path = verdict.column, verdict.path
            if verdict.classification is not Classification.RAW_TOKEN:
                continue
            if policy is not None:
                declared = any(one.key == "shape" and one.holds for one in policy.decisions(column, path))
                if declared or policy.allows(RAW_COLUMN, column, path, today) is not None:
                    continue
            shown = replace(verdict, table=scrub(table), column=scrub(column), path=scrub(path))
            if told.get((shown.table, shown.column, shown.path), 0) < _EXPLAINED * verdict.counts.values:
                yield shown


def text_of_column(verdict: Verdict) -> FindingText:
    """Return what is said of such a column."""
    counts = verdict.counts
    shortest, _, longest = counts.lengths
    size = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    seen = f"about {counts.values:,} values, {counts.distinct:,} of them different, of {size} characters ({counts.alphabet})"
    place = verdict.column + (f" at {verdict.path}" if verdict.path else "")
    return FindingText(f"{place} holds raw tokens: {verdict.kind}", "column", f"{'; '.join(verdict.reasons)}; {seen}", _REMEDY)
