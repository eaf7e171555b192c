"""
Messages of the Pub/Sub and Pulsar sinks: one JSON object with key, value and topic.

Before v23.2 the members were small and all was compact.
"""

from __future__ import annotations

from auditor.sample.changes import Change
from auditor.sample.encode.json_text import compacted
from auditor.sample.formats import envelopes
from auditor.sample.formats.envelopes import encoder
from auditor.sample.job import Account, Job, View
from auditor.sample.output import TextOutput
from auditor.sample.tables import TABLES

_RESOLVED_EVERY = 100


def write(job: Job, layout: str) -> None:
    """Write one file of messages, all tables in turn; resolved messages between them."""
    path = job.folder / "captures" / layout / "messages.ndjson"
    account, line = Account(job, path, layout, View(before=True, key=True)), 0
    with TextOutput(path) as out:
        for changes in zip(*(job.changes(table) for table in TABLES), strict=True):
            for change in changes:
                line += 1
                out.write((_older(change) if layout == "pubsub-older" else _message(change)) + "\n")
                account.saw(change, line)
                if line % _RESOLVED_EVERY == 0:
                    line += 1
                    out.write(envelopes.resolved(changes[0].wall - 1) + "\n")
            if job.size is not None and out.reached(job.size):
                break
    account.close()


def _value(change: Change) -> str:
    """Return a wrapped message without key and topic, which stand outside."""
    rows = encoder(change.table.name)
    after = "null" if change.op == "d" else rows.object(change.row)
    return f'{{"after": {after}, "before": {rows.object(change.before)}}}'


def _message(change: Change) -> str:
    return f'{{"Key":{encoder(change.table.name).key(change.row)},"Value":{_value(change)},"Topic":"{change.table.name}"}}'


def _older(change: Change) -> str:
    return compacted(
        f'{{"key":{encoder(change.table.name).key(change.row)},"value":{_value(change)},"topic":"{change.table.name}"}}'
    )
