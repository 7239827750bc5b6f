"""`--state FILE`: what an emulator knows, kept in SQLite across restarts.

Everything is written when it changes. What ran while the emulator was stopped has failed, as it does on Replicate when
a machine goes away. Functions are not kept: models come from the catalogue again, and what a training made is trained
anew.
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

INTERRUPTED = "Prediction interrupted; please retry (code: PA)"
"""What the API says of a job whose machine went away."""

_SCHEMA = """
create table if not exists things (kind text, key text, value text, primary key (kind, key)) without rowid;
create table if not exists contents (id text primary key, bytes blob);
"""
_OF_MODEL = ("owner", "name", "official", "visibility", "facts", "run_count")
_MOMENTS = {"created_at", "started_at", "completed_at", "deadline", "used_at"}


class Store:
    """The file, and what is in it."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._saved: dict[tuple[str, str], str] = {}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def load(self, state: State) -> None:
        """Fill a state with what was kept."""
        state.signing_secret = base64.b64decode(
            self._one("secret", "files", base64.b64encode(state.signing_secret).decode())
        )
        state.webhook_secret = self._one("secret", "webhooks", state.webhook_secret)
        for ref, kept in self._all("model"):
            trained = kept.pop("trained")
            model = state.models.setdefault(ref, Model(kept["owner"], kept["name"]))
            for name, value in kept.items():
                setattr(model, name, value)
            for one in trained:
                base = state.models[one["base"]].version(one["version"])
                if base is not None and base.train is not None:
                    version = model.push(
                        base.train(**one["input"]), datetime.fromisoformat(one["created_at"]), base.train
                    )
                    version.id, version.trained = one["id"], (one["base"], one["version"], one["input"])
        for ref, kept in self._all("deployment"):
            releases = [_made(Release, release) for release in kept.pop("releases")]
            state.deployments[ref] = _made(Deployment, kept, releases=releases)
        for kind, shelf in (("upload", state.uploads), ("output", state.outputs)):
            for id, kept in self._all(kind):
                path = state.room(kept["name"])
                [content] = self._db.execute("select bytes from contents where id = ?", [id]).fetchone()
                path.write_bytes(content)
                shelf[id] = _made(StoredFile, kept, path=path)
        for id, kept in self._all("job"):
            events = kept.pop("webhook_events")
            job = state.jobs[id] = _made(Job, kept, webhook_events=frozenset(events) if events else None)
            if not job.is_finished:
                job.status, job.error, job.completed_at = "failed", INTERRUPTED, job.created_at
        ended = [job for job in state.jobs.values() if job.kind == "prediction" and not job.is_removed]
        state.ended.extend(sorted(ended, key=lambda job: job.completed_at or job.created_at))

    def save(self, state: State) -> None:
        """Write what has changed since it was last written."""
        things: dict[tuple[str, str], dict[str, Any]] = {}
        for model in state.models.values():
            kept = {name: getattr(model, name) for name in _OF_MODEL}
            trained = [
                {"id": version.id, "created_at": version.created_at.isoformat(), **_trained(version.trained)}
                for version in model.versions
                if version.trained
            ]
            things["model", model.ref] = {**kept, "trained": trained}
        for deployment in state.deployments.values():
            things["deployment", deployment.ref] = asdict(deployment)
        for kind, shelf in (("upload", state.uploads), ("output", state.outputs)):
            for file in shelf.values():
                if (kind, file.id) not in self._saved:
                    content = sqlite3.Binary(file.path.read_bytes())
                    self._db.execute("insert or replace into contents values (?, ?)", [file.id, content])
                things[kind, file.id] = {**asdict(file), "path": None}
        for job in state.jobs.values():
            events = sorted(job.webhook_events) if job.webhook_events else None
            things["job", job.id] = {**asdict(job), "webhook_events": events}
        texts = {place: json.dumps(thing, default=_text) for place, thing in things.items()}
        changed = [(*place, text) for place, text in texts.items() if self._saved.get(place) != text]
        gone = [place for place in self._saved if place not in texts]
        self._db.executemany("insert or replace into things values (?, ?, ?)", changed)
        self._db.executemany("delete from things where kind = ? and key = ?", gone)
        self._db.executemany("delete from contents where id = ?", [[key] for kind, key in gone if kind != "job"])
        self._saved = texts

    def _all(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        rows = self._db.execute("select key, value from things where kind = ?", [kind]).fetchall()
        self._saved |= {(kind, key): value for key, value in rows}
        return [(key, json.loads(value)) for key, value in rows]

    def _one(self, kind: str, key: str, otherwise: str) -> str:
        """Return a text that was kept, or keep one."""
        row = self._db.execute("select value from things where kind = ? and key = ?", [kind, key]).fetchone()
        if row is None:
            self._db.execute("insert into things values (?, ?, ?)", [kind, key, otherwise])
        return row[0] if row else otherwise


def _trained(origin: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    return dict(zip(("base", "version", "input"), origin, strict=True))


def _made(cls: Any, kept: dict[str, Any], **replaced: Any) -> Any:
    known = {field.name for field in fields(cls)}
    values = {name: value for name, value in kept.items() if name in known}
    for name in _MOMENTS & values.keys():
        values[name] = values[name] and datetime.fromisoformat(values[name])
    return cls(**values | replaced)


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
