"""The state of an emulator: jobs, files, models and deployments, and their JSON in the API."""

from __future__ import annotations

import base64
import hashlib
import secrets
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from .catalog import Catalog, Model, Version
from .formats import format_timestamp
from .table import Table

TERMINAL_STATUSES = frozenset({"succeeded", "failed", "canceled", "aborted"})

UPLOAD_LIFETIME = timedelta(hours=24)
"""Time after which an uploaded file is deleted (docs/api-facts.md, section 3)."""

DATA_LIFETIME = timedelta(hours=1)
"""Time after its end at which a prediction loses its input, output, logs and files (docs/api-facts.md, section 8)."""


@dataclass
class Job:
    """A prediction or a training."""

    id: str
    model: str
    version: str
    input: dict[str, Any]
    created_at: datetime
    status: str = "starting"
    output: Any = None
    error: str | None = None
    logs: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deadline: datetime | None = None
    deployment: str | None = None
    webhook: str | None = None
    webhook_events: frozenset[str] | None = None
    """The events to deliver; None for the default ones."""
    is_data_removed: bool = False
    output_file_ids: list[str] = field(default_factory=list)
    kind: str = "prediction"
    """`prediction` or `training`."""
    destination: str | None = None
    """The model that gets the new version; only for trainings."""
    stream: str | None = None
    """The path of the event stream; None if the model does not stream."""

    @property
    def is_finished(self) -> bool:
        """Whether the status is terminal."""
        return self.status in TERMINAL_STATUSES

    @property
    def sort_key(self) -> str:
        """The key that sorts jobs by creation time."""
        return f"{self.created_at.isoformat(timespec='microseconds')} {self.id}"

    def to_json(self, origin: str) -> dict[str, Any]:
        """Return the job as the API shows it: unknown times and metrics are absent rather than null."""
        result: dict[str, Any] = {
            "id": self.id,
            "model": self.model,
            "version": self.version,
            "input": self.input,
            "logs": self.logs,
            "output": self.output,
            "data_removed": self.is_data_removed,
            "error": self.error,
            "source": "api",
            "status": self.status,
            "created_at": format_timestamp(self.created_at),
        }
        optional = {
            "started_at": self.started_at and format_timestamp(self.started_at),
            "completed_at": self.completed_at and format_timestamp(self.completed_at),
            "deadline": self.deadline and format_timestamp(self.deadline),
            "deployment": self.deployment,
            "metrics": self.metrics,
        }
        result |= {name: value for name, value in optional.items() if value is not None}
        if self.kind == "training":
            del result["data_removed"]
        url = f"{origin}/v1/{self.kind}s/{self.id}"
        urls = {"cancel": f"{url}/cancel", "get": url, "web": f"{origin}/p/{self.id}"}
        return {**result, "urls": urls | ({"stream": origin + self.stream} if self.stream else {})}

    @property
    def metrics(self) -> dict[str, float] | None:
        """The run times in seconds; None until the job is finished."""
        if self.completed_at is None:
            return None
        predict_time = (self.completed_at - (self.started_at or self.completed_at)).total_seconds()
        return {"predict_time": predict_time, "total_time": (self.completed_at - self.created_at).total_seconds()}


class Jobs(Table[Job]):
    """Predictions and trainings by id; those of each kind also in the order of their creation."""

    def __init__(self) -> None:
        super().__init__()
        self._by_kind: dict[str, list[Job]] = {}

    def of_kind(self, kind: str) -> list[Job]:
        """Return all predictions, or all trainings, oldest first; do not change the list."""
        return self._by_kind.setdefault(kind, [])

    def __setitem__(self, id: str, job: Job) -> None:
        super().__setitem__(id, job)
        insort(self.of_kind(job.kind), job, key=attrgetter("sort_key"))  # the clock may have been set back

    def __delitem__(self, id: str) -> None:
        jobs = self.of_kind(self[id].kind)
        del jobs[bisect_left(jobs, self[id].sort_key, key=attrgetter("sort_key"))]
        super().__delitem__(id)


