"""`--state FILE`: the state of an emulator in SQLite, kept across restarts.

Changes are written as they happen. A job that was running when the emulator stopped has failed after a restart, as it
has on Replicate when its machine goes away. Functions are not stored: those of the catalog come from the catalog again,
and trained versions are trained again.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from .catalog import Model
from .state import Deployment, Job, Release, State, StoredFile

INTERRUPTED_ERROR = "Prediction interrupted; please retry (code: PA)"
"""The API's error for a job whose machine went away (docs/api-facts.md, section 5)."""

_SCHEMA = """
create table if not exists records (kind text, key text, value text, primary key (kind, key)) without rowid;
create table if not exists contents (id text primary key, bytes blob);
"""
_MODEL_FIELDS = ("owner", "name", "is_official", "visibility", "metadata", "run_count")
_DATETIME_FIELDS = {"created_at", "started_at", "completed_at", "deadline", "last_used_at"}

Record = dict[str, Any]


class Store:
    """A state file."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._saved: dict[tuple[str, str], str] = {}
        """What the file holds: kind and key → JSON."""

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def load(self, state: State) -> None:
        """Fill a new state from the file."""
        state.signing_secret = base64.b64decode(
            self._load_secret("files", base64.b64encode(state.signing_secret).decode())
        )
        state.webhook_secret = self._load_secret("webhooks", state.webhook_secret)
        self._load_models(state)
        for ref, record in self._load_records("deployment"):
            releases = [_from_record(Release, release) for release in record.pop("releases")]
            state.deployments[ref] = _from_record(Deployment, record, releases=releases)
        for kind, files in (("upload", state.uploads), ("output", state.outputs)):
            for id, record in self._load_records(kind):
                path = state.new_path(record["name"])
                [content] = self._db.execute("select bytes from contents where id = ?", [id]).fetchone()
                path.write_bytes(content)
                files[id] = _from_record(StoredFile, record, path=path)
        self._load_jobs(state)

    def _load_models(self, state: State) -> None:
        for ref, record in self._load_records("model"):
            trained_versions = record.pop("trained_versions")
            model = state.models.setdefault(ref, Model(record["owner"], record["name"]))
            for name, value in record.items():
                setattr(model, name, value)
            for trained in trained_versions:
                base = state.models[trained["base"]].find_version(trained["version"])
                if base is not None and base.train is not None:
                    function = base.train(**trained["input"])
                    version = model.push(function, datetime.fromisoformat(trained["created_at"]), base.train)
                    version.id = trained["id"]
                    version.trained_from = (trained["base"], trained["version"], trained["input"])

    def _load_jobs(self, state: State) -> None:
        for id, record in self._load_records("job"):
            events = record.pop("webhook_events")
            job = state.jobs[id] = _from_record(Job, record, webhook_events=frozenset(events) if events else None)
            if not job.is_finished:
                job.status, job.error, job.completed_at = "failed", INTERRUPTED_ERROR, job.created_at
        finished = [job for job in state.jobs.values() if job.kind == "prediction" and not job.is_data_removed]
        state.finished.extend(sorted(finished, key=lambda job: job.completed_at or job.created_at))

    def save(self, state: State) -> None:
        """Write what has changed since the last call."""
        records: dict[tuple[str, str], Record] = {}
        for model in state.models.values():
            records["model", model.ref] = _model_record(model)
        for deployment in state.deployments.values():
            records["deployment", deployment.ref] = asdict(deployment)
        for kind, files in (("upload", state.uploads), ("output", state.outputs)):
            for file in files.values():
                if (kind, file.id) not in self._saved:
                    content = sqlite3.Binary(file.path.read_bytes())
                    self._db.execute("insert or replace into contents values (?, ?)", [file.id, content])
                records[kind, file.id] = {**asdict(file), "path": None}
        for job in state.jobs.values():
            events = sorted(job.webhook_events) if job.webhook_events else None
            records["job", job.id] = {**asdict(job), "webhook_events": events}
        texts = {id: json.dumps(record, default=_to_json) for id, record in records.items()}
        changed = [(*id, text) for id, text in texts.items() if self._saved.get(id) != text]
        deleted = [id for id in self._saved if id not in texts]
        self._db.executemany("insert or replace into records values (?, ?, ?)", changed)
        self._db.executemany("delete from records where kind = ? and key = ?", deleted)
        self._db.executemany("delete from contents where id = ?", [[key] for kind, key in deleted if kind != "job"])
        self._saved = texts

    def _load_records(self, kind: str) -> list[tuple[str, Record]]:
        rows = self._db.execute("select key, value from records where kind = ?", [kind]).fetchall()
        self._saved |= {(kind, key): value for key, value in rows}
        return [(key, json.loads(value)) for key, value in rows]

    def _load_secret(self, key: str, default: str) -> str:
        """Return a secret from the file; if it has none, store the default and return that."""
        row = self._db.execute("select value from records where kind = 'secret' and key = ?", [key]).fetchone()
        if row is None:
            self._db.execute("insert into records values ('secret', ?, ?)", [key, default])
        return row[0] if row else default


def _model_record(model: Model) -> Record:
    trained_versions = [
        {"id": version.id, "created_at": version.created_at.isoformat(), **_training_record(version.trained_from)}
        for version in model.versions
        if version.trained_from
    ]
    return {name: getattr(model, name) for name in _MODEL_FIELDS} | {"trained_versions": trained_versions}


def _training_record(trained_from: tuple[str, str, dict[str, Any]]) -> Record:
    return dict(zip(("base", "version", "input"), trained_from, strict=True))


def _from_record(cls: Any, record: Record, **replaced: Any) -> Any:
    names = {field.name for field in fields(cls)}
    values = {name: value for name, value in record.items() if name in names}
    for name in _DATETIME_FIELDS & values.keys():
        values[name] = values[name] and datetime.fromisoformat(values[name])
    return cls(**values | replaced)


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
