"""Where columns have no names a policy cannot be applied, which is said; where there is only no row, nothing is."""

from __future__ import annotations

from pathlib import Path

from auditor.decoders.options import ReadOptions
from auditor.delivery import Messages
from auditor.feed_settings import FeedSettings
from auditor.identity import AuditKey
from auditor.sources.files import find
from auditor.toolkit import Toolkit
from auditor.unit import Unit, scan_unit
from auditor.watching.events import Events
from auditor.watching.inspection import Inspection

KEY = AuditKey(b"k" * 32)
POLICY = "name: shop\ntables:\n  users:\n    columns:\n      id: {shape: uuid}\n"


def tools(folder: Path) -> Toolkit:
    """Return tools with a policy of one table."""
    path = folder / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return Toolkit.load((), "", KEY, (path,))


def gaps_of(folder: Path, name: str, **options: object) -> list[str]:
    """Scan a csv of two columns; return its gaps."""
    path = folder / name
    path.write_text("id,note\n1,a\n2,b\n3,c\n", encoding="utf-8")
    (source,) = find(str(path))
    unit = Unit(source, ReadOptions(**options))  # type: ignore[arg-type]
    return [gap.reason for gap in scan_unit(unit, tools(folder), lambda _size: None).gaps]


def test_a_csv_without_names_is_a_gap_once_if_a_policy_is_about_it(tmp_path: Path) -> None:
    """With names, or about another table, it is none."""
    (reason,) = gaps_of(tmp_path, "users.csv", table="users")
    assert "no policy was applied" in reason
    assert gaps_of(tmp_path, "users.csv", table="users", header=True) == []
    assert gaps_of(tmp_path, "orders.csv", table="orders") == []


def test_a_delivery_without_rows_is_no_gap(tmp_path: Path) -> None:
    """A quiet feed brings resolved messages alone, again and again."""
    inspection = Inspection(tools(tmp_path), FeedSettings(name="feed"), kind="kafka", form="json", schemas=None)
    messages = Messages("kafka://h/users", "users", [None], [b'{"resolved": "1795507199000000000.0000000000"}'], [1])
    (inspected,) = inspection.inspect(messages, Events(KEY, None, [], None))
    assert inspected.resolved is not None
    assert inspected.partial.gaps == []
