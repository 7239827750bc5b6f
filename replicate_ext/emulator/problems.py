"""Error responses as problem documents, with the API's own texts (docs/api-facts.md, section 5)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema
import jsonschema.protocols
from starlette.responses import Response


class Problem(Exception):
    """An error response, raised by handlers.

    Args:
        status: The HTTP status code.
        detail: What is wrong.
        title: The kind of error.
        extra: Further fields of the problem document; `retry_after` also becomes a header.
    """

    def __init__(self, status: int, detail: str, title: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {"title": title} if title else {}
        self.body |= {"detail": detail, "status": status} | extra

    def response(self) -> Response:
        """Return the response: media type `application/problem+json`, with a newline at the end."""
        headers = {"retry-after": str(self.body["retry_after"])} if "retry_after" in self.body else None
        return Response(json.dumps(self.body) + "\n", self.status, headers, "application/problem+json")


def not_found(detail: str = "The requested resource could not be found.") -> Problem:
    """Return a 404: unknown path or id, or a community model under the path of official models."""
    return Problem(404, detail)


def unauthenticated(has_token: bool) -> Problem:
    """Return a 401: the token is missing or wrong."""
    valid = "a valid" if has_token else "an"
    return Problem(401, f"You did not pass {valid} authentication token", "Unauthenticated")


def unknown_version() -> Problem:
    """Return a 422: the version does not exist."""
    detail = "The specified version does not exist (or perhaps you don't have permission to use it?)"
    return Problem(422, detail, "Invalid version or not permitted")


def throttled(seconds: int) -> Problem:
    """Return a 429: the rate limit is exceeded."""
    detail = f"Request was throttled. Your rate limit resets in ~{seconds}s."
    return Problem(429, detail, retry_after=seconds)


def create_validator(schema: Mapping[str, Any]) -> jsonschema.protocols.Validator:
    """Return a validator for a schema; creating one takes longer than using it, so keep it."""
    return jsonschema.Draft202012Validator(schema)


def validate(value: Any, schema: jsonschema.protocols.Validator | Mapping[str, Any], field: str = "") -> None:
    """Validate a value as the API does, which uses gojsonschema: error types and messages are that library's.

    Args:
        value: The value to validate.
        schema: A schema, or a validator for it.
        field: The path of the value in the request body, which prefixes the fields in the problem.

    Raises:
        Problem: 422, with every violation in `detail` and `invalid_fields`.
    """
    validator = create_validator(schema) if isinstance(schema, Mapping) else schema
    invalid = [item for error in validator.iter_errors(value) for item in _invalid_fields(error, field)]
    if not invalid:
        return
    prefixes = [f"{item['field']}: " if item["field"] else "" for item in invalid]
    lines = [f"- {prefix}{item['description']}\n" for prefix, item in zip(prefixes, invalid, strict=True)]
    raise Problem(422, "".join(lines), "Input validation failed", invalid_fields=invalid)


def _invalid_fields(error: jsonschema.ValidationError, prefix: str) -> Iterable[dict[str, str]]:
    """Yield the entries of `invalid_fields` for one validation error."""
    field = ".".join([prefix, *map(str, error.absolute_path)] if prefix else map(str, error.absolute_path))
    keyword = str(error.validator)
    limit: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if keyword == "required":
        missing = [name for name in limit if name not in instance]
        name = next(name for name in missing if f"{name!r} is" in error.message)
        yield {"type": "required", "field": field, "description": f"{name} is required"}
    elif keyword == "additionalProperties":
        for name in instance.keys() - schema.get("properties", {}).keys():
            description = f"Additional property {name} is not allowed"
            yield {"type": "additional_property_not_allowed", "field": field, "description": description}
    elif keyword == "type":
        expected = limit if isinstance(limit, str) else ",".join(limit)
        description = f"Invalid type. Expected: {expected}, given: {_type_name(instance)}"
        yield {"type": "invalid_type", "field": field, "description": description}
    elif keyword == "enum":
        allowed = ", ".join(json.dumps(item) for item in limit)
        description = f"{field} must be one of the following: {allowed}"
        yield {"type": "enum", "field": field, "description": description}
    else:
        type_, template = _MESSAGES.get(keyword, (keyword, error.message))
        yield {"type": type_, "field": field, "description": template.format(limit)}


_MESSAGES = {
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
"""Keyword of JSON Schema → gojsonschema's error type and message."""


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]
