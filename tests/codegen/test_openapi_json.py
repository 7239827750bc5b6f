"""Our `openapi.json`: the contract is Replicate's, the descriptions are ours and complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from codegen import contract
from conftest import shared
from openapi_documents import DOCUMENT, ROOT, iterate_documentation
from replicate_ext._sansio.base_url import DEFAULT_BASE_URL


def test_the_servers_are_those_of_our_client() -> None:
    assert [server["url"] for server in DOCUMENT["servers"]] == [DEFAULT_BASE_URL]


def iterate_properties(node: Any, *, in_map: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and schema of every property in a document."""
    if isinstance(node, list):
        for item in node:
            yield from iterate_properties(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if not in_map and key == "properties":
                yield from value.items()
            yield from iterate_properties(value, in_map=not in_map and key in contract.MAPS)


def index_operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    items = document["paths"].values()
    return {operation["operationId"]: operation for item in items for operation in item.values()}


def word_sequences(text: str, length: int = 8) -> set[tuple[str, ...]]:
    """Return all sequences of consecutive words in a text."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return contract.load(ROOT / "openapi.json")


@pytest.fixture(scope="module")
def upstream() -> dict[str, Any]:
    return contract.load(shared("upstream") / "openapi-2026-03-16.json")


def test_our_contract_equals_replicates(ours: dict[str, Any], upstream: dict[str, Any]) -> None:
    assert contract.describe_differences(upstream, ours) == []


def test_our_descriptions_share_no_eight_words_with_replicates(ours: dict[str, Any], upstream: dict[str, Any]) -> None:
    theirs = {words for _, text in iterate_documentation(upstream) for words in word_sequences(str(text))}
    assert len(theirs) > 1000
    assert {words for _, text in iterate_documentation(ours) for words in word_sequences(text)} & theirs == set()


def test_descriptions_are_plain_text_without_examples(ours: dict[str, Any]) -> None:
    keys = {key for key, _ in iterate_documentation(ours)}
    assert keys <= {"summary", "description", "title", "bearerFormat"}
    for _, text in iterate_documentation(ours):
        assert text.isascii()
        assert text == text.strip()
        assert not re.search(r"curl|</|```|\n|^#", text)


def test_every_operation_is_described(ours: dict[str, Any]) -> None:
    assert len(index_operations(ours)) > 30
    for name, operation in index_operations(ours).items():
        assert 0 < len(operation["summary"]) < 60, name
        assert operation["description"], name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)


def test_every_parameter_is_described(ours: dict[str, Any]) -> None:
    parameters = list(ours["components"]["parameters"].values())
    for operation in index_operations(ours).values():
        parameters += operation.get("parameters", [])
    assert len(parameters) > 40
    for parameter in parameters:
        assert "$ref" in parameter or parameter["description"], parameter


def test_every_schema_and_property_is_described(ours: dict[str, Any]) -> None:
    schemas = list(ours["components"]["schemas"].items()) + list(iterate_properties(ours))
    assert len(schemas) > 200
    for name, schema in schemas:
        assert ("$ref" in schema) != bool(schema.get("description")), name