@dataclass
class StoredFile:
    """A file on disk: an upload, or an output of a model."""

    id: str
    path: Path
    name: str
    content_type: str
    created_at: datetime
    metadata: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    checksums: dict[str, str] = field(default_factory=dict)

    def measure(self) -> None:
        """Set size and checksums, reading the file once."""
        hashes = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
        with self.path.open("rb") as file:
            while chunk := file.read(1024 * 1024):
                for hash in hashes.values():
                    hash.update(chunk)
            self.size = file.tell()
        self.checksums = {name: hash.hexdigest() for name, hash in hashes.items()}

    def to_json(self, origin: str) -> dict[str, Any]:
        """Return the upload as the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "content_type": self.content_type,
            "size": self.size,
            "etag": self.checksums["md5"],
            "checksums": self.checksums,
            "metadata": self.metadata,
            "created_at": format_timestamp(self.created_at),
            "expires_at": format_timestamp(self.created_at + UPLOAD_LIFETIME),
            "urls": {"get": f"{origin}/v1/files/{self.id}"},
        }


@dataclass
class Release:
    """The configuration of a deployment, until the next release replaces it."""

    number: int
    model: str
    settings: dict[str, Any]
    """`version`, `hardware`, `min_instances`, `max_instances`."""
    created_at: datetime


@dataclass
class Deployment:
    """A name under which a version runs."""

    owner: str
    name: str
    releases: list[Release]
    last_used_at: datetime | None = None

    @property
    def ref(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def current_release(self) -> Release:
        """The newest release."""
        return self.releases[-1]

    @property
    def is_online(self) -> bool:
        """Whether it may have instances."""
        return bool(self.current_release.settings["max_instances"])

    def to_json(self, username: str) -> dict[str, Any]:
        """Return the deployment as the API shows it."""
        release = self.current_release
        settings = dict(release.settings)
        version = settings.pop("version")
        return {
            "owner": self.owner,
            "name": self.name,
            "current_release": {
                "number": release.number,
                "model": release.model,
                "version": version,
                "created_at": format_timestamp(release.created_at),
                "created_by": {"type": "user", "username": username, "name": "Acme, Inc."},
                "configuration": settings,
            },
        }


class State:
    """All objects of one emulator, and the folder with its files."""

    username = "acme"

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = Catalog()
        self.models: Table[Model] = Table()
        self.catalog.models = self.models
        for ref, model in catalog.models.items():
            self.models[ref] = replace(model, versions=[*model.versions], metadata=dict(model.metadata))
        self.deployments: Table[Deployment] = Table()
        self.collections = {collection["slug"]: collection for collection in catalog.collections}
        for name, ref in catalog.deployments.items():
            model = self.models[ref]
            settings = {"version": model.versions[-1].id, "hardware": "cpu", "min_instances": 0, "max_instances": 1}
            deployment = Deployment(self.username, name, [Release(1, ref, settings, model.created_at)])
            self.deployments[deployment.ref] = deployment
        self.webhook_secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
        self.jobs = Jobs()
        self.finished: deque[Job] = deque()
        """Finished predictions that still have their data, oldest first."""
        self.uploads: Table[StoredFile] = Table()
        self.outputs: Table[StoredFile] = Table()
        self.signing_secret = secrets.token_bytes(32)
        self._temporary_folder = TemporaryDirectory(prefix="replicate-emulator-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary_folder.name)

    def expire(self, now: datetime) -> None:
        """Remove expired data of predictions, and expired uploads."""
        while self.finished and now - (self.finished[0].completed_at or now) >= DATA_LIFETIME:
            self.remove_data(self.finished.popleft())
        while self.uploads and now - (oldest := next(iter(self.uploads.values()))).created_at >= UPLOAD_LIFETIME:
            delete_file(self.uploads, oldest.id)

    def remove_data(self, job: Job) -> None:
        """Remove input, output, logs and files of a job; its event stream is not found any more."""
        job.is_data_removed, job.input, job.output, job.logs = True, {}, None, ""
        for id in job.output_file_ids:
            delete_file(self.outputs, id)
        job.output_file_ids = []
        self.jobs.touch(job.id)

    def close(self) -> None:
        """Delete all files."""
        self._temporary_folder.cleanup()

    def new_path(self, name: str) -> Path:
        """Return a random path for a new file; it has the suffix of `name` if that is harmless."""
        suffix = PurePath(name).suffix
        is_harmless = suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) < 10
        return self.folder / (secrets.token_hex(16) + (suffix if is_harmless else ""))

    def find_version(self, ref: str) -> tuple[Model, Version] | None:
        """Return what `POST /predictions` runs: `id`, `owner/name:id`, or `owner/name` of an official model."""
        name, _, id = ref.rpartition(":") if ":" in ref else ("", "", ref)
        for model in [self.models.get(name)] if name else self.models.values():
            version = model.find_version(id) if model else None
            if model and version:
                return model, version
        model = self.models.get(ref)
        return (model, model.latest_version) if model and model.is_official and model.latest_version else None


def delete_file(files: Table[StoredFile], id: str) -> None:
    """Delete an upload or an output file."""
    files[id].path.unlink(missing_ok=True)
    del files[id]
