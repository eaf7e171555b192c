"""Where in a YAML file a thing is said."""

from __future__ import annotations

from typing import Any

import yaml

from auditor.errors import ConfigError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Lines:
    """
    The lines of one valid YAML file.

    YAML takes the last of two equal keys in silence; a file that has two is refused here, with both lines.
    """

    def __init__(self, text: bytes, where: str) -> None:
        """Read the file's structure."""
        self.where = where
        self._root: Any = yaml.compose(text, Loader=_Loader)
        #: What each mapping and sequence holds: the line, and the node, by key or index.
        self._items: dict[int, dict[str | int, tuple[int, Any]]] = {}
        pending = [self._root]
        while pending:
            node = pending.pop()
            if id(node) not in self._items:
                items = self._items[id(node)] = self._read(node)
                pending.extend(child for _, child in items.values())

    def _read(self, node: Any) -> dict[str | int, tuple[int, Any]]:
        """Return what a node holds; raise `ConfigError` for two equal keys."""
        items: dict[str | int, tuple[int, Any]] = {}
        if isinstance(node, yaml.SequenceNode):
            items.update((index, (child.start_mark.line + 1, child)) for index, child in enumerate(node.value))
        elif isinstance(node, yaml.MappingNode):
            for key, child in node.value:
                line, name = key.start_mark.line + 1, str(key.value)
                if name in items:
                    raise ConfigError(f"{name} stands here and in line {items[name][0]}", where=f"{self.where}:{line}")
                items[name] = line, child
        return items

    def at(self, *path: str | int) -> str:
        """Return ``file:line`` of the key or item at a path, or of the last part of it that the file has."""
        node, line = self._root, 1
        for step in path:
            found = self._items.get(id(node), {}).get(step)
            if found is None:
                break
            line, node = found
        return f"{self.where}:{line}"
