"""Compare OpenAPI documents a second time, to check the report of `codegen.changes`, with which it shares no code.

Every reference is replaced, each operation becomes a set of facts such as `(result, urls.get, type, string)`, and the
facts that only one of two sets has are the changes. A fact counts only if what contains it is in both documents: a new
field is one change, whatever is inside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from resolved_documents import PROSE, Alternatives, Contract, expand, expand_all, text

STRUCTURE = {"type", "nullable", "enum", "const", "properties", "required", "items", "additionalProperties"}
STRUCTURE |= {"allOf", "anyOf", "oneOf", "readOnly", "writeOnly", "merged"}

ANNOTATIONS = {"deprecated", "xml", "discriminator", "contentMediaType"}
PYTHON_FORMATS = {"binary", "date", "date-time", "uuid"}


Needs = frozenset[tuple[str, str, str, str]]


class Fact(NamedTuple):
    """One statement about one place, and the statements without which it says nothing."""

    place: str
    name: str
    aspect: str
    value: str = ""
    needs: Needs = frozenset()

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self[:4]


class Found(NamedTuple):
    """One change. `kind` is `added`, `removed`, `renamed`, `required`, `type`, …, or the keyword that changed."""

    operation: str
    place: str
    name: str
    kind: str
    breaks: bool


def compare(old: Contract, new: Contract) -> set[Found]:
    """Return the changes between two documents."""
    before, after = old.operations, new.operations
    routes = {operation["route"]: name for name, operation in after.items() if name not in before}
    matched = {
        name: name if name in after else routes.get(operation["route"], "") for name, operation in before.items()
    }
    found = {Found(name, "", "", "removed", True) for name, other in matched.items() if not other}
    found |= {Found(name, "", "", "added", False) for name in after.keys() - {*matched.values()}}
    for name, other in matched.items():
        if other:
            found |= compare_operations(name, before[name], after[other])
            found |= {Found(name, "", "", "renamed", True)} if name != other else set()
    for name in {*old.webhooks, *new.webhooks}:
        if text(old.webhooks.get(name)) != text(new.webhooks.get(name)):
            found.add(Found("", "webhook", name, "webhook", name in old.webhooks))
    return found


def compare_operations(name: str, old: dict[str, Any], new: dict[str, Any]) -> set[Found]:
    if old == new:
        return set()
    renames = match_path_parameters(old, new)
    found = {Found(name, "path", before, "renamed", False) for before, after in renames.items() if before != after}
    path = re.sub(r"\{(.*?)\}", lambda match: f"{{{renames.get(match[1], match[1])}}}", old["path"])
    if (old["method"], path) != (new["method"], new["path"]):
        found.add(Found(name, "", "", "path", True))
    back = {after: before for before, after in renames.items()}
    new = {
        **new,
        "parameters": {(p, back.get(n, n) if p == "path" else n): v for (p, n), v in new["parameters"].items()},
    }
    if sorted(map(sorted, old["security"])) != sorted(map(sorted, new["security"])):
        enough = all(any(needed <= given for needed in new["security"]) for given in old["security"])
        found.add(Found(name, "", "", "security", not enough))
    if old["servers"] != new["servers"]:
        found.add(Found(name, "", "", "servers", not {*old["servers"]} <= {*new["servers"]}))
    known = {"operationId", "path", "method", "route", "parameters", "security", "servers", "requestBody", "responses"}
    for key in (old.keys() | new.keys()) - known:
        before, after = old.get(key) or None, new.get(key) or None
        if text(before) != text(after):
            harmless = key == "deprecated" or key.startswith("x-") or before is None
            found.add(Found(name, "", "", key, not harmless))
    return found | compare_facts(name, facts_of(old, new), facts_of(new, old))


def match_path_parameters(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    names = [re.findall(r"\{(.*?)\}", operation["path"]) for operation in (old, new)]
    common = {*names[0]} & {*names[1]}
    rest = [[name for name in part if name not in common] for part in names]
    renames = {name: name for name in common}
    return renames | dict(zip(*rest, strict=True)) if old["route"] == new["route"] else renames


def facts_of(operation: dict[str, Any], other: dict[str, Any]) -> set[Fact]:
    """Return the facts of an operation that is compared with another."""
    found: set[Fact] = set()
    for (place, name), parameter in operation["parameters"].items():
        found |= facts_of_parameter(place, name, parameter)
    bodies = [one.get("requestBody", {}) for one in (operation, other)]
    if bodies[0]:
        present = Fact("body", "", "present")
        found |= {present} | (
            {Fact("body", "", "required", "", frozenset({present.key}))} if bodies[0].get("required") else set()
        )
        found |= facts_of_content("body", [bodies[0]], [bodies[1]], frozenset({present.key}))
    responses, others = operation.get("responses", {}), other.get("responses", {})
    for status, response in responses.items():
        if status[0] == "2":
            found.add(Fact("status", "", "status", status))
        else:
            present = Fact("error", status, "present")
            found |= {present} | facts_of_content(
                f"error {status}", [response], [others.get(status, {})], frozenset({present.key})
            )
    successes = [[response for status, response in one.items() if status[0] == "2"] for one in (responses, others)]
    found |= facts_of_content("result", *successes, frozenset())
    if {"204", "205"} & responses.keys() and any(one.get("content") for one in successes[0]):
        found.add(Fact("result", "", "empty", "", frozenset({("result", "", "described", "")})))
    headers: dict[str, list[Any]] = {}
    for response in successes[0]:
        for name, header in response.get("headers", {}).items():
            headers.setdefault(name.lower(), []).append(header.get("schema", {}))
    for name, schemas in headers.items():
        found |= {present := Fact("response header", name, "present")}
        found |= facts_of_schema("response header", name, expand_all(schemas), frozenset({present.key}), sent=False)
    return found


def facts_of_parameter(place: str, name: str, parameter: dict[str, Any]) -> set[Fact]:
    present = Fact(place, name, "present")
    needs = frozenset({present.key})
    media = next(iter(parameter.get("content", {})), "")
    schema = parameter["content"][media].get("schema", {}) if media else parameter.get("schema", {})
    facts = {present} | facts_of_schema(place, name, expand(schema), needs, sent=True)
    style = parameter.get("style", "form" if place in ("query", "cookie") else "simple")
    explode = parameter.get("explode", style == "form")
    scalar = {"any", "array", "object"}.isdisjoint(alternative["type"] for alternative in expand(schema)[0])
    facts.add(Fact(place, name, "serialization", media or (style if scalar else f"{style} {explode}"), needs))
    if parameter.get("required") or place == "path":
        facts.add(Fact(place, name, "required", "", needs))
    known = {"name", "in", "required", "schema", "content", "style", "explode"} | PROSE
    return facts | {Fact(place, name, f"keyword {k}", text(v), needs) for k, v in parameter.items() if k not in known}


def facts_of_content(place: str, holders: list[Any], others: list[Any], needs: frozenset[Any]) -> set[Fact]:
    """Return the facts of bodies, of which one is sent."""
    by_media, other_media = ({media_type(m): [] for h in hs for m in h.get("content", {})} for hs in (holders, others))
    for holder in holders:
        for media, value in holder.get("content", {}).items():
            by_media[media_type(media)].append(value.get("schema", {}))
    if not by_media:
        return set()
    described = Fact(place, "", "described", "", needs)
    facts, needs = {described}, needs | {described.key}
    alone = len(by_media) == len(other_media) == 1
    for media, schemas in by_media.items():
        fact = Fact(place, "", "media", media, needs)
        facts.add(fact)
        inside = place if alone else f"{place} {media}"
        required = needs if alone else needs | {fact.key}
        encodings = [holder.get("content", {}).get(media, {}).get("encoding") for holder in holders]
        if place == "body":
            facts.add(Fact(place, "", "encoding", text([media, *encodings]), needs | {fact.key}))
        facts |= facts_of_schema(inside, "", expand_all(schemas), required, sent=place == "body")
    return facts


def media_type(name: str) -> str:
    return name.split(";")[0].strip().lower()


def facts_of_schema(place: str, name: str, schema: Alternatives, needs: Needs, *, sent: bool) -> set[Fact]:
    alternatives, null = schema
    if {"any"} < {one["type"] for one in alternatives}:
        alternatives = [{"type": "any"}]  # beside which others allow nothing more
    facts = {Fact(place, name, "null", "", needs)} if null else set()
    types = {one["type"] for one in alternatives}
    facts |= {Fact(place, name, "type", t, needs) for t in types if not (t == "integer" and "number" in types)}
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in alternatives:
        groups.setdefault("number" if one["type"] == "integer" else one["type"], []).append(one)
    for type_, group in groups.items():
        part = Fact(place, name, "part", type_, needs)
        facts |= {part} | facts_of_part(place, name, type_, group, needs | {part.key}, sent=sent)
    return facts


def facts_of_part(
    place: str, name: str, type_: str, group: list[dict[str, Any]], needs: Needs, *, sent: bool
) -> set[Fact]:
    """Return the facts about the values of one type, for which there may be alternatives."""
    facts: set[Fact] = set()
    ignored = STRUCTURE if sent else STRUCTURE | {"default"}
    for key in set.intersection(*(set(one) for one in group)) - ignored - PROSE:
        facts.add(Fact(place, name, f"keyword {key}", text(loosest(key, [one[key] for one in group])), needs))
    enums = [[one["const"]] if "const" in one else one.get("enum") for one in group]
    if all(enum is not None for enum in enums):
        restricted = Fact(place, name, "enum", type_, needs)
        values = {text(value) for enum in enums for value in enum or [] if value is not None}
        facts |= {restricted, *(Fact(place, name, "value", v, needs | {restricted.key}) for v in values)}
    if type_ in ("object", "array"):
        count = 1 if any(one.get("merged") for one in group) else len(group)
        facts.add(Fact(place, name, f"alternatives {type_}", str(count), needs))
    if type_ == "array":
        items = [one.get("items") or {} for one in group]
        facts |= facts_of_schema(place, f"{name}[]", expand_all(items), needs, sent=sent)
    if type_ == "object":
        facts |= facts_of_fields(place, name, group, needs, sent=sent)
    return facts


def facts_of_fields(place: str, name: str, group: list[dict[str, Any]], needs: Needs, *, sent: bool) -> set[Fact]:
    facts: set[Fact] = set()
    fields: dict[str, list[Any]] = {}
    for one in group:
        for field in {*one.get("properties", {}), *one.get("required", [])}:
            fields.setdefault(field, []).append(one.get("properties", {}).get(field, {}))
    for field, schemas in fields.items():
        schema = expand_all(schemas)
        if schema[0] and all(one.get("readOnly" if sent else "writeOnly") for one in schema[0]):
            continue
        inner = f"{name}.{field}" if name else field
        present = Fact(place, inner, "present", "", needs)
        facts |= {present} | facts_of_schema(place, inner, schema, needs | {present.key}, sent=sent)
        if all(field in one.get("required", []) for one in group):
            facts.add(Fact(place, inner, "required", "", needs | {present.key}))
    others = [one.get("additionalProperties", True) for one in group]
    if all(other is False for other in others):
        return facts | {Fact(place, name, "closed", "", needs)}
    opened = Fact(place, name, "open", "", needs)
    schemas = [{} if other is True else other for other in others if other is not False]
    inner = f"{name}.*" if name else "*"
    return facts | {opened} | facts_of_schema(place, inner, expand_all(schemas), needs | {opened.key}, sent=sent)


def loosest(key: str, values: list[Any]) -> Any:
    if len({text(value) for value in values}) == 1:
        return values[0]
    limits = {"max": max, "min": min}
    return limits[key[:3]](values) if key[:3] in limits else values


def compare_facts(operation: str, old: set[Fact], new: set[Fact]) -> set[Found]:
    """Return the changes that two sets of facts state, without those inside of something new or removed."""
    keys = [{fact.key for fact in facts} for facts in (old, new)]
    changed: dict[tuple[str, str, str], tuple[set[str], set[str]]] = {}
    for side, facts in enumerate((old, new)):
        for fact in facts:
            if fact.key not in keys[1 - side] and fact.needs <= keys[0] and fact.needs <= keys[1]:
                changed.setdefault((fact.place, fact.name, fact.aspect), (set(), set()))[side].add(fact.value)
    found = set()
    for (place, name, aspect), (lost, gained) in changed.items():
        before, after = ({f.value for f in facts if f[:3] == (place, name, aspect)} for facts in (old, new))
        context = {
            "sent": place.split()[0] in ("query", "path", "header", "cookie", "body"),
            "required": (place, name, "required", "") in keys[1],
            "untyped": any((place, name, "type", "any") in side for side in keys),
            "is_error": place == "error",
        }
        found |= {
            Found(operation, place, name, kind, breaks)
            for kind, breaks in judge(aspect, (lost, before), (gained, after), **context)
        }
    return found


def judge(
    aspect: str,
    old: tuple[set[str], set[str]],
    new: tuple[set[str], set[str]],
    *,
    sent: bool,
    required: bool,
    untyped: bool,
    is_error: bool,
) -> Iterator[tuple[str, bool]]:
    """Yield the kinds of changes that the lost and gained facts of one aspect mean, and whether they break."""
    (lost, before), (gained, after) = old, new
    wider, narrower = not sent, sent
    match aspect.split():
        case ["present"] if gained:
            yield "added", sent and required
        case ["present"]:
            yield "removed", not is_error
        case ["required" | "enum"]:
            yield aspect, narrower if gained else wider
        case ["null"] if not untyped:
            yield "null", wider if gained else narrower
        case ["type"]:
            yield "type", not covers(after, before) if sent else not covers(before, after)
        case ["value"]:
            yield from (("value", breaks) for values, breaks in ((lost, narrower), (gained, wider)) if values)
        case ["described"]:
            yield "content", bool(lost)
        case ["media"]:
            yield from (("content", breaks) for values, breaks in ((lost, True), (gained, wider)) if values)
        case ["status"]:
            yield "statuses", False
        case ["empty"]:
            yield "empty", bool(gained)
        case ["serialization" | "encoding"]:
            yield aspect, True
        case ["closed"]:
            yield "additionalProperties", sent and bool(gained)
        case ["alternatives", _]:
            yield "alternatives", wider if int(*gained) > int(*lost) else narrower
        case ["keyword", key]:
            yield key, keyword_breaks(key, [json.loads(*v) if v else None for v in (lost, gained)], sent=sent)


def covers(types: set[str], others: set[str]) -> bool:
    return "any" in types or others <= types | ({"integer"} if "number" in types else set())


def keyword_breaks(key: str, values: list[Any], *, sent: bool) -> bool:
    """Whether another value of a keyword breaks a request or a response."""
    old, new = values
    if key in ANNOTATIONS or key.startswith("x-"):
        return False
    if key == "format" and not PYTHON_FORMATS & {text(value).strip('"') for value in values}:
        return sent and new is not None
    if key in ("format", "default"):
        return key == "format" or old is not None
    if None in values:
        return sent if old is None else not sent
    if key[:3] in ("max", "min"):
        return sent is ((new < old) if key.startswith("max") else (new > old))
    return True
