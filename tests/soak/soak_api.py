"""What Replicate does: predictions that run, end and are canceled, lists of them, models, uploads, files.

An input says how long its prediction runs, how it ends, and what it returns.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from soak_wire import SoakRequest, SoakResponse, json_reply

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
OFFICIAL, COMMUNITY, DEPLOYMENT = "acme/official", "acme/community", "deployments/acme/private"
INPUTS = ("prompt", "seconds", "end", "tokens", "files", "stream", "unknown_status", "file")
PAGE_SIZE = 3
MAX_HOLD = 0.03
"""Seconds after which a held create gets a response although the prediction is still running."""

TOKEN_INTERVAL = 0.002
"""Seconds between two output tokens."""


class SoakJob:
    """A prediction; its state follows from its input and the time."""

    def __init__(self, world: SoakApi, id: str, ref: str, input: dict[str, Any], is_foreign: bool) -> None:
        self.world, self.id, self.ref, self.input, self.is_foreign = world, id, ref, input, is_foreign
        self.created = world.now()
        self.canceled_at: float | None = None
        self.cancel_requests = self.failed_cancel_requests = self.intact_cancels = 0
        self.was_requested = False
        """Whether it was polled or streamed, so that the caller's client surely knows its id."""

        self.listed_from = self.created
        count = int(input.get("tokens", 3))
        self.tokens = [f"{id}-{number} " for number in range(count)]
        self.files = {
            f"/files/{id}-{n}.bin": Random(f"{id}{n}").randbytes(70_000) for n in range(input.get("files", 0))
        }
        self.output: list[str] = [world.other_url + path for path in self.files] if self.files else self.tokens

    @property
    def ends_at(self) -> float:
        return self.created + (3600 if self.is_foreign else float(self.input.get("seconds", 0)))

    @property
    def status(self) -> str:
        now = self.world.now()
        if self.canceled_at is not None:
            return "canceled"
        if now >= self.ends_at:
            return str(self.input.get("end", "succeeded"))
        if self.input.get("unknown_status") and now < self.created + 0.02:
            return "hibernating"
        return "starting" if now < self.created + 0.002 else "processing"

    @property
    def is_finished(self) -> bool:
        return self.canceled_at is not None or self.world.now() >= self.ends_at

    def finished_tokens(self) -> list[str]:
        if self.files:
            return []
        if self.is_finished and self.canceled_at is None:
            return self.tokens
        return self.tokens[: int(((self.canceled_at or self.world.now()) - self.created) / TOKEN_INTERVAL)]

    def document(self, **fields: object) -> dict[str, Any]:
        status, world = self.status, self.world
        has_output = status in ("succeeded", "archived")
        model = self.ref.removeprefix("deployments/")
        urls = {"get": f"{world.url}/v1/predictions/{self.id}"}
        if stream := self.input.get("stream"):
            urls["stream"] = f"{world.url if stream == 'api' else world.other_url}/stream/{self.id}"
        document = {
            "id": self.id,
            "model": model,
            "version": VERSION if self.ref == COMMUNITY else "hidden",
            "deployment": model if self.ref == DEPLOYMENT else None,
            "input": self.input,
            "status": status,
            "output": self.output if has_output else self.finished_tokens() or None,
            "error": "it failed" if status == "failed" else None,
            "logs": "",
            "created_at": world.server_time(self.created).isoformat(),
            "urls": urls,
        }
        if self.is_finished:
            ended = min(self.ends_at, world.now()) if self.canceled_at is None else self.canceled_at
            document["completed_at"] = world.server_time(ended).isoformat()
        return document | fields


