"""Policies that are proposed: from DDL, from Avro schemas, from what a sample showed; and whether they meet what is there."""

from __future__ import annotations

import json

import pytest
import yaml

from auditor.egress.mapping import mismatch
from auditor.egress.naming import Holds, guess, words_of
from auditor.egress.propose import propose, schema_of_avro
from auditor.egress.schema import Column, Schema, Table, read_schema
from auditor.errors import ConfigError
from auditor.policies import Policies

DDL = b"""CREATE TABLE public.users (
  id UUID NOT NULL PRIMARY KEY, email STRING NOT NULL, password_hash STRING NOT NULL, reset_token STRING,
  token_hash STRING NOT NULL, api_key STRING, api_key_id STRING, sha512_digest STRING,
  secret_encrypted STRING, public_key STRING, "No" STRING, "a: b #c" STRING, created_at TIMESTAMPTZ,
  fp STRING AS (sha256(reset_token)) STORED, rowid INT8 NOT VISIBLE,
  CHECK (token_hash ~ '^[0-9a-f]{64}$'));
COMMENT ON TABLE public.users IS 'who
# logs in';
CREATE TABLE public.sessions (session_id STRING PRIMARY KEY, "user" INT8);"""

STALE = b"""name: p
unknown-tables: report
tables:
  shop.public.users:
    unknown-columns: report
    columns:
      id:
      gone: {shape: uuid}
      never: {forbid: true}
  shop.public.lost:
    columns: {}
"""


def proposal(schema: Schema, verdicts: dict[tuple[str, str], str] | None = None) -> tuple[str, dict[str, dict[str, object]]]:
    """Return a proposal's text, loaded by those who will use it, and its columns by table."""
    text = propose(schema, verdicts)
    Policies([("policy.yaml", text.encode())], ["jose.jwt"])
    tables = yaml.safe_load(text)["tables"]
    return text, {name: table["columns"] for name, table in tables.items()}


def test_a_policy_of_ddl() -> None:
    """Every visible column has its line; raw secrets are forbidden, digests have shapes, and nulls pass where they may be."""
    text, tables = proposal(read_schema(DDL, "x.sql", database="shop"))
    assert tables == {
        "shop.public.sessions": {"session_id": {"forbid": True}, "user": None},
        "shop.public.users": {
            "id": {"shape": "uuid"},
            "email": None,
            "password_hash": {"shape": "password-hash"},
            "reset_token": {"forbid": True},
            "token_hash": {"shape": "sha256-hex"},
            "api_key": {"forbid": True},
            "api_key_id": None,
            "sha512_digest": {"shape": ["sha512", "null"]},
            "secret_encrypted": {"shape": ["vault-transit", "kms", "fernet", "jwe", "pgp", "null"]},
            "public_key": None,
            "No": None,
            "a: b #c": None,
            "created_at": None,
            "fp": {"shape": ["sha256-hex", "null"]},
        },
    }
    assert "      token_hash: {shape: sha256-hex}  # a CHECK wants 64 hex digits\n" in text
    assert "      session_id: {forbid: true}  # its name says that it is a secret; it is part of the primary key" in text
    assert "  shop.public.users:  # who # logs in\n    unknown-columns: report\n" in text
    assert propose(read_schema(DDL, "x.sql", database="shop")) == text


def test_every_line_has_a_reason() -> None:
    """Whoever goes over the proposal sees why."""
    text, _ = proposal(read_schema(DDL, "x.sql"))
    lines = [line for line in text.splitlines() if line.startswith("      ")]
    assert len(lines) == 16
    assert all("  # " in line for line in lines)


def test_a_sample_has_its_say() -> None:
    """What values looked like stands above a name, but for a digest, which looks as a token does."""
    schema = Schema([Table("d.s.t", (Column("note", "STRING"), Column("token_hash", "STRING"), Column("secret", "STRING")))])
    verdicts = {
        ("t", "note"): "raw-token",
        ("d.s.t", "token_hash"): "raw",
        ("d.s.t", "secret"): "ordinary",
        ("d.s.t", "new"): "bcrypt",
        ("e.s.u", "id"): "identifier",
    }
    _, tables = proposal(schema, verdicts)
    assert tables == {
        "d.s.t": {
            "note": {"forbid": True},
            "token_hash": {"shape": ["sha256-hex", "null"]},
            "secret": {"forbid": True},
            "new": {"shape": ["bcrypt", "null"]},
        },
        "e.s.u": {"id": None},
    }


