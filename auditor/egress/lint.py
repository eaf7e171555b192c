"""
What is wrong with ways out, said before any row flows: columns that break the policies, and the traps of each kind of exit.

Without policies, columns that are named as raw secrets are told of. Each finding has a remedy that can be pasted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from auditor.egress import remedy
from auditor.egress.destination import resolved
from auditor.egress.exits import Exit
from auditor.egress.finding import EgressFinding
from auditor.egress.judging import Clause, Judge, NoJudge
from auditor.egress.leaving import Going, Leaving, leaving, tables_of
from auditor.egress.naming import Holds, guess
from auditor.egress.query import copied
from auditor.egress.routes import destination_of, is_audited, names_of
from auditor.egress.schema import Schema, hex_length
from auditor.egress.traps import openness, traps
from auditor.model import Severity


def with_connections(ways: Iterable[Exit]) -> list[Exit]:
    """Put what external connections stand for into the ways out that use them."""
    ways = list(ways)
    connections = [(way.name, way.destination) for way in ways if way.kind == "connection"]
    return [replace(way, destination=resolved(way.destination, connections)) for way in ways]


def lint(ways: Iterable[Exit], schema: Schema, judge: Judge | None = None) -> list[EgressFinding]:
    """Return what is wrong, in the order of the ways out."""
    found: list[EgressFinding] = []
    for way in with_connections(ways):
        found += _settings(way)
        if way.kind == "connection":
            continue
        goings = tables_of(way, schema)
        for going in goings:
            sent = leaving(way, going)
            found += _columns(way, going, sent, judge or NoJudge(), named=judge is None)
            found += traps(way, going, sent)
        found += openness(way, goings)
    return list(dict.fromkeys(found))


def _settings(way: Exit) -> Iterator[EgressFinding]:
    """Yield credentials in URIs and options."""
    if way.secrets:
        fix = (
            "Rotate it, then keep the sink in an external connection, whose URI only its owner and admins see:\n"
            "CREATE EXTERNAL CONNECTION <name> AS '<sink URI>';\n-- and INTO 'external://<name>'"
        )
        if way.kind == "connector":
            fix = 'Rotate it, and refer to it: "database.password": "${file:/etc/connect/secrets.properties:password}"'
        elif way.kind == "connection":
            fix = "Prefer AUTH=implicit, or a role to assume; let few roles have USAGE on the connection."
        severity = Severity.INFO if way.kind == "connection" else Severity.HIGH
        listed = ", ".join(way.secrets)
        yield EgressFinding(
            "secret-in-settings",
            severity,
            way,
            f"the settings of the {way.title} hold a credential in readable form: {listed}",
            fix,
        )


def _columns(way: Exit, going: Going, sent: Sequence[Leaving], judge: Judge, *, named: bool) -> Iterator[EgressFinding]:
    """Yield columns that leave and should not."""
    place = tuple(names_of(way, going))
    if not judge.maps(going.name, place):
        yield EgressFinding(
            "unmapped-table",
            Severity.MEDIUM,
            way,
            f"no policy speaks of {going.name}, which leaves to {way.destination.shown}",
            f"auditor policy init proposes one; or leave the table out:\n{remedy.without_table(way, going)}",
            going.name,
        )
    sent_columns = tuple(dict.fromkeys(each.column for each in sent if not each.one_way and each.column != "*"))
    for column in judge.unmapped(going.name, sent_columns, place):
        yield EgressFinding(
            "unmapped-column",
            Severity.LOW,
            way,
            f"no policy speaks of {going.name}.{column}, which leaves to {way.destination.shown}",
            f"say in the policy what it may hold; or leave it out:\n{remedy.without_columns(way, going, (column,))}",
            going.name,
            column,
        )
    broken: dict[str, tuple[Clause, list[Leaving]]] = {}
    for each in sent:
        clause = _clause(going, each.column, judge, place, named=named)
        if clause is None:
            continue
        if clause.forbidden and not each.one_way:
            broken.setdefault(each.column, (clause, []))[1].append(each)
        elif clause.shapes and not each.one_way and each.part != "key":
            yield from _unchecked(way, going, each.column, clause)
    unwanted = tuple(broken)
    for column, (clause, parts) in broken.items():
        yield _breach(way, going, column, clause, parts, unwanted, named=named)


def _clause(going: Going, column: str, judge: Judge, place: tuple[str, ...], *, named: bool) -> Clause | None:
    """Return what is asked of a column; one that is computed from a forbidden one, and no digest of it, is forbidden with it."""
    own = judge.clause(going.name, column, place) or (_by_name(going, column) if named else None)
    if own is not None and own.forbidden:
        return own
    known = going.table.column(column) if going.table else None
    for source in copied(known.expression) if known and known.computed else ():
        clause = judge.clause(going.name, source, place) or (_by_name(going, source) if named else None)
        if clause is not None and clause.forbidden:
            return clause
    return own


def _by_name(going: Going, column: str) -> Clause | None:
    """Return what the name of a column asks for where no policy does."""
    known = going.table.column(column) if going.table else None
    if known is not None and guess(known).holds is Holds.RAW:
        return Clause(forbidden=True, severity=Severity.MEDIUM)
    return None


def _breach(
    way: Exit, going: Going, column: str, clause: Clause, parts: Sequence[Leaving], unwanted: Sequence[str], *, named: bool
) -> EgressFinding:
    """Return the finding of a column that may not leave."""
    where = ", ".join(dict.fromkeys(each.part for each in parts))
    said = "is named as a raw secret" if named else "is forbidden there" + (f" by {clause.policy}" if clause.policy else "")
    items = [each.item for each in parts if each.item]
    through = f", as {items[0]}" if items else ""
    message = f"{going.name}.{column} leaves to {way.destination.shown} in {where}{through}, and {said}"
    steps = []
    in_parts = {each.part for each in parts}
    if in_parts - {"key"}:
        steps.append(remedy.without_columns(way, going, unwanted))
    if "header" in in_parts:
        message += "; headers_json_column_name puts it into the headers of every message"
    if "key" in in_parts:
        message += "; no projection, envelope or exclude list takes it out of the key"
        steps.append(remedy.new_key(going))
    steps.append(remedy.digest_instead(way, going, column))
    code = "forbidden-column" if not named else "raw-looking-column"
    return EgressFinding(code, clause.severity, way, message, "\n".join(steps), going.name, column)


def _unchecked(way: Exit, going: Going, column: str, clause: Clause) -> Iterator[EgressFinding]:
    """Yield a column that should hold digests, where nothing in the database sees to it."""
    known = going.table.column(column) if going.table else None
    if known is None or clause.shapes != ("sha256-hex",) or hex_length(known) or known.computed:
        return
    yield EgressFinding(
        "shape-unchecked",
        Severity.INFO,
        way,
        f"{going.name}.{column} may hold nothing but {', '.join(clause.shapes)}, and no CHECK sees to it",
        remedy.check_constraint(going, column),
        going.name,
        column,
    )


def unaudited(ways: Iterable[Exit], schema: Schema, audited: Sequence[str]) -> list[EgressFinding]:
    """
    Return the ways out that nothing which is audited covers.

    ``audited`` are topics, addresses (``s3://bucket/prefix`` covers what lies below it), job ids and names of connectors; globs.
    """
    found = []
    for way in with_connections(ways):
        if way.kind == "connection" or way.destination.family == "null":
            continue
        goings = tables_of(way, schema) or [Going(f"{way.database}.*" if way.database else "", None)]
        open_ones = [going for going in goings if not is_audited(way, going, audited)]
        for going in open_ones:
            place = destination_of(way, going.name, going.family)
            message = f"{going.name} leaves to {place} through the {way.title}, and no feed or scan reads that"
            fix = f"Add {place} to the feeds of auditor watch, or scan it; or close it:\n{remedy.without_table(way, going)}"
            found.append(EgressFinding("unaudited-exit", Severity.HIGH, way, message, fix, going.name))
    return found
