"""
The full form of the crash tests: ``python -m tests.soak.full`` prints a table of what each source came to.

``--rows``, ``--tokens``, ``--kills`` and ``--seed`` change what is done; names of sources choose among them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditor.failpoints import POINTS
from tests.soak.apache_kafka import apache_kafka, running_apache_kafka
from tests.soak.crashes import RANDOM, Outcome, Soak
from tests.soak.kafka_origin import KafkaOrigin
from tests.soak.origins import Opened, origins
from tests.soak.rows import Rows
from tests.sources.kafka_brokers import Broker, tansu_program

_COLUMNS = ("source", "kills", *POINTS, RANDOM, "rows sent", "rows counted", "found once", "came again", "alert lines", "s")


@contextmanager
def own_apache_origin(rows: Rows, folder: Path) -> Iterator[KafkaOrigin]:
    """Write to an Apache Kafka of one's own."""
    with running_apache_kafka(folder) as kafka:
        yield KafkaOrigin(rows, Broker(kafka.address, apache=True))


def available() -> dict[str, Opened]:
    """Return the origins that can be tried on this machine."""
    found = {name: opened for name, opened, needs in origins() if needs != "tansu" or tansu_program() is not None}
    if "kafka-apache" not in found and apache_kafka() is not None:
        found["kafka-apache"] = own_apache_origin
    return found


def row_of(outcome: Outcome) -> str:
    """Return an outcome as a line of a table."""
    kills = outcome.kills
    cells = [
        outcome.source,
        sum(kills.values()),
        *(kills[end] for end in (*POINTS, RANDOM)),
        f"{outcome.rows.count:,}",
        f"{outcome.counted:,}",
        f"{outcome.rows.tokens} of {outcome.rows.tokens}",
        outcome.resent,
        outcome.alerts,
        f"{outcome.seconds:.0f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Soak every source, and print what came of it; an `AssertionError` ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    rows = Rows(options.rows, options.tokens, options.seed)
    print(f"seed {options.seed}", f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}", sep="\n", flush=True)  # noqa: T201
    for name, opened in available().items():
        if options.sources and name not in options.sources:
            continue
        with tempfile.TemporaryDirectory(prefix="soak") as folder:
            outcome = Soak(rows, options.kills, random.Random(options.seed)).run(name, opened, Path(folder))
        print(row_of(outcome), flush=True)  # noqa: T201 - this is what it is run for


if __name__ == "__main__":
    main()
