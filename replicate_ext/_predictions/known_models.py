"""What is known of the models that this process runs: official or not, their latest version, and its schema.

Each is fetched once, and kept in the process and on disk. An input is checked by it before anything is paid for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate_api import models, operations as op

from .. import errors
from .._sansio.job import predict_time
from .._sansio.log import log_drift, log_unchecked
from .._sansio.model_ref import ModelRef
from .disk_cache import DiskCache, default_folder

if TYPE_CHECKING:
    from replicate_api.models import Model, Prediction, Version

    from .._models.schema import ModelSchema
    from .._send import Session

MAX_VERSION_AGE = 60.0
"""Seconds after which the latest version of a community model is fetched again: a newer one may have been pushed."""

MAX_NAME_AGE = 3600.0
"""Seconds after which a name on disk expires: an official model or a deployment may have changed."""

LOOK_UP_TIMEOUT = 5.0
"""Seconds that fetching a schema may delay a run, which then goes on unchecked."""

RETRY_AFTER = 60.0
"""Seconds for which a schema that could not be fetched is not asked for again."""

POLL_INTERVAL = 0.01
"""Seconds between the checks of a call that waits for the look-up of another one."""


LONG_AGO = -1e9
"""A moment on the backend's clock before anything was fetched."""


class KnownModel(NamedTuple):
    """What a reference stands for."""

    is_official: bool | None = None
    version: str | None = None
    """The id of the version that runs; of an official model, the one that its schema is of."""

    schema: ModelSchema | None = None
    """The inputs and the output of that version; None if the API sent no schema."""

    openapi_schema: Any = None
    cog_version: str | None = None
    example_duration: float | None = None
    """Seconds that the model's default example took."""

    model: Model | None = None
    """What the API sent of the model itself, in this process."""

    fetched_at: float = -math.inf
    """On the backend's clock."""


class KnownModels:
    """Looks models up, and remembers them; shared by all calls of a client, from any thread or task."""

    def __init__(self) -> None:
        self._models: dict[ModelRef, KnownModel] = {}
        self._by_version: dict[str, KnownModel] = {}
        self._looking_up: dict[ModelRef, object] = {}
        """The call that looks a reference up."""

        self._failed_at: dict[ModelRef, float] = {}
        self._disk: DiskCache | None = None
        self._locked: dict[ModelRef, KnownModel | None] = {}
        """What locks have of models; None once it was logged that the platform has something else."""

    def get(self, ref: ModelRef) -> KnownModel | None:
        """Return what is known of a model, however old."""
        return self._models.get(ref) or self._by_version.get(str(ref.version))

    def find(self, job: Prediction) -> KnownModel | None:
        """Return the version that a prediction ran, if it is known."""
        return self._by_version.get(str(job.version))

    def expire(self, name: str) -> None:
        """Fetch a model again before it is run the next time, also if it is on disk."""
        owner, _, model = name.partition("/")
        ref = ModelRef(owner, model)
        self._models[ref] = self._models.get(ref, KnownModel())._replace(fetched_at=-math.inf)

    def add_locked(self, ref: ModelRef, model: KnownModel) -> None:
        """Add what the lock of a typed module has of a model: by it inputs are checked without a request."""
        if ref not in self._locked:
            self._locked[ref] = model
            if self.get(ref) is None:
                self.put(ref, model._replace(fetched_at=LONG_AGO))

    def log_drift(self, ref: ModelRef, version: object, schema: ModelSchema | None = None) -> None:
        """Log, once for each model, that the platform runs another version, or one of another form, than a lock has."""
        locked = self._locked.get(ref)
        if locked is None:
            return
        if schema is None:  # by the version of a prediction, which the API hides for many official models
            has_drifted = re.fullmatch("[0-9a-f]{64}", str(version)) is not None and version != locked.version
        else:
            has_drifted = locked.schema is not None and schema.digest != locked.schema.digest
        if has_drifted:
            self._locked[ref] = None
            log_drift(str(ref), str(locked.version), str(version))

    async def check(self, session: Session[Any], ref: ModelRef, values: dict[str, Any]) -> dict[str, Any]:
        """Return an input as the model's schema has it, or as it is if the schema cannot be had.

        What a name stands for may have changed since it was fetched, and what the platform runs today is never refused:
        before that, the schema is fetched again.

        Raises:
            InvalidInputError: The model does not accept it.
        """
        started = session.backend.monotonic()
        model = await self.look_up(session, ref)
        if model is None or model.schema is None:
            return values
        try:
            return model.schema.check(values, str(ref))
        except errors.InvalidInputError:
            if ref.version or model.fetched_at > started:
                raise
        model = await self.look_up(session, ref, since=started)
        return values if model is None or model.schema is None else model.schema.check(values, str(ref))

    async def look_up(self, session: Session[Any], ref: ModelRef, since: float = -math.inf) -> KnownModel | None:
        """Return what a reference stands for, or None if that cannot be found out; concurrent calls fetch it once.

        Args:
            session: Sends the request, unless it is known.
            ref: What is to be run.
            since: Fetch it again unless it was fetched after this moment.
        """
        backend, this_call = session.backend, object()
        deadline = backend.monotonic() + LOOK_UP_TIMEOUT
        while self._is_needed(ref, since, backend.monotonic()):
            if self._looking_up.setdefault(ref, this_call) is this_call:
                try:
                    if self._is_needed(ref, since, backend.monotonic()):  # else another thread has just fetched it
                        await self._look_up(session, ref, deadline)
                finally:
                    self._looking_up.pop(ref, None)
                break
            if session.seconds_left() == 0 or session.is_closed:
                break
            if backend.monotonic() >= deadline:  # the other call is suspended in a stopped event loop, or before a fork
                self._looking_up.pop(ref, None)
            await backend.sleep(POLL_INTERVAL)
        return self._get_newer(ref, since)

    def _get_newer(self, ref: ModelRef, since: float) -> KnownModel | None:
        model = self.get(ref)
        return model if model is not None and model.fetched_at > since else None

    def _is_needed(self, ref: ModelRef, since: float, now: float) -> bool:
        """Whether a reference is to be looked up: it is not known, and that did not fail recently."""
        return self._get_newer(ref, since) is None and now - self._failed_at.get(ref, -math.inf) >= RETRY_AFTER

    async def _look_up(self, session: Session[Any], ref: ModelRef, deadline: float) -> None:
        """Read or fetch what a reference stands for; if that fails, log it."""
        try:
            if self.get(ref) is None and await self._read(session, ref):  # else what is on disk is too old as well
                return
            if ref.owner is not None:  # the API has no request for a version by its id alone
                await self.fetch(session.with_options(deadline=deadline, max_retries=1), ref)
        except errors.ReplicateError as error:
            if session.seconds_left() != 0 and not session.is_closed:  # else it failed for this call only
                self._failed_at[ref] = session.backend.monotonic()
                log_unchecked(str(ref), error)

    async def fetch(self, session: Session[Any], ref: ModelRef) -> KnownModel:
        """Fetch what a reference stands for, and remember it.

        Raises:
            NotFoundError: There is no such model, version or deployment.
        """
        model = (await _fetch(session, ref))._replace(fetched_at=session.backend.monotonic())
        self.put(ref, model)
        if model.schema:
            self.log_drift(ref, model.version, model.schema)
        if disk := self._open_disk(session):
            await session.backend.to_thread(_write, disk, ref, model)
        return model

    async def _read(self, session: Session[Any], ref: ModelRef) -> KnownModel | None:
        disk = self._open_disk(session)
        if disk is None:
            return None
        model: KnownModel | None = await session.backend.to_thread(_read, disk, ref, session.backend.monotonic())
        if model is not None:
            self.put(ref, model)
        return model

    def put(self, ref: ModelRef, model: KnownModel) -> None:
        """Remember what a reference stands for."""
        self._models[ref] = model
        if model.version:
            self._by_version[model.version] = model

    def _open_disk(self, session: Session[Any]) -> DiskCache | None:
        if self._disk is None:
            folder = None if session.config.transport is not None else default_folder(session.config.base_url)
            self._disk = DiskCache(folder) if folder else None
        return self._disk


