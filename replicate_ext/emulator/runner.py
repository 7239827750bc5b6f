"""Runs jobs, each in a task of its own.

Plain functions run in threads; coroutine functions and async generators run on the server's event loop.
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
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import anyio.to_thread
import httpx
from PIL import Image

from . import schema
from .catalog import Model, Version
from .clock import Clock
from .execution import Execution, current
from .formats import new_job_id, random_token
from .state import Job, State, StoredFile
from .webhooks import WebhookSender


class Runner:
    """Starts jobs and keeps track of them."""

    def __init__(self, state: State, clock: Clock, webhooks: WebhookSender, boot_time: float = 0.0) -> None:
        self.state, self.clock = state, clock
        self.webhooks = webhooks
        self.persist: Callable[[], None] = lambda: None
        """Called when a job has finished, to save the state."""
        self.boot_time = boot_time
        """Seconds for which a job stays `starting`."""
        self.executions: dict[str, Execution] = {}
        """Job id → execution."""
        self.streams: dict[str, Execution] = {}
        """Path of the event stream → execution."""

    def start(
        self, model: Model, version: Version, input: dict[str, Any], origin: str, lifetime: float | None, **fields: Any
    ) -> Execution:
        """Start a job; it is `starting` until the event loop runs its task.

        Args:
            model: The model to run.
            version: The version to run.
            input: An input that is valid for the version's schema.
            origin: Scheme and host under which the client reached this server, for the URLs of files.
            lifetime: Seconds after which the job is stopped; None for no limit.
            fields: Further fields of the `Job`.
        """
        created_at = self.clock.now()
        shown_version = "hidden" if model.is_official and "destination" not in fields else version.id
        job = Job(new_job_id(created_at), model.ref, shown_version, input, created_at, **fields)
        if lifetime is not None:
            job.deadline = created_at + timedelta(seconds=lifetime)
        execution = Execution(job, model, version, origin, self.clock, self._notify)
        if version.is_streaming and job.kind == "prediction":
            token = random_token()
            is_text = version.openapi_schema["components"]["schemas"]["Output"].get("x-cog-array-display")
            # The JavaScript client recognizes streams of files by this path: docs/api-facts.md, section 9.
            job.stream = f"/v1/streams/{token}" if is_text else f"/v1/files/bcwr-{token}"
            self.streams[job.stream] = execution
        self.state.jobs[job.id] = job
        self.executions[job.id] = execution
        model.run_count += 1
        self.state.models.touch(model.ref)
        self._notify(execution, "start")
        execution.task = asyncio.create_task(self._run(execution, lifetime))
        return execution

    def _notify(self, execution: Execution, event: str) -> None:
        job = execution.job
        if event == "completed" and job.kind == "prediction":
            self.state.finished.append(job)
        self.webhooks.enqueue(job, event, execution.origin)
        if event == "completed":
            self.state.jobs.touch(job.id)
            self.persist()

    def cancel(self, job: Job) -> None:
        """Cancel a job; does nothing if it is finished, as every job loaded from a state file is."""
        if not job.is_finished:
            self.executions[job.id].stop("canceled")

    def delete(self, job: Job) -> None:
        """Delete a job, which is canceled if it is running, with its data, files and event stream."""
        self.cancel(job)
        self.state.remove_data(job)
        del self.state.jobs[job.id]

    def close(self) -> None:
        """Cancel all jobs and deliveries, so that no request waits for one any longer."""
        self.webhooks.close()
        for execution in self.executions.values():
            execution.stop("canceled")

    async def _run(self, execution: Execution, lifetime: float | None) -> None:
        job = execution.job
        deadline = asyncio.create_task(self._stop_after(execution, lifetime)) if lifetime is not None else None
        current.set((execution, asyncio.get_running_loop()))
        try:
            if self.boot_time:
                await self.clock.sleep(self.boot_time)
            execution.start()
            function = execution.version.train if job.kind == "training" else execution.version.function
            if function is None:
                raise RuntimeError(_explain_missing_function(execution))
            arguments = await self._arguments(function, execution)
            if job.kind == "training":
                job.output = self._push_version(await _call(function, arguments), execution)
            elif execution.version.is_streaming:
                job.output = []
                async for item in _iterate(function, arguments):
                    if job.is_finished:
                        break
                    execution.emit_output(await self._to_output(item, execution))
            else:
                job.output = await self._to_output(await _call(function, arguments), execution)
            await asyncio.sleep(0)  # `log` schedules a callback; let the last one run
            execution.finish("succeeded")
        except asyncio.CancelledError:
            execution.finish("canceled")
        except Exception as error:  # an exception in the model function is a failure of the job
            await asyncio.sleep(0)  # as above
            execution.log(f"{type(error).__name__}: {error}\n")
            execution.finish("failed", str(error) or type(error).__name__)
        finally:
            if deadline is not None:
                deadline.cancel()

    async def _stop_after(self, execution: Execution, lifetime: float) -> None:
        await self.clock.sleep(lifetime)
        execution.stop("aborted" if execution.job.started_at is None else "canceled")

    def _push_version(self, function: Callable[..., Any], execution: Execution) -> dict[str, Any]:
        """Push the function that a training returned to its destination, and return the training's output."""
        destination = self.state.models[str(execution.job.destination)]
        version = destination.push(function, self.clock.now(), execution.version.train, secrets.token_hex(32))
        version.trained_from = (execution.model.ref, execution.version.id, execution.job.input)
        self.state.models.touch(destination.ref)
        weights = self.state.new_path("weights.json")
        weights.write_text(json.dumps(execution.job.input))
        return {"version": f"{destination.ref}:{version.id}", "weights": self._store_output(weights, execution)}

    async def _arguments(self, function: Callable[..., Any], execution: Execution) -> dict[str, Any]:
        """Convert the input to the function's parameter types: files to paths, choices to enum members."""
        arguments: dict[str, Any] = {}
        for name, hint in schema.parameter_types(function).items():
            value = execution.job.input.get(name)
            if value is None:
                continue
            if hint is Path:
                value = await self._fetch_input(value, execution)
            elif hint == list[Path]:
                value = [await self._fetch_input(item, execution) for item in value]
            elif hint is int:
                value = int(value)  # in JSON Schema, 64.0 is an integer
            elif isinstance(hint, type) and issubclass(hint, enum.Enum):
                value = hint(value)
            arguments[name] = value
        return arguments

    async def _fetch_input(self, url: str, execution: Execution) -> Path:
        """Return a local copy of an input file, given as a data URI, a URL of this server, or any other URL."""
        if url.startswith("data:"):
            head, _, body = url.partition(",")
            media_type = re.split("[;,]", head[5:], maxsplit=1)[0]
            path = self.state.new_path(f"input{mimetypes.guess_extension(media_type) or ''}")
            path.write_bytes(base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body))
            return path
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" == execution.origin:
            folder, _, rest = unquote(parts.path).removeprefix("/v1").lstrip("/").partition("/")
            folders: dict[str, dict[str, StoredFile]] = {"files": self.state.uploads, "outputs": self.state.outputs}
            files = folders.get(folder, {})
            if rest.split("/")[0] not in files:
                raise FileNotFoundError(f"there is no file at {parts.path}")
            return files[rest.split("/")[0]].path
        path = self.state.new_path(PurePosixPath(parts.path).name)
        async with httpx.AsyncClient(follow_redirects=True) as http, http.stream("GET", url) as response:
            response.raise_for_status()
            with path.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)
        return path

    async def _to_output(self, value: Any, execution: Execution) -> Any:
        """Return an output as JSON; files and images become URLs of this server."""
        if isinstance(value, Path | Image.Image):
            return await anyio.to_thread.run_sync(self._store_output, value, execution)
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, dict):
            return {str(key): await self._to_output(item, execution) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [await self._to_output(item, execution) for item in value]
        json.dumps(value)  # raises if JSON cannot represent it, which fails the job
        return value

    def _store_output(self, value: Path | Image.Image, execution: Execution) -> str:
        """Store an output file, and return its URL."""
        name = value.name if isinstance(value, Path) else "out.png"
        path = self.state.new_path(name)
        if isinstance(value, Path):
            shutil.copyfile(value, path)
        else:
            value.save(path)
        name = re.sub(r"[^\w.-]", "_", name)
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = StoredFile(random_token(), path, name, content_type, self.clock.now())
        file.measure()
        self.state.outputs[file.id] = file
        execution.job.output_file_ids.append(file.id)
        return f"{execution.origin}/outputs/{file.id}/{name}"


def _explain_missing_function(execution: Execution) -> str:
    ref = execution.model.ref
    if execution.version.trained_from is None:
        return f"{ref} has no function that could run here"
    base = execution.version.trained_from[0]
    return f"{ref} was trained from {base}: start the emulator with the file that defines {base}, and how to train it"


async def _call(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    return await _run_in_thread(lambda: function(**arguments))


async def _iterate(function: Callable[..., Any], arguments: dict[str, Any]) -> AsyncIterator[Any]:
    result = function(**arguments)
    if hasattr(result, "__aiter__"):
        async with contextlib.aclosing(result):
            async for item in result:
                yield item
        return
    iterator, end = iter(result), object()
    while (item := await _run_in_thread(lambda: next(iterator, end))) is not end:
        yield item


async def _run_in_thread(function: Callable[[], Any]) -> Any:
    """Call a function in a thread; if the job is canceled, the thread runs on and its result is dropped."""
    context = copy_context()
    return await anyio.to_thread.run_sync(context.run, function, abandon_on_cancel=True)
