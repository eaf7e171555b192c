"""Azure: keys that carry a Marvin checksum, Entra secrets, connection strings, shared access signatures."""

from __future__ import annotations

import base64
import struct
from random import Random
from urllib.parse import quote

from auditor.sample.tokens.base_n import base_n
from auditor.sample.tokens.checksums import azure_seed, entra_check, marvin32
from auditor.sample.tokens.kinds import Kind, Made, Shape, whole
from auditor.sample.tokens.randomness import BASE62, BASE64URL, HEX, LOWER, base64_of, body, uuid

#: kind -> (signature, bytes of the whole key, possible seeds, URL-safe alphabet)
IDENTIFIABLE: dict[str, tuple[str, int, tuple[str | int, ...], bool]] = {
    "azure-storage-account-key": ("+ASt", 64, ("Default0",), False),
    "azure-cosmosdb-key": ("ACDb", 64, ("MastRO00", "MastRW00"), False),
    "azure-batch-key": ("+ABa", 64, (0x4162416363743030,), False),
    "azure-apim-key": ("APIM", 64, ("Gateway0", "Tenant00"), False),
    "azure-ml-classic-key": ("+AMC", 64, ("Classic0",), False),
    "azure-container-registry-key": ("+ACR", 39, (0x41435244666C7430,), False),
    "azure-search-key": ("AzSe", 39, ("Query000", "PAdmin00"), False),
    "azure-function-key": ("AzFu", 40, ("Master00", "System00", "Functi00"), True),
    "azure-service-bus-key": ("+ASb", 32, ("Send0000", "Listen00", "Manage00"), False),
    "azure-event-hubs-key": ("+AEh", 32, ("Send0000", "Listen00", "Manage00"), False),
    "azure-relay-key": ("+ARm", 32, ("Send0000", "Listen00", "Manage00"), False),
    "azure-iot-key": ("AIoT", 32, ("IoTHub00", "DpsKey00", "Device00"), False),
    "azure-redis-key": ("AzCa", 32, ("Access00",), False),
}


def identifiable_key(rng: Random, kind: str) -> str:
    """
    Return a key of the first form: random bytes, a signature of three bytes, four bytes of Marvin over both.

    Search keys are letters and digits alone, which Azure gets by drawing again.
    """
    signature, size, seeds, url_safe = IDENTIFIABLE[kind]
    seed = rng.choice(seeds)
    while True:
        text = base64_of(rng.randbytes(size))
        start = len(text.rstrip("=")) - 10
        payload = base64.b64decode(text[:start] + signature + text[start + 4 :])[:-4]
        check = struct.pack("<I", marvin32(seed if isinstance(seed, int) else azure_seed(seed), payload))
        key = base64_of(payload + check)
        if kind != "azure-search-key" or key.isalnum():
            return key.replace("+", "-").replace("/", "_") if url_safe else key


def annotated_key(rng: Random, service: str, provider: str = "AAAA", *, long: bool = False) -> str:
    """Return a key of the second form (common annotated), 84 or 88 characters."""
    issued = rng.choice("ABC") + rng.choice("ABCDEFGHIJKL")
    text = f"{body(rng, BASE62, 52)}JQQJ99{issued}AC{body(rng, BASE62, 9)}A{provider}{service}"
    check = marvin32(azure_seed("Default0"), base64.b64decode(text))
    digits = base_n(int.from_bytes(struct.pack("<I", check), "big"), BASE62, 0).ljust(6, "0")
    if not long:
        return text + digits[:4]
    # Six digits and padding are the base64 of four bytes: the sixth keeps only its two high bits.
    return base64_of(base64.b64decode(text + digits + "=="))


def entra_secret(rng: Random) -> str:
    """Return an Entra client secret with its three check characters."""
    text = f"{body(rng, BASE62, 3)}8Q~{body(rng, BASE62 + '._-~', 31)}"
    return text + entra_check(text)


def _storage(rng: Random) -> Made:
    key = identifiable_key(rng, "azure-storage-account-key")
    account = body(rng, LOWER, 10)
    text = f"DefaultEndpointsProtocol=https;AccountName={account};AccountKey={key};EndpointSuffix=core.windows.net"
    return Made(text, key)


def _service_bus(rng: Random) -> Made:
    key = identifiable_key(rng, "azure-service-bus-key")
    host = f"{body(rng, LOWER, 8)}.servicebus.windows.net"
    return Made(f"Endpoint=sb://{host}/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={key}", key)


def _cosmos(rng: Random) -> Made:
    key = identifiable_key(rng, "azure-cosmosdb-key")
    return Made(f"AccountEndpoint=https://{body(rng, LOWER, 8)}.documents.azure.com:443/;AccountKey={key};", key)


def _iot(rng: Random) -> Made:
    key = identifiable_key(rng, "azure-iot-key")
    return Made(f"HostName={body(rng, LOWER, 7)}.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey={key}", key)


def _sas(rng: Random) -> Made:
    signature = base64_of(rng.randbytes(32))
    text = (
        f"https://{body(rng, LOWER, 9)}.blob.core.windows.net/backups/{body(rng, LOWER, 8)}.bak"
        f"?sv=2024-11-04&ss=b&srt=sco&sp=rwl&se=2027-01-31T00:00:00Z&spr=https&sig={quote(signature, safe='')}"
    )
    return Made(text, signature)


def _service_bus_sas(rng: Random) -> Made:
    signature = base64_of(rng.randbytes(32))
    host = quote(f"sb://{body(rng, LOWER, 8)}.servicebus.windows.net/orders", safe="").lower()
    return Made(f"SharedAccessSignature sr={host}&sig={quote(signature, safe='')}&se=1796083200&skn=send", signature)


def _teams(rng: Random) -> Made:
    text = (
        f"https://northwind.webhook.office.com/webhookb2/{uuid(rng)}@{uuid(rng)}/IncomingWebhook/{body(rng, HEX, 32)}/{uuid(rng)}"
    )
    return Made(text, text)


def _identifiable(kind: str) -> Kind:
    return whole(kind, lambda rng: identifiable_key(rng, kind))


KINDS = (
    *(_identifiable(kind) for kind in IDENTIFIABLE),
    whole("azure-cask-key", lambda rng: annotated_key(rng, "ACSA", long=True)),
    whole("azure-openai-key-cask", lambda rng: annotated_key(rng, "ACOG", "AAAB")),
    whole("azure-devops-pat", lambda rng: annotated_key(rng, "AZDO")),
    whole("azure-entra-client-secret", entra_secret),
    whole("azure-entra-refresh-token", lambda rng: f"1.A{body(rng, BASE64URL, 84)}.Ag{body(rng, BASE64URL, 420)}"),
    Kind("azure-sas-token", _sas, Shape.URL),
    Kind("azure-servicebus-sas", _service_bus_sas, Shape.TEXT),
    Kind("azure-storage-connection-string", _storage),
    Kind("azure-servicebus-connection-string", _service_bus),
    Kind("azure-cosmos-connection-string", _cosmos),
    Kind("azure-iot-connection-string", _iot),
    Kind("microsoft-teams-webhook", _teams, Shape.URL),
)
