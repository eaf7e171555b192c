"""What every kind of feed has in its configuration. Each source adds its own fields beside its code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: A feed's name: it stands in metrics, findings and the state.
FeedName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Envelope = Literal["auto", "wrapped", "bare", "row", "key_only", "enriched"]


class FeedSettings(BaseModel):
    """
    Settings of one feed.

    ``envelope`` and ``format`` are what the changefeed was created with; ``auto`` tells them by shape, where a table's own
    columns could be taken for an envelope's. ``table`` is that of rows which do not say it. ``cluster``, ``database`` and
    ``schema`` complete table names that the feed leaves short; ``topic_prefix`` is cut from them. ``on_position_lost`` says what
    happens where rows can no longer be had: the feed stops, or reads again what there is and records what is missing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    name: FeedName
    envelope: Envelope = "auto"
    table: str = ""
    cluster: str = ""
    database: str = ""
    schema_name: str = Field("", alias="schema")
    topic_prefix: str = ""
    on_position_lost: Literal["stop", "rescan"] = "stop"
