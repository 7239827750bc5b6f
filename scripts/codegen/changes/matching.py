"""Find the operations and parameters that two documents have in common, although their names may differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .operations import Operation


def match_operations(old: Mapping[str, Operation], new: Mapping[str, Operation]) -> Iterator[tuple[str, str]]:
    """Yield the names of the operations that both documents have: equal names first, then equal routes."""
    routes = {operation.route: name for name, operation in new.items() if name not in old}
    for name, operation in old.items():
        if name in new:
            yield name, name
        elif operation.route in routes:
            yield name, routes[operation.route]


def match_parameters(old: Operation, new: Operation) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the parameters that both operations have. Those of the path are sent by position, so names may differ."""
    pairs = {key: key for key in old.parameters.keys() & new.parameters.keys()}
    left = [_path_parameters(one, pairs) for one in (old, new)]
    if old.route == new.route and len(left[0]) == len(left[1]):
        pairs |= dict(zip(*left, strict=True))
    return pairs


def _path_parameters(operation: Operation, known: Mapping[tuple[str, str], Any]) -> list[tuple[str, str]]:
    keys = [("path", name) for name in re.findall(r"\{([^}]*)\}", operation.path)]
    return [key for key in keys if key in operation.parameters and key not in known]


def rename_in_path(path: str, parameters: Mapping[tuple[str, str], tuple[str, str]]) -> str:
    """Return a path with the new names of its parameters."""
    return re.sub(r"\{([^}]*)\}", lambda match: f"{{{parameters.get(('path', match[1]), ('', match[1]))[1]}}}", path)
