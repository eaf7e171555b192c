"""
What a SELECT of a CDC query or an EXPORT lets out, column by column, and the same query without a column.

CDC queries have one table, no joins and no subqueries (CockroachDB docs, "Change Data Capture Queries"). ``cdc_prev`` is the
whole previous row, whatever is selected beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from auditor.egress.sql import Placed, Reader, placed, split, written
from auditor.sql_quoting import identifier, table_name

#: What these return does not tell the value that they were given. (md5 and sha1 are weak; a long random token survives them.)
_ONE_WAY = frozenset((
    "sha1", "sha224", "sha256", "sha384", "sha512", "md5", "hmac", "digest", "crc32c", "crc32ieee", "fnv32", "fnv32a", "fnv64",
    "fnv64a", "length", "char_length", "character_length", "octet_length", "bit_length", "isnull", "num_nulls", "num_nonnulls",
    "pg_typeof", "json_typeof", "jsonb_typeof",
))  # fmt: skip
_KEYWORDS = frozenset((
    "all", "and", "array", "as", "between", "case", "cast", "collate", "distinct", "else", "end", "false", "from", "ilike", "in",
    "interval", "is", "isnull", "like", "not", "notnull", "null", "or", "similar", "then", "to", "true", "when", "where",
))  # fmt: skip
#: What may follow the table of a query from one table, and what makes it a query from several.
_TAIL = frozenset(("where", "as", "order", "limit", "offset"))
_SEVERAL = frozenset(("select", "join", "union", "intersect", "except"))
#: Literals longer than this are not repeated: nobody knows what they are.
_MOST_LITERAL = 24
_PREVIOUS = "cdc_prev"
#: A type follows these; an alias, which follows AS too, is taken off before.
_BEFORE_TYPE = frozenset(("::", ":::", "as"))


class Reading(NamedTuple):
    """
    A column that an expression reads: its name, from the previous row or not, and whether only a digest of it comes out.

    The name is ``*`` for all columns of the row.
    """

    column: str
    previous: bool = False
    one_way: bool = False


class Item(NamedTuple):
    """One thing that is selected: as it was written, the name it goes out by ('' if it has none of its own), what it reads."""

    sql: str
    name: str
    reads: tuple[Reading, ...]

    @property
    def is_star(self) -> bool:
        """Tell whether it is all columns, and those that will be added."""
        return self.sql == "*" or self.sql.endswith(".*")


@dataclass(frozen=True, slots=True)
class Query:
    """
    A SELECT from one table. ``table`` is the name as it was written, without quotes.

    ``tail`` is what follows the table: WHERE, AS OF SYSTEM TIME; '' if nothing does. ``plain`` is False where there is more than
    one table, a subquery, or what is none of this: then the columns that go out are not known.
    """

    items: tuple[Item, ...]
    table: str
    alias: str = ""
    tail: str = ""
    plain: bool = True

    @property
    def sql(self) -> str:
        """Write it."""
        selected = ", ".join(item.sql for item in self.items)
        alias = f" AS {identifier(self.alias)}" if self.alias else ""
        return f"SELECT {selected} FROM {table_name(self.table)}{alias}{' ' + self.tail if self.tail else ''}"

    @property
    def open_ended(self) -> bool:
        """Tell whether columns that are added later go out too."""
        return any(reading.column == "*" and not reading.one_way for item in self.items for reading in item.reads)

    def reading(self, columns: Sequence[str]) -> Iterator[tuple[Item, Reading]]:
        """Yield each thing that an item reads; ``*`` is spelt out where the table's columns are given."""
        for item in self.items:
            for reading in item.reads:
                if reading.column == "*" and columns:
                    yield from ((item, reading._replace(column=column)) for column in columns)
                elif not columns or reading.column in columns or reading.column == "*":
                    yield item, reading

    def without(self, unwanted: Collection[str], columns: Sequence[str]) -> Query | None:
        """
        Return the query without everything that lets these columns out; None if nothing would be left, or it cannot be told.

        Digests of them stay. ``*`` becomes the columns of the table that are given.
        """
        kept: list[Item] = []
        for item in self.items:
            if item.is_star and not item.reads[0].previous:
                if not columns:
                    return None
                mine = [column for column in columns if column not in unwanted]
                kept += (Item(identifier(column), column, (Reading(column),)) for column in mine)
            elif not any(_lets_out(reading, unwanted) for reading in item.reads):
                kept.append(item)
        return replace(self, items=tuple(kept)) if kept and self.plain else None


def _lets_out(reading: Reading, unwanted: Collection[str]) -> bool:
    """Tell whether what is read is one of these columns, and comes out as it is."""
    return not reading.one_way and (reading.column in unwanted or (reading.column == "*" and bool(unwanted)))


def read_query(sql: str, parts: Sequence[Placed]) -> Query:
    """Read the tokens of a SELECT, from the word SELECT on."""
    reader = Reader(sql, parts)
    reader.accept("select")
    selected = reader.until(("from",))
    reader.accept("from")
    table = reader.dotted()
    plain = bool(table)
    if reader.mark("@"):  # a hint of an index
        reader.take()
    alias = _alias(reader)
    tail = parts[reader.position :]
    plain = plain and (not tail or tail[0].word in _TAIL) and not any(token.word in _SEVERAL for token in parts[1:])
    names = {alias or table.rpartition(".")[2], table}
    items = tuple(_item(piece, names) for piece in split(selected, ",") if piece)
    return Query(items, table, alias, _safe(tail), plain)