class SoakApi:
    """The predictions, models and files of one sequence."""

    def __init__(self, seed: int, *, has_twins: bool, has_late_list: bool, skew: float) -> None:
        self.random = Random(f"{seed}/api")
        self.has_twins, self._has_late_list, self._skew = has_twins, has_late_list, skew
        self.jobs: dict[str, SoakJob] = {}
        self.uploads: dict[str, bytes] = {}
        self.url = self.other_url = ""
        self._started, self._zero = datetime.now(UTC), time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self._zero

    def server_time(self, moment: float) -> datetime:
        """Return a moment on the server's clock, which is ahead of ours or behind."""
        return self._started + timedelta(seconds=moment + self._skew)

    async def respond(self, step: str, request: SoakRequest, fault: str | None) -> tuple[SoakResponse, SoakJob | None]:
        """Carry a request out, and return the correct response, and the prediction that it is about."""
        path = request.path.partition("?")[0]
        match step:
            case "create" | "held create":
                return await self._create(path, json.loads(request.body), step == "held create", fault)
            case "upload":
                id = f"file{len(self.uploads)}"
                self.uploads[id] = request.body
                return json_reply({"id": id, "urls": {"get": f"{self.url}/v1/files/{id}"}}, 201), None
            case "model":
                return self._model(path), None
            case "poll" | "cancel":
                job = self.jobs.get(path.split("/")[3])
                if job is None:
                    return json_reply({"detail": "not found"}, 404), None
                if step == "cancel":
                    job.cancel_requests += 1
                    if not job.is_finished:
                        job.canceled_at = self.now()
                else:
                    job.was_requested = True
                return json_reply(job.document()), job
            case "list":
                return self._list(request.path), None
            case "download":
                return self._download(path, request.headers), None
        return json_reply({"detail": "not found"}, 404), None

    async def _create(
        self, path: str, body: dict[str, Any], is_held: bool, fault: str | None
    ) -> tuple[SoakResponse, SoakJob | None]:
        if path.startswith(f"/v1/models/{COMMUNITY}"):
            return json_reply({"detail": "not found"}, 404), None
        ref = OFFICIAL if "/models/" in path else DEPLOYMENT if "/deployments/" in path else COMMUNITY
        if self.has_twins and self.random.random() < 0.5:
            self.add_job(ref, body["input"], is_foreign=True)
        job = self.add_job(ref, body["input"])
        if self.has_twins and self.random.random() < 0.5:
            self.add_job(ref, body["input"], is_foreign=True)
        if is_held and fault == "no output yet":
            return json_reply(job.document(status="processing", output=[], completed_at=None), 201), job
        if is_held and fault != "hold expired":
            await asyncio.sleep(min(MAX_HOLD, max(0.0, job.ends_at - self.now())))
        status = 201 if job.is_finished else 202 if is_held else 201
        return json_reply(job.document(), status), job

    def add_job(self, ref: str, input: dict[str, Any], *, is_foreign: bool = False) -> SoakJob:
        kind = "foreign" if is_foreign else "job"
        job = SoakJob(self, f"{kind}{len(self.jobs):x}", ref, input, is_foreign)
        if self._has_late_list:
            job.listed_from += self.random.random() * 0.04
        self.jobs[job.id] = job
        return job

    def _model(self, path: str) -> SoakResponse:
        name = path.removeprefix("/v1/models/")
        if name not in (OFFICIAL, COMMUNITY):
            return json_reply({"detail": "not found"}, 404)
        schema = {
            "Input": {"type": "object", "properties": {name: {} for name in INPUTS}},
            "Output": {"type": "array", "items": {}},
        }
        version = {"id": VERSION, "openapi_schema": {"components": {"schemas": schema}}}
        owner, _, short = name.partition("/")
        latest = version if name == COMMUNITY else None
        return json_reply({"owner": owner, "name": short, "is_official": name == OFFICIAL, "latest_version": latest})

    def _list(self, path: str) -> SoakResponse:
        newest_first = [job for job in reversed(self.jobs.values()) if job.listed_from <= self.now()]
        match = re.search(r"cursor=(\w+)", path)
        ids = [job.id for job in newest_first]
        # Like Replicate's, a cursor is a place in time: what is created meanwhile does not shift the pages.
        start = ids.index(match[1]) + 1 if match and match[1] in ids else 0
        page = newest_first[start : start + PAGE_SIZE]
        has_more = len(newest_first) > start + PAGE_SIZE
        documents = [job.document() for job in page]
        if documents and self.random.random() < 0.2:
            documents.append(documents[0])
        next_url = f"{self.url}/v1/predictions?cursor={page[-1].id}" if has_more else None
        return json_reply({"next": next_url, "previous": None, "results": documents})

    def _download(self, path: str, headers: dict[str, str]) -> SoakResponse:
        content = next((job.files[path] for job in self.jobs.values() if path in job.files), None)
        if content is None:
            return json_reply({"detail": "not found"}, 404)
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        byte_range = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if not byte_range or headers.get("if-range", etag) != etag:
            return SoakResponse(200, content, "application/octet-stream", (f"ETag: {etag}",))
        start = int(byte_range[1])
        content_range = f"Content-Range: bytes {start}-{len(content) - 1}/{len(content)}"
        return SoakResponse(206, content[start:], "application/octet-stream", (f"ETag: {etag}", content_range))


def step_of(request: SoakRequest) -> tuple[str, str]:
    """Return the kind of a request, and what it is about."""
    path = request.path.partition("?")[0]
    if path.endswith("/cancel"):
        return "cancel", path
    if path.startswith("/stream/"):
        return "stream", path
    if path.startswith("/files/"):
        return "download", path
    if path == "/v1/files":
        return "upload", ""
    if path.endswith("/predictions"):
        if request.method == "GET":
            return "list", ""
        prompt = str(json.loads(request.body)["input"].get("prompt"))
        return ("held create" if "prefer" in request.headers else "create"), prompt
    if path.startswith("/v1/models/"):
        return "model", path
    return ("poll" if path.startswith("/v1/predictions/") else "elsewhere"), path
