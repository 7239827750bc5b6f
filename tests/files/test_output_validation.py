"""`FileOutput` in pydantic models and FastAPI endpoints: in and out as its URL, without the client's token."""

import json
import subprocess
import sys
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter, ValidationError

from conftest import TOKEN, AccountServer, Harness, wrap_output
from replicate_ext import AsyncFileOutput, FileOutput, Replicate
from replicate_ext._backends.sync import run_sync

URL = "https://replicate.delivery/abc/out-0.png"
BOTH = pytest.mark.parametrize("cls", [FileOutput, AsyncFileOutput])


class Picture(BaseModel):
    image: FileOutput
    variants: list[AsyncFileOutput] = []
    mask: FileOutput | None = None


def test_field_keeps_the_file_and_serializes_as_its_url(harness: Harness) -> None:
    file = harness.wrap(URL)
    adapter = TypeAdapter(type(file))
    assert adapter.validate_python(file) is file
    assert adapter.dump_python(file) == URL
    assert json.loads(adapter.dump_json(file)) == URL


@BOTH
@pytest.mark.parametrize("url", [URL, "data:text/plain,hello"])
def test_url_is_validated_into_a_file(cls: Any, url: str) -> None:
    adapter = TypeAdapter(cls)
    for file in (adapter.validate_python(url), adapter.validate_json(json.dumps(url))):
        assert type(file) is cls
        assert file == url


def test_file_of_the_other_client_is_converted(harness: Harness) -> None:
    file = harness.wrap(URL)
    other = FileOutput if harness.is_async else AsyncFileOutput
    assert type(TypeAdapter(other).validate_python(file)) is other


@BOTH
@pytest.mark.parametrize("value", ["a text", f"see {URL}", "ftp://x.example/y", "", 7, None, b"https://x.example"])
def test_anything_but_a_url_is_refused(cls: Any, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(cls).validate_python(value, strict=True)


def test_model_with_files_survives_json() -> None:
    picture = Picture.model_validate({"image": URL, "variants": [URL]})
    again = Picture.model_validate_json(picture.model_dump_json())
    assert json.loads(picture.model_dump_json()) == {"image": URL, "variants": [URL], "mask": None}
    assert again == picture
    assert (type(again.image), type(again.variants[0])) == (FileOutput, AsyncFileOutput)
    assert Picture.model_json_schema()["properties"]["image"] == {"format": "uri", "title": "Image", "type": "string"}


def test_validated_file_is_read_without_the_token(account_server: AccountServer) -> None:
    client = Replicate(TOKEN, base_url=account_server.url)
    url = str(wrap_output(client, f"{account_server.url}/out"))
    picture = Picture(image=url)
    assert picture.image.read().startswith(b"{")
    run_sync(picture.image._session.backend.close())
    assert account_server.received == [("/out", None)]


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient")
def test_fastapi_takes_and_returns_files(harness: Harness) -> None:
    from fastapi.testclient import TestClient

    app, made = FastAPI(), harness.wrap([URL])

    @app.get("/pictures")
    async def pictures() -> list[FileOutput]:
        return made

    @app.get("/untyped")
    async def untyped():
        return {"pictures": made}

    @app.post("/pictures")
    def add(picture: Picture, preview: FileOutput) -> FileOutput:
        assert type(picture.image) is type(preview) is FileOutput
        return picture.image

    client = TestClient(app)
    assert client.get("/pictures").json() == [URL]
    assert client.get("/untyped").json() == {"pictures": [URL]}
    assert client.post("/pictures", params={"preview": URL}, json={"image": URL}).json() == URL
    refused = client.post("/pictures", params={"preview": "text"}, json={"image": 7})
    assert refused.status_code == 422
    assert [error["loc"] for error in refused.json()["detail"]] == [["query", "preview"], ["body", "image"]]
    [preview] = client.get("/openapi.json").json()["paths"]["/pictures"]["post"]["parameters"]
    assert (preview["in"], preview["schema"]["format"]) == ("query", "uri")


def test_file_outputs_do_not_import_pydantic() -> None:
    code = "import sys; from replicate_ext import FileOutput; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"pydantic", "pydantic_core"} & {*loaded}
