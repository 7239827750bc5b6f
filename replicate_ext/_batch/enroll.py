"""Rows become lines of the journal: checked, numbered, and stored before the first one is paid for."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors
from .._files.inputs import check_text, prepare_input
from .fingerprint import hash_text
from .journal import Journal, State
from .ledger import describe
from .stored_input import dump_input

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .options import Options
    from .target import Target

CHUNK_SIZE = 500
"""Rows of one transaction; an event loop waits for some 20 ms meanwhile."""

INVALID = "invalid"


class Enrollment:
    """Adds the rows of one call of `map` to a journal, or checks that they are those that it has.

    Raises:
        ValueError: A row has changed, or there are fewer than before, or two have the same key.
        InvalidInputError, TypeError, OSError: A row is invalid, and `on_error` is "raise".
        BatchStoppedError: Too many rows in a row are invalid.
    """

    def __init__(self, journal: Journal, target: Target, options: Options) -> None:
        self._journal, self._target, self._options = journal, target, options
        self._folder: Path = journal.folder
        self._known = journal.size()
        self._next = self._end = journal.end()
        self._seen = bytearray()
        """Which of the rows that the journal had were given, with `key`."""

        self._by_key: dict[str, int] = {}
        self._by_digest: dict[bytes, int] = {}
        self._failures = 0
        if options.dedupe:
            journal.write("create index if not exists row_digest on row(digest)")
            journal.commit()

    async def add(self, rows: Iterable[Mapping[str, Any]]) -> AsyncGenerator[int, None]:
        """Add rows, and yield after each chunk how many were read."""
        chunk: list[tuple[Any, ...]] = []
        count = 0
        shard, shards = self._options.shard or (0, 1)
        for index, row in enumerate(rows):
            if index % shards == shard:
                added = self._add(index, row)
                count += 1
                if added is not None:
                    chunk.append(added)
            if len(chunk) == CHUNK_SIZE or index % CHUNK_SIZE == CHUNK_SIZE - 1:
                self._write(chunk)
                yield count
        self._write(chunk)
        if self._options.key is None and count < self._known:
            raise ValueError(
                f"there are {count:,} rows, but {self._folder} has {self._known:,}: give the same rows again, with new "
                "ones at the end, or continue without them: Batch.open(folder, client).resume()"
            )
        yield count

    def _write(self, chunk: list[tuple[Any, ...]]) -> None:
        if chunk:
            if self._journal.get("is_enrolled"):
                self._journal.set(is_enrolled=False)  # until all of the new rows are stored
                self._journal.commit()
            self._journal.add_rows(chunk)
            chunk.clear()
            self._by_key.clear()
            self._by_digest.clear()

    def _add(self, index: int, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the line of a row, or None if the journal has it."""
        key = self._key(index, row)
        n = index if key is None else self._find_key(key, index)
        values = row
        error: Exception | None = None
        if self._options.key is not None and not self._target.has_input(self._options.key):
            values = {name: value for name, value in row.items() if name != self._options.key}
        try:
            text = self._prepare(values)
        except (errors.InvalidInputError, TypeError, ValueError, OSError) as invalid:
            if self._options.on_error == "raise":
                invalid.add_note(f"row {index} of the batch; nothing was created")
                raise
            text, error = _to_text(values), invalid
        digest = hash_text(text)
        found = self._journal.find_row(n) if n is not None and n < self._end else None
        if n is not None and found is not None:
            known_digest, state, attempts = found
            if known_digest == digest:
                return None
            if state != State.FAILED or attempts:
                raise ValueError(
                    f"row {index} differs from the one in {self._folder}: use another folder, or give the row as it was"
                )
            self._journal.detach_duplicates(n)
        elif n is None:
            n, self._next = self._next, self._next + 1
            if key is not None:
                self._by_key[key] = n
        self._count_failure(index, error)
        if error is not None:
            return n, key, digest, text, State.FAILED, None, INVALID, describe(error)
        origin = self._find_origin(digest, n)
        return n, key, digest, text, State.NEW if origin is None else State.DUPLICATE, origin, None, None

    def _prepare(self, values: Mapping[str, Any]) -> str:
        """Return a checked input as text."""
        prepared = prepare_input(values)
        if self._options.check and self._target.schema is not None:
            checked = self._target.schema.check(prepared.values, str(self._target.ref))
            prepared = prepared._replace(values=checked)
        return dump_input(prepared, self._folder)

    def _key(self, index: int, row: Mapping[str, Any]) -> str | None:
        name = self._options.key
        if name is None:
            return None
        value = row.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValueError(f"row {index}: the key {name!r} must be a string or an integer, not {value!r:.100}")
        return check_text(str(value), f"row {index}: the key {name!r}")

    def _find_key(self, key: str, index: int) -> int | None:
        """Return the number of the row with a key, None for a new one; each may occur once."""
        n = self._by_key.get(key)
        n = self._journal.find_key(key) if n is None else n
        if n is None:
            return None
        self._seen.extend(bytes(max(0, n + 1 - len(self._seen))))
        if n >= self._end or self._seen[n]:
            raise ValueError(f"row {index} has the key {key!r:.100}, as an earlier row has: keys must be unique")
        self._seen[n] = 1
        return n

    def _find_origin(self, digest: bytes, n: int) -> int | None:
        if not self._options.dedupe:
            return None
        origin = self._by_digest.get(digest)
        if origin is None:
            origin = self._journal.find_digest(digest)
        if origin is None or origin == n:
            self._by_digest[digest] = n
            return None
        return origin

    def _count_failure(self, index: int, error: Exception | None) -> None:
        if error is None:
            self._failures = 0
            return
        self._failures += 1
        limit = self._options.max_failures
        if limit is not None and (self._failures >= limit or (index == 0 and not self._known)):
            which = "the first row is" if index == 0 else f"{self._failures} rows in a row are"
            raise errors.BatchStoppedError(
                f"{which} invalid, and nothing was created: row {index}: {describe(error)}"
            ) from error


def _to_text(values: object) -> str:
    """Return a row that cannot be stored as text, for its digest and for the report."""
    if not isinstance(values, Mapping):
        return json.dumps({"row": repr(values)})
    return json.dumps({str(name): _to_json(value) for name, value in values.items()}, sort_keys=True)


def _to_json(value: object) -> object:
    try:
        json.dumps(value, allow_nan=False)
    except RecursionError:  # of which `repr` raises one, too
        return "…"
    except (TypeError, ValueError):
        return repr(value)
    return value
