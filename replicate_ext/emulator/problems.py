"""What the API says when it says no: problem documents, word for word where they are on record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema
import jsonschema.protocols
from starlette.responses import Response


class Problem(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, detail: str, title: str | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {"title": title} if title else {}
        self.body |= {"detail": detail, "status": status} | more

    def response(self) -> Response:
        """Return it as the API sends it: its own media type, and a newline at the end."""
        headers = {"retry-after": str(self.body["retry_after"])} if "retry_after" in self.body else None
        return Response(json.dumps(self.body) + "\n", self.status, headers, "application/problem+json")


def not_found(detail: str = "The requested resource could not be found.") -> Problem:
    """404: an unknown path or id, and a model that cannot be run under this path."""
    return Problem(404, detail)


def unauthenticated(has_token: bool) -> Problem:
    """401: no token, or not ours."""
    words = "You did not pass a valid authentication token" if has_token else "You did not pass an authentication token"
    return Problem(401, words, "Unauthenticated")


def unknown_version() -> Problem:
    """422: a version that is not there."""
    words = "The specified version does not exist (or perhaps you don't have permission to use it?)"
    return Problem(422, words, "Invalid version or not permitted")


def throttled(seconds: int) -> Problem:
    """429: too many requests."""
    words = f"Request was throttled. Your rate limit resets in ~{seconds}s."
    return Problem(429, words, retry_after=seconds)


def validator(schema: Mapping[str, Any]) -> jsonschema.protocols.Validator:
    """Return what checks values against a schema; making it takes longer than using it."""
    return jsonschema.Draft202012Validator(schema)


def check(value: Any, rules: jsonschema.protocols.Validator | Mapping[str, Any], field: str = "") -> None:
    """Raise a Problem (422) that lists everything in a value that its schema does not allow.

    Type names and sentences are those of gojsonschema, which the API uses.
    """
    judge = validator(rules) if isinstance(rules, Mapping) else rules
    invalid = [item for error in judge.iter_errors(value) for item in _described(error, field)]
    if not invalid:
        return
    places = [f"{item['field']}: " if item["field"] else "" for item in invalid]
    lines = [f"- {place}{item['description']}\n" for place, item in zip(places, invalid, strict=True)]
    raise Problem(422, "".join(lines), "Input validation failed", invalid_fields=invalid)


def _described(error: jsonschema.ValidationError, prefix: str) -> Iterable[dict[str, str]]:
    field = ".".join([prefix, *map(str, error.absolute_path)] if prefix else map(str, error.absolute_path))
    rule = str(error.validator)
    limit: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if rule == "required":
        missing = [name for name in limit if name not in instance]
        name = next(name for name in missing if f"{name!r} is" in error.message)
        yield {"type": "required", "field": field, "description": f"{name} is required"}
    elif rule == "additionalProperties":
        for name in instance.keys() - schema.get("properties", {}).keys():
            words = f"Additional property {name} is not allowed"
            yield {"type": "additional_property_not_allowed", "field": field, "description": words}
    elif rule == "type":
        expected = limit if isinstance(limit, str) else ",".join(limit)
        words = f"Invalid type. Expected: {expected}, given: {_type(instance)}"
        yield {"type": "invalid_type", "field": field, "description": words}
    elif rule == "enum":
        allowed = ", ".join(json.dumps(item) for item in limit)
        words = f"{field} must be one of the following: {allowed}"
        yield {"type": "enum", "field": field, "description": words}
    else:
        kind, words = _SENTENCES.get(rule, (rule, error.message))
        yield {"type": kind, "field": field, "description": words.format(limit)}


_SENTENCES = {
    "minimum": ("number_gte", "Must be greater than or equal to {}"),
    "maximum": ("number_lte", "Must be less than or equal to {}"),
    "exclusiveMinimum": ("number_gt", "Must be greater than {}"),
    "exclusiveMaximum": ("number_lt", "Must be less than {}"),
    "minLength": ("string_gte", "String length must be greater than or equal to {}"),
    "maxLength": ("string_lte", "String length must be less than or equal to {}"),
    "pattern": ("pattern", "Does not match pattern '{}'"),
    "format": ("format", "Does not match format '{}'"),
    "minItems": ("array_min_items", "Array must have at least {} items"),
    "maxItems": ("array_max_items", "Array must have at most {} items"),
    "multipleOf": ("multiple_of", "Must be a multiple of {}"),
    "anyOf": ("number_any_of", "Must validate at least one schema (anyOf)"),
}


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]
