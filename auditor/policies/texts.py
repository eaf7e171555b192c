"""What findings say of each kind of breach, where the policy itself does not."""

from __future__ import annotations

from auditor.policies.breach import FORBIDDEN_COLUMN, ROW_ERROR, SHAPE, UNKNOWN_COLUMN, UNKNOWN_TABLE, PolicyText
from auditor.policies.clauses import Source


def text_of_breach(kind: str, source: Source, column: str, path: str, *, named: str = "") -> PolicyText:
    """
    Return the words for a kind of breach at a place.

    ``named`` are the shapes that the policy names, or what a row rule says of itself.
    """
    place = f"{column} {path}".strip()
    if kind == SHAPE:
        title = f"{place} is not of the declared shape ({named})"
        gains = "A value in another form than the declared one may be a raw secret: whoever reads this stream can use it."
        remedy = (
            "Store the declared form only and hold it by a CHECK constraint; replace the values that left in another form. "
            "If the form is right, add its shape to the policy."
        )
    elif kind == FORBIDDEN_COLUMN:
        title = f"{place} must not appear in this stream"
        gains = "Whoever reads this stream reads a column that was to stay in the database."
        remedy = (
            "Leave the column out of the changefeed's or the export's SELECT; `before` and the key carry it nonetheless, "
            "so leave out `diff` and check the primary key. Treat what has left as disclosed."
        )
    elif kind == UNKNOWN_COLUMN:
        title = f"{place} is in no policy"
        gains = "Nobody has decided that this column may leave the database."
        remedy = "Name the column in the policy, with its shape or forbidden, or leave it out of the stream."
    elif kind == UNKNOWN_TABLE:
        title = "The table is in no policy"
        gains = "Nobody has decided that this table may leave the database."
        remedy = "Name the table in the policy, or leave it out of the stream."
    elif kind.startswith(ROW_ERROR):
        title = f"A condition cannot be evaluated: {named}"
        gains = "Rows were not judged by this condition."
        remedy = "Make the condition fit the columns' types (formats such as csv have text only: int(after.count) fits all)."
    else:
        title = named
        gains = "Rows break a condition that their owner has declared."
        remedy = "Correct the rows, and hold the condition by a CHECK constraint."
    return PolicyText(source.name, title, gains, remedy, "", source.observed)