async def _fetch(session: Session[Any], ref: ModelRef) -> KnownModel:
    owner, name = str(ref.owner), str(ref.name)
    if ref.is_deployment:
        release = (await session.call(op.DEPLOYMENTS_GET(owner, name))).current_release
        try:
            released = ModelRef.parse(f"{getattr(release, 'model', '')}:{getattr(release, 'version', '')}")
        except ValueError:  # it has no release, or the API sent something else in its place
            return KnownModel()
        return await _fetch(session, released)
    try:
        if ref.version:
            version = await session.call(op.MODELS_VERSIONS_GET(owner, name, ref.version))
            return _to_known_model(version, KnownModel())
        model = await session.call(op.MODELS_GET(owner, name))
    except errors.NotFoundError as error:
        advice = "" if ref.version else f"; if it is a deployment, write 'deployments/{ref}'"
        error.add_advice(f"there is no model {ref} that this token can run{advice}")
        raise
    known = KnownModel(model.is_official, example_duration=predict_time(model.default_example), model=model)
    return _to_known_model(model.latest_version, known)


def _to_known_model(version: Version | None, known: KnownModel) -> KnownModel:
    """Add a version to what is known; the API may send anything in its place."""
    if not isinstance(version, models.Version):
        return known
    id, cog_version, schema = version.id, version.cog_version, version.openapi_schema
    return known._replace(
        version=id if isinstance(id, str) else None,
        cog_version=cog_version if isinstance(cog_version, str) else None,
        openapi_schema=schema,
        schema=_parse(schema, cog_version),
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None


def _parse(openapi_schema: object, cog_version: object) -> ModelSchema | None:
    from .._models.schema import ModelSchema  # only needed once a schema is known

    if not isinstance(openapi_schema, Mapping):
        return None
    return ModelSchema.parse(openapi_schema, cog_version if isinstance(cog_version, str) else None)


def _read(disk: DiskCache, ref: ModelRef, now: float) -> KnownModel | None:
    """Return what the disk has of a reference: versions are immutable, what a name stands for expires."""
    name: Any
    name, age = ({"version": ref.version}, 0.0) if ref.version else disk.read("names", str(ref))
    if not isinstance(name, dict) or age > MAX_NAME_AGE or not isinstance(name.get("version"), str):
        return None
    version, _ = disk.read("versions", name["version"])
    if (
        not isinstance(version, dict)
        or (schema := _parse(version.get("openapi_schema"), version.get("cog_version"))) is None
    ):
        return None
    return KnownModel(
        is_official if isinstance(is_official := name.get("is_official"), bool) else None,
        name["version"],
        schema,
        version["openapi_schema"],
        version.get("cog_version"),
        _number(name.get("example_duration")),
        fetched_at=now - age,
    )


def _write(disk: DiskCache, ref: ModelRef, known: KnownModel) -> None:
    if known.version and known.schema:
        disk.write("versions", known.version, _fields(known, "openapi_schema", "cog_version"))
        if not ref.version:
            disk.write("names", str(ref), _fields(known, "version", "is_official", "example_duration"))


def _fields(known: KnownModel, *names: str) -> dict[str, Any]:
    return {name: getattr(known, name) for name in names}
