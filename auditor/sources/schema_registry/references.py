"""An Avro schema and those that it refers to, made one: whoever reads by it needs no registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def inlined(schema: Any, known: Mapping[str, Any]) -> Any:
    """
    Return a schema in which the first use of each known name (full, with its namespace) is that name's definition.

    So it is inside the definitions. Each keeps its namespace, wherever it is put.
    """
    return _Inliner(dict(known)).type(schema, "")


class _Inliner:
    """Goes through one schema in its order; a definition is put where it is first needed, since a name must follow it."""

    def __init__(self, left: dict[str, Any]) -> None:
        self._left = left

    def type(self, schema: Any, namespace: str) -> Any:
        """Return a type that stands inside a namespace."""
        if isinstance(schema, str):
            full = schema if "." in schema or not namespace else f"{namespace}.{schema}"
            found = full if full in self._left else schema
            return self.type(_placed(self._left.pop(found), found), "") if found in self._left else schema
        if isinstance(schema, list):
            return [self.type(branch, namespace) for branch in schema]
        if not isinstance(schema, dict):
            return schema
        inner = _namespace(schema, namespace)
        changed = dict(schema)
        for member in ("type", "items", "values"):
            if member in schema:
                changed[member] = self.type(schema[member], inner)
        fields = schema.get("fields")
        if isinstance(fields, list):
            changed["fields"] = [
                {**field, "type": self.type(field.get("type"), inner)} if isinstance(field, dict) else field for field in fields
            ]
        return changed


def _namespace(schema: Mapping[str, Any], around: str) -> str:
    """Return the namespace that names inside a definition belong to."""
    name, own = schema.get("name"), schema.get("namespace")
    if isinstance(name, str) and "." in name:
        return name.rpartition(".")[0]
    return own if isinstance(own, str) else around


def _placed(definition: Any, full: str) -> Any:
    """Return a definition whose name does not depend on where it stands."""
    if not isinstance(definition, dict) or "name" not in definition:
        return definition
    namespace, _, name = full.rpartition(".")
    return {**definition, "name": name, "namespace": namespace}
