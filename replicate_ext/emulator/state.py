"""What an emulator knows: jobs, files and models, and how the API shows them."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from .catalog import COG_VERSION, Catalog, Model, Version

TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})

FILES_LAST = timedelta(hours=24)
"""How long an uploaded file is kept."""

DATA_LASTS = timedelta(hours=1)
"""How long input, output, logs and output files of a prediction are kept after its end."""


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
    """Which events the receiver wants; None for the usual ones."""
    is_removed: bool = False
    """Whether its data was removed, an hour after its end."""
    files: list[str] = field(default_factory=list)
    """The outputs that belong to it."""
    kind: str = "prediction"
    destination: str | None = None
    """The model of which a training makes a version."""
    stream: str | None = None
    """The path of its event stream; None where the model does not stream."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing will happen any more."""
        return self.status in TERMINAL

    @property
    def position(self) -> str:
        """Where it stands in a list by time."""
        return f"{self.created_at.isoformat(timespec='microseconds')} {self.id}"

    def view(self, origin: str) -> dict[str, Any]:
        """Return it as the API shows it: keys are absent, rather than null, until they are known."""
        shown: dict[str, Any] = {
            "id": self.id,
            "model": self.model,
            "version": self.version,
            "input": self.input,
            "logs": self.logs,
            "output": self.output,
            "data_removed": self.is_removed,
            "error": self.error,
            "source": "api",
            "status": self.status,
            "created_at": stamp(self.created_at),
        }
        known = {
            "started_at": self.started_at and stamp(self.started_at),
            "completed_at": self.completed_at and stamp(self.completed_at),
            "deadline": self.deadline and stamp(self.deadline),
            "deployment": self.deployment,
            "metrics": self.metrics,
        }
        shown |= {name: value for name, value in known.items() if value is not None}
        if self.kind == "training":
            del shown["data_removed"]
        base = f"{origin}/v1/{self.kind}s/{self.id}"
        urls = {"cancel": f"{base}/cancel", "get": base, "web": f"{origin}/p/{self.id}"}
        return {**shown, "urls": urls | ({"stream": origin + self.stream} if self.stream else {})}

    @property
    def metrics(self) -> dict[str, float] | None:
        """How long it took, in seconds, once it is over."""
        if self.completed_at is None:
            return None
        running = (self.completed_at - (self.started_at or self.completed_at)).total_seconds()
        return {"predict_time": running, "total_time": (self.completed_at - self.created_at).total_seconds()}


@dataclass
class StoredFile:
    """Bytes on disk: an upload, or what a model made."""

    id: str
    path: Path
    name: str
    content_type: str
    created_at: datetime
    metadata: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    checksums: dict[str, str] = field(default_factory=dict)

    def view(self, origin: str) -> dict[str, Any]:
        """Return it as the API shows an upload."""
        return {
            "id": self.id,
            "name": self.name,
            "content_type": self.content_type,
            "size": self.size,
            "etag": self.checksums["md5"],
            "checksums": self.checksums,
            "metadata": self.metadata,
            "created_at": stamp(self.created_at),
            "expires_at": stamp(self.created_at + FILES_LAST),
            "urls": {"get": f"{origin}/v1/files/{self.id}"},
        }


