"""Run a model with an input, and read what the server received."""

import base64
import re

from conftest import Harness, json_response, prediction
from replicate_ext._files.local_file import MAX_INLINE_SIZE

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8
LARGE = b"x" * (MAX_INLINE_SIZE + 1)


def run_with_input(harness: Harness, input: object) -> dict:
    """Run a model with this input, and return the input that the server received."""
    harness.server.respond_with(lambda request: upload_or_create(harness, request))
    harness.call(harness.client.run("acme/filter", input))
    return harness.server.request_json()["input"]


def upload_or_create(harness: Harness, request):
    if request.url.path == "/v1/files":
        number = harness.server.requested.count("POST /files")
        return json_response(
            {"id": f"f{number}", "urls": {"get": f"https://api.replicate.com/v1/files/f{number}"}}, 201
        )
    return json_response(prediction(output="x"), 201)


def multipart_files(request) -> list[tuple[str, str, int]]:
    """Return name, type and size of the files in an upload."""
    return [(name, media_type, len(content)) for name, media_type, content in multipart_contents(request)]


def multipart_contents(request) -> list[tuple[str, str, bytes]]:
    """Return name, type and content of the files in an upload."""
    boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
    files = []
    for part in request.content.split(b"--" + boundary)[1:-1]:
        headers, _, body = part.partition(b"\r\n\r\n")
        name, media_type = re.search(rb'filename="(.*?)"', headers), re.search(rb"Content-Type: (.*)", headers)
        files.append((name[1].decode(), media_type[1].decode().strip(), body[:-2]))
    return files


def data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def parse_data_uri(uri: str) -> tuple[str, bytes]:
    """Return media type and content of a data URI."""
    head, _, content = uri.partition(",")
    assert head.endswith(";base64")
    return head.removeprefix("data:").removesuffix(";base64"), base64.b64decode(content)
