"""The journal of a batch, in SQLite: the rows, each purchase, and what became of them.

What a create will send is written, and flushed to the disk, before it is sent (`intent`). So after a crash every
prediction that may exist is known by its hash, and is searched for instead of being bought again.

One process writes at a time, under the lock of the folder; others may read meanwhile. The writer collects its changes
and commits them together: a commit that fails, because the disk is full, is repeated with the same changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from .item import Item
from .mounts import is_network_file_system
from .stored_input import load_input

FILE_NAME = "journal.db"

FORMAT = 1
"""The version of the schema below; a journal with a later one was written by a newer release."""

_SCHEMA = """
create table meta(name text primary key, value text) without rowid;
create table row(
    n integer primary key, key text, digest blob not null, input text not null, state integer not null, origin integer,
    attempts integer not null default 0, status text, prediction_id text, output text, files text,
    seconds real, cost real, error text, result text, ended_at real
);
create table attempt(
    id integer primary key, n integer not null, sent blob not null, intent_at real not null, prediction_id text,
    created_at real, ended_at real, status text, seconds real, cost real, error text
);
create unique index row_key on row(key) where key is not null;
create index row_origin on row(origin) where origin is not null;
create index row_state on row(state);
create index attempt_status on attempt(status);
create index attempt_prediction on attempt(prediction_id) where prediction_id is not null;
"""

# A duplicate has the error of its origin.
_ERRORS = """
select case when instr(error, ':') then substr(error, 1, instr(error, ':') - 1) else error end as class, count(*) from (
    select coalesce(origin.error, row.error) as error from row left join row as origin on origin.n = row.origin
    where row.state in (6, 7, 8) and coalesce(origin.state, row.state) in (6, 7)
) where error is not null group by class order by count(*) desc, class
"""

UNCERTAIN = "uncertain"
"""What the errors of uncertain rows begin with, instead of a class."""


class State(IntEnum):
    """Where a row is. What is below DONE is unfinished."""

    NEW = 0
    INTENT = 1
    """A create is about to be sent, or was."""
    CREATED = 2
    ENDED = 3
    """It has succeeded, and its files are to be saved."""
    SAVED = 4
    """`then` is to be run."""
    DONE = 5
    FAILED = 6
    UNCERTAIN = 7
    """Whether a create was accepted cannot be found out."""
    DUPLICATE = 8
    """It shares the result of another row, `origin`."""


class Attempt(NamedTuple):
    """A purchase: its create was sent, or may have been."""

    id: int
    n: int
    sent: bytes
    """The hash of what was sent."""

    intent_at: float
    """On the server's clock, a time before the create was sent."""

    prediction_id: str | None
    created_at: float | None
    error: str | None
    seconds: float | None


_ITEM = "n, key, input, output, files, error, status, prediction_id, seconds, cost, attempts, result, state, origin"


