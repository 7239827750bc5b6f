"""The differences between two parts of documents at one place, without what is inside them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .. import contract
from .keywords import Shift, compare_keyword
from .schemas import ANY, Schema

Credentials = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Place:
    """Where something is on the wire."""

    operation: str
    part: str = ""
    """`query`, `path`, `header`, `cookie`, `body`, `result`, `status`, `error 404`, `response header`, …"""
    name: str = ""
    """A name on the wire, with the path inside it: `limit`, `urls.get`, `results[].id`."""
    sent: bool = True
    """Whether it is part of requests."""
    subject: str = ""
    """The same path from the nearest class of ours, for what responses contain: `Prediction.urls.get`."""

    def child(self, step: str) -> Place:
        subject = f"{self.subject}{'.' * (step != '[]')}{step}" if self.subject else ""
        name = step if not self.name else f"{self.name}{'.' * (step != '[]')}{step}"
        return replace(self, name=name, subject=subject)


@dataclass(frozen=True)
class Difference:
    """One difference at one place of one operation. None stands for what does not exist."""

    place: Place
    kind: str
    """`added`, `removed`, `required`, `type`, `null`, `enum`, `value`, or the keyword that changed."""
    old: Any
    new: Any
    shift: Shift

    @property
    def breaks(self) -> bool:
        """Whether a request may be rejected that was valid, or a response may contain what was impossible."""
        return self.shift in (Shift.BOTH, Shift.NARROWER if self.place.sent else Shift.WIDER)


def added(place: Place, required: bool) -> Difference:
    """Return the difference of a new parameter, body or field."""
    shift = Shift.NARROWER if required and place.sent else Shift.SAME
    return Difference(place, "added", None, "required" if required else "optional", shift)


def compare_types(place: Place, old: Schema, new: Schema) -> Iterator[Difference]:
    """Compare the JSON types of two schemas."""
    before, after = describe_types(old), describe_types(new)
    if before != after:
        gained, lost = not _covers(before, after), not _covers(after, before)
        shift = Shift.BOTH if gained and lost else Shift.WIDER if gained else Shift.NARROWER
        yield Difference(place, "type", sorted(before), sorted(after), shift)
    if old.nullable != new.nullable and ANY not in before | after:
        yield Difference(place, "null", old.nullable, new.nullable, Shift.WIDER if new.nullable else Shift.NARROWER)


def describe_types(schema: Schema) -> set[str]:
    """Return the names of the JSON types of a schema."""
    return {"integer" if part.keywords.get("integer") else type_ for type_, part in schema.parts.items()}


def _covers(types: set[str], others: set[str]) -> bool:
    return ANY in types or all(type_ in types or (type_ == "integer" and "number" in types) for type_ in others)


def compare_enums(place: Place, old: tuple[Any, ...] | None, new: tuple[Any, ...] | None) -> Iterator[Difference]:
    """Compare two lists of allowed values; None allows all."""
    if old is None or new is None:
        if old != new:
            yield Difference(place, "enum", old, new, Shift.WIDER if new is None else Shift.NARROWER)
        return
    yield from (Difference(place, "value", value, None, Shift.NARROWER) for value in old if value not in new)
    yield from (Difference(place, "value", None, value, Shift.WIDER) for value in new if value not in old)


def compare_keywords(place: Place, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    """Compare the limits, formats and other keywords. A default has a meaning in requests only."""
    ignored = {"integer", "readOnly", "writeOnly", *(() if place.sent else ("default",))}
    for key in (old.keys() | new.keys()) - ignored:
        if not is_equal(old.get(key), new.get(key)):
            shift = compare_keyword(key, old.get(key), new.get(key))
            yield Difference(place, key, old.get(key), new.get(key), shift)


def compare_security(place: Place, old: Credentials, new: Credentials) -> Iterator[Difference]:
    """Compare alternative credentials: requests stay valid if nothing is needed beyond what sufficed."""
    if old != new:
        suffices = all(any(needed <= given for needed in new) for given in old)
        before, after = sorted(map(sorted, old)), sorted(map(sorted, new))
        yield Difference(place, "security", before, after, Shift.SAME if suffices else Shift.BOTH)


def compare_servers(place: Place, old: Collection[str], new: Collection[str]) -> Iterator[Difference]:
    """Compare the base URLs of an operation."""
    if old != new:
        shift = Shift.SAME if {*old} <= {*new} else Shift.BOTH
        yield Difference(place, "servers", list(old), list(new), shift)


def compare_encodings(place: Place, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    """Compare how the fields of forms are sent."""
    before, after = contract.strip_documentation(old), contract.strip_documentation(new)
    if not is_equal(before, after):
        yield Difference(place, "encoding", before, after, Shift.BOTH)


def compare_required(place: Place, old: bool, new: bool) -> Iterator[Difference]:
    """Compare whether something must be present."""
    if old != new:
        yield Difference(place, "required", old, new, Shift.NARROWER if new else Shift.WIDER)


def compare_members(
    place: Place, old: Collection[str], new: Collection[str], removal: Shift = Shift.SAME
) -> Iterator[Difference]:
    """Compare the names of what responses may have."""
    yield from (Difference(place.child(name), "removed", name, None, removal) for name in old if name not in new)
    yield from (Difference(place.child(name), "added", None, name, Shift.SAME) for name in new if name not in old)


def is_equal(old: Any, new: Any) -> bool:
    """Whether two values are equal, distinguishing true from 1."""
    return json.dumps(old, sort_keys=True, default=str) == json.dumps(new, sort_keys=True, default=str)
