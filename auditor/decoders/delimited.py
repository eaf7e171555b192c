"""
Delimited text: EXPORT and changefeed csv, the CLI's csv and tsv, and sinkless changefeeds captured from the CLI.

Facts: CockroachDB docs "EXPORT" and "cockroach sql"; EXPORT writes no header unless ``header_row`` asks for one, the CLI always
does, and nothing else in the text tells the two apart.
"""

from __future__ import annotations

import binascii
import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from auditor.decoders import envelope, quoted
from auditor.decoders.delimited_values import DelimitedValues, FieldColumns
from auditor.decoders.framing import starts_of
from auditor.decoders.gathering import records_of
from auditor.decoders.members import captured_members
from auditor.decoders.options import ReadOptions
from auditor.errors import ConfigError
from auditor.model import Cell, Members, Row
from auditor.names import data_suffix
from auditor.protocols import Framed, Gathering, Values

#: Columns of a changefeed that streams over SQL, as the CLI prints them.
_CAPTURE = ("table", "key", "value")
_DELIMITERS = ",\t;|"
_SUFFIXES = {"csv": ",", "tsv": "\t", "tab": "\t"}
# Share of the first records that must have the same number of fields, without any other hint that this is csv.
_ALIKE = 0.9
_LOOKED_AT = 200
_NAME = re.compile(r"[^\W\d][\w$ ]{0,62}")
_BOM = b"\xef\xbb\xbf"
# A captured message whose key and value are bytea in hex form: what goes before (1), key (2), between (3), value (4).
_HEX_MESSAGE = re.compile(
    rb'^((?:"[^"\n]*+(?:""[^"\n]*+)*+"|[^",;|\t\n]*+)([,;|\t]))(\\x[0-9a-fA-F]*+|NULL)(\2)\\x([0-9a-fA-F]*+)(?=\r?$)',
    re.MULTILINE,
)
# Put before the table's name where the message was rewritten from hex form.
_FROM_HEX = "\\x"


