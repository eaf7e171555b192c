"""The first tables."""

from __future__ import annotations

from alembic import op

from auditor.state.schema import METADATA

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    METADATA.create_all(op.get_bind())
