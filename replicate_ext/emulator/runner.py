"""How the emulator runs models: each job in a task of its own, watched by whoever waits, streams or cancels.

Functions of plain Python run in threads; coroutines and asynchronous generators on the server's loop. A model says
what it is doing with `log`, and sleeps on the emulator's clock with `sleep`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import enum
import inspect
import json
import mimetypes
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar, copy_context
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import anyio.to_thread
import httpx
from PIL import Image

from . import schema
from .catalog import Model, Version
from .clock import Clock
from .state import Job, State, StoredFile, capability, job_id, measured
from .webhooks import Webhooks


class Message(NamedTuple):
    """One event of a stream."""

    event: str
    id: str
    data: str


class Execution:
    """A job that runs or has run: its events so far, and a way to hear of more."""

    def __init__(
        self,
        job: Job,
        model: Model,
        version: Version,
        origin: str,
        clock: Clock,
        announce: Callable[[Execution, str], None],
    ) -> None:
        self.job, self.model, self.version, self.origin, self.clock = job, model, version, origin, clock
        self._announce = announce
        self.messages: list[Message] = []
        self.task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._second, self._number = 0, 0

    async def changed(self) -> None:
        """Return when anything has happened since the call."""
        await self._changed.wait()

    async def finished(self) -> None:
        """Return when nothing will happen any more."""
        while not self.job.is_finished:
            await self.changed()

    def begin(self) -> None:
        """Note that the model runs now."""
        self.job.status, self.job.started_at = "processing", self.clock.now()
        self.tell()

    def put_out(self, item: Any) -> None:
        """Add to the output of a job that streams."""
        self.job.output.append(item)
        self.tell("output", item if isinstance(item, str) else json.dumps(item))

    def tell(self, event: str | None = None, data: str = "") -> None:
        """Wake everybody who waits, with an event for the stream if there is one."""
        if event in ("output", "logs"):
            self._announce(self, event)
        if event is not None and self.job.stream is not None:
            second = int(self.clock.time())
            self._number = self._number + 1 if second == self._second else 0
            self._second = second
            self.messages.append(Message(event, f"{second}:{self._number}", data))
        self._changed.set()
        self._changed = asyncio.Event()

    def log(self, text: str) -> None:
        """Add to the logs."""
        if not self.job.is_finished:
            self.job.logs += text
            self.tell("logs", text)

    def finish(self, status: str, error: str | None = None) -> None:
        """End the job, once; whatever its model does afterwards is not seen any more."""
        job = self.job
        if job.is_finished:
            return
        job.completed_at = self.clock.now()
        if job.started_at is None and status in ("canceled", "failed"):
            job.started_at = job.completed_at
        job.status, job.error = status, error
        if status in ("canceled", "aborted"):
            job.output = None
        self._announce(self, "completed")
        if status == "succeeded":
            self.tell("done", "{}")
            return
        if error is not None:
            self.tell("error", json.dumps({"detail": error}))
        self.tell("done", json.dumps({"reason": "error" if status == "failed" else status}))

    def stop(self, status: str) -> None:
        """End the job from outside: `canceled` or `aborted`."""
        self.finish(status)
        if self.task is not None:
            self.task.cancel()


_current: ContextVar[tuple[Execution | None, asyncio.AbstractEventLoop | None]] = ContextVar("execution")


def log(text: str) -> None:
    """Add to the logs of the job that is running, if one is; for use in the function of a model."""
    execution, loop = _current.get((None, None))
    if execution is not None and loop is not None:
        loop.call_soon_threadsafe(execution.log, text)


async def sleep(seconds: float) -> None:
    """Sleep on the emulator's clock; for use in the function of a model."""
    execution, _ = _current.get((None, None))
    await (execution.clock.sleep(seconds) if execution is not None else asyncio.sleep(seconds))


def now() -> float:
    """Return the seconds since 1970 on the emulator's clock; for use in the function of a model."""
    execution, _ = _current.get((None, None))
    return execution.clock.time() if execution is not None else time.time()