def test_a_policy_of_avro_schemas() -> None:
    """The row inside of an envelope is taken, names are unescaped, and the column's SQL type is read where there is one."""
    row = {
        "type": "record",
        "name": "users",
        "fields": [
            {"name": "id", "type": ["null", "string"], "__crdb__": "id UUID NOT NULL"},
            {
                "name": "auth_u0020_token",
                "type": ["null", "string"],
                "default": None,
                "__crdb__": '"auth token" VARCHAR(20) NULL',
            },
            {"name": "n", "type": ["null", "long"]},
        ],
    }
    envelope = {"type": "record", "name": "users_envelope", "fields": [{"name": "after", "type": ["null", row], "default": None}]}
    for document in (row, envelope):
        schema = schema_of_avro([json.dumps(document)])
        assert schema.tables == (
            Table("users", (Column("id", "UUID", nullable=False), Column("auth token", "VARCHAR(20)"), Column("n", "long"))),
        )
    _, tables = proposal(schema)
    assert tables == {"users": {"id": {"shape": "uuid"}, "auth token": {"forbid": True}, "n": None}}
    with pytest.raises(ConfigError, match="no JSON"):
        schema_of_avro(["{"])
    with pytest.raises(ConfigError, match="no table"):
        propose(schema_of_avro(['"string"']))


@pytest.mark.parametrize(
    ("name", "kind", "holds"),
    [
        ("token", "STRING", Holds.RAW),
        ("accessToken", "STRING", Holds.RAW),
        ("REFRESH_TOKEN", "VARCHAR(255)", Holds.RAW),
        ("apiKey", "STRING", Holds.RAW),
        ("session_id", "STRING", Holds.RAW),
        ("session_id", "UUID", Holds.RAW),
        ("session_id", "INT8", Holds.ORDINARY),
        ("client_secret", "STRING", Holds.RAW),
        ("webhook_url", "STRING", Holds.RAW),
        ("recovery_codes", "STRING[]", Holds.RAW),
        ("password", "STRING", Holds.PASSWORD_HASH),
        ("encrypted_password", "STRING", Holds.PASSWORD_HASH),
        ("password_digest", "STRING", Holds.PASSWORD_HASH),
        ("smtp_password", "STRING", Holds.RAW),
        ("password_reset_at", "TIMESTAMP", Holds.ORDINARY),
        ("password_hint", "STRING", Holds.ORDINARY),
        ("token_hash", "STRING", Holds.HASH),
        ("sha_256", "BYTES", Holds.HASH),
        ("token_type", "STRING", Holds.ORDINARY),
        ("token_count", "INT8", Holds.ORDINARY),
        ("access_token_expires_at", "STRING", Holds.ORDINARY),
        ("prompt_tokens", "INT8", Holds.ORDINARY),
        ("push_tokens", "JSONB", Holds.RAW),
        ("is_secret", "BOOL", Holds.ORDINARY),
        ("secret_arn", "STRING", Holds.POINTER),
        ("api_key_encrypted", "BYTES", Holds.CIPHERTEXT),
        ("ssh_public_key", "STRING", Holds.PUBLIC_KEY),
        ("primary_key", "STRING", Holds.ORDINARY),
        ("keyboard", "STRING", Holds.ORDINARY),
        ("secretary", "STRING", Holds.ORDINARY),
        ("", "", Holds.ORDINARY),
    ],
)
def test_what_names_say(name: str, kind: str, holds: Holds) -> None:
    """Names are read word by word, with the type beside them."""
    assert guess(Column(name, kind)).holds is holds


def test_words_of_names() -> None:
    """Camel case, capitals and marks make the same words."""
    assert words_of("apiKeyID") == words_of("API_KEY_ID") == words_of("api-key-id") == ("api", "key", "id")
    assert words_of("sha_256") == words_of("SHA256") == ("sha256",)


def test_policies_are_compared_with_what_is_there() -> None:
    """Tables and columns that no policy names, and places in the policies that name nothing, each told with its line."""
    policies = Policies([("p.yaml", STALE)], ["jose.jwt"])
    schema = Schema(
        [
            Table("shop.public.users", (Column("id"), Column("new"), Column("rowid", hidden=True))),
            Table("shop.public.rides", (Column("id"),)),
        ]
    )
    found = mismatch(policies, schema)
    assert found
    assert found.tables == ("shop.public.rides",)
    assert found.columns == (("shop.public.users", "new"),)
    assert [(error.where, error.what) for error in found.dead] == [
        ("p.yaml:10", "no table is called shop.public.lost"),
        ("p.yaml:8", "no column is called gone"),
    ]
    whole = read_schema(DDL, "x.sql", database="shop")
    assert not mismatch(Policies([("p.yaml", propose(whole).encode())], ["jose.jwt"]), whole)