class JournalReader:
    """Reads a journal, also while another process writes it.

    Raises:
        FileNotFoundError: The folder has no journal.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / FILE_NAME
        if not path.exists():
            raise FileNotFoundError(f"{folder} has no batch: begin one with client.map(…, folder)")
        self._db = self._connect(path)
        try:
            self._check_format(path)
        except BaseException:
            self._db.close()
            raise

    def _connect(self, path: Path) -> sqlite3.Connection:
        uri = path.absolute().as_uri()
        # For writing, if possible: the last connection that is closed removes the WAL.
        db = sqlite3.connect(f"{uri}?mode=rw", uri=True, check_same_thread=False)
        with contextlib.suppress(sqlite3.DatabaseError):
            db.execute("select 1 from sqlite_master")
            return db
        db.close()  # the folder is read-only: WAL cannot be used, and nobody writes
        return sqlite3.connect(f"{uri}?immutable=1", uri=True, check_same_thread=False)

    def _check_format(self, path: Path) -> None:
        try:
            [(text,)] = self.select("select value from meta where name = 'format'")
            found = int(text)
        except (sqlite3.DatabaseError, ValueError) as error:
            raise ValueError(f"{path} is not the journal of a batch: {error}; use another folder") from error
        if found > FORMAT:
            raise ValueError(f"{path} was written by a newer release (format {found}): upgrade replicate-ext")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def select(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Return the result of a query."""
        return self._db.execute(sql, params).fetchall()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a fact about the whole batch."""
        found = self._db.execute("select value from meta where name = ?", [name]).fetchone()
        return default if found is None else json.loads(found[0])

    def counts(self) -> dict[State, int]:
        """Return how many rows are in each state; a duplicate is in that of its origin."""
        counts = Counter(dict(self.select("select state, count(*) from row group by state")))
        if counts.pop(State.DUPLICATE, 0):
            sql = "select o.state, count(*) from row join row as o on o.n = row.origin where row.state = 8 group by 1"
            counts.update(dict(self.select(sql)))
        return {State(state): count for state, count in counts.items()}

    def errors(self) -> dict[str, int]:
        """Return how many rows have failed or are uncertain, by the class of their error, the most frequent first."""
        return dict(self.select(_ERRORS))

    def size(self) -> int:
        """Return the number of rows."""
        return int(self._db.execute("select count(*) from row").fetchone()[0])

    def item(self, n: int) -> Item:
        """Return a row."""
        return self._to_item(self._db.execute(f"select {_ITEM} from row where n = ?", [n]).fetchone())

    def items(self) -> Iterator[Item]:
        """Yield all rows, in the order of the input."""
        last = -1
        while page := self._db.execute(f"select {_ITEM} from row where n > ? order by n limit 1000", [last]).fetchall():
            yield from map(self._to_item, page)
            last = page[-1][0]

    def finished(self) -> array[int]:
        """Return the numbers of the finished rows, in order."""
        origin = "(select origin.state from row as origin where origin.n = row.origin)"
        sql = f"select n from row where state between 5 and 7 or (state = 8 and {origin} >= 5) order by n"
        return array("q", (n for (n,) in self._db.execute(sql)))

    def numbers(self) -> array[int]:
        """Return the numbers of all rows, in order."""
        return array("q", (n for (n,) in self._db.execute("select n from row order by n")))

    def rows_in_flight(self) -> list[int]:
        """Return the numbers of the rows with a purchase that has not ended, in order."""
        return [n for (n,) in self._db.execute("select distinct n from attempt where status is null order by n")]

    def has_succeeded(self) -> bool:
        """Whether any prediction has succeeded."""
        return self._db.execute("select 1 from attempt where status = 'succeeded' limit 1").fetchone() is not None

    def purchases(self) -> Iterator[tuple[str | None, float | None, float | None]]:
        """Yield status, seconds and cost of each purchase."""
        return self._db.execute("select status, seconds, cost from attempt")

    def _to_item(self, row: tuple[Any, ...]) -> Item:
        n, key, input, output, files, error, status, id, seconds, cost, attempts, result, state, origin = row
        if origin is not None and state == State.DUPLICATE:
            [*columns] = self._db.execute(f"select {_ITEM} from row where n = ?", [origin]).fetchone()
            return self._to_item((n, key, input, *columns[3:8], None, None, 0, *columns[11:13], None))
        paths = [self.folder / file["path"] for file in json.loads(files)] if files else []
        return Item(
            index=n,
            key=key,
            input=load_input(input, self.folder),
            output=None if output is None else json.loads(output),
            paths=paths,
            error=error,
            status=status,
            prediction_id=id,
            seconds=seconds,
            cost=cost,
            attempts=attempts,
            result=None if result is None else json.loads(result),
        )


class Journal(JournalReader):
    """Writes a journal. The caller holds the lock of the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending: list[tuple[str, tuple[Any, ...]]] = []
        path = folder / FILE_NAME
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # inputs may be private
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            is_new = self._is_empty()
            if not is_new:
                self._check_format(path)
            self._configure()
            if is_new:
                self._create()
        except BaseException:
            self._db.close()
            raise

    def _is_empty(self) -> bool:
        try:
            return not self.select("select 1 from sqlite_master")
        except sqlite3.DatabaseError:  # it is no database
            return False

    def _configure(self) -> None:
        # On a network file system the shared memory of WAL does not work.
        mode = "delete" if is_network_file_system(self.folder) else "wal"
        self._db.executescript(f"pragma journal_mode = {mode}; pragma synchronous = full;")

    def _create(self) -> None:
        self._db.executescript(f"begin; {_SCHEMA} insert into meta values ('format', '{FORMAT}'); commit;")

    # Changes

    def write(self, sql: str, *params: Any) -> None:
        """Add a change to the next commit."""
        self._pending.append((sql, tuple(map(_to_storable, params))))

    def set(self, **facts: Any) -> None:
        """Note facts about the whole batch."""
        for name, value in facts.items():
            self.write("insert or replace into meta values (?, ?)", name, json.dumps(value))

    def commit(self) -> None:
        """Write all changes, and flush them to the disk.

        Raises:
            sqlite3.OperationalError: That failed, because the disk is full for example; the changes are kept.
        """
        if not self._pending:
            return
        self._db.execute("begin immediate")
        try:
            for sql, params in self._pending:
                self._db.execute(sql, params)
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise
        self._pending.clear()

    def add_rows(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows in one transaction: n, key, digest, input, state, origin, status, error."""
        self._db.execute("begin immediate")
        try:
            self._db.executemany(
                "insert or replace into row(n, key, digest, input, state, origin, status, error) "
                "values (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    def detach_duplicates(self, n: int) -> None:
        """Let the rows that share the failure of a row share that of the first of them: this one is replaced."""
        first, *_ = [*self.duplicates_of(n), None]
        if first is not None:
            failure = "(state, status, error) = (select state, status, error from row where n = ?)"
            self.write(f"update row set origin = null, {failure} where n = ?", n, first)
            self.write("update row set origin = ? where origin = ?", first, n)
            self.commit()

    # What the driver reads; all of it is committed

    def next_new(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Return number and input of the next rows that are to be bought."""
        sql = "select n, input from row where state = 0 and n > ? order by n limit ?"
        return self._db.execute(sql, [after, limit]).fetchall()

    def input_of(self, n: int) -> str:
        """Return the input of a row, as it is stored."""
        return str(self._db.execute("select input from row where n = ?", [n]).fetchone()[0])

    def ended_rows(self) -> list[tuple[int, float, str]]:
        """Return number, time of the end and output of the rows whose files are to be saved."""
        sql = "select n, ended_at, output from row where state = 3 order by ended_at"
        return self._db.execute(sql).fetchall()

    def in_state(self, state: State) -> list[int]:
        """Return the numbers of the unfinished rows in a state."""
        return [n for (n,) in self._db.execute("select n from row where state = ? order by ended_at, n", [state])]

    def open_attempts(self) -> list[Attempt]:
        """Return the purchases that have not ended."""
        return self._attempts("status is null")

    def unmeasured_attempts(self, limit: int, *, needs_cost: bool) -> list[Attempt]:
        """Return the latest purchases that have ended, and whose seconds (or cost) are not known."""
        unknown = "(seconds is null or cost is null)" if needs_cost else "seconds is null"
        ended = "prediction_id is not null and status not in ('refused', 'uncertain')"
        return self._attempts(f"{unknown} and {ended} order by id desc limit {limit}")

    def _attempts(self, where: str) -> list[Attempt]:
        sql = f"select id, n, sent, intent_at, prediction_id, created_at, error, seconds from attempt where {where}"
        return [Attempt(*row) for row in self._db.execute(sql)]

    def is_known(self, prediction_id: str) -> bool:
        """Whether a prediction was bought by this batch."""
        found = self._db.execute("select 1 from attempt where prediction_id = ?", [prediction_id]).fetchone()
        return found is not None

    def last_attempt_id(self) -> int:
        """Return the largest id of a purchase."""
        return self._db.execute("select coalesce(max(id), 0) from attempt").fetchone()[0] or 0

    def find_row(self, n: int) -> tuple[bytes, State, int] | None:
        """Return digest, state and attempts of a row."""
        found = self._db.execute("select digest, state, attempts from row where n = ?", [n]).fetchone()
        return found and (found[0], State(found[1]), found[2])

    def find_key(self, key: str) -> int | None:
        """Return the number of the row with a key."""
        found = self._db.execute("select n from row where key = ?", [key]).fetchone()
        return found and int(found[0])

    def find_digest(self, digest: bytes) -> int | None:
        """Return the number of the first row with an input; duplicates excluded."""
        found = self._db.execute("select n from row where digest = ? and origin is null limit 1", [digest]).fetchone()
        return found and int(found[0])

    def end(self) -> int:
        """Return the number after that of the last row."""
        return int(self._db.execute("select coalesce(max(n), -1) + 1 from row").fetchone()[0])

    def has_duplicates(self) -> bool:
        """Whether any row shares the result of another one."""
        return bool(self.select("select 1 from row where origin is not null limit 1"))

    def duplicates_of(self, n: int) -> list[int]:
        """Return the rows that share the result of a row."""
        return [n for (n,) in self._db.execute("select n from row where origin = ? order by n", [n])]


def _to_storable(value: Any) -> Any:
    """Return a value that SQLite stores: a lone surrogate, in the error of a model say, is written as its escape."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
