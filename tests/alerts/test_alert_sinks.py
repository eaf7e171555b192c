"""What every alert sink keeps, and the bodies that they send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from auditor.alerts import open_alert_sink
from auditor.alerts.event import compose
from auditor.alerts.jsonl import JsonlAlerts, JsonlSettings
from auditor.alerts.stdout import StdoutSettings, line_of
from auditor.alerts.worker import AlertWorker
from auditor.errors import AlertRejected, AlertSinkUnavailable
from auditor.model import Gap
from auditor.state import outbox
from auditor.state.database import Database, open_database
from auditor.state.outbox import Alert, enqueue
from tests.report_examples import finding

ROOT = Path(__file__).parent.parent.parent


def alert(kind: str = "finding.opened") -> Alert:
    """Return an alert about a made-up finding."""
    return Alert(kind, outbox.new_event_id(), "2026-11-24T10:00:00.000Z", "orders", finding())


def gap_alert() -> Alert:
    """Return an alert about rows that were not read."""
    gap = Gap("orders/3", "gone before offset 900, expected 512", 512)
    return Alert("coverage.gap", outbox.new_event_id(), "2026-11-24T10:00:00.000Z", "orders", gap=gap, cause="lost", count=388)


class Scripted:
    """An alert sink that fails as it is told."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.sent: list[str] = []

    def send(self, event_id: str, body: str) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.sent.append(event_id)

    def close(self) -> None:
        pass


@pytest.fixture
def database(state_url: str) -> Iterator[Database]:
    """Return an empty state."""
    database = open_database(state_url, exclusive=True)
    yield database
    database.close()


def put(database: Database, *alerts: Alert) -> None:
    """Write alerts into the outbox for the sink ``test``."""
    database.transact(lambda connection: enqueue(connection, alerts, compose, ["test"]))


@pytest.mark.parametrize(
    "made", [alert(), alert("finding.reopened"), alert("finding.debt"), gap_alert()], ids=lambda made: made.kind
)
def test_every_body_keeps_to_the_schema(made: Alert) -> None:
    """The body of each type of alert is valid under schemas/alert.schema.json, and its id is the event's."""
    schema = json.loads((ROOT / "schemas" / "alert.schema.json").read_text())
    body = json.loads(compose(made))
    jsonschema.validate(body, schema)
    assert (body["id"], body["type"]) == (made.event_id, made.kind)


def test_the_jsonl_file_takes_lines_and_is_put_aside_when_it_has_grown(tmp_path: Path) -> None:
    """No line is lost at a rotation, older files go after the number that is kept, and only the owner may read them."""
    path = tmp_path / "alerts.jsonl"
    alerts = JsonlAlerts(JsonlSettings(path=path, max_bytes=1 << 16, keep=2))
    body = json.dumps({"text": "x" * 20_000})
    for number in range(12):
        alerts.send(f"evt_{number}", body)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["alerts.jsonl", "alerts.jsonl.1", "alerts.jsonl.2"]
    assert all(file.stat().st_mode & 0o777 == 0o600 and file.stat().st_size <= 1 << 16 for file in files)
    assert sum(len(file.read_text().splitlines()) for file in files) == 9


def test_a_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """A missing folder is an error that names the file."""
    alerts = JsonlAlerts(JsonlSettings(path=tmp_path / "no" / "alerts.jsonl"))
    with pytest.raises(AlertSinkUnavailable, match=r"alerts\.jsonl: cannot be written"):
        alerts.send("evt", "{}")


def test_standard_output_gets_json_or_text(capsys: pytest.CaptureFixture[str]) -> None:
    """The form is a setting: one JSON object a line, or one sentence a line."""
    body = compose(alert())
    open_alert_sink(StdoutSettings()).send("evt", body)
    open_alert_sink(StdoutSettings(format="text")).send("evt", body)
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == json.loads(body)
    assert second == line_of(json.loads(body))
    assert json.loads(body)["data"]["finding"]["title"] in second


def test_a_line_of_text_cannot_move_the_cursor() -> None:
    """Whatever a table is called, the line is one line without control characters."""
    body = json.loads(compose(alert()))
    body["data"]["finding"]["table"] = "t\x1b[2J\nx"
    assert line_of(body).isprintable()


def test_alerts_arrive_in_their_order_and_are_forgotten(database: Database) -> None:
    """What was delivered leaves the outbox."""
    made = [alert() for _ in range(5)]
    put(database, *made)
    sink = Scripted()
    AlertWorker(database, "test", sink).deliver()
    assert sink.sent == [one.event_id for one in made]
    assert outbox.backlog(database) == {}


def test_an_unavailable_sink_keeps_its_alerts_and_their_order(database: Database) -> None:
    """A failure stops the round; the next one begins with the same alert under the same id."""
    made = [alert() for _ in range(3)]
    put(database, *made)
    sink = Scripted(None, AlertSinkUnavailable("down"))
    worker = AlertWorker(database, "test", sink)
    worker.deliver()
    assert sink.sent == [made[0].event_id]
    assert [one.attempts for one in outbox.waiting(database, "test", 10)] == [1, 0]
    worker.deliver()
    assert sink.sent == [one.event_id for one in made]


def test_a_refused_alert_is_put_aside_and_can_be_replayed(database: Database) -> None:
    """What a sink will never take holds up nothing, is counted, and goes out again when asked for."""
    made = [alert() for _ in range(2)]
    put(database, *made)
    sink = Scripted(AlertRejected("too odd"))
    worker = AlertWorker(database, "test", sink)
    worker.deliver()
    assert sink.sent == [made[1].event_id]
    assert outbox.backlog(database) == {"test": (0, 1)}
    assert outbox.replay(database, "test") == 1
    worker.deliver()
    assert sink.sent == [made[1].event_id, made[0].event_id]


def test_a_worker_delivers_what_waits_before_it_ends(database: Database) -> None:
    """Stopping lets what waits go first."""
    put(database, *(alert() for _ in range(250)))
    sink = Scripted()
    worker = AlertWorker(database, "test", sink)
    worker.start()
    worker.stop(10)
    assert len(sink.sent) == 250
