"""The lines of the report: with our names, each once, and with what a caller has to write instead."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from codegen import changes
from example_runner import shown_text
from openapi_documents import DOCUMENT, INTEGER, STRING, json_content, object_schema

Document = dict[str, Any]


def report(change: Callable[[Document], object], old: Document = DOCUMENT) -> list[str]:
    """Return the lines of the report on a change of a document."""
    new = copy.deepcopy(old)
    change(new)
    return [line[16:] for line in changes.FORMATS["text"](changes.classify_changes(old, new)).splitlines()]


def fields(document: Document, name: str) -> Document:
    return document["components"]["schemas"][f"schemas_{name}"]["properties"]


def limit(document: Document) -> Document:
    return document["paths"]["/search"]["get"]["parameters"][1]


def add_parameter(document: Document, path: str, **parameter: Any) -> None:
    document["paths"][path].setdefault("parameters", []).append({"in": "query", "schema": STRING, **parameter})


def rename_operation(document: Document) -> None:
    document["paths"]["/search"]["get"]["operationId"] = "search.all"


def rename_path_parameter(document: Document) -> None:
    [operation] = document["paths"]["/collections/{collection_slug}"].values()
    operation["parameters"][0]["name"] = "slug"
    document["paths"]["/collections/{slug}"] = document["paths"].pop("/collections/{collection_slug}")


LINES: list[tuple[Callable[[Document], object], list[str]]] = [
    (
        lambda d: fields(d, "prediction_response")["status"]["enum"].append("queued"),
        ['`Prediction.status`: "queued" is new → match statements: handle "queued"'],
    ),
    (
        lambda d: fields(d, "prediction_response")["urls"]["properties"].pop("stream"),
        ["`Prediction.urls.stream`: removed → remove what reads it"],
    ),
    (
        lambda d: fields(d, "model_response")["run_count"].update(type="string"),
        ["`Model.run_count`: str (was: int) → expect str"],
    ),
    (
        lambda d: fields(d, "model_response").update(likes=INTEGER, stars=INTEGER),
        ["`Model.likes`, `.stars`: new"],
    ),
    (
        lambda d: fields(d, "file_response")["created_at"].pop("format"),
        ['`File.created_at`: format none (was: "date-time") → expect str'],
    ),
    (
        lambda d: fields(d, "search_response")["models"]["items"]["properties"].update(rank=INTEGER),
        ["`SearchResults.models[].rank`: new"],
    ),
    (
        lambda d: d["components"]["schemas"]["schemas_prediction_request"]["required"].append("webhook"),
        [
            "`client.deployments.predictions.create`, `client.models.predictions.create`: body field `webhook`: "
            "required → pass `webhook=…`"
        ],
    ),
    (
        lambda d: d["paths"]["/files"]["post"].pop("requestBody"),
        ["`client.files.create`: body: removed → pass no body"],
    ),
    (
        lambda d: d["paths"]["/files"]["post"]["requestBody"].update(required=True),
        ["`client.files.create`: body: required → pass a body"],
    ),
    (
        lambda d: add_parameter(d, "/account", name="Sort-By", required=True),
        ["`client.account.get`: query parameter `Sort-By`: new and required → pass `sort_by=…`"],
    ),
    (
        lambda d: limit(d)["schema"].update(maximum=10),
        ["`client.search`: query parameter `limit`: maximum 10 (was: 50) → pass at most 10 (maximum)"],
    ),
    (
        lambda d: limit(d)["schema"].update(default=5),
        [
            "`client.search`: query parameter `limit`: default 5 (was: 20) "
            "→ pass `limit=20` to keep the previous behaviour"
        ],
    ),
    (
        lambda d: d["paths"]["/search"]["get"]["parameters"].pop(1),
        ["`client.search`: query parameter `limit`: removed → leave out `limit=`"],
    ),
    (
        lambda d: d["paths"].update({"/me": d["paths"].pop("/account")}),
        ["`client.account.get`: GET /me (was: GET /account) → update replicate-ext; calls stay the same"],
    ),
    (
        rename_operation,
        ["`client.search`: renamed `client.search.all`, no change on the wire → write `client.search.all`"],
    ),
    (
        rename_path_parameter,
        ["`client.collections.get`: path parameter `collection_slug`: renamed `slug`, no change on the wire"],
    ),
    (
        lambda d: d.update(servers=[{"url": "https://api.example.com"}]),
        [
            'every operation: servers ["https://api.example.com"] (was: ["https://api.replicate.com/v1"]) '
            "→ update replicate-ext; calls stay the same"
        ],
    ),
    (
        lambda d: d["paths"]["/search"]["get"].pop("security"),
        ["`client.search`: needs bearer credentials (was: no credentials) → give the client bearer credentials"],
    ),
    (
        lambda d: d["paths"]["/search"]["get"]["responses"]["400"]["content"]["application/json"].update(
            schema=object_schema(reason=STRING)
        ),
        ["`Problem.detail`: removed → remove what reads it", "`Problem.reason`: new"],
    ),
    (
        lambda d: d["paths"].update(
            {"/votes": {"get": {"operationId": "votes.list", "responses": {"200": json_content(STRING)}}}}
        ),
        ["`client.votes.list`: new"],
    ),
    (lambda d: d.update(openapi="3.2.0"), ["OpenAPI 3.1.0 → 3.2.0, no change on the wire"]),
    (lambda d: d["components"]["schemas"].update(unused=STRING), ["written differently, no change on the wire"]),
]


@pytest.mark.parametrize(("change", "lines"), LINES, ids=[case[1][0] for case in LINES])
def test_a_line(change: Callable[[Document], object], lines: list[str]) -> None:
    assert report(change) == lines


def rename_component(document: Document, kind: str, old: str, new: str) -> None:
    """Rename a component and the references to it."""

    def visit(node: Any) -> None:
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            visit(child)
        if isinstance(node, dict) and node.get("$ref") == f"#/components/{kind}/{old}":
            node["$ref"] = f"#/components/{kind}/{new}"

    visit(document)
    document["components"][kind][new] = document["components"][kind].pop(old)


def test_renamed_components_are_one_line() -> None:
    def change(document: Document) -> None:
        rename_component(document, "schemas", "schemas_version_response", "release")
        rename_component(document, "parameters", "parameters_prefer_header", "prefer")

    assert report(change) == [
        "renamed, no change: `parameters_prefer_header` → `prefer`, `schemas_version_response` → `release`"
    ]


def test_a_renamed_component_shows_what_changed_inside() -> None:
    def change(document: Document) -> None:
        fields(document, "version_response").pop("cog_version")
        rename_component(document, "schemas", "schemas_version_response", "release")

    assert report(change) == ["`Version.cog_version`: removed → remove what reads it"]


def test_a_document_that_cannot_be_generated_is_reported_by_its_methods() -> None:
    operation = {
        "operationId": "votes.get",
        "responses": {"200": json_content(object_schema(id=STRING, weight=INTEGER))},
    }
    old = {"openapi": "3.1.0", "paths": {"/votes": {"get": operation, "GET": {"operationId": "x"}}}}
    new = copy.deepcopy(old)
    del new["paths"]["/votes"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["id"]
    [found] = changes.classify_changes(old, new)
    assert found.text == "`client.votes.get`: result field `id`: removed"


def test_the_report_on_the_page_on_regenerating() -> None:
    old = json.loads(json.dumps(DOCUMENT).replace("schemas_training_request", "training_request"))
    new = copy.deepcopy(DOCUMENT)
    add_parameter(new, "/search", name="kind", required=True)
    fields(new, "prediction_response")["status"]["enum"].append("queued")
    fields(new, "model_response").update(likes=INTEGER, stars=INTEGER)
    found = changes.FORMATS["text"](changes.classify_changes(old, new))
    assert found == shown_text("docs/regenerating.md", "breaks callers")
