"""Policy files to begin with, as the documentation shows them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files


def example_policies() -> Mapping[str, str]:
    """Return the text of each example by its file's name."""
    folder = files("auditor.policies.examples")
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {entry.name: entry.read_text("utf-8") for entry in sorted(found, key=lambda entry: entry.name)}
