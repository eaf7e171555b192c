"""One small sample in every format, for all tests of this folder."""

from pathlib import Path

import pytest

from auditor.sample import plan
from auditor.sample.changes import Clock
from auditor.sample.truth import read_lines
from auditor.sample.writer import SampleOptions, write_sample


@pytest.fixture(scope="session", name="sample")
def sample_fixture(tmp_path_factory) -> SampleOptions:
    options = SampleOptions(tmp_path_factory.mktemp("sample") / "d", rows=40)
    write_sample(options)
    return options


@pytest.fixture(scope="session", name="schema_file")
def schema_file_fixture() -> Path:
    return Path(__file__).parent.parent.parent / "schemas" / "truth.schema.json"


@pytest.fixture(scope="session", name="planned")
def planned_fixture(sample):
    """Give the plan and clock behind the sample, so that its logical rows can be had without any format."""
    return plan.spread(sample.seed, sample.rows), Clock(1_793_659_200_000_000_000, 9_600_000_000_000 // sample.rows)


@pytest.fixture(scope="session", name="files_of")
def files_of_fixture(sample):
    """Give the data files of a format, in the order of their names."""
    files: dict[str, set[str]] = {}
    for line in read_lines(sample.truth):
        files.setdefault(line.format, set()).add(line.file)
    return lambda layout: sorted(files[layout])
