"""Read JSON and YAML that others wrote: whatever they wrote, it takes seconds, and fails with a ValueError."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, NoReturn

import yaml

MAX_NESTING = 100
"""Levels of lists and objects. Replicate's OpenAPI document has 15. Each may take several levels of recursion."""

MAX_NODES = 200_000
"""Values, and keys in YAML. Replicate's OpenAPI document has 5,000."""

MAX_DIGITS = 4300
"""Digits of a number, as in Python: https://docs.python.org/3/library/stdtypes.html#int-max-str-digits."""

_NUMBER = frozenset("0123456789+-_.:")


class _Loader(yaml.CSafeLoader):
    """Rejects what PyYAML accepts against the specification: a repeated key, of which it keeps the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        value = super().construct_mapping(node, deep)
        if len(value) < len(node.value):
            key = _most_common(self.construct_object(key) for key, _ in node.value)
            raise ValueError(f"line {node.start_mark.line + 1}: the key {key} is repeated; keep one of them")
        return value


def parse(text: str) -> Any:
    """Return the value of a text: JSON if it starts with `{`, else YAML; ValueError if that is not valid.

    The value consists of what JSON has: keys (`200:`) and dates in YAML become strings.
    """
    try:
        if text.lstrip()[:1] != "{":
            _check_yaml(text)
            text = json.dumps(yaml.load(text, _Loader), default=str, allow_nan=False)
        value = json.loads(text, parse_constant=_reject_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise _too_deep() from None
    except Exception as error:  # PyYAML raises many kinds, such as a KeyError for `!!bool 5`
        raise ValueError(str(error) or repr(error)) from error
    _check_size(value)
    return value


def _check_yaml(text: str) -> None:
    """Raise a ValueError for what would take too long to build.

    An alias repeats a part of the document, so nine lines with aliases can describe a billion nodes. And numbers may
    have a base of 60 (`1:59:59`), which takes a time that grows with the square of their length.
    """
    depth = 0
    for count, event in enumerate(yaml.parse(text, yaml.CSafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"line {line}: the alias *{event.anchor} is not supported; repeat what it stands for")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > MAX_DIGITS and _NUMBER.issuperset(event.value):
            raise ValueError(f"line {line}: a number has more than {MAX_DIGITS:,} digits")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_NESTING:
            raise _too_deep()
        if count > 2 * MAX_NODES:  # each collection has two events
            raise _too_many()


def _check_size(value: Any) -> None:
    """Raise a ValueError if a value has too many levels or nodes; without recursion, which has its own limit."""
    level, depth, count = [value], 0, 0
    while level:
        level = [child for node in level for child in _children(node)]
        depth, count = depth + 1, count + len(level)
        if depth > MAX_NESTING + 1:
            raise _too_deep()
        if count > MAX_NODES:
            raise _too_many()


def _children(node: Any) -> Any:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError(
            f'the name "{_most_common(name for name, _ in pairs)}" is repeated in an object; keep one of them'
        )
    return value


def _most_common(names: Iterable[Any]) -> Any:
    return Counter(names).most_common(1)[0][0]


def _too_deep() -> ValueError:
    return ValueError(f"lists and objects are nested in more than {MAX_NESTING} levels")


def _too_many() -> ValueError:
    return ValueError(f"it has more than {MAX_NODES:,} values")


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
