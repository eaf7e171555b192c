"""Secrets of the configuration: by reference only, so that no file of settings ever holds one."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from auditor.errors import ConfigError


class SecretRef(BaseModel):
    """A secret in an environment variable (``env: NAME``) or in a file (``file: PATH``, white space around it ignored)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> SecretRef:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file")
        return self

    def reveal(self) -> str:
        """Return the secret; raise `ConfigError` naming the variable or file that is missing."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                raise ConfigError(f"the environment variable {self.env} is not set", fix="set it, or refer to a file")
            return value
        assert self.file is not None
        try:
            return self.file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ConfigError(f"a secret cannot be read: {reason}", where=str(self.file)) from None
