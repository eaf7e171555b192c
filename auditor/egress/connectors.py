"""
Ways out from Kafka Connect: the configuration of a Debezium source connector, as JSON.

Facts: Debezium docs, connector properties (``table.include.list`` and the like are regular expressions that match a whole
name; ``column.mask.*`` and ``column.truncate.*``), "New Record State Extraction"; Kafka docs, "Transformations" (ReplaceField,
MaskField, HeaderFrom).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from auditor.egress.destination import Destination, is_secret
from auditor.egress.exits import Connector, Exit, Target
from auditor.errors import ConfigError

_HASHED = re.compile(r"column\.mask\.hash(?:\.v\d+)?\.(?P<hash>[^.]+)\.with\.salt\.(?P<salt>.*)")
#: Stars, or nothing at all. What is cut to more than nothing (``truncate.to.8``) still goes out in part.
_MASKED = re.compile(r"column\.(?:mask\.with\.\d+|truncate\.to\.0)\.chars")
_PLAIN_NAME = re.compile(r"[\w$]+")
#: A reference that Kafka Connect replaces when it starts: ``${file:/secrets.properties:password}``.
_REFERENCE = re.compile(r"\$\{[^}]*\}")


def read_connectors(data: bytes, where: str = "") -> list[Exit] | None:
    """
    Return the connectors in JSON: one, a list of them, or the answer of ``/connectors?expand=info``.

    None if it is no connector's configuration. Sink connectors are passed over: they let out what a source let out before.
    Raise `ConfigError` for a pattern that is none.
    """
    try:
        document = json.loads(data)
    except ValueError:
        return None
    found = list(_configurations(document))
    if not found:
        return None
    return [replace(_exit(name, settings, where), where=where) for name, settings in found if _is_source(settings)]


def _configurations(document: object) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the name and the properties of each connector."""
    if isinstance(document, list):
        for each in document:
            yield from _configurations(each)
    if not isinstance(document, dict):
        return
    if "connector.class" in document:
        settings = {str(name): "" if value is None else str(value) for name, value in document.items()}
        yield settings.get("name", ""), settings
    elif isinstance(document.get("config"), dict):
        for name, inner in _configurations(document["config"]):
            yield str(document.get("name") or name), inner
    else:
        for name, each in document.items():
            info = each.get("info") if isinstance(each, dict) else None
            if isinstance(info, dict):
                yield from _configurations({"name": name, **info})


def _is_source(settings: Mapping[str, str]) -> bool:
    """Tell whether a connector reads a database."""
    return not settings["connector.class"].rpartition(".")[2].endswith("SinkConnector")


def _listed(settings: Mapping[str, str], *names: str) -> tuple[str, ...] | None:
    """Return the patterns of the first of these properties that is there, None if none is."""
    for name in names:
        if settings.get(name, "").strip():
            return tuple(piece.strip() for piece in _split(settings[name]) if piece.strip())
    return None


def _split(text: str) -> Iterator[str]:
    """Cut a list of patterns at its commas, but not at those of ``{1,3}`` or ``[a,b]``, nor at escaped ones."""
    depth, piece = 0, ""
    for character in text:
        if piece.endswith("\\"):
            piece = (piece[:-1] if character == "," else piece) + character
            continue
        depth += (character in "{[(") - (character in "}])")
        if character == "," and depth <= 0:
            yield piece
            piece = ""
        else:
            piece += character
    yield piece


def _exit(name: str, settings: Mapping[str, str], where: str) -> Exit:
    """Read the properties of one connector."""
    tables = _listed(settings, "table.include.list", "table.whitelist") or ()
    masked: list[str] = []
    hashed: list[str] = []
    secrets = [each for each, value in settings.items() if is_secret(each, value) and not _REFERENCE.fullmatch(value.strip())]
    for each, value in settings.items():
        patterns = [piece.strip() for piece in _split(value)]
        if match := _HASHED.fullmatch(each):
            hashed += patterns
            secrets = [other for other in secrets if other != each]
            if match["salt"]:
                # The salt is a part of the property's name: whoever sees it can try out short values.
                secrets.append("column.mask.hash salt")
        elif _MASKED.fullmatch(each):
            masked += patterns
    dropped, headed, before = _transformed(settings)
    connector = Connector(
        _listed(settings, "column.include.list", "column.whitelist"),
        _listed(settings, "column.exclude.list", "column.blacklist") or (),
        tuple(masked),
        tuple(hashed),
        dropped,
        headed,
        before,
        tables,
        _listed(settings, "table.exclude.list", "table.blacklist") or (),
    )
    for pattern in (*(connector.included or ()), *connector.excluded, *masked, *hashed, *tables, *connector.tables_excluded):
        matches(pattern, "", where)
    plain = tuple(Target(table) for table in (re.sub(r"\\(.)", r"\1", each) for each in tables) if _is_plain(table))
    prefix = settings.get("topic.prefix") or settings.get("database.server.name") or ""
    destination = Destination("Kafka Connect", "kafka", topic_prefix=prefix if _PLAIN_NAME.fullmatch(prefix) else "")
    database = (
        settings.get("database.dbname") or settings.get("database.names") or settings.get("cockroachdb.database.name") or ""
    )
    return Exit(
        "connector",
        destination,
        name,
        targets=plain if len(plain) == len(tables) else (),
        database=database if _PLAIN_NAME.fullmatch(database) else "*",
        options={"class": settings["connector.class"]},
        secrets=tuple(sorted(set(secrets))),
        connector=connector,
    )


def _is_plain(table: str) -> bool:
    """Tell whether a pattern of tables is a name."""
    return all(_PLAIN_NAME.fullmatch(part) for part in table.split("."))


def _transformed(settings: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Return the fields that transforms take out of values, those that they put into headers, and whether `before` goes out."""
    dropped: list[str] = []
    headed: list[str] = []
    before = True
    flat = False
    for alias in (piece.strip() for piece in settings.get("transforms", "").split(",")):
        kind = settings.get(f"transforms.{alias}.type", "")
        fields = [
            field.strip()
            for name in ("exclude", "blacklist", "fields")
            for field in settings.get(f"transforms.{alias}.{name}", "").split(",")
            if field.strip()
        ]
        if kind.endswith((".ExtractNewRecordState", ".ExtractNewDocumentState")):
            flat, before = True, False
        elif (
            kind.endswith(("ReplaceField$Value", "MaskField$Value"))
            and flat
            and not settings.get(f"transforms.{alias}.predicate")
        ):
            # Before it is flattened, the top of a value has no columns: only `before`, `after` and `source`.
            dropped += fields
        elif kind.endswith("HeaderFrom$Value") and flat:
            headed += fields
            if settings.get(f"transforms.{alias}.operation", "") == "move":
                dropped += fields
        if kind.endswith(".ExtractNewRecordState"):
            headed += [
                piece.strip().removeprefix("after.").removeprefix("before.")
                for piece in settings.get(f"transforms.{alias}.add.headers", "").split(",")
                if piece.strip().startswith(("after.", "before."))
            ]
    return tuple(dropped), tuple(headed), before


def matches(pattern: str, name: str, where: str = "") -> bool:
    """Tell whether a pattern is all of a name, in any case, as Debezium compares. Raise `ConfigError` for no pattern."""
    try:
        return re.fullmatch(pattern, name, re.IGNORECASE) is not None
    except re.error:
        raise ConfigError("a list of tables or columns holds what is no regular expression", where=where) from None
