"""What every kind of feed has in its configuration. Each source adds its own fields beside its code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: A feed's name: it stands in metrics, findings and the state.
FeedName = Annotated[str, Field(pattern=r"[a-z0-9][a-z0-9_.-]{0,62}")]
Envelope = Literal["auto", "wrapped", "bare", "row", "key_only", "enriched"]


class FeedSettings(BaseModel):
    """
    Settings of one feed.

    ``envelope`` and ``format`` are what the changefeed was created with; ``auto`` tells them by shape, where a table's own columns
    could be taken for an envelope's. ``cluster``, ``database`` and ``schema_name`` complete table names that the feed leaves short;
    ``topic_prefix`` is cut from them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: FeedName
    envelope: Envelope = "auto"
    cluster: str = ""
    database: str = ""
    schema_name: str = Field("", alias="schema")
    topic_prefix: str = ""
    destination: str = ""
    on_position_lost: Literal["stop", "rescan"] = "stop"