def _alias(reader: Reader) -> str:
    """Read the alias of a table, '' if it has none."""
    if reader.word() == "as" and reader.word(1) != "of":
        reader.accept("as")
    elif reader.position == len(reader.parts) or reader.word() in _TAIL or not reader.parts[reader.position].name:
        return ""
    token = reader.take()
    return token.name if token else ""


def query_of(sql: str) -> Query:
    """Read the text of a SELECT."""
    return read_query(sql, placed(sql))


def whole_table(table: str) -> Query:
    """Return the query of all columns of a table."""
    return Query((Item("*", "", (Reading("*"),)),), table)


def _item(parts: Sequence[Placed], row: Collection[str]) -> Item:
    """Read one thing that is selected."""
    expression, name = parts, ""
    if len(parts) > 2 and parts[-2].word == "as" and parts[-1].name:
        expression, name = parts[:-2], parts[-1].name
    elif len(parts) > 1 and parts[-1].name and _ends_expression(parts[-2]) and parts[-1].word not in _KEYWORDS:
        expression, name = parts[:-1], parts[-1].name
    reads = tuple(_reads(expression, row))
    if not name and expression[-1].name and all(token.name or token.text == "." for token in expression):
        name = expression[-1].name
    return Item(_safe(parts), name, reads)


def _ends_expression(token: Placed) -> bool:
    """Tell whether an expression may end here, so that a name after it is its alias."""
    if token.kind == "mark":
        return token.text in ")]*" or token.text == "}"
    return token.word not in _KEYWORDS - {"null", "true", "false", "end"}


def _reads(parts: Sequence[Placed], row: Collection[str]) -> Iterator[Reading]:
    """Yield what an expression reads, in the order that it is written."""
    brackets: list[bool] = []
    for index, token in enumerate(parts):
        if token.kind == "mark" and token.text in "([":
            brackets.append((bool(brackets) and brackets[-1]) or (index > 0 and parts[index - 1].word in _ONE_WAY))
        elif token.kind == "mark" and token.text in ")]" and brackets:
            brackets.pop()
        elif reading := _read_at(parts, index, row):
            yield reading._replace(one_way=bool(brackets and brackets[-1]) or _asked_for_null(parts, index))


def _read_at(parts: Sequence[Placed], index: int, row: Collection[str]) -> Reading | None:
    """Return what is read by the token here, None if it reads nothing."""
    token = parts[index]
    before = parts[index - 1] if index else None
    after = parts[index + 1] if index + 1 < len(parts) else None
    if token.kind == "mark":
        return Reading("*", _of_previous(parts, index)) if token.text == "*" and _is_star(before, after) else None
    if not token.name or token.word in _KEYWORDS or (before is not None and before.text.lower() in _BEFORE_TYPE):
        return None
    if after is not None and (after.text == "." or (after.text == "(" and token.kind == "word" and token.word != _PREVIOUS)):
        return None
    qualified = before is not None and before.text == "."
    if token.name == _PREVIOUS and not qualified:
        return None if _member_follows(parts, index) else Reading("*", previous=True)
    if not qualified and token.name in row and _stands_for_row(before, after):
        return Reading("*")
    return Reading(token.name, qualified and _of_previous(parts, index))


def _is_star(before: Placed | None, after: Placed | None) -> bool:
    """Tell whether an asterisk is all columns, and no multiplication."""
    return (before is None or before.text in ".(,") and (after is None or after.text in "),")


def _of_previous(parts: Sequence[Placed], index: int) -> bool:
    """Tell whether the name or asterisk here is taken from the previous row: ``(cdc_prev).x``, ``cdc_prev.x``."""
    back = [token.text.lower() for token in parts[max(0, index - 6) : index]]
    return back[-2:] == [_PREVIOUS, "."] or back[-4:] == ["(", _PREVIOUS, ")", "."] or back[-6:] == [
        "(", _PREVIOUS, "(", ")", ")", ".",
    ]  # fmt: skip


def _member_follows(parts: Sequence[Placed], index: int) -> bool:
    """Tell whether one column of the previous row is taken: ``(cdc_prev).x``, or ``(cdc_prev()).x`` of v22.2."""
    after = [token.text for token in parts[index + 1 : index + 5]]
    return after[:2] == [")", "."] or after[:4] == ["(", ")", ")", "."] or after[:1] == ["."]


def _asked_for_null(parts: Sequence[Placed], index: int) -> bool:
    """Tell whether ``IS NULL`` or ``IS NOT NULL`` follows."""
    after = [token.word for token in parts[index + 1 : index + 4]]
    return after[:2] == ["is", "null"] or after == ["is", "not", "null"] or after[:1] in (["isnull"], ["notnull"])


def _stands_for_row(before: Placed | None, after: Placed | None) -> bool:
    """Tell whether a name stands alone as an argument: then the table's own is its row."""
    return before is not None and before.text in "(," and after is not None and after.text in "),"


def _safe(parts: Sequence[Placed]) -> str:
    """Return an expression as it was written, long literals left out."""
    if not any(token.kind == "string" and len(token.text) > _MOST_LITERAL for token in parts):
        return written(parts)
    return written(
        [
            token._replace(text="'<literal>'") if token.kind == "string" and len(token.text) > _MOST_LITERAL else token
            for token in parts
        ],
    )


def copied(expression: str) -> tuple[str, ...]:
    """Return the columns whose values an expression lets out, be it in part or changed; not those of which it makes digests."""
    return tuple(dict.fromkeys(reading.column for reading in _reads(placed(expression), ()) if not reading.one_way))


def hashed(column: str) -> str:
    """Return the item that puts a digest in a column's place, under a name of its own."""
    return f"sha256({identifier(column)}) AS {identifier(column + '_hash')}"
