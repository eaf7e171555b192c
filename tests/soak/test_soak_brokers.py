"""Brokers, groups and schema registries that fail while rows come."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.decoders.avro_examples import envelope_schema, table_schema
from tests.postgres_server import PostgresServer
from tests.soak.apache_kafka import running_apache_kafka
from tests.soak.avro_rows import AvroRows
from tests.soak.case import FULL, case
from tests.soak.kafka_origin import KafkaOrigin
from tests.soak.program import eventually
from tests.soak.rows import Rows
from tests.soak.switch import switch_before
from tests.sources import registry_stand_in
from tests.sources.kafka_brokers import Broker, shared_broker

broker = shared_broker
_TABLE = "users"


@pytest.mark.needs("kafka")
def test_a_broker_is_killed_and_comes_back(tmp_path: Path) -> None:
    """What it had acknowledged is read to the last row, each counted once."""
    rows = Rows(3000, 30)
    with running_apache_kafka(tmp_path / "kafka") as kafka:
        origin = KafkaOrigin(rows, Broker(kafka.address, apache=True))
        with case(rows, origin, tmp_path) as running:
            running.send(0.5)
            running.found(10)
            kafka.kill()
            time.sleep(1)
            kafka.start()
            running.finish()


@pytest.mark.needs("tansu")
@pytest.mark.needs("postgresql")
def test_three_instances_share_a_group_while_one_is_killed(broker: Broker, postgres: PostgresServer, tmp_path: Path) -> None:
    """
    They share the state too: whoever has a partition goes on where the one before had recorded, and counts nothing twice.

    Tansu's group never comes to an end of a rebalance in which one member dies and another leaves: with it one waits between.
    """
    rows = Rows(6000, 60)
    origin = KafkaOrigin(rows, broker, partitions=6)
    with case(rows, origin, tmp_path, state=postgres.new_database(), names=("a", "b", "c")) as running:
        first, second, third = running.programs
        second.start()
        third.start()
        steps = (second.kill, second.start, first.stop, first.start)
        for number, step in enumerate(steps, 1):
            running.send(0.2 * number)
            if number == 1 or not broker.apache:
                running.read()
            step()
        state = running.finish()
    assert len(state.positions) == 6


@pytest.mark.needs("tansu")
def test_the_schema_registry_is_away_when_a_new_schema_comes(broker: Broker, tmp_path: Path) -> None:
    """Rows of a schema that is known go on being read; those of the new one wait for the registry, and none is passed over."""
    plain = Rows(2000, 20)
    with registry_stand_in.running() as registry, switch_before(urlsplit(registry.url).port or 0) as switch:
        columns = {"id": "INT8", "note": "STRING"}
        fields = ("after", "updated", "mvcc_timestamp")
        schemas = [envelope_schema(_TABLE, more, fields) for more in (columns, {**columns, "more": "STRING"})]
        encoded = AvroRows(
            plain,
            key=table_schema(_TABLE, {"id": "INT8"}),
            values=schemas,
            ended=envelope_schema(_TABLE, columns, ("resolved",)),
            register=lambda subject, schema: registry_stand_in.register(registry.url, subject, schema),
        )
        address = f"http://127.0.0.1:{switch.port}"
        origin = KafkaOrigin(encoded, broker, format="avro", schema_registry={"url": address, "timeout": 1.0})
        with case(plain, origin, tmp_path) as running:
            running.send(0.3)
            running.found(5)
            switch.off()
            encoded.change_schema()
            running.send(0.6)
            eventually(lambda: "schema registry" in running.program.said(), 30, running.program.said)
            time.sleep(60 if FULL else 2)
            running.judge.meanwhile(running.state())
            assert len(running.state().findings) < 10
            switch.on()
            running.finish()
