"""
The formats. One file each; a new text format is one file with ``recognise`` and one word in `_ORDER`.

Recognition goes by content: each format is shown the first bytes, the most particular one first; text lines take what is left.
"""

from __future__ import annotations

from importlib import import_module

from auditor.decoders.options import ReadOptions
from auditor.errors import ConfigError
from auditor.protocols import Layout

_ORDER = ("crdb_log", "json_array", "json_lines", "sql_inserts", "sql_records", "sql_table", "sql_raw", "delimited", "text_lines")


#: The last splittable layout, by what it was recognised from: the ranges of one input are read one after another.
_last: dict[tuple[bytes, str, ReadOptions], Layout] = {}


def layout_of(head: bytes, name: str, options: ReadOptions) -> Layout:
    """
    Return the layout of a text from its first bytes and its name: of one that may be read in ranges, the same one again.

    With ``options.input_format`` only that format is asked, and a `ConfigError` raised if it does not know the text.
    """
    key = (head, name, options)
    if (known := _last.get(key)) is not None:
        return known
    _last.clear()
    wanted = options.input_format
    if wanted and wanted not in _ORDER:
        raise ConfigError(f"there is no input format called {wanted}", where="--input-format", fix=f"one of {', '.join(_ORDER)}")
    for module in (wanted,) if wanted else _ORDER:
        layout: Layout | None = import_module(f"auditor.decoders.{module}").recognise(head, name, options)
        if layout is not None:
            if layout.splittable:
                _last[key] = layout
            return layout
    raise ConfigError(f"an input is not {wanted}", where="--input-format", fix="leave the option away, and it is recognised")
