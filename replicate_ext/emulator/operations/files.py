"""Uploads: stored, described, downloaded with a signature, deleted."""

from __future__ import annotations

import base64
import hmac
import mimetypes
import re
from typing import Any

import anyio.to_thread
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse, Response

from ..problems import Problem, check, not_found
from ..state import StoredFile, job_id, measured
from . import Call, answers, parsed, reply

LARGEST = 100 * 1024 * 1024
PAGE = 100


@answers("files.create")
async def create(call: Call) -> Any:
    """Store a file from a form."""
    if int(call.request.headers.get("content-length") or 0) > LARGEST + 1024 * 1024:
        raise _too_large()
    async with call.request.form(max_part_size=LARGEST) as form:
        content = form.get("content")
        if not isinstance(content, UploadFile):
            check({}, {"required": ["content"]})
        assert isinstance(content, UploadFile)
        if (content.size or 0) > LARGEST:
            raise _too_large()
        name = _text(form, "filename") or content.filename or "upload"
        if len(name.encode()) > 255:
            check(name, {"maxLength": 255}, "filename")
        kind = (
            _text(form, "type") or content.content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        )
        path = call.state.room(name)
        await anyio.to_thread.run_sync(_copy, content, path)
        metadata = await _metadata(form)
    file = StoredFile(job_id(call.clock.now()), path, name, kind, call.clock.now(), metadata)
    call.state.uploads[file.id] = await anyio.to_thread.run_sync(measured, file)
    return reply(file.view(call.origin), 201)


def _copy(content: UploadFile, path: Any) -> None:
    with path.open("wb") as target:
        while chunk := content.file.read(1024 * 1024):
            target.write(chunk)


def _text(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value if isinstance(value, str) else None


async def _metadata(form: FormData) -> dict[str, Any]:
    """Return the metadata, which clients send as a field, as a file, or in fields of its own: `metadata[name]`."""
    value = form.get("metadata")
    text = await value.read() if isinstance(value, UploadFile) else value
    try:
        metadata: Any = parsed(text or "{}")
    except (ValueError, RecursionError):
        raise Problem(400, "metadata is not JSON") from None
    check(metadata, {"type": "object"}, "metadata")
    for name, field in form.multi_items():
        if name.startswith("metadata[") and isinstance(field, str):
            inner, *path = name[9:].rstrip("]").split("][")
            target: Any = metadata
            for key in path:
                target, inner = target.setdefault(inner, {}), key
                check(target, {"type": "object"}, "metadata")
            target[inner] = field
    return dict(metadata)


def _too_large() -> Problem:
    return Problem(413, "Files must be less than 100MB in size")


@answers("files.list")
async def list_(call: Call) -> Any:
    """List the uploads, the newest first."""
    position = lambda file: f"{file.created_at.isoformat(timespec='microseconds')} {file.id}"  # noqa: E731
    links, shown = call.page(call.state.uploads.values(), position, PAGE)
    return {**links, "results": [file.view(call.origin) for file in shown]}


@answers("files.get")
async def get(call: Call, id: str) -> Any:
    """Describe an upload."""
    return _find(call, id).view(call.origin)


@answers("files.delete")
async def delete(call: Call, id: str) -> Any:
    """Delete an upload."""
    _find(call, id).path.unlink(missing_ok=True)
    del call.state.uploads[id]
    return Response(status_code=204, media_type="text/plain")


@answers("files.download")
async def download(call: Call, id: str) -> Any:
    """Send the content of an upload to whoever has a signature that is still good."""
    file = _find(call, id)
    owner, expiry = call.query.get("owner", ""), call.query.get("expiry", "")
    right = signature(call.state.signing_secret, owner, id, expiry)
    if not hmac.compare_digest(right.encode(), call.query.get("signature", "").encode()):
        raise _no_file()
    if not re.fullmatch(r"[0-9]{1,15}", expiry) or int(expiry) < call.clock.time():
        raise _no_file()
    return FileResponse(file.path, media_type="application/octet-stream", filename=file.name)


def signature(secret: bytes, owner: str, id: str, expiry: str) -> str:
    """Return what entitles its holder to a download until a time in seconds since 1970."""
    return base64.b64encode(hmac.digest(secret, f"{owner} {id} {expiry}".encode(), "sha256")).decode()


def _find(call: Call, id: str) -> StoredFile:
    file = call.state.uploads.get(id)
    if file is None:
        raise _no_file()
    return file


def _no_file() -> Problem:
    return not_found("File not found")
