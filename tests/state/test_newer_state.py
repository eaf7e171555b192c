"""A state that a newer version of the program has used."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa

from auditor.errors import ConfigError
from auditor.state.database import open_database


def test_a_state_of_a_newer_version_is_refused_in_words(state_url: str) -> None:
    """A schema that this version does not know is left as it is, and the error says what to do."""
    with closing(open_database(state_url, exclusive=True)) as database:
        database.transact(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    for _ in range(2):
        with pytest.raises(ConfigError, match="newer auditor"):
            open_database(state_url, exclusive=True)
