"""Every format that the sample can be written in, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from auditor.sample.formats import (
    audit_log,
    changefeed_csv,
    changefeed_json,
    changefeed_parquet,
    export,
    pubsub,
    sinkless,
    sql_shell,
    webhook,
)
from auditor.sample.formats.export import CsvVariant
from auditor.sample.job import Job


class Format(NamedTuple):
    """A format: what it is, what writes it (given its name), and the compressions that it can be told to use."""

    about: str
    write: Callable[[Job, str], None]
    compressions: tuple[str, ...] = ("none",)


_STREAM = ("none", "gzip", "zstd")
_EXPORT = ("none", "gzip")

FORMATS: dict[str, Format] = {
    "wrapped": Format(
        "cloud storage changefeed, wrapped, daily folders", partial(changefeed_json.wrapped, partition="daily"), _STREAM
    ),
    "wrapped-gzip": Format(
        "the same, gzip, hourly folders", partial(changefeed_json.wrapped, partition="hourly", compression="gzip"), ("gzip",)
    ),
    "wrapped-zstd": Format(
        "the same, zstd, flat", partial(changefeed_json.wrapped, partition="flat", compression="zstd"), ("zstd",)
    ),
    "bare": Format("cloud storage changefeed, bare", changefeed_json.bare, _STREAM),
    "families": Format("cloud storage changefeed, one file a column family", changefeed_json.families, _STREAM),
    "csv": Format("cloud storage changefeed, csv without header", changefeed_csv.write, _STREAM),
    "parquet": Format("cloud storage changefeed, Parquet", changefeed_parquet.write, _STREAM),
    "wrapped-mixed": Format("wrapped messages of all tables in one file, with topic", changefeed_json.mixed, _STREAM),
    "row": Format("row envelope, one value a line", changefeed_json.captured),
    "enriched": Format("enriched envelope with source, one value a line", changefeed_json.captured),
    "enriched-schema": Format("the same with schema", changefeed_json.captured),
    "webhook": Format("webhook bodies, several messages in each", webhook.write),
    "webhook-compact": Format("webhook bodies of the sink before v23.2", webhook.write),
    "webhook-enriched": Format("webhook bodies, enriched with schema", webhook.write),
    "pubsub": Format("Pub/Sub messages", pubsub.write),
    "pubsub-older": Format("Pub/Sub messages before v23.2", pubsub.write),
    "pulsar": Format("Pulsar messages", pubsub.write),
    "cli-csv-hex": Format("sinkless changefeed printed as csv, bytea in hex", sinkless.write),
    "cli-csv-escape": Format("the same, bytea in escape form", sinkless.write),
    "cli-ndjson": Format("the same as ndjson", sinkless.write),
    "cli-row": Format("the same as csv, row envelope", sinkless.write),
    "cli-key-only": Format("the same as csv, key_only envelope", sinkless.write),
    "export-csv": Format("EXPORT INTO CSV", partial(export.write_csv, variant=CsvVariant()), _EXPORT),
    "export-csv-header": Format("with header_row", partial(export.write_csv, variant=CsvVariant(header_row=True)), _EXPORT),
    "export-csv-nullas": Format("with nullas = '\\N'", partial(export.write_csv, variant=CsvVariant(nullas="\\N")), _EXPORT),
    "export-csv-pipe": Format(
        "with delimiter = '|', nullas = 'NULL'",
        partial(export.write_csv, variant=CsvVariant(nullas="NULL", delimiter="|")),
        _EXPORT,
    ),
    "export-csv-gzip": Format("with compression = gzip", partial(export.write_csv, variant=CsvVariant(gzip=True)), ("gzip",)),
    "export-parquet": Format("EXPORT INTO PARQUET", export.write_parquet, _EXPORT),
    "export-parquet-snappy": Format("with compression = snappy", partial(export.write_parquet, codec="snappy")),
    "export-parquet-gzip": Format("with compression = gzip", partial(export.write_parquet, codec="gzip"), ("gzip",)),
    "sql-csv": Format("cockroach sql --format=csv", sql_shell.write),
    "sql-tsv": Format("cockroach sql --format=tsv", sql_shell.write),
    "sql-ndjson": Format("cockroach sql --format=ndjson", sql_shell.write),
    "sql-json": Format("cockroach sql --format=json", sql_shell.write),
    "sql-sql": Format("cockroach sql --format=sql", sql_shell.write),
    "sql-records": Format("cockroach sql --format=records", sql_shell.write),
    "sql-table": Format("cockroach sql --format=table", sql_shell.write),
    "audit-crdb-v2": Format("SQL audit log, crdb-v2", audit_log.write),
    "audit-json": Format("SQL audit log, json", audit_log.write),
    "audit-json-compact": Format("SQL audit log, json-compact", audit_log.write),
}
