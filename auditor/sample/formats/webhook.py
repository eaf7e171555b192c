"""
Bodies of the webhook sink, one POST a line: batches, resolved messages between them.

The current sink glues encoder values together, the one before v23.2 marshalled them: compact, with ``<``, ``>`` and ``&``
escaped.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.sample.changes import Change
from auditor.sample.encode.json_text import compacted
from auditor.sample.formats import envelopes
from auditor.sample.formats.envelopes import Envelope
from auditor.sample.job import Account, Job, View
from auditor.sample.output import TextOutput
from auditor.sample.tables import TABLES

#: Bodies between two resolved messages.
_RESOLVED_EVERY = 25
_KEYED = View(before=True, key=True)
_VARIANTS: dict[str, tuple[Envelope, View, int]] = {
    "webhook": (envelopes.wrapped(topic=True), _KEYED, 4),
    "webhook-compact": (envelopes.wrapped(topic=True), _KEYED, 1),
    "webhook-enriched": (envelopes.enriched_with_schema("webhook"), _KEYED._replace(named_key=True), 3),
}


def write(job: Job, layout: str) -> None:
    """Write the bodies that one endpoint received from all tables."""
    envelope, view, most = _VARIANTS[layout]
    path = job.folder / "captures" / layout / "bodies.ndjson"
    account, line = Account(job, path, layout, view), 0
    with TextOutput(path) as out:
        for batch in _batches(job, most):
            line += 1
            messages = ",".join(message for change in batch if (message := envelope(change)) is not None)
            body = f'{{"payload":[{messages}],"length":{len(batch)}}}'
            out.write((compacted(body) if layout == "webhook-compact" else body) + "\n")
            for change in batch:
                account.saw(change, line)
            if line % _RESOLVED_EVERY == 0:
                line += 1
                out.write(envelopes.resolved(batch[0].wall - 1) + "\n")
            if job.size is not None and out.reached(job.size):
                break
    account.close()


def _batches(job: Job, most: int) -> Iterator[list[Change]]:
    """Yield the changes of all tables in turn, one to ``most`` of them at a time."""
    rng = job.rng(f"batches of {most}")
    batch: list[Change] = []
    size = rng.randint(1, most)
    for changes in zip(*(job.changes(table) for table in TABLES), strict=True):
        for change in changes:
            batch.append(change)
            if len(batch) == size:
                yield batch
                batch, size = [], rng.randint(1, most)
    if batch:
        yield batch
