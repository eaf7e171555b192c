"""What is asked of a cluster before its feed."""

import pytest

from auditor.errors import ConfigError
from auditor.hlc import Timestamp
from auditor.sources.sinkless import catalog
from auditor.sources.sinkless.connection import finish


class Fixed:
    """A connection that always gives the same rows."""

    def __init__(self, *rows):
        self.rows = list(rows)

    def query(self, statement):
        yield from ()
        return self.rows


@pytest.mark.parametrize(
    ("items", "count"),
    [
        (["id INT8 NOT NULL", "CONSTRAINT t_pkey PRIMARY KEY (id ASC)"], 1),
        (["id INT8 NOT NULL", 'FAMILY "primary" (id)'], 1),
        (["id INT8", 'FAMILY "primary" (id)', "FAMILY fam_1_text (text)"], 2),
        (["id INT8", 'FAMILY "odd "" (name" (id)', "FAMILY b (text)", "FAMILY c (more)"], 3),
        (
            [
                "id INT8",
                "text STRING DEFAULT e'x\\n\\tFAMILY a (b)'",
                "family STRING",
                "CONSTRAINT family CHECK (family != 'FAMILY a (b)')",
            ],
            1,
        ),
    ],
)
def test_families_are_counted_from_the_table_s_own_statement(items, count):
    """Only its own lines count: not texts, nor a column of that name."""
    statement = "CREATE TABLE public.t (\n\t" + ",\n\t".join(items) + "\n)"
    assert finish(catalog.families(Fixed(("t", statement)), "t")) == count


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("CockroachDB CCL v25.4.1 (x86_64-pc-linux-gnu, built 2025/11/20 00:00:00, go1.23.12)", (25, 4)),
        ("CockroachDB OSS v22.1.0-beta.3 (x86_64)", (22, 1)),
        ("CockroachDB CCL unknown (x86_64)", (0, 0)),
    ],
)
def test_a_version_is_read(text, version):
    """A build without one is taken for a new one."""
    assert finish(catalog.version(Fixed((text,)))) == version


def test_another_server_is_refused():
    """Its version says so."""
    with pytest.raises(ConfigError):
        finish(catalog.version(Fixed(("PostgreSQL 16.4",))))


def test_the_cluster_s_time_is_read_to_the_digit():
    """It is a DECIMAL, as text."""
    assert finish(catalog.now(Fixed(("1784758953157033880.0000000001",)))) == Timestamp(1784758953157033880, 1)


@pytest.mark.parametrize(
    ("text", "ttl"), [("USING\n\tgc.ttlseconds = 14400,\n\tnum_replicas = 3", 14400), ("USING num_replicas = 3", None)]
)
def test_the_time_that_history_is_kept_is_read_from_the_zone(text, ttl):
    """Whatever else stands there."""
    assert finish(catalog.gc_ttl(Fixed(("RANGE default", text)), "t")) == ttl
