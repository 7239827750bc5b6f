"""What the server says: made up, and of the shapes and sizes of the real thing."""

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

MOMENT = 1_748_879_600.761
"""When the samples were made: in June 2025, long over."""

PAGE = 100
OUTPUT = ["The sea ", "was ", "calm ", "and ", "the ", "lighthouse ", "was ", "lit."]


def time(moment: float) -> str:
    """Return a moment as the API writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def prediction(
    base: str, id: str, input: dict[str, Any], status: str, stream: str | None = None, created: float = MOMENT
) -> dict[str, Any]:
    """Return a prediction as it was created; `finished` makes it one that has an end."""
    urls = {"cancel": f"{base}/v1/predictions/{id}/cancel", "get": f"{base}/v1/predictions/{id}"}
    urls |= {"stream": f"{base}{stream}"} if stream else {}
    return {
        "id": id,
        "model": "acme/model",
        "version": "hidden",
        "input": input,
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": status,
        "source": "api",
        "created_at": time(created),
        "urls": urls | {"web": f"{base}/p/{id}"},
    }


def finished(job: dict[str, Any], output: Any, seconds: float, created: float = MOMENT) -> dict[str, Any]:
    """Return a prediction that has succeeded, `seconds` after its creation: some clients learn from that."""
    times = {"started_at": time(created), "completed_at": time(created + seconds)}
    metrics = {"predict_time": seconds, "total_time": seconds}
    return job | times | {"status": "succeeded", "output": output, "metrics": metrics}


def sample(base: str) -> dict[str, Any]:
    """Return the finished prediction that GET shows, of about 2.5 kB."""
    rng = random.Random(1)
    input = {"prompt": _text(rng, 60), "seed": 42, "width": 1024, "height": 1024, "guidance_scale": 7.5}
    job = finished(prediction(base, "x0fmfzfcf5rma0cq65c825tcbm", input, "starting"), OUTPUT, 2.6)
    return job | {"logs": "".join(f"{10 * n:3}%|{_text(rng, 19)}\n" for n in range(11))}


class Page:
    """A page of a hundred models, of about 1.4 MB; compressed once, whatever its `next` is."""

    def __init__(self, base: str) -> None:
        rng = random.Random(2)
        models = json.dumps([_model(base, rng, f"model-{number:03}", 3.2) for number in range(PAGE)])
        self._models = f'{{"previous": null, "results": {models}, "next": '.encode()
        deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._deflated = deflate.compress(self._models) + deflate.flush(zlib.Z_FULL_FLUSH)
        self._crc = zlib.crc32(self._models)

    def plain(self, next: str | None) -> bytes:
        """Return the page."""
        return self._models + json.dumps(next).encode() + b"}"

    def gzipped(self, next: str | None) -> bytes:
        """Return the page for those who accept gzip: only its end is compressed now."""
        end = json.dumps(next).encode() + b"}"
        deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        tail = struct.pack("<II", zlib.crc32(end, self._crc), len(self._models) + len(end))
        return gzip.compress(b"")[:10] + self._deflated + deflate.compress(end) + deflate.flush() + tail


def file(base: str, size: int) -> dict[str, Any]:
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
        "created_at": time(MOMENT),
        "expires_at": time(MOMENT + 24 * 3600),
        "urls": {"get": f"{base}/v1/files/{id}"},
    }


def account() -> dict[str, Any]:
    """Return whose token it is."""
    return {"type": "organization", "username": "acme", "name": "Acme, Inc.", "github_url": "https://github.com/acme"}


def model(base: str, name: str) -> dict[str, Any]:
    """Return what is told of a model; its name ends with the seconds that its example took, as all its runs do."""
    return _model(base, random.Random(3), name, float(name.rpartition("-")[2]))


def _model(base: str, rng: random.Random, name: str, seconds: float) -> dict[str, Any]:
    example = prediction(base, f"{rng.getrandbits(120):026x}"[:26], {"prompt": _text(rng, 40)}, "starting")
    example = finished(example, [_text(rng, 4) for _ in range(12)], seconds) | {"logs": _text(rng, 150)}
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
