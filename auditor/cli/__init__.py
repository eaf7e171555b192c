"""The command line. One file a verb; a verb's file is imported only when it is called, so that help and completion are quick."""

from __future__ import annotations

import os
import sys
from typing import Any

# Idle linear-algebra threads cost 20 ms of start-up and make forking workers unsafe; nothing here uses them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import rich_click as click

from auditor import __version__
from auditor.errors import AuditorError, ConfigError

_VERBS = {
    "scan": "auditor.cli.scan",
    "watch": "auditor.cli.watch",
    "findings": "auditor.cli.findings",
    "coverage": "auditor.cli.coverage",
    "doctor": "auditor.cli.doctor",
    "config": "auditor.cli.config",
    "rules": "auditor.cli.rules",
    "policy": "auditor.cli.policy",
    "baseline": "auditor.cli.baseline",
    "sample": "auditor.cli.sample",
}


class _LazyGroup(click.RichGroup):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a first acquaintance."""
        del ctx
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb's file; its command has the verb's name."""
        del ctx
        module = _VERBS.get(cmd_name)
        if module is None:
            return None
        from importlib import import_module

        command: Any = getattr(import_module(module), cmd_name)
        return command  # type: ignore[no-any-return]


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="auditor")
def group() -> None:
    """
    Find raw tokens before they leave CockroachDB.

    Exit codes: 0 clean, 1 findings, 2 wrong usage, 3 an input failed, 4 not everything could be scanned.
    """


def main() -> None:
    """Run the command line; an expected error is one line on stderr, never a traceback."""
    try:
        sys.exit(group(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except AuditorError as error:
        click.echo(f"auditor: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigError) else 3)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(3)