class Runner:
    """Starts jobs and keeps track of them."""

    def __init__(self, state: State, clock: Clock, webhooks: Webhooks, boot: float = 0.0) -> None:
        self.state, self.clock = state, clock
        self.webhooks = webhooks
        self.keep: Callable[[], None] = lambda: None
        """Called when something has changed that may have to be kept."""
        self.boot = boot
        """Seconds that a model needs before it runs."""
        self.executions: dict[str, Execution] = {}
        self.streams: dict[str, Execution] = {}

    def start(
        self, model: Model, version: Version, input: dict[str, Any], origin: str, lifetime: float | None, **facts: Any
    ) -> Execution:
        """Begin a job, which is `starting` until the loop comes to it.

        Args:
            model: What to run.
            version: In which version.
            input: Inputs that its schema allows.
            origin: Scheme and host under which the caller knows this server, for the addresses of files.
            lifetime: Seconds after which it is stopped.
            facts: More fields of the job.
        """
        created = self.clock.now()
        shown = "hidden" if model.official and "destination" not in facts else version.id
        job = Job(job_id(created), model.ref, shown, input, created, **facts)
        if lifetime is not None:
            job.deadline = created + timedelta(seconds=lifetime)
        execution = Execution(job, model, version, origin, self.clock, self._announce)
        if version.streams and job.kind == "prediction":
            secret = capability()
            is_text = version.openapi_schema["components"]["schemas"]["Output"].get("x-cog-array-display")
            job.stream = f"/v1/streams/{secret}" if is_text else f"/v1/files/bcwr-{secret}"
            self.streams[job.stream] = execution
        self.state.jobs[job.id] = job
        self.executions[job.id] = execution
        model.run_count += 1
        self._announce(execution, "start")
        execution.task = asyncio.create_task(self._run(execution, lifetime))
        return execution

    def _announce(self, execution: Execution, event: str) -> None:
        job = execution.job
        if event == "completed" and job.kind == "prediction":
            self.state.ended.append(job)
        self.webhooks.tell(job, event, execution.origin)
        if event == "completed":
            self.keep()

    def stop(self, job: Job) -> None:
        """Cancel a job, unless it is over; one that was kept from an earlier run of the emulator is."""
        if not job.is_finished:
            self.executions[job.id].stop("canceled")

    def close(self) -> None:
        """Stop everything, so that nobody goes on waiting."""
        self.webhooks.close()
        for execution in self.executions.values():
            execution.stop("canceled")

    async def _run(self, execution: Execution, lifetime: float | None) -> None:
        job = execution.job
        deadline = asyncio.create_task(self._stop_after(execution, lifetime)) if lifetime is not None else None
        _current.set((execution, asyncio.get_running_loop()))
        try:
            if self.boot:
                await self.clock.sleep(self.boot)
            execution.begin()
            function = execution.version.train if job.kind == "training" else execution.version.function
            if function is None:
                raise RuntimeError(f"{execution.model.ref} has nothing that could be run here")
            arguments = await self._arguments(function, execution)
            if job.kind == "training":
                job.output = self._trained(await _value(function, arguments), execution)
            elif execution.version.streams:
                job.output = []
                async for item in _items(function, arguments):
                    if job.is_finished:
                        break
                    execution.put_out(await self._published(item, execution))
            else:
                job.output = await self._published(await _value(function, arguments), execution)
            await asyncio.sleep(0)  # logs of the last moment
            execution.finish("succeeded")
        except asyncio.CancelledError:
            execution.finish("canceled")
        except Exception as error:  # whatever the function of a model raises is the failure of its job
            await asyncio.sleep(0)
            execution.log(f"{type(error).__name__}: {error}\n")
            execution.finish("failed", str(error) or type(error).__name__)
        finally:
            if deadline is not None:
                deadline.cancel()

    async def _stop_after(self, execution: Execution, lifetime: float) -> None:
        await self.clock.sleep(lifetime)
        execution.stop("aborted" if execution.job.started_at is None else "canceled")

    def _trained(self, function: Callable[..., Any], execution: Execution) -> dict[str, Any]:
        """Make a version of what a training returned."""
        destination = self.state.models[str(execution.job.destination)]
        version = destination.push(function, self.clock.now(), execution.version.train)
        version.trained = (execution.model.ref, execution.version.id, execution.job.input)
        weights = self.state.room("weights.json")
        weights.write_text(json.dumps(execution.job.input))
        address = self._stored(weights, execution)
        return {"version": f"{destination.ref}:{version.id}", "weights": address}

    async def _arguments(self, function: Callable[..., Any], execution: Execution) -> dict[str, Any]:
        """Return the inputs as a function wants them: files as paths, choices as members."""
        arguments: dict[str, Any] = {}
        for name, hint in schema.parameter_types(function).items():
            given = execution.job.input.get(name)
            if given is None:
                continue
            if hint is Path:
                given = await self._fetched(given, execution)
            elif hint == list[Path]:
                given = [await self._fetched(item, execution) for item in given]
            elif hint is int:
                given = int(given)  # JSON Schema takes 64.0 for an integer
            elif isinstance(hint, type) and issubclass(hint, enum.Enum):
                given = hint(given)
            arguments[name] = given
        return arguments

    async def _fetched(self, url: str, execution: Execution) -> Path:
        """Return a local copy of a file in the input: a data URI, a file of this server, or one from the network."""
        if url.startswith("data:"):
            head, _, body = url.partition(",")
            mime = re.split("[;,]", head[5:], maxsplit=1)[0]
            path = self.state.room(f"input{mimetypes.guess_extension(mime) or ''}")
            path.write_bytes(base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body))
            return path
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" == execution.origin:
            folder, _, rest = unquote(parts.path).removeprefix("/v1").lstrip("/").partition("/")
            shelf = {"files": self.state.uploads, "outputs": self.state.outputs}.get(folder, {})
            if rest.split("/")[0] not in shelf:
                raise FileNotFoundError(f"there is no file at {parts.path}")
            return shelf[rest.split("/")[0]].path
        path = self.state.room(PurePosixPath(parts.path).name)
        async with httpx.AsyncClient(follow_redirects=True) as http, http.stream("GET", url) as response:
            response.raise_for_status()
            with path.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)
        return path

    async def _published(self, value: Any, execution: Execution) -> Any:
        """Return an output as JSON: files and pictures become addresses of this server."""
        if isinstance(value, Path | Image.Image):
            return await anyio.to_thread.run_sync(self._stored, value, execution)
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, dict):
            return {str(key): await self._published(item, execution) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [await self._published(item, execution) for item in value]
        json.dumps(value)  # or it is the model's failure
        return value

    def _stored(self, value: Path | Image.Image, execution: Execution) -> str:
        name = value.name if isinstance(value, Path) else "out.png"
        path = self.state.room(name)
        if isinstance(value, Path):
            shutil.copyfile(value, path)
        else:
            value.save(path)
        name = re.sub(r"[^\w.-]", "_", name)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = measured(StoredFile(capability(), path, name, kind, self.clock.now()))
        self.state.outputs[file.id] = file
        execution.job.files.append(file.id)
        return f"{execution.origin}/outputs/{file.id}/{name}"


async def _value(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    return await _in_thread(lambda: function(**arguments))


async def _items(function: Callable[..., Any], arguments: dict[str, Any]) -> AsyncIterator[Any]:
    made = function(**arguments)
    if hasattr(made, "__aiter__"):
        async with contextlib.aclosing(made):
            async for item in made:
                yield item
        return
    iterator, end = iter(made), object()
    while (item := await _in_thread(lambda: next(iterator, end))) is not end:
        yield item


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Do work in a thread, which is left alone if its job is canceled."""
    context = copy_context()
    return await anyio.to_thread.run_sync(context.run, work, abandon_on_cancel=True)
