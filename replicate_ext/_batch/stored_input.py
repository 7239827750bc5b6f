"""Inputs in the journal: JSON from which a later process sends the same input, with its files."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from .._backends.sync import SyncBackend, run_sync
from .._config import Config
from .._files import media_types
from .._files.disk import AtomicFile
from .._files.file_input import MAX_NAME_SIZE, FileInput
from .._files.inputs import PreparedInput
from .._files.local_file import LocalFile
from .._send import Session

FOLDER = "inputs"
"""Where, in the folder of a batch, the files are that exist in memory only."""

_TAG = "$file"
"""The key of an object that stands for a file: {"$file": {"path": "/data/cat.png", "name": "cat.png"}}. A key of the
caller's that could be taken for it, with any number of `$`, is stored with one more."""

_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"))  # ASCII: paths may contain lone surrogates


def dump_input(prepared: PreparedInput, folder: Path) -> str:
    """Return an input as a JSON text, which is equal for equal inputs.

    A file on disk is stored by its path. What is in memory, or can be read only once, is written to `folder`.

    Raises:
        TypeError, ValueError, OSError: A file cannot be read, is too large, or cannot be written.
    """
    if not prepared.files:
        text = _encoder.encode(prepared.values)
        if f'{_TAG}":' not in text:
            return text
    tags = {file: {_TAG: _store_file(file, folder)} for file in prepared.files}
    return _encoder.encode(_insert_tags(prepared.values, tags))


def load_input(text: str, folder: Path) -> dict[str, Any]:
    """Return a stored input as one that `prepare_input` takes; a file that is missing shows there."""
    has_tags = f'{_TAG}":' in text
    input: dict[str, Any] = json.loads(text, object_hook=partial(_resolve_tag, folder=folder) if has_tags else None)
    return input


def _store_file(file: LocalFile, folder: Path) -> dict[str, Any]:
    """Return where a file is, and how it is sent."""
    if isinstance(file.source, os.PathLike):
        options = {"path": str(Path(file.source).absolute()), "name": file.given_name, "media_type": file.given_type}
    else:
        options = _write_file(file, folder)
    return {name: value for name, value in {**options, "inline": file.inline}.items() if value is not None}


def _write_file(file: LocalFile, folder: Path) -> dict[str, str | None]:
    with ExitStack() as temporary_files:
        run_sync(file.load(Session(SyncBackend(Config)), temporary_files))  # it sends nothing
        content = file.read()
    name = f"{hashlib.sha256(content).hexdigest()}{media_types.suffix(file.media_type)}"
    target = folder / FOLDER / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # inputs may be private
    if not target.exists():
        written = AtomicFile(target.parent, target.stem, target.suffix, may_replace=True, is_durable=True)
        try:
            written.open()
            written.write([content])
            written.commit()
        finally:
            written.discard()
    is_valid = len(file.name.encode()) <= MAX_NAME_SIZE
    return {"path": f"{FOLDER}/{name}", "name": file.name if is_valid else None, "media_type": file.media_type}


def _insert_tags(value: Any, tags: dict[LocalFile, dict[str, Any]]) -> Any:
    """Return a value with tagged objects in place of its files."""
    if isinstance(value, LocalFile):
        return tags[value]
    if isinstance(value, dict):
        return {f"${key}" if _is_tag(key) else key: _insert_tags(item, tags) for key, item in value.items()}
    return [_insert_tags(item, tags) for item in value] if isinstance(value, list) else value


def _resolve_tag(value: dict[str, Any], folder: Path) -> Any:
    """Return the file for which an object stands, or the object as the caller wrote it."""
    if _TAG in value:
        options = value[_TAG]
        path = folder / options.pop("path")
        return FileInput(path, **options) if options else path
    return {key[1:] if _is_tag(key) else key: item for key, item in value.items()}


def _is_tag(key: str) -> bool:
    return key.endswith(_TAG) and key.strip("$") == _TAG.strip("$")
