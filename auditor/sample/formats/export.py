"""
EXPORT: csv in its variants, Parquet in its codecs, and the statement's own result set.

Each table has a folder ``exports/<format>/<table>/`` with its files and ``result.csv``, the result set as the SQL shell prints
it. File names are ``export<id>-n<number>.<chunk>.<extension>``; of a Parquet file the last part of the extension tells the codec
inside.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from auditor.sample.encode import csv_text, sql_text
from auditor.sample.job import Account, Job, View
from auditor.sample.output import TextOutput
from auditor.sample.sql_types import Table
from auditor.sample.tables import TABLES

#: Where the CREATE TABLE statements lie: what `auditor scan` takes as --ddl.
SCHEMA = "exports/schema.sql"


class CsvVariant(NamedTuple):
    """Options of an EXPORT INTO CSV. Without ``nullas`` it fails on the first NULL, so there always is one."""

    nullas: str = ""
    delimiter: str = ","
    header_row: bool = False
    gzip: bool = False


def write_csv(job: Job, layout: str, variant: CsvVariant) -> None:
    """Write one file a table."""
    for table in TABLES:
        zipped = variant.gzip or job.compression == "gzip"
        path = _path(job, layout, table, ".csv.gz" if zipped else ".csv")
        account = Account(job, path, layout, View(positional=True))
        rows = 0
        with TextOutput(path, "gzip" if zipped else "none") as out:
            if variant.header_row:
                out.write(csv_text.record(table.names, variant.delimiter))
            for change in job.current(table):
                rows += 1
                out.write(csv_text.record(sql_text.export_fields(table, change.row, variant.nullas), variant.delimiter))
                account.saw(change, rows)
                if job.size is not None and out.reached(job.size):
                    break
        account.close()
        _write_result(job, path, rows)


def write_parquet(job: Job, layout: str, codec: str = "none") -> None:
    """Write one file a table."""
    from auditor.sample.encode.parquet import ParquetOutput

    codec = job.compression if job.compression == "gzip" else codec
    suffix = {"none": "", "gzip": ".gz", "snappy": ".snappy"}[codec]
    for table in TABLES:
        path = _path(job, layout, table, f".parquet{suffix}")
        account = Account(job, path, layout, View(raw_bytes=True))
        out = ParquetOutput(path, table.columns, codec)
        rows = 0
        for change in job.current(table):
            rows += 1
            out.write([change.row[name] for name in table.names])
            account.saw(change, rows)
            if job.size is not None and out.reached(job.size):
                break
        out.close()
        account.close()
        _write_result(job, path, rows)


def write_schema(job: Job) -> None:
    """Write the CREATE TABLE statements of what was exported or selected."""
    path = job.folder / SCHEMA
    job.relative(path)
    with TextOutput(path) as out:
        out.write("\n".join(table.create_statement() for table in TABLES))


def _path(job: Job, layout: str, table: Table, extension: str) -> Path:
    rng = job.rng(f"{layout}/{table.name}")
    name = f"export{rng.getrandbits(64) | 1 << 60:016x}0000000000000001-n{rng.randrange(10**17, 9 * 10**17)}.0{extension}"
    return job.folder / "exports" / layout.removeprefix("export-") / table.name / name


def _write_result(job: Job, path: Path, rows: int) -> None:
    """Write EXPORT's result set: one line a file."""
    result = path.with_name("result.csv")
    job.relative(result)
    with TextOutput(result) as out:
        out.write(f"filename,rows,bytes\n{path.name},{rows},{path.stat().st_size}\n")
