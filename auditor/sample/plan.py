"""
Which row gets which plant.

Within a first window of rows every kind is planted at least once where exports show it too, and the special places get a share
of the kinds. After the window one row in 900 gets a kind drawn at random. The plan needs no memory of what came before, so any
row's plants can be had alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from auditor.errors import ConfigError
from auditor.sample.places import PLACES, Place
from auditor.sample.sql_types import Row
from auditor.sample.tables import TABLES
from auditor.sample.tokens import catalogue
from auditor.sample.tokens.kinds import Expect, Kind

#: One planted row in this many, after the window.
EVERY = 900
#: Kinds for each special place in the window.
_SHARE = 9
#: Deleted rows that hold a token, in each table: it is in ``before`` alone.
_DELETED = 2
#: Texts shorter than this do not reliably show through an encoding.
_ENCODED_FROM = 32
#: Where ``--token-every-row`` puts its tokens.
_MAIN = {"users": "remember_token", "sessions": "refresh_token", "api_tokens": "token", "orders": "note", "logs": "message"}


class Plant(NamedTuple):
    """
    A planted secret, before any format is chosen.

    ``past`` says that only the row's earlier version holds it. ``encoded`` lists the encodings, outermost first, as in formats
    that print BYTES as hex.
    """

    past: bool
    column: str
    path: str
    kind: str
    expect: Expect
    encoded: tuple[str, ...]
    secret: str
    text: str


class Placement(NamedTuple):
    """
    A kind at a place. ``shared`` says that an updated row's earlier version holds it too.

    ``op`` is what the row's change must be for it: ``u``, ``d``, ``any``, or '' for anything but a deletion.
    """

    kind: Kind
    place: Place
    shared: bool
    op: str = ""

    def plant(self, seed: int, index: int, row: Row) -> tuple[Plant, ...]:
        """Make the token and put it into a row; return one plant for each secret in its text."""
        rng = Random(f"{seed}/{index}/{self.place.name}/{self.kind.id}/{self.kind.shape}/{self.kind.expect}")
        made = self.kind.make(rng)
        self.place.put(row, made.text)
        place, encoded = self.place, self.place.encoded(made.text)
        secrets = ((self.kind.id, made.secret, self.kind.expect), *((kind, secret, Expect.FOUND) for kind, secret in made.also))
        return tuple(
            Plant(place.past, place.column, place.path, kind, expect, encoded, secret, made.text)
            for kind, secret, expect in secrets
        )


class Plan(NamedTuple):
    """
    Every placement of a run.

    ``at`` takes a table's name and a row's index. ``throughout`` names, by table, the (column, kind) that every row holds.
    """

    seed: int
    at: Callable[[str, int], Sequence[Placement]]
    throughout: Mapping[str, tuple[str, str]]


def spread(seed: int, window: int) -> Plan:
    """Plan every kind into the first ``window`` rows of each table; raise `ConfigError` if they are too few."""
    rows = _window(seed, window)

    def at(table: str, index: int) -> Sequence[Placement]:
        if index < window:
            return rows[table].get(index, ())
        if index % EVERY != len(table) * 37:
            return ()
        return (_drawn(Random(f"{seed}/{table}/{index}"), table),)

    return Plan(seed, at, {})


def in_every_row(seed: int, kind: Kind) -> Plan:
    """Plan one kind into every row, and nothing else; a deletion has it in ``before``."""
    places = {place.table: place for place in PLACES if place.column == _MAIN[place.table] and not (place.special or place.path)}
    placements = {table: (Placement(kind, place, shared=True, op="any"),) for table, place in places.items()}
    return Plan(seed, lambda table, _index: placements[table], {table: (column, kind.id) for table, column in _MAIN.items()})


def _window(seed: int, window: int) -> Mapping[str, Mapping[int, Sequence[Placement]]]:
    """Spread the placements of the window over its rows: at one place, each in a row of its own."""
    rng = Random(f"{seed}/plan")
    chosen = _chosen(rng)
    fullest = max(sum(len(chosen[other]) for other in PLACES if _collide(one, other)) for one in PLACES)
    if window < fullest + _DELETED:
        raise ConfigError(
            f"{window} rows a table cannot hold one token of every kind", fix=f"--rows {fullest + _DELETED} or more"
        )
    rows: dict[str, dict[int, Sequence[Placement]]] = {}
    for table in TABLES:
        order = list(range(window))
        rng.shuffle(order)
        mine: dict[int, list[Placement]] = defaultdict(list)
        for index in order[:_DELETED]:
            mine[index].append(_drawn(rng, table.name)._replace(op="d", shared=True))
        free = sorted(order[_DELETED:])
        for place, placements in chosen.items():
            start = rng.randrange(len(free))
            for number, placement in enumerate(placements if place.table == table.name else ()):
                spot = start + number * len(free) // len(placements)
                while any(_collide(place, other.place) for other in mine[free[spot % len(free)]]):
                    spot += 1
                mine[free[spot % len(free)]].append(placement)
        rows[table.name] = {index: tuple(placements) for index, placements in mine.items()}
    return rows


def _collide(one: Place, other: Place) -> bool:
    """Tell whether two places cannot serve the same row: one would overwrite what the other put there."""
    same_column = (one.table, one.column, one.past) == (other.table, other.column, other.past)
    return same_column and (one.path == other.path or not (one.path and other.path))


def _chosen(rng: Random) -> Mapping[Place, list[Placement]]:
    """Deal out every kind to a plain place that suits it, the least filled first, then some to each special place."""
    chosen: dict[Place, list[Placement]] = {place: [] for place in PLACES}
    kinds = [*catalogue.REAL, *catalogue.SPOILED, *catalogue.UNKNOWN, *catalogue.LOOKALIKES]
    rng.shuffle(kinds)
    # Kinds with few possible places choose first.
    kinds.sort(key=lambda kind: len(_plain_places(kind)))
    for kind in kinds:
        place = min(_plain_places(kind), key=lambda place: len(chosen[place]))
        chosen[place].append(Placement(kind, place, shared=rng.random() < 0.5))
    remember = next(place for place in PLACES if place.column == "remember_token")
    chosen[remember].extend(Placement(kind, remember, shared=False) for kind in catalogue.OPAQUE)
    for place in PLACES:
        if place.special:
            chosen[place].extend(_special(rng, place))
    return chosen


def _plain_places(kind: Kind, table: str = "") -> list[Place]:
    """
    Return the plain places that suit a kind, of one table or of all.

    A look-alike never stands where the name says credential.
    """
    return [
        place
        for place in PLACES
        if not place.special
        and kind.shape in place.accepts
        and table in ("", place.table)
        and not (place.telling and kind.expect is Expect.NONE)
    ]


def _special(rng: Random, place: Place) -> list[Placement]:
    """Return a share of the kinds for a place that not all of them need."""
    fitting = [kind for kind in catalogue.REAL if kind.shape in place.accepts and _survives(rng, kind, place)]
    return [Placement(kind, place, shared=True, op="u" if place.past else "") for kind in rng.sample(fitting, _SHARE)]


def _survives(rng: Random, kind: Kind, place: Place) -> bool:
    """Tell whether a kind is worth planting at a special place: long enough for an encoding, not absurd as a name or key."""
    size = len(kind.make(rng).text)
    if place.column == "session_id" or place.path.endswith("{name}"):
        return 20 <= size <= 200
    return not place.encoding or size >= _ENCODED_FROM


def _drawn(rng: Random, table: str) -> Placement:
    """Draw a kind and a plain place of a table for it; one in nine is a look-alike or has a wrong checksum."""
    while True:
        kind = rng.choice(catalogue.REAL if rng.random() < 8 / 9 else (*catalogue.LOOKALIKES, *catalogue.SPOILED))
        places = _plain_places(kind, table)
        if places:
            return Placement(kind, rng.choice(places), shared=rng.random() < 0.5)
