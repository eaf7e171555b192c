"""What may be judged of a table: the entries of rows that any cutting would have decoded, and estimates from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.columns.profile import MOST_ENTRIES, Leaf, Profile, smallest
from auditor.columns.sampling import ALL, ALWAYS
from auditor.paths import joined_paths

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Observed(NamedTuple):
    """
    The entries of one leaf, ordered by row and digest, and how many rows there are.

    ``rows`` are all of the table's, ``filled`` those with a value here; both are estimates beyond a few hundred rows. ``whole``
    says that the entries are those of all rows.
    """

    entries: NDArray[np.void]
    rows: float
    filled: float
    whole: bool


def observed(samples: Iterable[tuple[Profile, int]]) -> dict[Leaf, Observed]:
    """
    Join profiles of one table, each with the bound of its source, and the paths of map-like objects.

    Rows of a source up to its bound were decoded however its rows were cut; so were those that always are.
    """
    found: dict[Leaf, list[Observed]] = {}
    total = 0.0
    for profile, source_bound in samples:
        bound = max(source_bound, ALWAYS)
        rows, joined = _rows(profile, bound), _joined(profile.leaves)
        total += rows
        for leaf, parts in joined.items():
            limit = min(bound, *(profile.limit(part) for part in parts))
            entries = _below(smallest(np.concatenate([_below(profile.leaves[part], limit) for part in parts])), limit)
            if len(entries):
                found.setdefault(leaf, []).append(_estimated(entries, rows, limit))
    return {leaf: _together(parts, total) for leaf, parts in sorted(found.items())}


def _joined(leaves: Iterable[Leaf]) -> dict[Leaf, list[Leaf]]:
    """Group leaves by their path with map-like objects joined."""
    columns: dict[str, list[str]] = {}
    for leaf in leaves:
        columns.setdefault(leaf.column, []).append(leaf.path)
    groups: dict[Leaf, list[Leaf]] = {}
    for column, paths in columns.items():
        names = joined_paths(paths)
        for path in paths:
            groups.setdefault(Leaf(column, names[path]), []).append(Leaf(column, path))
    return groups


def _rows(profile: Profile, bound: int) -> float:
    """Estimate how many rows a table has, from how densely the hashes of those that were seen lie."""
    limit = min(bound, profile.rows.bound)
    return _scaled(profile.rows.below(limit), limit)


def _estimated(entries: NDArray[np.void], rows: float, limit: int) -> Observed:
    """Estimate how many rows have a value, from how densely those with one lie."""
    if len(entries) == MOST_ENTRIES:
        limit = min(limit, int(entries["row"][-1]) + 1)
    filled = _scaled(len(np.unique(entries["row"])), limit)
    return Observed(entries, rows, min(filled, rows) if rows else filled, limit >= ALL)


def _together(parts: list[Observed], rows: float) -> Observed:
    """Join what several sources have of one leaf."""
    entries = parts[0].entries if len(parts) == 1 else smallest(np.concatenate([part.entries for part in parts]))
    return Observed(entries, rows, sum(part.filled for part in parts), all(part.whole for part in parts) and rows < ALL)


def _scaled(count: int, limit: int) -> float:
    """Return how many there are if so many have a hash below a limit."""
    return float(count) if limit >= ALL else count * (ALL / limit)


def _below(entries: NDArray[np.void], limit: int) -> NDArray[np.void]:
    """Return the entries of rows below a limit."""
    return entries if limit >= ALL else entries[: int(np.searchsorted(entries["row"], np.uint64(limit)))]
