"""The inputs of a list of arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.delivery import Check
from auditor.errors import AuditorError
from auditor.protocols import Input
from auditor.redaction import shown_uri
from auditor.sources import find_inputs


def find_all(arguments: Sequence[str]) -> dict[str, Input]:
    """Return every input of the arguments once, by address, in the order given. Raise `SourceUnavailable` or `ConfigError`."""
    inputs: dict[str, Input] = {}
    for argument in arguments:
        for source in find_inputs(argument):
            inputs.setdefault(source.uri, source)
    return inputs


def checks(arguments: Sequence[str]) -> Iterator[Check]:
    """Look at each argument: what it names, and whether the first of that can be opened. Standard input is left alone."""
    for argument in arguments:
        shown = shown_uri(argument)
        if argument == "-":
            yield Check("input", "ok", "standard input is read once, and cannot be read again after a restart")
            continue
        try:
            found = list(find_inputs(argument))
            for source in found[:1]:
                source.open().close()
        except AuditorError as error:
            yield Check("input", "fail", str(error), error.fix or "check the address, and the right to read")
        else:
            yield Check("input", "ok", f"{shown}: {len(found):,} inputs")
