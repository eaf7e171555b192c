"""What the owner says of columns that hold fingerprints of live tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditor.secret_ref import SecretRef

Hash = Literal["sha256", "sha512", "sha1", "md5", "hmac-sha256", "hmac-sha512"]
Alphabet = Literal["digits", "hex", "base32", "base58", "base62", "base64", "base64url"]
#: Bytes of each digest.
SIZES = {"sha256": 32, "sha512": 64, "sha1": 20, "md5": 16, "hmac-sha256": 32, "hmac-sha512": 64}
#: Fewer bytes of a digest prove nothing: among 10 million fingerprints and 10^12 values, 12 bytes match by chance once in 10^10.
SHORTEST_FINGERPRINT = 12
#: Characters of the shortest token that may be declared, and of the shortest that is looked for if nothing is declared.
SHORTEST_DECLARED, SHORTEST, LONGEST = 8, 16, 8192


class _Settings(BaseModel):
    """Refuses unknown fields, and quotes no value in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RecipeSettings(_Settings):
    """
    How a fingerprint is made from a token, and how its column holds it.

    What is hashed is ``prepend``, the token and ``append``, with the pepper, if any, before or after it all. ``bytes`` is how
    many of the digest's first bytes are kept (32 hex characters are 16). ``label`` is text that stands before the digest in the
    column, such as ``sha256:``. An HMAC's key and a pepper are UTF-8 text unless ``key_form`` says that they are hex or base64.
    """

    hash: Hash
    key: SecretRef | None = None
    pepper: SecretRef | None = None
    pepper_at: Literal["start", "end"] = "end"
    key_form: Literal["text", "hex", "base64"] = "text"
    prepend: str = ""
    append: str = ""
    form: Literal["hex", "base64", "base64url", "bytes"] = "hex"
    bytes: int | None = None
    label: str = ""

    @model_validator(mode="after")
    def _fits(self) -> RecipeSettings:
        if (self.key is not None) != self.hash.startswith("hmac-"):
            raise ValueError(f"{self.hash} takes {'a' if self.key is None else 'no'} key")
        if self.bytes is not None and not SHORTEST_FINGERPRINT <= self.bytes <= SIZES[self.hash]:
            raise ValueError(f"bytes: {SHORTEST_FINGERPRINT} to {SIZES[self.hash]} for {self.hash}; fewer would prove nothing")
        return self


class TokenSettings(_Settings):
    """
    What the tokens look like; whatever is said makes the search faster and finds shorter tokens.

    ``lengths`` count all of the token, ``prefix`` included; else it has ``shortest`` to ``longest`` characters. ``alphabet`` is
    that of what follows the prefix. ``hashed`` says what goes into the recipe: the token as it is, or what follows its prefix;
    ``encoding`` that this is decoded first (the token is random bytes, and their hash is kept).
    """

    lengths: Annotated[tuple[int, ...], Field(max_length=64)] = ()
    shortest: int | None = None
    longest: int | None = None
    alphabet: Alphabet | None = None
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~+/=:|-]*$", max_length=64)] = ""
    hashed: Literal["token", "body"] = "token"
    encoding: Literal["text", "hex", "base64", "base64url"] = "text"

    @model_validator(mode="after")
    def _fits(self) -> TokenSettings:
        if self.lengths and (self.shortest is not None or self.longest is not None):
            raise ValueError("give lengths, or shortest and longest")
        sizes = self.lengths or tuple(size for size in (self.shortest, self.longest) if size is not None)
        if any(not SHORTEST_DECLARED <= size <= LONGEST for size in sizes):
            raise ValueError(f"tokens have {SHORTEST_DECLARED} to {LONGEST} characters")
        if (self.shortest or SHORTEST_DECLARED) > (self.longest or LONGEST):
            raise ValueError("shortest is more than longest")
        if sizes and min(sizes) <= len(self.prefix):
            raise ValueError("the prefix is as long as the token")
        return self


class FingerprintSettings(_Settings):
    """
    One column that holds fingerprints of live tokens.

    ``table`` is a glob of ``database.schema.table`` in which ``*`` stands for anything but a dot. ``key`` names the primary
    key, in its order: a match says which row it is. A row counts only while each column of ``live_when`` has its value, or one of
    its values: ``revoked_at: null``, ``status: [active, idle]``.
    """

    table: Annotated[str, Field(min_length=1)]
    column: Annotated[str, Field(min_length=1)]
    key: Annotated[tuple[str, ...], Field(min_length=1)]
    recipe: RecipeSettings
    token: TokenSettings = TokenSettings()
    live_when: dict[str, Condition] = Field(default_factory=dict)


class FingerprintFile(_Settings):
    """A file of `--fingerprints`: the columns that hold fingerprints of live tokens."""

    fingerprints: Annotated[tuple[FingerprintSettings, ...], Field(min_length=1)]


Scalar = str | bool | int | float | None
Condition = Scalar | list[Scalar]
FingerprintSettings.model_rebuild()
FingerprintFile.model_rebuild()
