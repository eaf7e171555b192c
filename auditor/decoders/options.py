"""What the user says about inputs that do not say it themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """
    The reading part of the command line.

    ``columns`` are the names of a header-less csv, from ``--columns`` or ``--ddl``. ``header`` says that the first
    record of a csv is its header. ``input_format`` forces a format by its name; '' recognises by content.
    """

    table: str = ""
    columns: tuple[str, ...] = ()
    header: bool = False
    delimiter: str = ""
    nullas: str | None = None
    input_format: str = ""
