"""Uploaded files: create, list, get, delete, and download with a signature (docs/api-facts.md, section 10)."""

from __future__ import annotations

import base64
import hmac
import mimetypes
import re
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse, Response

from ..formats import new_job_id
from ..http import json_response, parse_json
from ..problems import Problem, not_found, validate
from ..state import StoredFile, delete_file
from .context import Context, handles

MAX_FILE_SIZE = 100 * 1024 * 1024
"""Bytes of a file."""

MAX_FORM_OVERHEAD = 1024 * 1024
"""Bytes that a form may have in addition to its file: boundaries, headers and metadata."""

MAX_FILENAME_LENGTH = 255
"""Bytes of a file name in UTF-8."""

PAGE_SIZE = 100


@handles("files.create")
async def create(context: Context) -> Any:
    """Store a file from a multipart form."""
    if int(context.request.headers.get("content-length") or 0) > MAX_FILE_SIZE + MAX_FORM_OVERHEAD:
        raise _too_large()
    async with context.request.form(max_part_size=MAX_FILE_SIZE) as form:
        content = form.get("content")
        if not isinstance(content, UploadFile):
            validate({}, {"required": ["content"]})
        assert isinstance(content, UploadFile)
        if (content.size or 0) > MAX_FILE_SIZE:
            raise _too_large()
        name = _text_field(form, "filename") or content.filename or "upload"
        if len(name.encode()) > MAX_FILENAME_LENGTH:
            validate(name, {"maxLength": MAX_FILENAME_LENGTH}, "filename")
        content_type = _text_field(form, "type") or content.content_type or mimetypes.guess_type(name)[0]
        path = context.state.new_path(name)
        await anyio.to_thread.run_sync(_copy, content, path)
        metadata = await _read_metadata(form)
    now = context.clock.now()
    file = StoredFile(new_job_id(now), path, name, content_type or "application/octet-stream", now, metadata)
    await anyio.to_thread.run_sync(file.measure)
    context.state.uploads[file.id] = file
    return json_response(file.to_json(context.origin), 201)


def _copy(content: UploadFile, path: Path) -> None:
    with path.open("wb") as target:
        while chunk := content.file.read(1024 * 1024):
            target.write(chunk)


def _text_field(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value if isinstance(value, str) else None


async def _read_metadata(form: FormData) -> dict[str, Any]:
    """Return the metadata, which clients send as a JSON field, as a JSON file, or in fields `metadata[name]`."""
    value = form.get("metadata")
    text = await value.read() if isinstance(value, UploadFile) else value
    try:
        metadata: Any = parse_json(text or "{}")
    except (ValueError, RecursionError):
        raise Problem(400, "metadata is not JSON") from None
    validate(metadata, {"type": "object"}, "metadata")
    for name, field in form.multi_items():
        if name.startswith("metadata[") and isinstance(field, str):
            key, *nested_keys = name.removeprefix("metadata[").rstrip("]").split("][")
            target: Any = metadata
            for nested_key in nested_keys:
                target, key = target.setdefault(key, {}), nested_key
                validate(target, {"type": "object"}, "metadata")
            target[key] = field
    return dict(metadata)


def _too_large() -> Problem:
    return Problem(413, "Files must be less than 100MB in size")


@handles("files.list")
async def list_(context: Context) -> Any:
    """List the uploads, newest first."""
    links, results = context.paginate(context.state.uploads.values(), _sort_key, PAGE_SIZE)
    return {**links, "results": [file.to_json(context.origin) for file in results]}


def _sort_key(file: StoredFile) -> str:
    return f"{file.created_at.isoformat(timespec='microseconds')} {file.id}"


@handles("files.get")
async def get(context: Context, id: str) -> Any:
    """Return the description of an upload."""
    return _find_file(context, id).to_json(context.origin)


@handles("files.delete")
async def delete(context: Context, id: str) -> Any:
    """Delete an upload."""
    delete_file(context.state.uploads, _find_file(context, id).id)
    return Response(status_code=204, media_type="text/plain")


@handles("files.download")
async def download(context: Context, id: str) -> Any:
    """Return the content of an upload, if the URL has a valid signature that has not expired."""
    file = _find_file(context, id)
    owner, expiry = context.query.get("owner", ""), context.query.get("expiry", "")
    expected = sign_download(context.state.signing_secret, owner, id, expiry)
    if not hmac.compare_digest(expected.encode(), context.query.get("signature", "").encode()):
        raise _file_not_found()
    if not re.fullmatch(r"[0-9]{1,15}", expiry) or int(expiry) < context.clock.time():
        raise _file_not_found()
    return FileResponse(file.path, media_type="application/octet-stream", filename=file.name)


def sign_download(secret: bytes, owner: str, id: str, expiry: str) -> str:
    """Return the signature of a download URL that is valid until `expiry`, in seconds since the epoch."""
    return base64.b64encode(hmac.digest(secret, f"{owner} {id} {expiry}".encode(), "sha256")).decode()


def _find_file(context: Context, id: str) -> StoredFile:
    file = context.state.uploads.get(id)
    if file is None:
        raise _file_not_found()
    return file


def _file_not_found() -> Problem:
    return not_found("File not found")
