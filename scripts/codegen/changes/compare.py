"""Compare what two documents put on the wire: operation by operation, parameter by parameter, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .differences import (
    Difference,
    Place,
    added,
    compare_encodings,
    compare_enums,
    compare_keywords,
    compare_members,
    compare_required,
    compare_security,
    compare_servers,
    compare_types,
    is_equal,
)
from .keywords import Shift, compare_keyword
from .matching import match_operations, match_parameters, rename_in_path
from .operations import Document, Media, Operation, Parameter
from .schemas import ANY, Node, Part, Pointer, Schema, inline

Names = Mapping[Pointer, str]
"""The class names of schemas, by their places."""

UNKNOWN = Schema((), {ANY: Part()}, nullable=True)
"""Any JSON value."""


class Comparison:
    """The differences between two documents, and the components that were only renamed."""

    def __init__(
        self, old: dict[str, Any], new: dict[str, Any], old_names: Names | None = None, new_names: Names | None = None
    ) -> None:
        self._old, self._new = Document(old), Document(new)
        self._old_names, self._new_names = old_names or {}, new_names or {}
        self._entered: set[tuple[Pointer, Pointer]] = set()
        self._renamed: dict[tuple[Pointer, Pointer], bool] = {}
        self.differences = list(self._compare_documents())
        self.renamed = sorted((old[-1], new[-1]) for (old, new), is_same in self._renamed.items() if is_same)

    def _compare_documents(self) -> Iterator[Difference]:
        pairs = dict(match_operations(self._old.operations, self._new.operations))
        self.shared_operations = pairs.keys()
        for name, old in self._old.operations.items():
            if name in pairs:
                yield from self._compare_operations(old, self._new.operations[pairs[name]])
            else:
                yield Difference(Place(name), "removed", name, None, Shift.BOTH)
        for name in self._new.operations.keys() - {*pairs.values()}:
            yield Difference(Place(name), "added", None, name, Shift.SAME)
        webhooks = [document.raw.get("webhooks", {}) for document in (self._old, self._new)]
        for name in {*webhooks[0], *webhooks[1]}:
            values = webhooks[0].get(name), webhooks[1].get(name)
            yield from self._compare_others(Place("", "webhook", name, sent=False), "webhook", *values)

    def _compare_operations(self, old: Operation, new: Operation) -> Iterator[Difference]:
        place = Place(old.name)
        if old.name != new.name:
            yield Difference(place, "renamed", old.name, new.name, Shift.BOTH)
        parameters = match_parameters(old, new)
        if (old.method, rename_in_path(old.path, parameters)) != (new.method, new.path):
            yield Difference(place, "path", f"{old.method} {old.path}", f"{new.method} {new.path}", Shift.BOTH)
        yield from compare_security(place, old.credentials, new.credentials)
        yield from compare_servers(place, old.servers, new.servers)
        for key in old.keywords.keys() | new.keywords.keys():
            values = old.keywords.get(key), new.keywords.get(key)
            yield from self._compare_others(replace(place, sent=False), key, *values)
        yield from self._compare_parameters(old, new, parameters)
        yield from self._compare_requests(old, new)
        yield from self._compare_responses(old, new)

    def _compare_others(self, place: Place, key: str, old: Any, new: Any) -> Iterator[Difference]:
        """Compare something that no request depends on, such as `callbacks`."""
        old, new = inline(self._old.raw, old), inline(self._new.raw, new)
        if not is_equal(old, new):
            shift = Shift.SAME if old is None or compare_keyword(key, 0, 1) is Shift.SAME else Shift.BOTH
            yield Difference(place, key, old, new, shift)

    def _compare_parameters(
        self, old: Operation, new: Operation, pairs: dict[tuple[str, str], tuple[str, str]]
    ) -> Iterator[Difference]:
        for key, parameter in old.parameters.items():
            place = Place(old.name, key[0], parameter.name)
            if key not in pairs:
                yield Difference(place, "removed", parameter.name, None, Shift.BOTH)
                continue
            other = new.parameters[pairs[key]]
            if key != pairs[key]:
                yield Difference(place, "renamed", parameter.name, other.name, Shift.SAME)
            self._enter(parameter.node.pointer, other.node.pointer)
            found = list(self._compare_parameter(place, parameter, other))
            self._leave(parameter.node.pointer, other.node.pointer, found)
            yield from found
        for key in new.parameters.keys() - {*pairs.values()}:
            parameter = new.parameters[key]
            yield added(Place(old.name, key[0], parameter.name), parameter.required)

    def _compare_parameter(self, place: Place, old: Parameter, new: Parameter) -> Iterator[Difference]:
        yield from compare_required(place, old.required, new.required)
        if old.serialization != new.serialization:
            yield Difference(place, "serialization", old.serialization, new.serialization, Shift.BOTH)
        yield from compare_keywords(place, old.keywords, new.keywords)
        yield from self._compare_schemas(place, old.schema, new.schema)

    def _compare_requests(self, old: Operation, new: Operation) -> Iterator[Difference]:
        place = Place(old.name, "body")
        if not old.body and new.body:
            yield added(place, new.is_body_required)
        elif old.body and not new.body:
            yield Difference(place, "removed", sorted(old.body), None, Shift.BOTH)
        elif old.body:
            yield from compare_required(place, old.is_body_required, new.is_body_required)
            yield from self._compare_media(place, old.body, new.body)
            shared = old.body.keys() & new.body.keys()
            yield from compare_encodings(place, *({m: one.encodings.get(m) for m in shared} for one in (old, new)))

    def _compare_responses(self, old: Operation, new: Operation) -> Iterator[Difference]:
        place = Place(old.name, "status", sent=False)
        if old.statuses != new.statuses:  # whatever the status, a method returns the result
            yield Difference(place, "statuses", sorted(old.statuses), sorted(new.statuses), Shift.SAME)
        result = replace(place, part="result")
        yield from self._compare_media(result, old.result, new.result)
        if old.result and new.result and old.may_be_empty != new.may_be_empty:
            shift = Shift.WIDER if new.may_be_empty else Shift.NARROWER
            yield Difference(result, "empty", old.may_be_empty, new.may_be_empty, shift)
        headers = replace(place, part="response header")
        yield from compare_members(headers, old.headers, new.headers, removal=Shift.BOTH)
        for name in old.headers.keys() & new.headers.keys():
            yield from self._compare_schemas(headers.child(name), old.headers[name], new.headers[name])
        yield from compare_members(replace(place, part="error"), old.errors, new.errors)
        for status in old.errors.keys() & new.errors.keys():
            error = replace(place, part=f"error {status}", subject="Problem")
            yield from self._compare_media(error, old.errors[status], new.errors[status])

    def _compare_media(self, place: Place, old: Media, new: Media) -> Iterator[Difference]:
        if not old or not new:
            if old or new:
                shift = Shift.BOTH if old else Shift.SAME
                yield Difference(place, "content", sorted(old) or None, sorted(new) or None, shift)
            return
        addition = Shift.WIDER
        removal = Shift.NARROWER if place.sent else Shift.BOTH
        for media in old.keys() - new.keys():
            yield Difference(place, "content", media, None, removal)
        for media in new.keys() - old.keys():
            yield Difference(place, "content", None, media, addition)
        if len(old) == len(new) == 1:
            yield from self._compare_schemas(place, *old.values(), *new.values())
            return
        for media in old.keys() & new.keys():
            of_media = replace(place, part=f"{place.part} {media}")
            yield from self._compare_schemas(of_media, old[media], new[media])

    def _compare_schemas(self, place: Place, old: Schema, new: Schema) -> Iterator[Difference]:
        yield from compare_types(place, old, new)
        if (old.pointer, new.pointer) in self._entered:
            return
        self._enter(old.pointer, new.pointer)
        found = list(self._compare_entered(place, old, new))
        self._leave(old.pointer, new.pointer, found)
        yield from found

    def _compare_entered(self, place: Place, old: Schema, new: Schema) -> Iterator[Difference]:
        inner = replace(place, subject=self._name(old.pointer, new.pointer)) if not place.sent else place
        inner = inner if inner.subject else place
        for type_ in old.parts.keys() & new.parts.keys():
            yield from self._compare_parts(place, inner, type_, old.parts[type_], new.parts[type_])

    def _compare_parts(self, place: Place, inner: Place, type_: str, old: Part, new: Part) -> Iterator[Difference]:
        yield from compare_enums(place, old.enum, new.enum)
        yield from compare_keywords(place, old.keywords, new.keywords)
        if type_ in ("object", "array") and old.alternatives != new.alternatives:
            shift = Shift.WIDER if new.alternatives > old.alternatives else Shift.NARROWER
            yield Difference(place, "alternatives", old.alternatives, new.alternatives, shift)
        if old.items or new.items:
            yield from self._compare_nodes(inner.child("[]"), old.items, new.items)
        yield from self._compare_fields(inner, old, new)
        if (old.others is False) != (new.others is False):
            shift = Shift.NARROWER if new.others is False else Shift.WIDER if place.sent else Shift.SAME
            yield Difference(inner, "additionalProperties", old.others is not False, new.others is not False, shift)
        elif isinstance(old.others, Node) or isinstance(new.others, Node):
            nodes = [others if isinstance(others, Node) else None for others in (old.others, new.others)]
            yield from self._compare_nodes(inner.child("*"), *nodes)

    def _compare_fields(self, place: Place, old: Part, new: Part) -> Iterator[Difference]:
        before, after = self._fields(self._old, old, place.sent), self._fields(self._new, new, place.sent)
        for name in before.keys() | after.keys():
            field = place.child(name)
            if name not in before:
                yield added(field, name in new.required)
            elif name not in after:
                yield Difference(field, "removed", name, None, Shift.BOTH)
            else:
                yield from compare_required(field, name in old.required, name in new.required)
                yield from self._compare_schemas(field, before[name], after[name])

    def _compare_nodes(self, place: Place, old: Node | None, new: Node | None) -> Iterator[Difference]:
        schemas = self._old.schemas.get(old) if old else UNKNOWN, self._new.schemas.get(new) if new else UNKNOWN
        yield from self._compare_schemas(place, *schemas)

    def _fields(self, document: Document, part: Part, sent: bool) -> dict[str, Schema]:
        """Return the fields of one direction: requests have none that is `readOnly`, responses none `writeOnly`."""
        hidden = "readOnly" if sent else "writeOnly"
        schemas = {name: document.schemas.get(node) for name, node in part.fields.items()}
        return {
            name: schema
            for name, schema in schemas.items()
            if not schema.parts or not all(part.keywords.get(hidden) for part in schema.parts.values())
        }

    def _name(self, old: Pointer, new: Pointer) -> str:
        """Return the class name of two schemas if it is the same, or if the class was renamed."""
        before, after = self._old_names.get(old, ""), self._new_names.get(new, "")
        if before == after or not after:
            return before if before == after else ""
        is_renamed = before not in self._new_names.values() and after not in self._old_names.values()
        return before if is_renamed else ""

    def _enter(self, old: Pointer, new: Pointer) -> None:
        self._entered.add((old, new))

    def _leave(self, old: Pointer, new: Pointer, found: list[Difference]) -> None:
        """Note whether a component has another name and is otherwise equal."""
        self._entered.discard((old, new))
        is_component = len(old) == len(new) == 3 and old[0] == new[0] == "components"
        if is_component and old[2] not in self._new.components(old[1]) and new[2] not in self._old.components(new[1]):
            self._renamed[old, new] = not found