@dataclass(frozen=True, slots=True)
class Delimited:
    """
    The layout of one csv or tsv.

    ``preamble`` is the length of what stands before the first record: byte order mark, ``#`` lines, header. ``width`` is the
    number of fields that a record should have. ``capture`` says that each record is a message: table, key and value; ``unnamed``
    that nobody has said how the columns are called.
    """

    format: str
    delimiter: str
    width: int
    columns: Sequence[str]
    notes: Sequence[str] = ()
    preamble: int = 0
    nullas: str | None = None
    capture: bool = False
    unnamed: bool = False
    splittable: bool = True
    _cut: list[tuple[bytes, quoted.Records]] = field(default_factory=list, repr=False, compare=False)

    def cut(self, block: bytes, *, final: bool) -> int:
        """Cut after the last line feed outside quotes, and keep what was found: most often it is framed next."""
        if final:
            return len(block)
        found = quoted.records(block, ord(self.delimiter))
        self._cut[:] = [(block, found)]
        return int(found.ends[-1]) if len(found.ends) else 0

    def frame(self, chunk: bytes) -> Framed:
        """Find the records; name those with an unclosed or misplaced quote or another number of fields than the first ones."""
        data = _HEX_MESSAGE.sub(_unhexed, chunk) if self.capture and b"\\x" in chunk else chunk
        found, unclosed = self._cut_before(data) or quoted.all_records(data, ord(self.delimiter))
        bad = dict.fromkeys(unclosed, "a quoted field is not closed")
        for index in found.suspect.tolist():
            bad.setdefault(index, "a quote stands inside a field that is not quoted")
        starts = starts_of(found.ends)
        for index in (found.fields != self.width).nonzero()[0].tolist():
            start, end = int(starts[index]), int(found.ends[index])
            if not _is_remark(data[start:end], int(found.fields[index])):
                bad.setdefault(index, f"{found.fields[index]} fields where {self.width} are expected")
        return Framed(data, found.ends, len(found.ends), None, sorted(bad.items()))

    def _cut_before(self, data: bytes) -> tuple[quoted.Records, list[int]] | None:
        """Return the records that were found when this was cut, None if it was not cut last."""
        for block, found in self._cut:
            if len(found.ends) and len(data) == found.ends[-1] and block.startswith(data):
                return found, []
        return None

    def decode(self, record: bytes) -> Row:
        """
        Split one record and name its fields. Total: a record that `frame` called bad yields its fields without names.

        Fields equal to ``nullas`` are NULL. BYTES and JSON stay the text they are.
        """
        fields = split(record.decode("utf-8", "replace"), self.delimiter)
        if len(fields) != self.width:
            return Row([Cell("after", "", "", text) for text in fields if text])
        if self.capture:
            return _captured(*fields)
        return Row(
            [
                Cell("after", name, "", text)
                for name, text in zip(self.columns, fields, strict=True)
                if text and text != self.nullas
            ]
        )

    def values(self, framed: Framed) -> Values | None:
        """Find fields by delimiters and quotes; messages must be decoded."""
        return None if self.capture else DelimitedValues(framed, ord(self.delimiter), self.columns, self.nullas)

    def gather(self, framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
        """
        Gather fields by their columns, messages by theirs; where columns have no names, there is nothing to tell them by.

        `frame` has already told of bad records.
        """
        if self.unnamed:
            return
        if rows is None and not self.capture and (columns := self._all_columns(framed)) is not None:
            into.add_columns(range(len(framed.ends)), "after", columns)
            return
        for index, record in records_of(framed, rows):
            fields = split(record.decode("utf-8", "replace"), self.delimiter)
            if len(fields) != self.width:
                continue
            if self.capture:
                into.add(index, _captured_members(*fields))
            else:
                into.add(index, [Members(None, "after", dict(zip(self.columns, map(self._value, fields), strict=True)))])
        yield from ()

    def _all_columns(self, framed: Framed) -> Mapping[str, Sequence[object]] | None:
        """Return all columns of a chunk of good records, None where only splitting each tells its fields."""
        if framed.bad or not len(framed.ends):
            return None
        marks = quoted.delimiters(framed.data, ord(self.delimiter), framed.ends)
        if marks is None or len(marks) != len(framed.ends) * (self.width - 1):
            return None
        return FieldColumns(framed, marks, self.columns, self.nullas)

    def _value(self, text: str) -> str | None:
        """Return a field's value: NULL and nothing look alike (EXPORT docs, ``nullas``)."""
        return None if not text or text == self.nullas else text

    def start(self, window: bytes) -> int:
        """Return where a record starts in a window from the middle of the input, -1 if unsure; see `quoted.likely_start`."""
        return quoted.likely_start(window, ord(self.delimiter), self.width)


def split(record: str, delimiter: str) -> list[str]:
    """Split one record, its line end included or not, as `quoted` frames it."""
    record = record.removesuffix("\n").removesuffix("\r")
    if '"' not in record:
        return record.split(delimiter)
    fields, position = [], 0
    pattern = _field(delimiter)
    while match := pattern.match(record, position):
        quoted_text, text = match[1], match[2]
        fields.append(text if quoted_text is None else quoted_text.replace('""', '"') + text)
        position = match.end()
        if not match[3]:
            break
    return fields


@functools.cache
def _field(delimiter: str) -> re.Pattern[str]:
    """Match one field: what is inside quotes (1), what is not (2), the delimiter or nothing (3)."""
    mark = re.escape(delimiter)
    return re.compile(rf'(?:"([^"]*+(?:""[^"]*+)*+)(?:"|\Z))?([^{mark}]*+)({mark}|\Z)')


def recognise(head: bytes, name: str, options: ReadOptions) -> Delimited | None:
    """
    Recognise csv and tsv by records with the same number of fields, or by the file's name.

    Raise `ConfigError` for a delimiter that is not one ASCII character.
    """
    body = _past_remarks(head)
    if not head[body:].strip() or b"\0" in head:
        return None
    named = _SUFFIXES.get(data_suffix(name))
    found = _sniff(head[body:], _delimiters(options, named), sure=bool(options.input_format or named))
    return None if found is None else _layout(head, body, *found, options)


def _delimiters(options: ReadOptions, named: str | None) -> list[str]:
    """List the delimiters to try, the likeliest first."""
    if options.delimiter:
        mark = "\t" if options.delimiter in ("\\t", "tab") else options.delimiter
        if len(mark) != 1 or not mark.isascii() or mark in '"\r\n':
            raise ConfigError("the delimiter must be one ASCII character", where="--delimiter", fix="for a tab write '\\t'")
        return [mark]
    return sorted(_DELIMITERS, key=lambda mark: mark != named) if named else list(_DELIMITERS)


def _sniff(text: bytes, marks: Sequence[str], *, sure: bool) -> tuple[str, list[list[str]]] | None:
    """
    Return the delimiter and the first records, split; None if this does not look like csv.

    Of the delimiters that give records of like length, the one that gives the longest wins; where ``sure``, any will do.
    """
    best: tuple[float, int, str, list[list[str]]] | None = None
    for mark in marks:
        rows = _first_records(text, mark)
        width, count = Counter(map(len, rows)).most_common(1)[0]
        alike = count / len(rows)
        if width > 1 and alike >= _ALIKE and (best is None or (alike, width) > best[:2]):
            best = alike, width, mark, rows
    if best is not None and (sure or len(best[3]) > 1):
        return best[2:]
    return (marks[0], _first_records(text, marks[0])) if sure else None


def _first_records(text: bytes, mark: str) -> list[list[str]]:
    """Split the first records; the last is left out where it may be cut off, blank lines and ``#`` lines everywhere."""
    found, _ = quoted.all_records(text, ord(mark))
    ends = found.ends.tolist()[: _LOOKED_AT + 1]
    if len(ends) > 1 and not text.endswith(b"\n"):
        del ends[-1]
    records = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    rows = [split(record.decode("utf-8", "replace"), mark) for record in records if not _is_remark(record, 1)]
    return rows or [[text.decode("utf-8", "replace")]]


def _layout(head: bytes, body: int, mark: str, rows: list[list[str]], options: ReadOptions) -> Delimited:
    """Apply the header rule and put the layout together."""
    first = tuple(rows[0])
    notes: list[str] = []
    capture = first == _CAPTURE
    header = options.header or first == options.columns or capture
    width = len(first) if header else Counter(map(len, rows)).most_common(1)[0][0]
    columns = first if header else options.columns
    unnamed = False
    if not header and len(columns) != width:
        if columns:
            notes.append(f"--columns names {len(columns)} columns, but the records have {width}: they are called col1, col2, ...")
        columns = tuple(f"col{number}" for number in range(1, width + 1))
        unnamed = True
        if _looks_like_names(rows):
            notes.append("the first record looks like names of columns: if it is, pass --header")
    ends = quoted.all_records(head[body:], ord(mark))[0].ends
    preamble = body + (int(ends[0]) if header else 0)
    kind = "tsv" if mark == "\t" else "csv"
    name = f"{kind} (sinkless)" if capture else kind
    return Delimited(name, mark, width, columns, tuple(notes), preamble, options.nullas, capture, unnamed)


def _looks_like_names(rows: list[list[str]]) -> bool:
    """Tell whether the first record is made of distinct names while some column below it holds none."""
    first, *rest = rows
    if len(set(first)) < len(first) or not all(map(_NAME.fullmatch, first)):
        return False
    columns = zip(*(row for row in rest if len(row) == len(first)), strict=True)
    return not rest or any(not any(map(_NAME.fullmatch, column)) for column in columns)


def _past_remarks(head: bytes) -> int:
    """Return where the first record begins: behind a byte order mark and leading ``#`` lines (the CLI's information)."""
    position = len(_BOM) if head.startswith(_BOM) else 0
    while head.startswith(b"# ", position):
        position = head.find(b"\n", position) + 1 or len(head)
    return position


def _is_remark(record: bytes, fields: int) -> bool:
    """Tell whether a record of the wrong length is a blank line or a ``#`` line."""
    return fields == 1 and (not record.strip() or record.startswith(b"# "))


def _unhexed(match: re.Match[bytes]) -> bytes:
    """Write a message in hex form as the text that it stands for, so that it can be scanned; half a byte is left as it is."""
    before, _, key, between, value = match.groups()
    if len(value) % 2 or (key != b"NULL" and len(key) % 2):
        return match[0]
    opening = b'"' if before.startswith(b'"') else b""
    plain_key = key if key == b"NULL" else _quoted(binascii.unhexlify(key[2:]))
    return opening + _FROM_HEX.encode() + before.removeprefix(opening) + plain_key + between + _quoted(binascii.unhexlify(value))


def _quoted(field: bytes) -> bytes:
    """Quote a field."""
    return b'"' + field.replace(b'"', b'""') + b'"'


def _captured(table: str, key: str, value: str) -> Row:
    """Decode a captured message."""
    return envelope.captured(*_as_printed(table, key, value))


def _captured_members(table: str, key: str, value: str) -> list[Members]:
    """Decode a captured message into the columns of its parts."""
    return captured_members(*_as_printed(table, key, value))


def _as_printed(table: str, key: str, value: str) -> tuple[str, str, str]:
    """Return the fields of a captured message in the form that they were printed in."""
    if not table.startswith(_FROM_HEX):
        return table, key, value
    key = key if key == "NULL" else _FROM_HEX + key.encode().hex()
    return table.removeprefix(_FROM_HEX), key, _FROM_HEX + value.encode().hex()
