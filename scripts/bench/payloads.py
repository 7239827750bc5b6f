"""The bodies that the server sends: synthetic, with the structure and size of real ones."""

from __future__ import annotations

import gzip
import json
import random
import struct
import zlib
from datetime import UTC, datetime
from typing import Any

WORDS = [
    "image",
    "model",
    "prompt",
    "output",
    "seed",
    "width",
    "height",
    "guidance",
    "scale",
    "steps",
    "scheduler",
    "number",
    "of",
    "the",
    "to",
    "be",
    "used",
    "for",
    "a",
    "an",
    "and",
    "in",
    "with",
    "from",
    "text",
    "video",
    "audio",
    "frames",
    "strength",
    "negative",
    "random",
    "default",
    "safety",
    "checker",
    "format",
    "quality",
    "mask",
    "upscale",
]

CREATED_AT = 1_748_879_600.761
"""When the samples were created: June 2025, as a Unix time."""

PAGE_SIZE = 100
INPUTS = {
    "prompt": "string",
    "seed": "integer",
    "seconds": "number",
    "hold": "number",
    "stream": "boolean",
    "file_size": "integer",
}
"""The inputs of the workloads, with their types. `server.py` explains what they do."""

OUTPUT = ["The sea ", "was ", "calm ", "and ", "the ", "lighthouse ", "was ", "lit."]


