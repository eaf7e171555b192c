"""YAML files into pydantic models, with errors that name file, line and path. The one way that files of settings are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from auditor.errors import ConfigError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the wheel has it: 8 times as fast

ModelT = TypeVar("ModelT", bound=BaseModel)


def load(text: bytes, model: type[ModelT], where: str) -> ModelT:
    """Validate YAML text as ``model``; raise `ConfigError` with the line of the first thing that is wrong."""
    try:
        return model.model_validate(yaml.load(text, Loader=_Loader))  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"not valid YAML: {error.problem}", where=f"{where}:{line}") from None
    except yaml.YAMLError:
        raise ConfigError("not valid YAML", where=where, fix="is it a UTF-8 text file?") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = tuple(first["loc"])
        shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        message = f"{shown or 'the file'}: {first['msg']}"
        more = error.error_count() - 1
        raise ConfigError(message + (f" (and {more} more)" if more else ""), where=f"{where}:{_line_of(text, path)}") from None


def load_file(path: Path, model: type[ModelT]) -> ModelT:
    """Read and validate a file."""
    try:
        return load(path.read_bytes(), model, str(path))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _line_of(text: bytes, path: tuple[int | str, ...]) -> int:
    """Return the 1-based line of the deepest node on the path that the file has."""
    node = yaml.compose(text, Loader=_Loader)
    line = 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
        else:
            found = None
        if found is None:
            break
        node = found
        line = node.start_mark.line + 1
    return line
