"""Typed functions as models: the decorator, and the schema that it builds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import pytest

from replicate_ext import InvalidRequestError, NotFoundError, Replicate
from replicate_ext.emulator import Catalog, Emulator, Field, Secret, schema


def test_typed_function_becomes_a_model_with_a_schema() -> None:
    models = Catalog()

    @models.model("me/repeat")
    def repeat(
        text: str, times: Annotated[int, Field("How often.", ge=1)] = 2, how: Literal["up", "down"] = "up"
    ) -> list[str]:
        """Repeat a text."""
        return [text.upper() if how == "up" else text.lower()] * times

    with Emulator(models=models) as api, Replicate(api.token, base_url=api.url) as client:
        assert client.run("me/repeat", {"text": "Ada", "how": "down"}) == ["ada", "ada"]
        model = client.models.get("me", "repeat")
        assert model.description == "Repeat a text."
        components = model.latest_version.openapi_schema["components"]["schemas"]
        assert components["Input"]["required"] == ["text"]
        assert components["Input"]["properties"]["times"] == {
            "title": "Times",
            "type": "integer",
            "description": "How often.",
            "minimum": 1,
            "default": 2,
            "x-order": 1,
        }
        assert components["how"]["enum"] == ["up", "down"]
        with pytest.raises(InvalidRequestError, match="Must be greater than or equal to 1"):
            client.run("me/repeat", {"text": "Ada", "times": 0}, check=False)


def test_model_is_added_to_a_running_emulator(api, client) -> None:
    @api.model("me/count")
    def count(up_to: int) -> Iterator[str]:
        for number in range(up_to):
            yield f"{number} "

    assert [str(event) for event in client.stream("me/count", {"up_to": 3})] == ["0 ", "1 ", "2 ", ""]
    with Emulator() as other, Replicate(other.token, base_url=other.url) as other_client, pytest.raises(NotFoundError):
        other_client.models.get("me", "count")


class Size(TypedDict):
    width: int
    height: NotRequired[int | None]


class Options(TypedDict, total=False):
    size: Required[Size]
    name: str


def test_objects_unions_and_secrets_have_schemas() -> None:
    def function(
        options: Options,
        value: str | float | None = None,
        weights: dict[str, int] = {},  # noqa: B006
        token: Annotated[Secret | None, Field("A token.", deprecated=True)] = None,
        image: Annotated[Path | None, Field(accept="image/*")] = None,
    ) -> list[Size]: ...

    schemas = schema.build_openapi_schema(function)["components"]["schemas"]
    size, options = ({"allOf": [{"$ref": f"#/components/schemas/{name}"}]} for name in ("Size", "Options"))
    fields = {name: strip(field) for name, field in schemas["Input"]["properties"].items()}
    secret = {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True}
    assert fields == {
        "options": options,
        "value": {"anyOf": [{"type": "string"}, {"type": "number"}], "nullable": True},
        "weights": {"type": "object", "additionalProperties": {"type": "integer"}, "default": {}},
        "token": {**secret, "description": "A token.", "deprecated": True, "nullable": True},
        "image": {"type": "string", "format": "uri", "x-cog-accept": "image/*", "nullable": True},
    }
    width, height = {"type": "integer"}, {"type": "integer", "nullable": True}
    assert strip(schemas["Size"]) == {
        "type": "object",
        "properties": {"width": width, "height": height},
        "required": ["width"],
    }
    assert schemas["Options"]["properties"] == {"size": size, "name": {"type": "string"}}
    assert schemas["Options"]["required"] == ["size"]
    assert strip(schemas["Output"]) == {"type": "array", "items": size}


def strip(field: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in field.items() if name not in ("title", "x-order")}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (int | None, {"type": "integer", "nullable": True}),
        (Size, {"type": "object", "required": ["width"]}),
        (Iterator[list[Path]], {"type": "array", "x-cog-array-type": "iterator"}),
    ],
)
def test_results_of_other_kinds(result: Any, expected: dict[str, Any]) -> None:
    def function() -> None: ...

    function.__annotations__["return"] = result
    output = schema.build_openapi_schema(function)["components"]["schemas"]["Output"]
    assert {name: output[name] for name in expected} == expected


def without_parameter_type(text) -> str:  # type: ignore[no-untyped-def]
    return str(text)


def with_unsupported_type(text: complex) -> str:
    return str(text)


def without_result_type(text: str):  # type: ignore[no-untyped-def]
    return text


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (without_parameter_type, "the parameter text has no type annotation"),
        (with_unsupported_type, "the parameter text has the type <class 'complex'>"),
        (without_result_type, "the result has no type annotation"),
    ],
)
def test_function_without_a_schema_raises_with_the_reason(function, message) -> None:
    with pytest.raises(TypeError, match=message):
        schema.build_openapi_schema(function)
    with pytest.raises(ValueError, match="owner/name"):
        Catalog().model("repeat")