def format_time(timestamp: float) -> str:
    """Return a Unix time in the format of the API."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def prediction(
    base_url: str,
    id: str,
    input: dict[str, Any],
    status: str,
    stream: str | None = None,
    created: float = CREATED_AT,
    model: str = "acme/model",
) -> dict[str, Any]:
    """Return a prediction that has just been created."""
    urls = {"cancel": f"{base_url}/v1/predictions/{id}/cancel", "get": f"{base_url}/v1/predictions/{id}"}
    urls |= {"stream": f"{base_url}{stream}"} if stream else {}
    return {
        "id": id,
        "model": model,
        "version": "hidden",
        "input": input,
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": status,
        "source": "api",
        "created_at": format_time(created),
        "urls": urls | {"web": f"{base_url}/p/{id}"},
    }


def finish(prediction: dict[str, Any], output: Any, seconds: float, created: float = CREATED_AT) -> dict[str, Any]:
    """Return a prediction that succeeded `seconds` after its creation, from which some clients estimate later runs."""
    times = {"started_at": format_time(created), "completed_at": format_time(created + seconds)}
    metrics = {"predict_time": seconds, "total_time": seconds}
    return prediction | times | {"status": "succeeded", "output": output, "metrics": metrics}


def sample_prediction(base_url: str) -> dict[str, Any]:
    """Return the finished prediction that GET returns, of about 2.5 kB."""
    rng = random.Random(1)
    input = {"prompt": _text(rng, 60), "seed": 42, "width": 1024, "height": 1024, "guidance_scale": 7.5}
    job = finish(prediction(base_url, "x0fmfzfcf5rma0cq65c825tcbm", input, "starting"), OUTPUT, 2.6)
    return job | {"logs": "".join(f"{10 * n:3}%|{_text(rng, 19)}\n" for n in range(11))}


class Page:
    """A page of 100 models, about 1.4 MB. It is compressed only once, for any `next`."""

    def __init__(self, base_url: str) -> None:
        rng = random.Random(2)
        models = json.dumps([_model(base_url, rng, f"model-{number:03}", 3.2) for number in range(PAGE_SIZE)])
        self._models = f'{{"previous": null, "results": {models}, "next": '.encode()
        deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._deflated = deflate.compress(self._models) + deflate.flush(zlib.Z_FULL_FLUSH)
        self._crc = zlib.crc32(self._models)

    def encode(self, next: str | None) -> bytes:
        """Return the page uncompressed."""
        return self._models + json.dumps(next).encode() + b"}"

    def encode_gzip(self, next: str | None) -> bytes:
        """Return the page compressed with gzip. Only the part with `next` is compressed now."""
        end = json.dumps(next).encode() + b"}"
        deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        tail = struct.pack("<II", zlib.crc32(end, self._crc), len(self._models) + len(end))
        return gzip.compress(b"")[:10] + self._deflated + deflate.compress(end) + deflate.flush() + tail


def file(base_url: str, size: int) -> dict[str, Any]:
    """Return an uploaded file."""
    id = "cneqzikepnug6xezperrr4z55o"
    return {
        "id": id,
        "name": "input.bin",
        "content_type": "application/octet-stream",
        "size": size,
        "etag": "0123456789abcdef0123456789abcdef",
        "checksums": {"sha256": "0" * 64, "md5": "0" * 32},
        "metadata": {},
        "created_at": format_time(CREATED_AT),
        "expires_at": format_time(CREATED_AT + 24 * 3600),
        "urls": {"get": f"{base_url}/v1/files/{id}"},
    }


def account() -> dict[str, Any]:
    """Return the account of the token."""
    return {"type": "organization", "username": "acme", "name": "Acme, Inc.", "github_url": "https://github.com/acme"}


def model(base_url: str, name: str) -> dict[str, Any]:
    """Return an official model. Its name ends with the duration in seconds of its runs, and of its example."""
    model = _model(base_url, random.Random(3), name, float(name.rpartition("-")[2])) | {"is_official": True}
    inputs = model["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"]["properties"]
    inputs |= {name: {"type": type, "title": name.title()} for name, type in INPUTS.items()}
    return model


def _model(base_url: str, rng: random.Random, name: str, seconds: float) -> dict[str, Any]:
    example = prediction(base_url, f"{rng.getrandbits(120):026x}"[:26], {"prompt": _text(rng, 40)}, "starting")
    example = finish(example, [_text(rng, 4) for _ in range(12)], seconds) | {"logs": _text(rng, 150)}
    return {
        "url": f"https://replicate.com/acme/{name}",
        "owner": "acme",
        "name": name,
        "description": _text(rng, 12),
        "visibility": "public",
        "is_official": False,
        "github_url": f"https://github.com/acme/{name}",
        "paper_url": None,
        "license_url": None,
        "run_count": rng.randrange(1_000_000),
        "cover_image_url": f"https://tjzk.replicate.delivery/models_models_cover_image/{rng.getrandbits(128):032x}.png",
        "default_example": example,
        "latest_version": {
            "id": f"{rng.getrandbits(256):064x}",
            "created_at": "2023-11-15T05:03:47.203903Z",
            "cog_version": "0.8.6",
            "openapi_schema": _schema(rng),
        },
    }


def _schema(rng: random.Random) -> dict[str, Any]:
    properties = {
        f"{rng.choice(WORDS)}_{order}": {
            "type": "integer",
            "title": _text(rng, 2).title(),
            "default": rng.randrange(100),
            "minimum": 0,
            "maximum": 1000,
            "x-order": order,
            "description": _text(rng, 14),
        }
        for order in range(38)
    }
    schemas: dict[str, Any] = {"Input": {"type": "object", "title": "Input", "properties": properties}}
    schemas["Output"] = {"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"}
    for kind in ("PredictionRequest", "PredictionResponse", "ValidationError", "HTTPValidationError", "Status"):
        names = ("id", "input", "output", "logs", "error", "status", "created_at", "started_at", "completed_at")
        schemas[kind] = {"type": "object", "title": kind, "properties": {n: {"title": n.title()} for n in names}}
    paths = {
        path: {verb: {"summary": _text(rng, 4), "responses": {"200": {"description": _text(rng, 5)}}}}
        for path, verb in (("/", "get"), ("/predictions", "post"), ("/health-check", "get"), ("/shutdown", "post"))
    }
    info = {"title": "Cog", "version": "0.1.0"}
    return {"openapi": "3.0.2", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _text(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(WORDS, k=count))
