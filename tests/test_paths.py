"""Paths of map-like objects are joined."""

from __future__ import annotations

import random

from auditor.paths import joined_paths


def test_a_few_members_stay() -> None:
    """An object with a hundred members keeps them apart."""
    paths = [f"$.m{index}.t" for index in range(100)]
    assert joined_paths(paths) == {path: path for path in paths}


def test_many_members_become_one() -> None:
    """With a hundred and one, they are joined, odd names too, and so are their subtrees."""
    paths = [f"$.users.m{index}.t[*]" for index in range(100)] + ['$.users["a.b [c]"].t[*]', "$.other", ""]
    joined = joined_paths(paths)
    assert {joined[path] for path in paths[:101]} == {"$.users.*.t[*]"}
    assert joined["$.other"] == "$.other"
    assert joined[""] == ""


def test_joined_subtrees_are_joined_again() -> None:
    """Members that are few in each object but many in all of them are joined below the join."""
    paths = [f"$.u{outer}.k{outer % 7}_{inner}" for outer in range(101) for inner in range(3)]
    assert set(joined_paths(paths).values()) == {"$.*.k0_0"} or set(joined_paths(paths).values()) <= {
        f"$.*.k{a}_{b}" for a in range(7) for b in range(3)
    }
    many = [f"$.u{outer}.k{outer}_{inner}" for outer in range(101) for inner in range(3)]
    assert set(joined_paths(many).values()) == {"$.*.*"}


def test_order_does_not_matter() -> None:
    """Any order of the paths gives the same."""
    paths = [f"$.a.m{index}.n{index % 150}" for index in range(300)] + ["$.a.b", "$[*].c"]
    shuffled = paths[:]
    random.Random(3).shuffle(shuffled)
    assert joined_paths(paths) == joined_paths(shuffled)
