"""Every OpenAPI document that Replicate has published is generated completely, from any other one."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from codegen import contract, descriptions, generate, normalize, update
from conftest import shared
from openapi_documents import DOCUMENT, ROOT, STRING, copy_repository, json_content, run_client_code


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, Any]]:
    """Return the documents that Replicate has published by date, the oldest first."""
    folder = shared("upstream")
    paths = [*sorted(folder.glob("history/*")), *folder.glob("openapi-*")]
    return {path.stem.removeprefix("openapi-")[:10]: contract.load(path) for path in paths}


@pytest.fixture(scope="module")
def adopted(published: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {date: descriptions.adopt(document, DOCUMENT) for date, document in published.items()}


def without_removed(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "x-removed"}


def to_text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def test_a_document_is_adopted_the_same_from_every_other_one(published: Any, adopted: Any) -> None:
    for old, ours in adopted.items():
        for new, document in published.items():
            found = descriptions.adopt(document, ours)
            assert to_text(without_removed(found)) == to_text(without_removed(adopted[new])), (old, new)
            assert found.get("x-removed", {}).keys() <= {"paths", "components"}


def test_the_newest_document_is_ours_after_all_others(published: Any) -> None:
    document = DOCUMENT
    for date in [*reversed(published), *published]:
        document = descriptions.adopt(published[date], document)
    assert to_text(document) == (ROOT / "openapi.json").read_text(encoding="utf-8")


def test_earlier_documents_are_generated_with_our_classes_and_overlay(adopted: Any, tmp_path: Path) -> None:
    classes: list[set[str]] = []
    for date, document in adopted.items():
        remarks = generate.generate(document, tmp_path / date)  # strict: no entry of the overlay is obsolete
        assert bool(remarks) == ("x-removed" in document)
        package = tmp_path / date / generate.PACKAGE
        operations = contract.index_operations(document)["operations"]
        written = {path.stem for path in package.glob("api/*/*.py")} - {"__init__"}
        assert written == {re.sub(r"\W", "_", name) for name in operations}
        classes.append({path.stem for path in package.glob("models/*.py")})
    assert {"problem", "deployment", "release"} <= classes[0]
    for earlier, later in pairwise(classes):
        assert earlier <= later
    assert generate.differences(ROOT, tmp_path / date) == []


def like_2024() -> dict[str, Any]:
    """Return our document with what made those of 2024 fail."""
    document = json.loads(json.dumps(DOCUMENT).replace("schemas_prediction_response", "prediction_response"))
    schema = document["components"]["schemas"]["prediction_response"]
    schema["properties"] = dict.fromkeys(schema["properties"], STRING)
    described = json_content({"$ref": "#/components/schemas/prediction_response"})
    for _, _, operation in normalize.iterate_operations(document):
        for response in operation["responses"].values():
            response.pop("content", None)
        if "prediction" in operation["operationId"]:
            operation["responses"] = {"201": {}, "202": {}, "200": described, "404": {}}
    document["paths"]["/search"]["get"]["responses"] = {"204": {}, "400": {"content": {"application/problem+json": {}}}}
    return document


CALLS = """
import httpx, replicate_ext
from replicate_api import AuthenticatedClient
from replicate_api.api.predictions import predictions_get

def handle(request):
    if request.url.path.endswith("missing"):
        return httpx.Response(404, json={"detail": "Not found.", "status": 404})
    return httpx.Response(202, json={"id": "x", "status": "starting"})

transport = httpx.MockTransport(handle)
bare = AuthenticatedClient("https://api.example", "r8_x", httpx_args={"transport": transport})
response = predictions_get.sync_detailed("missing", client=bare)
print(response.status_code, response.problem.detail, response.problem.to_dict())
client = replicate_ext.Replicate("r8_x", transport=transport)
print(type(client.predictions.create(version="v", input={})).__name__)
print(client.models.predictions.create("a/b", input={}).id)
try:
    client.predictions.get("missing")
except replicate_ext.NotFoundError as error:
    print(error)
print(client.search(query="x"))
"""


def test_errors_and_creates_of_a_document_like_those_of_2024_are_parsed(tmp_path: Path) -> None:
    generate.generate(descriptions.adopt(like_2024(), DOCUMENT), copy_repository(tmp_path))
    assert run_client_code(tmp_path, CALLS).splitlines() == [
        "404 Not found. {'detail': 'Not found.', 'status': 404}",
        "Prediction",
        "x",
        "GET /predictions/missing: 404: Not found.",
        "None",
    ]


def test_an_update_that_only_renames_components_changes_nothing(tmp_path: Path) -> None:
    repository = copy_repository(tmp_path)
    new = json.dumps(DOCUMENT).replace("schemas_prediction_response", "schemas_job")
    source = tmp_path / "new.json"
    source.write_text(new)
    remark = "only names of components differ, which are not on the wire; ours are kept"
    assert update.update(str(source), repository) == ([], [remark])
    assert (repository / "openapi.json").read_bytes() == (ROOT / "openapi.json").read_bytes()
