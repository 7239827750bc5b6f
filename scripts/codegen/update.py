"""Replace `openapi.json` and the generated code with a new OpenAPI document: all of it, or nothing."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import httpx

from . import candidate, changes, contract, descriptions, generate, replace

SOURCE = "https://api.replicate.com/openapi.json"

DOCUMENT = Path("openapi.json")
TARGETS = (DOCUMENT, *generate.OUTPUTS)
"""What an update replaces, relative to the root of the repository."""

MAX_DOCUMENT_SIZE = 20 * 1024 * 1024
"""Bytes."""

DOWNLOAD_TIMEOUT = 60.0
"""Seconds for the whole download, redirects included."""


class UpdateError(Exception):
    """The OpenAPI document cannot be used; the message has one line."""

    def __init__(self, message: str) -> None:
        super().__init__("; ".join(line.strip() for line in message.splitlines() if line.strip()))

    @classmethod
    def of(cls, error: BaseException) -> UpdateError:
        """Return any error, such as a full disk, as one of this class."""
        return error if isinstance(error, cls) else cls(f"{type(error).__name__}: {error}")


def fetch(source: str) -> bytes:
    """Return the content of a URL or a file; UpdateError if it cannot be read or is too large."""
    if source.startswith(("http://", "https://")):
        return asyncio.run(_download(source))
    path = Path(source)
    if not path.is_file():
        raise UpdateError(f"{source} is not a file")
    with path.open("rb") as file:
        content = file.read(MAX_DOCUMENT_SIZE + 1)
    if len(content) > MAX_DOCUMENT_SIZE:
        raise _too_large(source)
    return content


async def _download(url: str) -> bytes:
    content = bytearray()
    try:
        async with (
            asyncio.timeout(DOWNLOAD_TIMEOUT),  # httpx limits each read, not their sum
            httpx.AsyncClient(timeout=None, follow_redirects=True) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MAX_DOCUMENT_SIZE:
                    raise _too_large(url)
    except TimeoutError:
        raise UpdateError(f"{url}: the download took more than {DOWNLOAD_TIMEOUT:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UpdateError(f"{url}: {str(error) or repr(error)}") from error
    return bytes(content)


def _too_large(source: str) -> UpdateError:
    return UpdateError(f"{source} has more than {MAX_DOCUMENT_SIZE:,} bytes")


def parse(content: bytes, source: str) -> dict[str, Any]:
    """Return the OpenAPI document in JSON or YAML; UpdateError if it is not one that we support."""
    try:
        document = contract.parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UpdateError(f"{source} is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    except ValueError as error:
        raise UpdateError(f"{source}: {error}") from error
    if not str(document["openapi"]).startswith("3."):
        raise UpdateError(f"{source} is OpenAPI {document['openapi']}; only versions 3.x are supported")
    if not document["paths"]:
        raise UpdateError(f"{source} describes no operations: its `paths` are empty")
    return document


def update(
    source: str, root: Path = generate.ROOT, *, take_descriptions: bool = False
) -> tuple[list[changes.Change], list[str]]:
    """Replace `openapi.json` and the generated code below `root`, after any update that is running there.

    Args:
        source: The URL or the file of the new document.
        root: The repository, or a copy of it.
        take_descriptions: Take the descriptions of the new document too, instead of keeping ours.

    Returns:
        The changes, and notes: what else the maintainer should know, such as overlay entries that are obsolete.

    Raises:
        UpdateError: The document cannot be used. Everything is unchanged.
    """
    with replace.lock(root):
        return _update(source, root, take_descriptions)


def _update(source: str, root: Path, take_descriptions: bool) -> tuple[list[changes.Change], list[str]]:
    restored = replace.recover(root)
    notes = ["an earlier update was interrupted, so what it had replaced was restored first"] if restored else []
    old, new = json.loads((root / DOCUMENT).read_text(encoding="utf-8")), parse(fetch(source), source)
    try:
        document = descriptions.adopt(new, old, take_descriptions=take_descriptions)
        found = changes.classify_changes(old, document)
    except Exception as error:
        raise UpdateError(f"{source} is not a valid OpenAPI document: {error!r}") from error
    if not found and not take_descriptions:
        if contract.compare(old, new):
            notes.append("only names of components differ, which are not on the wire; ours are kept")
        elif new != old:
            notes.append("only descriptions differ: --prose takes them")
        return [], notes
    with tempfile.TemporaryDirectory() as folder:
        staging = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / "replicate_ext", staging / "replicate_ext", ignore=ignored)  # the check runs all of it
        try:
            unused = generate.generate(document, staging, strict=False)
        except generate.GenerationError as error:
            raise UpdateError(f"{source} cannot be generated: {error}") from error
        text = json.dumps(document, indent=2, ensure_ascii=False)
        (staging / DOCUMENT).write_text(f"{text}\n", encoding="utf-8")
        _check(staging)
        replace.replace(root, staging, TARGETS)
    notes += unused
    if count := text.count(descriptions.PLACEHOLDER):
        notes.append(f'openapi.json: {count} descriptions are missing; search for "{descriptions.PLACEHOLDER}"')
    return found, notes


def _check(root: Path) -> None:
    """Try and type-check the generated code; UpdateError if either fails."""
    try:
        candidate.check(root)
    except candidate.CandidateError as error:
        raise UpdateError(f"the generated code is not valid: {error}") from error
