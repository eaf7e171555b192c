"""Databases: CockroachDB's own credentials and sink addresses, connection strings, hosted data platforms."""

from __future__ import annotations

from random import Random
from urllib.parse import quote

from auditor.sample.tokens.aws import access_key_id, secret_access_key
from auditor.sample.tokens.azure import identifiable_key
from auditor.sample.tokens.checksums import crc32_base64
from auditor.sample.tokens.kinds import Kind, Made, Shape, plain, whole
from auditor.sample.tokens.randomness import BASE62, BASE64, BASE64URL, HEX, LOWER, UPPER36, base64_of, body

#: kind -> address with a place for the password
_ADDRESSES = {
    "cockroachdb-connection-string": "postgresql://billing:{}@free-4317.aws-eu-west-1.cockroachlabs.cloud:26257/orders?sslmode=verify-full",
    "postgres-uri": "postgres://svc_orders:{}@db-3.prod.internal:5432/orders",
    "mysql-uri": "mysql://svc_orders:{}@mysql-1.prod.internal:3306/orders",
    "mongodb-uri": "mongodb+srv://svc_catalog:{}@cluster0.k3xqf.mongodb.net/catalog?retryWrites=true",
    "redis-uri": "rediss://default:{}@cache-2.prod.internal:6380/0",
    "amqp-uri": "amqps://svc_mail:{}@mq-1.prod.internal:5671/%2f",
    "mssql-uri": "sqlserver://svc_ledger:{}@mssql-1.prod.internal:1433?database=ledger",
    "clickhouse-uri": "clickhouse://default:{}@ch-4.prod.internal:9440/events",
    "nats-uri": "nats://svc_events:{}@nats-1.prod.internal:4222",
    "smtp-uri": "smtps://mailer%40northwind.internal:{}@smtp.northwind.internal:465",
    "ftp-uri": "sftp://svc_bank:{}@files.bank.internal/in",
    "generic-uri-userinfo": "https://svc_erp:{}@erp.prod.internal/v1/export",
    "jdbc-connection-string": "jdbc:postgresql://db-3.prod.internal:5432/orders?user=svc_orders&password={}",
    "cockroachdb-changefeed-kafka-sasl": (
        "kafka://broker-1.prod.internal:9093?tls_enabled=true&sasl_enabled=true&sasl_user=cdc&sasl_password={}&sasl_mechanism=PLAIN"
    ),
}
#: The same for settings with spaces or semicolons.
_SETTINGS = {
    "adonet-connection-string": "Server=tcp:sql-1.prod.internal,1433;Database=ledger;User Id=svc_ledger;Password={};Encrypt=True",
    "postgres-libpq-keyword-string": "host=db-3.prod.internal port=5432 dbname=orders user=svc_orders password={}",
    "kafka-jaas-config": 'org.apache.kafka.common.security.plain.PlainLoginModule required username="cdc" password="{}";',
    "odbc-connection-string": "DRIVER={{ODBC Driver 18 for SQL Server}};SERVER=mssql-1.prod.internal;UID=svc_ledger;PWD={}",
    "ssh-password-in-url-or-netrc": "machine git.northwind.internal login deploy password {}",
}


def _with_password(kind: str, form: str, shape: Shape) -> Kind:
    def made(rng: Random) -> Made:
        password = body(rng, BASE62, 22)
        return Made(form.format(password), password)

    return Kind(kind, made, shape)


def cloud_key(rng: Random) -> str:
    """Return an API key of CockroachDB Cloud."""
    return f"CCDB1_{body(rng, BASE62, 22)}_{body(rng, BASE62, 40)}"


def confluent_secret(rng: Random) -> str:
    """Return a Confluent API secret: 54 characters and their CRC-32."""
    random_part = body(rng, BASE64, 54)
    return f"cflt{random_part}{crc32_base64(random_part)}"


def _console_session(rng: Random) -> Made:
    """Return the cookie of the DB Console: a protobuf of session id and 16 secret bytes."""
    number, field = rng.getrandbits(62) | 1 << 61, bytearray(b"\x08")
    while number:
        field.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
    value = base64_of(bytes(field) + b"\x12\x10" + rng.randbytes(16))
    return Made(f"Cookie: session={value}; theme=dark", value)


def _sink_bucket(rng: Random) -> Made:
    """Return a changefeed's bucket address with keys in its query."""
    key_id, secret = access_key_id(rng), secret_access_key(rng)
    text = f"s3://northwind-cdc/feed?AWS_REGION=eu-west-1&AWS_ACCESS_KEY_ID={key_id}&AWS_SECRET_ACCESS_KEY="
    return Made(text + quote(secret, safe=""), secret, (("aws-access-key-id", key_id),))


def _sink_confluent(rng: Random) -> Made:
    secret = confluent_secret(rng)
    host = f"pkc-{body(rng, LOWER, 5)}.eu-west-1.aws.confluent.cloud:9092"
    text = f"confluent-cloud://{host}?api_key={body(rng, UPPER36, 16)}&api_secret="
    return Made(text + quote(secret, safe=""), secret)


def _sink_event_hub(rng: Random) -> Made:
    key = identifiable_key(rng, "azure-event-hubs-key")
    text = f"azure-event-hub://{body(rng, LOWER, 8)}.servicebus.windows.net:9093?shared_access_key_name=send&shared_access_key="
    return Made(text + quote(key, safe=""), key)


KINDS = (
    whole("cockroachdb-cloud-api-key", cloud_key),
    *(_with_password(kind, form, Shape.URL) for kind, form in _ADDRESSES.items()),
    *(_with_password(kind, form, Shape.TEXT) for kind, form in _SETTINGS.items()),
    Kind("cockroachdb-console-session", _console_session, Shape.TEXT),
    Kind("cockroachdb-cloud-storage-uri", _sink_bucket, Shape.URL),
    Kind("cockroachdb-changefeed-confluent", _sink_confluent, Shape.URL),
    Kind("cockroachdb-changefeed-eventhub", _sink_event_hub, Shape.URL),
    whole("confluent-api-secret", confluent_secret),
    plain("planetscale-service-token", "pscale_tkn_", BASE64URL, 43),
    plain("planetscale-oauth-token", "pscale_oauth_", BASE64URL, 43),
    plain("planetscale-password", "pscale_pw_", BASE64URL, 43),
    plain("neon-api-key", "napi_", BASE62, 64),
    whole("supabase-secret-key", lambda rng: f"sb_secret_{body(rng, BASE62, 22)}_{body(rng, BASE62, 8)}"),
    plain("supabase-management-token", "sbp_", HEX, 40),
    plain("mongodb-atlas-service-secret", "mdb_sa_sk_", BASE64URL, 40),
    plain("databricks-pat", "dapi", HEX, 32),
    plain("databricks-oauth-secret", "dose", BASE62, 32),
    whole("datastax-astra-token", lambda rng: f"AstraCS:{body(rng, BASE62, 24)}:{body(rng, HEX, 64)}"),
    whole("airtable-pat", lambda rng: f"pat{body(rng, BASE62, 14)}.{body(rng, HEX, 64)}"),
    whole("pinecone-api-key", lambda rng: f"pcsk_{body(rng, BASE62, 6)}_{body(rng, BASE62, 63)}"),
    plain("aiven-service-password", "AVNS_", BASE62, 19),
    plain("prefect-api-key", "pnu_", BASE62, 36),
)
