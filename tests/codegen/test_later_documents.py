"""What a later OpenAPI document may add is sent and parsed as it documents."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from codegen import generate
from openapi_documents import (
    DOCUMENT,
    INTEGER,
    STRING,
    copy_repository,
    json_content,
    object_schema,
    operation_returning,
    run_client_code,
)

SQUARE = object_schema(kind={"type": "string", "enum": ["square"]}, side=INTEGER) | {"required": ["kind"]}
CIRCLE = object_schema(kind={"type": "string", "enum": ["circle"]}, radius=INTEGER) | {"required": ["kind"]}
SHAPE = {"oneOf": [{"$ref": "#/components/schemas/Square"}, {"$ref": "#/components/schemas/Circle"}]}

CALLS = """
import httpx, io
from replicate_ext import Replicate

BODIES = {"/v1/account/usage": {"total": 3}, "/v1/new/5": {"at": 7}, "/v1/new/run": {"id": "x"}}
OTHER = {"at": "2026-01-02T03:04:05Z", "shape": {"kind": "circle", "radius": 2}, "next": None, "results": ["a"]}
OTHER["other"] = "o"

def handle(request):
    print(request.method, request.url.path, request.headers.get("x-dry"), request.content.decode())
    return httpx.Response(200, json=BODIES.get(request.url.path, OTHER))

client = Replicate("r8_x", base_url="http://x", transport=httpx.MockTransport(handle))
print(client.account.usage().total, client.new.get(5, x_dry=True).at)
created = client.new.create(level=2, word='say "hi"', shape={"kind": "square", "side": 1})
print(created.at.year, type(created.shape).__name__, created.shape.radius)
try:
    client.new.create(level=3)
except ValueError as error:
    print(error)
print(list(client.new.list()), type(client.new.put()).__name__, client.new.put().other)
print(type(client.new.run(input={"file": io.BytesIO(b"x")})).__name__)
"""


def test_new_schemas_parameters_and_operations_work(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    path = {"in": "path", "name": "number", "required": True, "schema": INTEGER}
    header = {"in": "header", "name": "X-Dry", "schema": {"type": "boolean"}}
    level = {"type": "integer", "enum": [1, 2]}
    quoted = {"type": "string", "enum": ['say "hi"', "back\\slash"], "description": 'Ends with "quotes"'}
    document["components"]["schemas"] |= {
        "prediction": object_schema(other=STRING),
        "Square": SQUARE,
        "Circle": CIRCLE,
    }
    document["paths"] |= {
        "/account/usage": {"get": operation_returning(object_schema(total=INTEGER), operationId="account.usage")},
        "/new/{number}": {
            "get": operation_returning(object_schema(at=INTEGER), operationId="new.get", parameters=[path, header])
        },
        "/new": {
            "post": operation_returning(
                object_schema(at={"type": "string", "format": "date-time"}, shape=SHAPE),
                operationId="new.create",
                requestBody=json_content(object_schema(level=level, word=quoted, shape=SHAPE)),
            ),
            "get": operation_returning(
                object_schema(next=STRING, results={"type": "array", "items": STRING}), operationId="new.list"
            ),
            "put": operation_returning({"$ref": "#/components/schemas/prediction"}, operationId="new.put"),
        },
        "/new/run": {
            "post": operation_returning(
                {"$ref": "#/components/schemas/schemas_prediction_response"},
                operationId="new.run",
                requestBody=json_content(object_schema(input={"type": ["object", "null"]})),
            )
        },
        "x-notes": {"whatever": 1},
    }
    generate.generate(document, copy_repository(tmp_path))
    assert run_client_code(tmp_path, CALLS).splitlines() == [
        "GET /v1/account/usage None ",
        "GET /v1/new/5 true ",
        "3 7",
        'POST /v1/new None {"level":2,"word":"say \\"hi\\"","shape":{"kind":"square","side":1}}',
        "2026 Circle 2",
        "level must be 1, not 3; or level must be 2, not 3",
        "GET /v1/new None ",
        "PUT /v1/new None ",
        "PUT /v1/new None ",
        "['a'] Prediction2 o",
        'POST /v1/new/run None {"input":{"file":"data:application/octet-stream;base64,eA=="}}',
        "Prediction",
    ]


UPLOAD_CALLS = """
import httpx
from replicate_ext import Replicate

def handle(request):
    print(b"done" in request.read())
    return httpx.Response(200, json={})

client = Replicate("r8_x", base_url="http://x", transport=httpx.MockTransport(handle))
client.uploads.pair(left=b"a", right=b"bc", progress=print)
client.uploads.own(left=b"a", progress="done")
"""


def test_uploads_of_a_later_document_have_progress_unless_it_has_an_argument_of_this_name(tmp_path: Path) -> None:
    def upload(operation_id: str, **fields: Any) -> dict[str, Any]:
        body = {"content": {"multipart/form-data": {"schema": object_schema(**fields)}}}
        return {"post": operation_returning(object_schema(), operationId=operation_id, requestBody=body)}

    document, binary = copy.deepcopy(DOCUMENT), {"type": "string", "format": "binary"}
    document["paths"] |= {
        "/pair": upload("uploads.pair", left=binary, right=binary),
        "/own": upload("uploads.own", left=binary, progress=STRING),
    }
    generate.generate(document, copy_repository(tmp_path))
    assert run_client_code(tmp_path, UPLOAD_CALLS).splitlines() == ["0 3", "1 3", "3 3", "False", "True"]


NULLABLE_CALLS = """
import httpx
from replicate_ext import Replicate, UNSET

def handle(request):
    print(request.content.decode())
    return httpx.Response(200, json={})

client = Replicate("r8_x", base_url="http://x", transport=httpx.MockTransport(handle))
client.models.update("acme/painter", description=None, paper_url="https://p", readme=UNSET)
client.models.update("acme/painter", description="x", github_url=None)
client.models.update("acme/painter", label=None)
client.models.update("acme/painter", label="x", version=None)
"""


def test_null_is_sent_where_a_later_document_allows_it(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    operation = document["paths"]["/models/{model_owner}/{model_name}"]["patch"]
    properties = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
    properties["description"]["nullable"] = True
    properties["readme"]["nullable"] = True
    properties["label"] = {"type": ["string", "null"]}
    properties["version"] = {"type": ["string", "null"]}
    generate.generate(document, copy_repository(tmp_path))
    assert run_client_code(tmp_path, NULLABLE_CALLS).splitlines() == [
        '{"description":null,"paper_url":"https://p"}',
        '{"description":"x"}',
        '{"label":null}',
        '{"label":"x","version":null}',
    ]
