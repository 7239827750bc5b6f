"""What the successful responses of an operation are parsed to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.responses import Response

from . import media_types
from .types_map import annotation, codec, model_properties, success_responses

NO_BODY = frozenset({"204", "205"})
"""The successful statuses whose responses have no content (RFC 9110, sections 15.3.5 and 15.3.6)."""

_TYPES = {"text": "str", "bytes": "bytes", "events": "str", "empty": "None"}


class Alternative(NamedTuple):
    """One body that a successful response may have."""

    status: str
    kind: str
    """What it is parsed as, see `media_types.kind`; `empty` if there is none."""
    type: str
    codec: str
    """That of JSON."""
    prop: PropertyProtocol

    @classmethod
    def of(cls, response: Response) -> list[Alternative]:
        status = response.status_code.pattern
        content = getattr(response.data, "content", None) or {}
        kinds = dict.fromkeys(media_types.kind(name.get_untrusted_value()) or "bytes" for name in content)
        if response.source["attribute"] == "None":  # content without a schema describes nothing
            kinds = {}
        return [
            cls(status, kind, annotation(response.prop), codec(response.prop), response.prop)
            if kind == "json"
            else cls(status, kind, _TYPES[kind], "", response.prop)
            for kind in kinds or ["empty"]
        ]


@dataclass
class Result:
    """What `parse` returns for a successful response."""

    type: str
    kind: str
    """As that of an `Alternative`; `any` for a body that is not described, `one_of` for several alternatives."""
    codec: str = ""
    prop: PropertyProtocol | None = None
    alternatives: list[Alternative] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """The header that asks for an event stream."""
        return {"Accept": media_types.EVENT_STREAM} if self.kind == "events" else {}

    @classmethod
    def of(cls, endpoint: Endpoint) -> Result:
        """Return the result of an operation."""
        found = [one for response in success_responses(endpoint) for one in Alternative.of(response)]
        described = [one for one in found if one.kind != "empty"]
        if not described:
            # A 200 or 201 has a body, even if the OpenAPI document does not describe it.
            has_body = not found or any(one.status in ("200", "201", "2XX") for one in found)
            return cls("Any", "any") if has_body else cls("None", "empty")
        # A status without a description has the body of the others, unless it never has one.
        distinct = _merge([one for one in found if one.kind != "empty" or one.status in NO_BODY])
        if len(distinct) == 1 or described[0].kind == "events":  # which `constructs.py` allows no other beside
            one = described[0]
            return cls(one.type, one.kind, one.codec, one.prop)
        types = dict.fromkeys(part for one in distinct for part in one.type.split(" | "))
        python = "Any" if "Any" in types else " | ".join(types)
        return cls(python, "one_of", alternatives=distinct)


def _merge(alternatives: list[Alternative]) -> list[Alternative]:
    """Return the alternatives that differ in what they are parsed to.

    Models with the same fields are one response under two names, which an earlier document had.
    """
    distinct: dict[object, Alternative] = {}
    for one in alternatives:
        is_model = isinstance(one.prop, ModelProperty) and one.codec.startswith("types.Nested")
        fields = frozenset(prop.name.get_untrusted_value() for prop in model_properties(one.prop))
        distinct.setdefault((one.kind, fields) if is_model else (one.kind, one.type, one.codec), one)
    # Only where bodies differ does the status matter.
    return alternatives if len(distinct) > 1 else list(distinct.values())
