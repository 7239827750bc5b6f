"""The models as fields of pydantic models, and as bodies and responses of FastAPI."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI
from pydantic import BaseModel, TypeAdapter, ValidationError

from generated_models import STAMP, full_body, response_models
from replicate_api.models import Deployment, Model, ModelsUpdateRequest, Prediction

BODY = {"id": "x", "status": "succeeded", "created_at": STAMP, "output": ["a"], "error": None, "new": {"a": 1}}


class Job(BaseModel):
    prediction: Prediction
    others: list[Prediction] = []
    model: Model | None = None


def test_pydantic_validates_a_dict_and_an_instance() -> None:
    prediction = Prediction.from_dict(dict(BODY))
    assert Job(prediction=prediction).prediction is prediction
    job = Job.model_validate({"prediction": BODY, "others": [BODY, prediction]})
    assert isinstance(job.prediction, Prediction)
    assert job.prediction.id == "x"
    assert job.others == [prediction, prediction]
    with pytest.raises(ValidationError, match="must be a Prediction or its JSON object, not str"):
        Job.model_validate({"prediction": "x"})
    with pytest.raises(ValidationError, match="must be a Prediction or its JSON object, not Model"):
        Job.model_validate({"prediction": Model.from_dict({})})


def test_pydantic_dumps_what_the_server_sent() -> None:
    job = Job.model_validate({"prediction": BODY})
    assert job.model_dump() == {"prediction": BODY, "others": [], "model": None}
    assert job.model_dump(mode="json")["prediction"] == BODY
    assert Job.model_validate_json(job.model_dump_json()) == job
    assert job.model_copy(deep=True) == job


@pytest.mark.parametrize("name", sorted(response_models()))
def test_every_model_has_a_json_schema(name: str) -> None:
    model = response_models()[name]
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    schema = adapter.json_schema()
    assert (schema["title"], schema["type"]) == (name, "object")
    assert schema["properties"].keys() == {row.name for row in model.fields.values()}
    body = full_body(model)
    assert adapter.dump_python(adapter.validate_python(body), mode="json") == body


def test_the_json_schema_describes_fields() -> None:
    schema = Job.model_json_schema()["properties"]["prediction"]
    assert {"id", "status", "created_at"} <= {*schema["required"]}
    assert schema["properties"]["created_at"] == {"type": "string", "format": "date-time"}
    assert schema["properties"]["status"]["type"] == "string"
    assert "enum" not in schema["properties"]["status"]  # later servers may add values
    assert schema["properties"]["urls"]["properties"]["get"] == {"type": "string"}
    TypeAdapter(ModelsUpdateRequest).json_schema()
    TypeAdapter(Deployment).json_schema()


app = FastAPI()


@app.get("/typed")
def typed() -> Prediction:
    return Prediction.from_dict(dict(BODY))


@app.get("/untyped")
def untyped():  # type: ignore[no-untyped-def]  # no annotation: FastAPI does not know the type
    return Prediction.from_dict(dict(BODY))


@app.get("/list")
def listed() -> list[Prediction]:
    return [Prediction.from_dict(dict(BODY))]


@app.post("/hook")
def hook(prediction: Annotated[Prediction, Body()]) -> dict[str, Any]:
    return {"type": type(prediction).__name__, "id": prediction.id, "error": prediction.error}


def send(method: str, path: str, **arguments: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            return await client.request(method, path, **arguments)

    return asyncio.run(send())


def test_fastapi_returns_models() -> None:
    assert send("GET", "/typed").json() == BODY
    assert send("GET", "/list").json() == [BODY]
    untyped = send("GET", "/untyped").json()
    assert (untyped["id"], untyped["status"], untyped["completed_at"]) == ("x", "succeeded", None)
    assert "_source" not in untyped


def test_fastapi_takes_models() -> None:
    assert send("POST", "/hook", json=BODY).json() == {"type": "Prediction", "id": "x", "error": None}
    assert send("POST", "/hook", json=["x"]).status_code == 422


def test_fastapi_documents_models() -> None:
    operation = send("GET", "/openapi.json").json()["paths"]["/typed"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["properties"]["id"] == {"type": "string"}


def test_models_import_nothing_of_pydantic() -> None:
    code = """
import sys
from replicate_api.models import Prediction
repr(Prediction.from_dict({"id": "x"}))
assert not [name for name in sys.modules if name.startswith("pydantic")], sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
