"""The image and the stack around it, as far as they can be looked at without Docker."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from auditor.config import Config
from auditor.yaml_file import load_file
from tests.test_docs import alerted, metric_names

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"


def compose() -> dict[str, Any]:
    """Return the services of the stack."""
    services: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))["services"]
    return services


def pins(name: str) -> dict[str, set[str]]:
    """Return the versions of a file of pinned packages, by package."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([a-z0-9-]+)==([^ ;]+)", (ROOT / "requirements" / name).read_text("utf-8"), re.MULTILINE
    ):
        found.setdefault(package, set()).add(version)
    return found


def test_the_image_has_what_the_tests_have() -> None:
    """Every package of the image is pinned at the version that is tested, and none that the consumer needs is missing."""
    tested, built = pins("lock.txt"), pins("watch.txt") | pins("build.txt")
    assert {name: versions for name, versions in built.items() if versions != tested.get(name)} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["watch"]]
    names = {re.split(r"[\[<>=;! ]", requirement)[0] for requirement in wanted}
    assert names <= pins("watch.txt").keys()
    every = (ROOT / "requirements/watch.txt").read_text("utf-8")
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", every.strip()))


def test_what_the_image_is_built_from_is_sent_to_docker() -> None:
    """Whatever the Dockerfile copies is there, and not left out by .dockerignore."""
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for arguments in re.findall(r"^COPY (?!--from)(.+)$", (DOCKER / "Dockerfile").read_text("utf-8"), re.MULTILINE):
        for source in arguments.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source.split("/")[0], name) for name in kept), source


def test_the_configuration_of_the_stack_fits_its_services() -> None:
    """Each feed leads to a service of the stack, its topic and tables to what is made there at the start."""
    config = load_file(DOCKER / "auditor.yaml", Config)
    services = compose()
    made = "\n".join(path.read_text("utf-8") for path in sorted((DOCKER / "init").iterdir()))
    sinkless, kafka = config.feeds
    assert sinkless.kind == "sinkless"
    assert kafka.kind == "kafka"
    assert sinkless.host in services
    assert all(f"CREATE TABLE IF NOT EXISTS {sinkless.database}.{table} (" in made for table in sinkless.tables)
    assert f"GRANT SELECT ON TABLE {sinkless.database}.{sinkless.tables[0]} TO {sinkless.user};" in made
    (server,) = kafka.bootstrap_servers
    assert server.partition(":")[0] in services
    assert f"PLAINTEXT://{server}" in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"INTO 'kafka://{server}'" in made
    assert f"CREATE CHANGEFEED FOR TABLE {kafka.topics[0]}" in made
    assert kafka.schema_registry is not None
    assert f"confluent_schema_registry = '{kafka.schema_registry.url}'" in made


def test_the_stack_runs_the_auditor_with_as_little_as_it_needs() -> None:
    """The auditor has a read-only root, no capability, and one published port, on loopback."""
    auditor = compose()["auditor"]
    assert auditor["read_only"] is True
    assert auditor["cap_drop"] == ["ALL"]
    assert auditor["ports"] == ["127.0.0.1:9464:9464"]
    assert "ports" not in compose()["cockroachdb"] | compose()["kafka"] | compose()["registry"]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", (DOCKER / "Dockerfile").read_text("utf-8"), re.MULTILINE)


def test_the_rules_for_prometheus_name_metrics_that_are_told() -> None:
    """Every metric that an alert looks at is one of the auditor's."""
    rules = yaml.safe_load((DOCKER / "prometheus-alerts.yaml").read_text("utf-8"))
    assert alerted(rules) <= metric_names()
