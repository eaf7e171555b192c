"""The payloads of running feeds: one file for each way in which a changefeed encodes them."""

from __future__ import annotations

from auditor.delivery import Schemas
from auditor.errors import ConfigError
from auditor.protocols import Codec


def codec_of(form: str, envelope: str, schemas: Schemas | None) -> Codec:
    """
    Return the codec of a feed: ``json avro protobuf csv text``; '' and ``auto`` are JSON.

    Raise `ConfigError` if it is none of these, or Avro without a registry.
    """
    if form in ("", "auto", "json"):
        from auditor.decoders.messages.json import JsonCodec

        return JsonCodec(envelope)
    if form == "avro":
        from auditor.decoders.messages.avro import AvroCodec

        if schemas is None:
            raise ConfigError("format avro needs a schema registry", where="schema_registry", fix="schema_registry: {url: ...}")
        return AvroCodec(schemas)
    if form == "protobuf":
        from auditor.decoders.messages.protobuf import ProtobufCodec

        return ProtobufCodec()
    if form in ("csv", "text"):
        from auditor.decoders.messages.text import TextCodec

        return TextCodec(form)
    raise ConfigError(f"there is no message format called {form}", fix="one of json, avro, protobuf, csv, text")
