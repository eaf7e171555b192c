"""Where inputs come from: one file for each kind of address."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.protocols import Input

#: How buckets are addressed; the last two names of Azure are those of CockroachDB's sink URIs.
_BUCKETS = ("s3", "gs", "az", "azure", "azure-blob", "http", "https")


def find_inputs(argument: str) -> Iterator[Input]:
    """
    Yield what an argument of the command line names, in a fixed order: files, a folder's files, objects, or standard input.

    What is there and cannot be read is an input too: its `open` says why. Raise `SourceUnavailable` if nothing is there, and
    `ConfigError` for an address that makes no sense.
    """
    scheme, separator, _ = argument.partition("://")
    if separator and scheme.lower() in _BUCKETS:
        from auditor.sources import bucket

        return bucket.find(argument)
    from auditor.sources import files

    return files.find(argument)
