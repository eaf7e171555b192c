import pytest
from click.testing import CliRunner

from auditor.cli.sample import sample
from auditor.errors import ConfigError
from auditor.sample.catalogue import FORMATS


def run(*arguments):
    return CliRunner().invoke(sample, [str(argument) for argument in arguments])


def test_it_says_what_it_wrote_and_what_to_do_next(tmp_path):
    """The files, the place of the truth, and the next command; the truth lies beside the folder, not in it."""
    result = run(tmp_path / "d", "--rows", 40, "--format", "export-csv", "--format", "webhook")
    assert result.exit_code == 0, result.output
    assert f"to {tmp_path / 'd'}" in result.output
    assert str(tmp_path / "d.truth.jsonl") in result.output
    assert f"auditor scan {tmp_path / 'd'}" in result.output
    assert (tmp_path / "d.truth.jsonl").stat().st_size > 10_000
    assert (tmp_path / "d" / "exports" / "schema.sql").exists()
    assert (tmp_path / "d" / "captures" / "webhook" / "bodies.ndjson").exists()


def test_help_names_every_format():
    """--help is where the names come from."""
    text = run("--help").output
    assert all(name in text for name in FORMATS)


def test_a_folder_with_anything_in_it_is_refused_unless_forced(tmp_path):
    """Forcing replaces an earlier sample and leaves other files alone."""
    folder = tmp_path / "d"
    arguments = (folder, "--rows", 40, "--format", "row")
    assert run(*arguments).exit_code == 0
    (folder / "mine.txt").write_text("kept")
    stale = folder / "captures" / "stale.ndjson"
    stale.write_text("{}\n")
    refused = run(*arguments)
    assert isinstance(refused.exception, ConfigError)
    assert "--force" in str(refused.exception)
    assert run(*arguments, "--force").exit_code == 0
    assert (folder / "mine.txt").read_text() == "kept"
    assert not stale.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--format", "nonsense"), "nonsense"),
        (("--size", "1MB"), "--format"),
        (("--format", "webhook", "--compression", "gzip"), "none"),
        (("--token-every-row", "nonsense"), "nonsense"),
        (("--rows", "3"), "--rows"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_fix(tmp_path, arguments, says):
    """A wrong name, a size for all formats, a compression that a format has not, too few rows: nothing is written."""
    result = run(tmp_path / "d", *arguments)
    assert isinstance(result.exception, ConfigError)
    assert says in str(result.exception)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(("size", "low"), [("50kB", 50_000), ("0.05MB", 50_000), ("48KiB", 49_152)])
def test_sizes_are_decimal_or_binary(tmp_path, size, low):
    """A kB is a thousand bytes, a KiB 1024; the file has that many bytes and no more than a few records above."""
    assert run(tmp_path / "d", "--size", size, "--format", "wrapped-mixed").exit_code == 0
    (file,) = (path for path in (tmp_path / "d").rglob("*") if path.is_file())
    assert low <= file.stat().st_size < low + 10_000


@pytest.mark.parametrize("size", ["many", "10", "1QB"])
def test_nonsense_sizes_are_refused(tmp_path, size):
    """With the words for usage errors."""
    assert run(tmp_path / "d", "--size", size, "--format", "row").exit_code == 2


def test_compression_applies_where_a_format_has_it(tmp_path):
    """Without --format, formats that cannot be compressed are written as they are."""
    assert run(tmp_path / "d", "--rows", 40, "--compression", "zstd").exit_code == 0
    names = [path.name for path in (tmp_path / "d" / "changefeed" / "bare").iterdir()]
    assert any(name.endswith(".ndjson.zst") for name in names)
    assert (tmp_path / "d" / "captures" / "row" / "users.ndjson").exists()
