"""The options of verbs that look into a state, and the tables that they print."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import rich_click as click

from auditor.errors import ConfigError

if TYPE_CHECKING:
    from auditor.state.database import Database
    from auditor.state.findings import FindingStore

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def state_options(command: CommandT) -> CommandT:
    """Add ``--state`` and ``--config`` to a verb."""
    command = click.option(
        "--config", "config_file", type=click.Path(path_type=Path), help="The configuration that names the state."
    )(command)
    return click.option(
        "--state", default="", metavar="URL", help="The state: sqlite:///FILE, postgresql://..., cockroachdb://..."
    )(command)


format_option = click.option(
    "--format", "form", default="table", show_default=True, type=click.Choice(["table", "jsonl"]), help="How to print."
)


@contextmanager
def opened(state: str, config_file: Path | None) -> Iterator[Database]:
    """Open the state that the options name; a running auditor is not disturbed."""
    from auditor.cli.configuration import read_config, state_url
    from auditor.state.database import open_database

    if bool(state) == (config_file is not None):
        raise ConfigError("which state?", fix="give either --state URL or --config FILE")
    url = state or state_url(read_config(config_file).state)  # type: ignore[arg-type]  # one of the two is there
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():
        raise ConfigError("there is no state", where=str(path), fix="`auditor watch` makes one")
    database = open_database(url, exclusive=False)
    try:
        yield database
    finally:
        database.close()


def store_of(database: Database) -> FindingStore:
    """Return the findings of a state, described by the rules that come with this program."""
    from auditor.detect.rulebook import load_rulebook
    from auditor.state.findings import FindingStore
    from auditor.toolkit import described

    rulebook = load_rulebook(())
    return FindingStore(database, lambda rule_id, *place: described(rulebook, None, rule_id, place))


def show(rows: Sequence[dict[str, object]], form: str, *, empty: str) -> None:
    """Print rows as a table or as lines of JSON."""
    if form == "jsonl":
        for row in rows:
            click.echo(orjson.dumps(row).decode())
        return
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200).print(table)
