"""Operations become methods of namespaces, whatever their operationIds are."""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from typing import Any

from codegen import generate, namespaces
from openapi_documents import DOCUMENT, copy_repository, run_client_code
from replicate_ext import AsyncReplicate, Replicate
from replicate_ext._generated.resources import Operations


def test_hand_written_methods_are_reserved_names() -> None:
    by_hand = {name for cls in (Replicate, AsyncReplicate) for name in dir(cls) if not name.startswith("_")}
    assert by_hand - set(dir(Operations)) == namespaces.RESERVED[""]
    for path, base in namespaces.BASE_CLASSES.items():
        attributes = vars(getattr(importlib.import_module(f"replicate_ext.{base.module}"), base.class_name))
        assert {name for name in attributes if not name.startswith("_")} == namespaces.RESERVED[path]


UNUSUAL_IDS = [
    "operations.list", "namespace.get", "w.get", "webhooks.verify", "run", "models.run", "models.stream.wait",
    "models_versions.look", "verifying.get", "import.op", "a-b.c-d", "any.dual_method", "files.request",
]  # fmt: skip

ATTRIBUTE_PATHS = [
    *("operations.list", "namespace.get", "w.get", "webhooks.verify_", "run_", "models.run", "models.stream.wait"),
    *("models_versions.look", "verifying.get", "import_.op_", "a_b.c_d", "any.dual_method_", "files.request"),
]

UNUSUAL_CREATE: dict[str, Any] = {
    "operationId": "unusual.create",
    "parameters": [
        {"in": "path", "name": "template", "required": True, "schema": {"type": "string"}},
        {"in": "query", "name": "limit", "schema": {"type": "integer"}},
        {"in": "query", "name": "request", "schema": {"type": "string"}},
        {"in": "query", "name": "parse", "schema": {"type": "string"}},
    ],
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"limit": {"type": "string"}, "input": {"type": "string"}},
                }
            }
        }
    },
    "responses": {"200": {"description": ""}},
}

CALL_ALL = """
import sys
import httpx
from replicate_ext import Replicate

def handle(request):
    print(request.method, request.url.raw_path.decode(), request.content.decode())
    return httpx.Response(200, json={})

client = Replicate("r8_x", base_url="http://x", transport=httpx.MockTransport(handle))
for path in sys.argv[1:]:
    method = client
    for word in path.split("."):
        method = getattr(method, word)
    method()
client.unusual.create("a b", limit=1, limit_body="2", input="3", request_="q", parse_="p")
import replicate_ext
print(replicate_ext.a_b, replicate_ext.import_)
"""


def test_every_operation_id_becomes_a_method(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    for number, name in enumerate(UNUSUAL_IDS):
        document["paths"][f"/unusual{number}"] = {"get": {"operationId": name}}
    document["paths"]["/unusual/{template}"] = {"post": UNUSUAL_CREATE}
    generate.generate(document, copy_repository(tmp_path))
    lines = run_client_code(tmp_path, CALL_ALL, *ATTRIBUTE_PATHS).splitlines()
    assert lines[: len(UNUSUAL_IDS)] == [f"GET /v1/unusual{number} " for number in range(len(UNUSUAL_IDS))]
    assert lines[len(UNUSUAL_IDS)] == 'POST /v1/unusual/a%20b?limit=1&request=q&parse=p {"limit":"2","input":"3"}'
