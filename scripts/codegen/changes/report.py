"""Report the changes of a contract: classified by whom they break, each once, as text, Markdown or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from .. import contract
from .compare import Comparison
from .differences import Difference
from .names import class_names, method_name
from .wording import describe_change, describe_subject, upgrade

CALLERS, READERS, SAFE = "breaks callers", "breaks readers", "safe"
CLASSES = (CALLERS, READERS, SAFE)


@dataclass(frozen=True)
class Change:
    """One line of the report: the same change of one or more operations."""

    effect: str
    text: str
    methods: list[str]
    """The methods of ours that it affects, such as `client.models.search`."""
    upgrade: str = ""
    """What callers have to write instead, if it breaks them."""
    kind: str = "rewritten"
    places: list[dict[str, str]] = field(default_factory=list)
    """Where it is on the wire: `operation`, `part` (query, body, result, …) and `name`."""


def classify_changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return the changes from `old` to `new`, the most severe first."""
    comparison = Comparison(old, new, class_names(old), class_names(new))
    found = [_change(lines, comparison) for lines in _group_siblings(_group_operations(comparison.differences))]
    found.sort(key=lambda change: (CLASSES.index(change.effect), change.text))
    return found + list(_unchanged(comparison, old, new, is_rest=not found))


Group = list[Difference]


def _group_operations(differences: list[Difference]) -> list[Group]:
    """Group what a shared schema, parameter or setting changes in several operations."""
    groups: dict[tuple[str, ...], Group] = {}
    for difference in differences:
        place = difference.place
        is_operation = difference.kind in ("added", "removed", "renamed", "path") and not place.part
        subject = [place.operation] if is_operation else [place.subject] if place.subject else [place.part, place.name]
        groups.setdefault((*_key(difference), str(place.sent), *subject), []).append(difference)
    return list(groups.values())


def _group_siblings(groups: list[Group]) -> list[list[Group]]:
    """Group the fields of one object, or the parameters of one operation, that change alike."""
    lines: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        place = group[0].place
        parent = (place.subject or place.name).rpartition(".")[0]
        operations = sorted({difference.place.operation for difference in group})
        key = (*_key(group[0]), upgrade(group[0]), place.part if not place.subject else "", parent, *operations)
        lines.setdefault(key, []).append(group)
    return [sorted(line, key=lambda group: group[0].place.name) for line in lines.values()]


def _key(difference: Difference) -> tuple[str, ...]:
    return difference.kind, effect(difference), describe_change(difference), _json(difference.new)


def effect(difference: Difference) -> str:
    """Return the class of a difference."""
    return SAFE if not difference.breaks else CALLERS if difference.place.sent else READERS


def _change(line: list[Group], comparison: Comparison) -> Change:
    first = line[0][0]
    siblings = [group[0].place.name.rpartition(".")[2] for group in line[1:]]
    operations = sorted({difference.place.operation for difference in line[0]})
    is_every = len(operations) > 1 and {*operations} >= comparison.shared_operations
    subject = describe_subject(first, [] if is_every else operations, siblings)
    places = sorted((d.place.operation, d.place.part, d.place.name) for group in line for d in group)
    return Change(
        effect(first),
        f"{subject}: {describe_change(first)}",
        [method_name(name) for name in operations if name],
        upgrade(first),
        first.kind,
        [{"operation": operation, "part": part, "name": name} for operation, part, name in places],
    )


def _unchanged(comparison: Comparison, old: dict[str, Any], new: dict[str, Any], is_rest: bool) -> Iterator[Change]:
    """Report what is written differently and the same on the wire."""
    if comparison.renamed:
        renamed = ", ".join(f"`{before}` → `{after}`" for before, after in comparison.renamed)
        yield Change(SAFE, f"renamed, no change: {renamed}", [], kind="renamed")
    if old["openapi"] != new["openapi"]:
        yield Change(SAFE, f"OpenAPI {old['openapi']} → {new['openapi']}, no change on the wire", [])
    elif is_rest and not comparison.renamed and _contract(old) != _contract(new):
        yield Change(SAFE, "written differently, no change on the wire", [])


def _contract(document: dict[str, Any]) -> str:
    stripped = contract.strip_documentation(document)
    return _json({key: value for key, value in stripped.items() if not key.startswith("x-")})


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def title(found: list[Change]) -> str:
    """Return a title with the number of changes by class: `Contract: 2 breaking, 5 safe`."""
    safe = sum(change.effect == SAFE for change in found)
    counts = {"breaking": len(found) - safe, "safe": safe}
    return f"Contract: {', '.join(f'{count} {name}' for name, count in counts.items() if count) or 'no changes'}"


def format_text(found: list[Change]) -> str:
    """Format the changes as one line each."""
    return "".join(f"{change.effect:<14}  {_line(change)}\n" for change in found)


def format_markdown(found: list[Change]) -> str:
    """Format the changes as a section for each class, for a pull request or the changelog."""
    lines: list[str] = []
    for name in CLASSES:
        of_class = [f"- {_line(change)}" for change in found if change.effect == name]
        if of_class:
            lines += [f"### {name.capitalize()}\n", *of_class, ""]
    return "\n".join(lines) or "The contract has not changed.\n"


def _line(change: Change) -> str:
    return f"{change.text} → {change.upgrade}" if change.upgrade else change.text


def format_json(found: list[Change]) -> str:
    """Format the changes as a JSON object with a title, the number of changes by class, and the changes."""
    counts = Counter(change.effect for change in found)
    report = {
        "title": title(found),
        "counts": {name: counts[name] for name in CLASSES},
        "changes": [asdict(change) for change in found],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


FORMATS = {"text": format_text, "markdown": format_markdown, "json": format_json}


def exit_code(found: list[Change]) -> int:
    """Return 0 for no changes, 1 if none of them breaks anything, else 3."""
    return (3 if any(change.effect != SAFE for change in found) else 1) if found else 0
