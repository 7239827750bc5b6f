"""The files of an output: where they are saved, with which hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from .._files import data_uri
from .._files.disk import AtomicFile, download_to, file_name, portable_name
from .._files.save_all import iter_places
from .._files.wrap import is_wrapped, wrap_files
from .._transfers import Transfers

if TYPE_CHECKING:
    from .._send import Session

FOLDER = "outputs"

ROWS_PER_FOLDER = 1000
"""File managers, and some file systems, are slow with folders of many thousands of files."""

MAX_NAME_LENGTH, MAX_SUFFIX_LENGTH = 100, 20
"""Characters of a name that come from the output, and from its URL: file systems accept 255 bytes."""


class OutputFile(NamedTuple):
    """A file of an output, and the stem of its name."""

    url: str
    stem: str

    @property
    def is_data_uri(self) -> bool:
        """Whether the content is in the output itself."""
        return data_uri.is_data_uri(self.url)


class SavedFile(NamedTuple):
    """A file that was saved, as the journal has it."""

    path: str
    """Relative to the folder of the batch, with slashes."""

    size: int
    sha256: str
    url: str | None
    """None for a data URI."""

    def to_json(self) -> dict[str, Any]:
        """Return it as the journal has it."""
        return self._asdict()


def find_files(session: Session[Any], n: int, output: Any, openapi_schema: object) -> list[OutputFile]:
    """Return the files in the output of a row: what its schema says is one, else what is a URL."""
    files: list[OutputFile] = []
    taken = set[str]()
    for place in iter_places(wrap_files(output, session, openapi_schema), is_wrapped):
        name = portable_name("-".join([*place.keys, *map(str, place.indexes)]) or "0")
        stem = candidate = f"{n:06}-{name[:MAX_NAME_LENGTH]}"
        number = 1
        while candidate.casefold() in taken:  # macOS and Windows ignore case
            number += 1
            candidate = f"{stem}-{number}"
        taken.add(candidate.casefold())
        files.append(OutputFile(place.url, candidate))
    return files


def replace_data_uris(output: Any, saved: Mapping[str, SavedFile]) -> Any:
    """Return an output with the paths of saved files in place of their data URIs, which would bloat the journal."""
    if isinstance(output, str):
        return saved[output].path if output in saved and data_uri.is_data_uri(output) else output
    if isinstance(output, list):
        return [replace_data_uris(item, saved) for item in output]
    if isinstance(output, dict):
        return {key: replace_data_uris(item, saved) for key, item in output.items()}
    return output


def remove_partial_files(folder: Path, rows: Iterable[int]) -> None:
    """Remove what a killed process has left of the files of unfinished rows."""
    for subfolder in {_folder_of(folder, n) for n in rows}:
        for path in subfolder.glob(".*.part"):
            path.unlink(missing_ok=True)


def _folder_of(folder: Path, n: int) -> Path:
    return folder / FOLDER / f"{n // ROWS_PER_FOLDER:03}"


async def download_file(session: Session[Any], folder: Path, n: int, file: OutputFile) -> HashedFile:
    """Download a file, and return it; `commit_together` brings it to the disk.

    Raises:
        APIStatusError, APIConnectionError, OSError: As for `client.save`.
    """
    suffix = PurePath(file_name(file.url)).suffix
    suffix = suffix if len(suffix) <= MAX_SUFFIX_LENGTH else ""
    hashed = HashedFile(_folder_of(folder, n), file.stem, suffix)
    try:
        with Transfers(None) as transfers:
            await download_to(session, file.url, hashed, transfers)
    except BaseException:
        hashed.discard()
        raise
    return hashed


class HashedFile(AtomicFile):
    """A file of which size and hash are known, and which is durable once it is committed."""

    def __init__(self, folder: Path, stem: str, suffix: str) -> None:
        super().__init__(folder, stem, suffix, may_replace=True, is_durable=True)
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, chunks: list[bytes]) -> None:
        super().write(chunks)
        for chunk in chunks:
            self._hash.update(chunk)
            self._size += len(chunk)

    def describe(self, file: OutputFile, path: Path, folder: Path) -> SavedFile:
        """Return what the journal of a folder has of it."""
        url = None if file.is_data_uri else file.url
        return SavedFile(path.relative_to(folder).as_posix(), self._size, self._hash.hexdigest(), url)
