"""`--state FILE`: the state of an emulator in SQLite, kept across restarts.

Changes are written as they happen, and only they. A job that was running when the emulator stopped has failed after a
restart, as it has on Replicate when its machine goes away. Functions are not stored: those of the catalog come from the
catalog again, and trained versions are trained again.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .catalog import Model, Version
from .state import Deployment, Job, Release, State, StoredFile
from .table import Table

INTERRUPTED_ERROR = "Prediction interrupted; please retry (code: PA)"
"""The API's error for a job whose machine went away (docs/api-facts.md, section 5)."""

# The order of the rows is that of the objects' creation. Only one emulator at a time may use a file. A commit survives
# the end of the process at any moment, but is not flushed to the disk, which takes longer than a request.
_SCHEMA = """
pragma locking_mode = exclusive;
pragma synchronous = off;
begin exclusive;
create table if not exists records (kind text, key text, value text, primary key (kind, key));
create table if not exists contents (id text primary key, bytes blob);
commit;
"""
_MODEL_FIELDS = ("owner", "name", "is_official", "visibility", "metadata", "created_at", "run_count")
_DATETIME_FIELDS = {"created_at", "started_at", "completed_at", "deadline", "last_used_at"}

Record = dict[str, Any]


class Store:
    """A state file: fills a new state when it is opened, and saves its changes.

    Raises:
        ValueError: It is not a state file, or another emulator uses it.
    """

    def __init__(self, path: Path, state: State) -> None:
        self._state = state
        self._tables: dict[str, tuple[Table[Any], Callable[[Any], Record]]] = {
            "model": (state.models, _model_record),
            "deployment": (state.deployments, asdict),
            "upload": (state.uploads, _file_record),
            "output": (state.outputs, _file_record),
            "job": (state.jobs, _job_record),
        }
        with _explain_errors(path):
            self._db = sqlite3.connect(path, timeout=0.5, check_same_thread=False)
            try:
                self._db.executescript(_SCHEMA)
                self._load()
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._db.close()

    def _load(self) -> None:
        state = self._state
        state.signing_secret = base64.b64decode(
            self._load_secret("files", base64.b64encode(state.signing_secret).decode())
        )
        state.webhook_secret = self._load_secret("webhooks", state.webhook_secret)
        self._load_models()
        for ref, record in self._load_records("deployment"):
            releases = [_from_record(Release, release) for release in record.pop("releases")]
            state.deployments[ref] = _from_record(Deployment, record, releases=releases)
        for kind, files in (("upload", state.uploads), ("output", state.outputs)):
            for id, record in self._load_records(kind):
                path = state.new_path(record["name"])
                [content] = self._db.execute("select bytes from contents where id = ?", [id]).fetchone()
                path.write_bytes(content)
                files[id] = _from_record(StoredFile, record, path=path)
        for id, record in self._load_records("job"):
            events = record.pop("webhook_events")
            state.jobs[id] = _from_record(Job, record, webhook_events=frozenset(events) if events else None)
        for table, _ in self._tables.values():
            table.changed = set()
        self._finish_jobs()

    def _load_models(self) -> None:
        models, trained = self._state.models, []
        for ref, record in self._load_records("model"):
            versions = record.pop("trained_versions")
            model = models.setdefault(ref, Model(record["owner"], record["name"]))
            for name, value in _parse_times(record).items():
                setattr(model, name, value)
            for version in versions:
                trained_from = version.pop("trained_from")
                model.versions.append(_from_record(Version, version, trained_from=tuple(trained_from)))
                trained.append(model.versions[-1])
        for version in sorted(trained, key=lambda version: version.created_at):  # the base of another comes first
            _train_again(version, models)

    def _finish_jobs(self) -> None:
        jobs = self._state.jobs
        for job in jobs.values():
            if not job.is_finished:
                job.status, job.error, job.completed_at = "failed", INTERRUPTED_ERROR, job.created_at
                jobs.touch(job.id)
        finished = [job for job in jobs.values() if job.kind == "prediction" and not job.is_data_removed]
        self._state.finished.extend(sorted(finished, key=lambda job: job.completed_at or job.created_at))

    def save(self) -> None:
        """Write what has changed since the last call, in one transaction."""
        with self._db:
            for kind, (table, to_record) in self._tables.items():
                while table.changed:
                    key = table.changed.pop()  # one by one, since threads of models add to it
                    if key in table:
                        self._write(kind, key, to_record(table[key]))
                    else:
                        self._db.execute("delete from records where kind = ? and key = ?", [kind, key])
                        self._db.execute("delete from contents where id = ?", [key])

    def _write(self, kind: str, key: str, record: Record) -> None:
        if kind in ("upload", "output"):  # files never change
            content = sqlite3.Binary(record.pop("path").read_bytes())
            self._db.execute("insert or replace into contents values (?, ?)", [key, content])
        self._db.execute(
            "insert into records values (?, ?, ?) on conflict do update set value = excluded.value",
            [kind, key, json.dumps(record, default=_to_json)],
        )

    def _load_records(self, kind: str) -> list[tuple[str, Record]]:
        rows = self._db.execute("select key, value from records where kind = ? order by rowid", [kind])
        return [(key, json.loads(value)) for key, value in rows]

    def _load_secret(self, key: str, default: str) -> str:
        """Return a secret from the file; if it has none, store the default and return that."""
        with self._db:
            self._db.execute("insert or ignore into records values ('secret', ?, ?)", [key, default])
        [secret] = self._db.execute("select value from records where kind = 'secret' and key = ?", [key]).fetchone()
        return str(secret)


@contextlib.contextmanager
def _explain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError, TypeError, LookupError, AttributeError) as error:
        if getattr(error, "sqlite_errorname", None) == "SQLITE_BUSY":
            raise ValueError(f"{path} is used by another emulator: choose another state file") from error
        raise ValueError(
            f"{path} is not a state file of this emulator: {type(error).__name__}: {error}; choose another file, or "
            "move this one away"
        ) from error


def _train_again(version: Version, models: Table[Model]) -> None:
    """Set the function of a trained version; without its base, or if that fails, the version cannot run."""
    assert version.trained_from is not None
    ref, id, input = version.trained_from
    base = models[ref].find_version(id) if ref in models else None
    if base is not None and base.train is not None:
        with contextlib.suppress(Exception):  # of the user's function
            version.function, version.train = base.train(**input), base.train


def _model_record(model: Model) -> Record:
    names = ("id", "created_at", "openapi_schema", "trained_from")
    trained_versions = [
        {name: getattr(version, name) for name in names} for version in model.versions if version.trained_from
    ]
    return {name: getattr(model, name) for name in _MODEL_FIELDS} | {"trained_versions": trained_versions}


def _file_record(file: StoredFile) -> Record:
    return dict(vars(file))


def _job_record(job: Job) -> Record:
    return {**vars(job), "webhook_events": sorted(job.webhook_events) if job.webhook_events else None}


def _from_record(cls: Any, record: Record, **replaced: Any) -> Any:
    names = {field.name for field in fields(cls)}
    return cls(**{name: value for name, value in _parse_times(record).items() if name in names} | replaced)


def _parse_times(record: Record) -> Record:
    """Return a record with datetimes in place of their texts."""
    times = {name: datetime.fromisoformat(record[name]) for name in _DATETIME_FIELDS if record.get(name)}
    return record | times


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
