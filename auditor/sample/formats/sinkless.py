"""
A sinkless changefeed as ``cockroach sql`` prints it: table, key and value, as csv or ndjson.

Key and value are bytea in hex or escape form. A resolved row has NULL in table and key. key_only values, and deletions in the
row envelope, are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from auditor.sample.changes import Change
from auditor.sample.encode import csv_text
from auditor.sample.encode.bytea import escape_form, hex_form
from auditor.sample.encode.json_text import go_quoted
from auditor.sample.encode.moments import hlc
from auditor.sample.formats import envelopes
from auditor.sample.formats.envelopes import Envelope, encoder
from auditor.sample.job import Account, Job, View
from auditor.sample.output import TextOutput
from auditor.sample.tables import TABLES

_RESOLVED_EVERY = 100
_KEYED = View(before=True, key=True)


class _Variant(NamedTuple):
    envelope: Envelope
    view: View
    printed: Callable[[str], str]
    ndjson: bool = False


def _wrapped(change: Change) -> str:
    """Return the wrapped envelope with diff and updated; the key is a column of its own."""
    rows = encoder(change.table.name)
    after = "null" if change.op == "d" else rows.object(change.row)
    return f'{{"after": {after}, "before": {rows.object(change.before)}, "updated": "{hlc(change.wall)}"}}'


_VARIANTS = {
    "cli-csv-hex": _Variant(_wrapped, _KEYED, hex_form),
    "cli-csv-escape": _Variant(_wrapped, _KEYED, escape_form),
    "cli-ndjson": _Variant(_wrapped, _KEYED, escape_form, ndjson=True),
    "cli-row": _Variant(envelopes.row, View(key=True), hex_form),
    "cli-key-only": _Variant(lambda _change: None, View(after=False, key=True), escape_form),
}


def write(job: Job, layout: str) -> None:
    """Write one capture of all tables."""
    variant = _VARIANTS[layout]
    path = job.folder / "captures" / layout / ("feed.ndjson" if variant.ndjson else "feed.csv")
    account, row = Account(job, path, layout, variant.view), 0
    with TextOutput(path) as out:
        if not variant.ndjson:
            out.write("table,key,value\n")
        for table, key, value, change in _rows(job, variant.envelope):
            row += 1
            fields = (table, variant.printed(key) if table != "NULL" else key, variant.printed(value) if value else "")
            out.write(_ndjson(fields) if variant.ndjson else csv_text.record(fields))
            if change is not None:
                account.saw(change, row)
            if job.size is not None and out.reached(job.size):
                break
    account.close()


def _rows(job: Job, envelope: Envelope) -> Iterator[tuple[str, str, str, Change | None]]:
    """Yield table, key and value of every row, and the change behind it; a resolved row has none."""
    count = 0
    for changes in zip(*(job.changes(table) for table in TABLES), strict=True):
        for change in changes:
            yield change.table.name, encoder(change.table.name).key(change.row), envelope(change) or "", change
            count += 1
            if count % _RESOLVED_EVERY == 0:
                yield "NULL", "NULL", envelopes.resolved(changes[0].wall - 1), None


def _ndjson(fields: tuple[str, str, str]) -> str:
    """Return one line as Go marshals a map: names sorted, no spaces, all values strings."""
    table, key, value = map(go_quoted, fields)
    return f'{{"key":{key},"table":{table},"value":{value}}}\n'
