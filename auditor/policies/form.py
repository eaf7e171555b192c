"""The form of a policy file. Policies are data; `schemas/policy.schema.json` is made from these types."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_CLOSED = ConfigDict(
    extra="forbid",
    frozen=True,
    use_attribute_docstrings=True,
    alias_generator=lambda name: name.replace("_", "-"),
)

SeverityName = Literal["info", "low", "medium", "high", "critical"]
Unlisted = Literal["allow", "report", "alert"]


def _listed(value: object) -> object:
    """Take one for a list of one, and YAML's null for the shape of that name."""
    if isinstance(value, list):
        return ["null" if item is None else item for item in value]
    return ["null" if value is None else value]


def _nothing(value: object) -> object:
    """Take ``name:`` with nothing after it for a column that is known, and of which nothing is said."""
    return {} if value is None else value


Shapes = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed, json_schema_input_type=str | None | list[str | None]),
    Field(min_length=1, max_length=64),
]


class Allow(BaseModel):
    """A rule whose findings are expected here."""

    model_config = _CLOSED

    rule: str = Field(min_length=1)
    """The id of the rule; `*` stands for any part of it, as in `jose.*`."""
    reason: str = Field(min_length=3)
    expires: date | None = None
    """The first day on which its findings count again."""


class Clause(BaseModel):
    """What is said of a column, of a path inside it, or of all columns with a tag."""

    model_config = _CLOSED

    shape: Shapes = ()
    """The only forms that a value may have: names of shapes, and `null` and `absent`."""
    allow: tuple[Allow, ...] | None = None
    forbid: bool | None = None
    """The column must not appear in the stream at all, neither in a row nor in its past, its key or its headers."""
    severity: SeverityName | None = None
    owner: str | None = Field(default=None, min_length=1)
    remedy: str | None = Field(default=None, min_length=3)

    def said(self) -> dict[str, Any]:
        """Return what the file says, by its keys."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


class Column(Clause):
    """What is said of a column, or of a path inside it."""

    model_config = _CLOSED

    tags: tuple[str, ...] | None = None
    """Clauses of `tags` that hold here, where nothing else is said."""


class RowRule(BaseModel):
    """A condition across the columns of one row, in CEL."""

    model_config = _CLOSED

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    when: str = Field(min_length=1)
    """A breach if this is true. It sees `after`, `before`, `key` (maps of columns, empty where there is none) and `op`."""
    message: str = Field(default="", max_length=400)
    severity: SeverityName | None = None
    effect: SeverityName | None = None
    """Instead of being a breach: findings in such a row are no more severe than this."""
    owner: str | None = Field(default=None, min_length=1)
    remedy: str | None = Field(default=None, min_length=3)


class Table(BaseModel):
    """What is said of tables."""

    model_config = _CLOSED

    columns: dict[str, Annotated[Column, BeforeValidator(_nothing, json_schema_input_type=Column | None)]] = {}
    """By the name of the column, a glob, or a name and a path inside it: `payload $.auth.tokens[*]`."""
    unknown_columns: Unlisted | None = None
    """What to do with a column that none of the names here fits."""
    rows: tuple[RowRule, ...] = ()


class Destination(BaseModel):
    """What is different where rows go to a destination."""

    model_config = _CLOSED

    tables: dict[str, Table] = {}
    unknown_tables: Unlisted | None = None


class PolicyFile(BaseModel):
    """A file of policies."""

    model_config = _CLOSED

    name: str = Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")
    """Names the policy in findings. It is part of their identity, so keep it."""
    description: str = ""
    mode: Literal["observe", "alert"] = "alert"
    """In `observe` breaches are recorded and alert nobody."""
    unknown_tables: Unlisted | None = None
    """What to do with a table that none of the names in `tables` fits."""
    tables: dict[str, Table] = {}
    """By `database.schema.table`; a `*` stands for any part of a name without a dot."""
    tags: dict[str, Clause] = {}
    destinations: dict[str, Destination] = {}
    """By the name of a feed, a topic, or the address of a bucket; a `*` stands for anything."""


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file."""
    return PolicyFile.model_json_schema()