@dataclass
class Release:
    """What a deployment runs, and how, until the next release."""

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
    used_at: datetime | None = None

    @property
    def ref(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def release(self) -> Release:
        """The one in force."""
        return self.releases[-1]

    @property
    def is_online(self) -> bool:
        """Whether it may have instances."""
        return bool(self.release.settings["max_instances"])

    def view(self, username: str) -> dict[str, Any]:
        """Return it as the API shows it."""
        release = self.release
        settings = dict(release.settings)
        version = settings.pop("version")
        return {
            "owner": self.owner,
            "name": self.name,
            "current_release": {
                "number": release.number,
                "model": release.model,
                "version": version,
                "created_at": stamp(release.created_at),
                "created_by": {"type": "user", "username": username, "name": "Acme, Inc."},
                "configuration": settings,
            },
        }


class State:
    """Everything that there is, and the folder with the files."""

    username = "acme"

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = Catalog()
        self.models = self.catalog.models
        for ref, model in catalog.models.items():
            self.models[ref] = replace(model, versions=[*model.versions], facts=dict(model.facts))
        self.deployments: dict[str, Deployment] = {}
        self.collections = {collection["slug"]: collection for collection in catalog.collections}
        for name, ref in catalog.deployments.items():
            model = self.models[ref]
            settings = {"version": model.versions[-1].id, "hardware": "cpu", "min_instances": 0, "max_instances": 1}
            deployment = Deployment(self.username, name, [Release(1, ref, settings, model.created_at)])
            self.deployments[deployment.ref] = deployment
        self.webhook_secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
        self.jobs: dict[str, Job] = {}
        self.ended: deque[Job] = deque()
        """The predictions that have ended, and still have their data, in order."""
        self.uploads: dict[str, StoredFile] = {}
        self.outputs: dict[str, StoredFile] = {}
        self.signing_secret = secrets.token_bytes(32)
        self._folder = TemporaryDirectory(prefix="replicate-emulator-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)

    def expire(self, now: datetime) -> None:
        """Remove what has had its time: data of predictions after an hour, uploads after a day."""
        while self.ended and now - (self.ended[0].completed_at or now) >= DATA_LASTS:
            job = self.ended.popleft()
            job.is_removed, job.input, job.output, job.logs = True, {}, None, ""
            for id in job.files:
                self.outputs.pop(id).path.unlink(missing_ok=True)
            job.files = []
        while self.uploads and now - (oldest := next(iter(self.uploads.values()))).created_at >= FILES_LAST:
            self.uploads.pop(oldest.id).path.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete the files."""
        self._folder.cleanup()

    def room(self, name: str) -> Path:
        """Return a path for a new file; of the name that somebody gave it only a harmless suffix is used."""
        suffix = PurePath(name).suffix
        harmless = suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) < 10 else ""
        return self.folder / (secrets.token_hex(16) + harmless)

    def find_version(self, ref: str) -> tuple[Model, Version] | None:
        """Return what `POST /predictions` may run: a version by its id, an official model by its name."""
        name, _, id = ref.rpartition(":") if ":" in ref else ("", "", ref)
        for model in [self.models.get(name)] if name else self.models.values():
            version = model.version(id) if model else None
            if model and version:
                return model, version
        model = self.models.get(ref)
        return (model, model.latest) if model and model.official and model.latest else None


def measured(file: StoredFile) -> StoredFile:
    """Fill in the size and checksums of a file that is on disk, reading it once."""
    sums = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    with file.path.open("rb") as opened:
        while chunk := opened.read(1024 * 1024):
            for one in sums.values():
                one.update(chunk)
        file.size = opened.tell()
    file.checksums = {name: one.hexdigest() for name, one in sums.items()}
    return file


def model_view(model: Model, origin: str, example: Job | None) -> dict[str, Any]:
    """Return a model as the API shows it."""
    names = ("github_url", "paper_url", "license_url", "cover_image_url")
    return {
        "url": f"{origin}/{model.ref}",
        "owner": model.owner,
        "name": model.name,
        **{name: model.facts.get(name) for name in names},
        "description": model.facts.get("description") or "",
        "visibility": model.visibility,
        "is_official": model.official,
        "run_count": model.run_count,
        "created_at": stamp(model.created_at),
        "default_example": example and example.view(origin),
        "latest_version": model.latest and version_view(model.latest),
    }


def version_view(version: Version) -> dict[str, Any]:
    """Return a version as the API shows it."""
    return {
        "id": version.id,
        "created_at": stamp(version.created_at),
        "cog_version": COG_VERSION,
        "openapi_schema": version.openapi_schema,
    }


def stamp(moment: datetime) -> str:
    """Return a moment as the API writes it: UTC, with the digits that there are."""
    whole, _, fraction = moment.isoformat(timespec="microseconds").removesuffix("+00:00").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_RFC4648 = "abcdefghijklmnopqrstuvwxyz234567"


def job_id(now: datetime) -> str:
    """Return an id of the form that predictions have had since 2024.

    It is a UUIDv7, whose first four bytes changed places with bytes 8 to 11, in lower-case Crockford base 32.
    """
    milliseconds = int(now.timestamp() * 1000).to_bytes(6, "big")
    noise = bytearray(secrets.token_bytes(10))
    uuid = milliseconds + bytes([0x70 | noise[0] & 0x0F, noise[1], 0x80 | noise[2] & 0x3F]) + noise[3:]
    swapped = uuid[8:12] + uuid[4:8] + uuid[0:4] + uuid[12:]
    number = int.from_bytes(swapped, "big") << 2
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def capability(length: int = 52) -> str:
    """Return a name that cannot be guessed, for an address that needs no token."""
    return "".join(secrets.choice(_RFC4648) for _ in range(length))
