"""The reference model: what must be true once a program has ended, whatever happened meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from replicate_ext import ModelError, ReplicateError, WaitTimeoutError
from soak_api import SoakJob
from soak_caller import UPLOAD
from soak_program import ENDLESS, Call, Leave, Program
from soak_server import SoakWorld

CREATING = ("run", "stream", "save")
"""The kinds of calls that create a prediction."""


class Model:
    """Compares what the calls of a program returned and raised with what the server did."""

    def __init__(self, world: SoakWorld, program: Program, folder: Path) -> None:
        self._world, self._program, self._folder = world, program, folder
        self.figures: Counter[str] = Counter()
        self._calls: dict[str, list[Call]] = {}
        for call in program.calls:
            self._calls.setdefault(call.prompt, []).append(call)
        self._jobs: dict[str, list[SoakJob]] = {}
        for job in world.jobs.values():
            if not job.is_foreign:
                self._jobs.setdefault(str(job.input["prompt"]), []).append(job)

    def problems(self) -> Iterator[str]:
        """Yield what must not have happened."""
        if self._world.has_timed_out:
            yield "hang: a call did not end"
        for request in self._world.tokens_astray:
            self.figures["astray"] += 1
            yield f"astray: the token was sent to another host: {request}"
        for job in self._world.jobs.values():
            if job.is_foreign and job.cancel_requests:
                yield from self._check_foreign_cancel(job)
        for prompt, calls in self._calls.items():
            jobs = self._jobs.get(prompt, [])
            if len(jobs) > len(calls):
                self.figures["twice"] += 1
                yield f"twice: {len(calls)} calls created {[job.id for job in jobs]} ({prompt})"
            for call in calls:
                yield from self._check_outcome(call, jobs, is_alone=len(calls) == 1)
            for job in jobs:
                yield from self._check_end(job, calls)
        yield from self._check_files()
        self._count()

    def _check_foreign_cancel(self, job: SoakJob) -> Iterator[str]:
        prompt = str(job.input["prompt"])
        if len(self._jobs[prompt]) < len(self._calls[prompt]):
            # A create that was interrupted while it was written may have been accepted: this could be its prediction.
            self.figures["mistaken"] += 1
        else:
            self.figures["foreign canceled"] += 1
            yield f"foreign: {job.id} of somebody else was canceled"

    def _count(self) -> None:
        jobs = [job for jobs in self._jobs.values() for job in jobs]
        self.figures["runs"] += 1
        self.figures["calls"] += len(self._program.calls)
        self.figures["creates"] += sum(self._calls[str(job.input["prompt"])][0].kind in CREATING for job in jobs)
        self.figures["cancels"] += sum(job.canceled_at is not None for job in jobs)
        self.figures["faults"] += self._world.plan.occurred.total()
        self.figures["foreign"] += sum(job.is_foreign for job in self._world.jobs.values())

    # What a call returned or raised

    def _check_outcome(self, call: Call, jobs: list[SoakJob], *, is_alone: bool) -> Iterator[str]:
        error = call.error
        if not call.has_ended:
            if call.started_at and not call.was_left:
                yield f"outcome: {call} never ended"
        elif isinstance(error, ReplicateError):
            yield from self._check_error(call, error, jobs, is_alone=is_alone)
        elif error is not None:
            is_own = isinstance(error, (Leave, call.cause, asyncio.CancelledError)) and call.was_left
            if not is_own or (type(error) is not call.cause and not isinstance(error, (Leave, asyncio.CancelledError))):
                yield f"outcome: call {call.number} raised {error!r}, which is no error of the package"
        elif not self._is_right(call, jobs):
            self.figures["wrong"] += 1
            yield f"wrong: call {call.number} returned {call.result!r:.200} instead of {[job.output for job in jobs]}"

    def _check_error(self, call: Call, error: ReplicateError, jobs: list[SoakJob], *, is_alone: bool) -> Iterator[str]:
        id = getattr(error.prediction, "id", None)
        if id is not None and id not in [job.id for job in jobs]:
            yield f"outcome: call {call.number} raised {error!r} about {id}, which is not its prediction"
        if isinstance(error, ModelError) and not any(job.id == id and job.is_finished for job in jobs):
            yield f"outcome: call {call.number} raised {error!r}, but {id} has not ended"
        if call.kind in CREATING and is_alone and jobs and id is None and not call.has_output:
            since = error.maybe_created_after
            if since is None:
                self.figures["lost"] += 1
                yield f"lost: call {call.number} raised {error!r} without the id of {jobs[0].id} or maybe_created_after"
            elif since > self._world.server_time(jobs[0].created):
                self.figures["lost"] += 1
                yield f"lost: maybe_created_after is later than {jobs[0].id}"

    def _is_right(self, call: Call, jobs: list[SoakJob]) -> bool:
        result: Any = call.result
        match call.kind:
            case "run" | "wait":
                return any(result == job.output for job in jobs)
            case "stream":
                texts = ["".join(job.output) for job in jobs]
                return any(text.startswith(result) if call.was_left else text == result for text in texts)
            case "save":
                contents = {
                    self._world.other_url + path: content for job in jobs for path, content in job.files.items()
                }
                return bool(result) and all(path.read_bytes() == contents.get(url) for url, path in result)
            case "upload":
                # The methods of operations pass what the API sends, whatever its type.
                return not isinstance(result, str) or UPLOAD in self._world.uploads.get(result, b"")
        listed = {job.id for job in self._world.jobs.values() if job.listed_from < call.started_at}
        return set(result) <= self._world.jobs.keys() and (call.was_left or listed <= set(result))

    # What became of a prediction

    def _check_end(self, job: SoakJob, calls: list[Call]) -> Iterator[str]:
        """Check that a prediction whose caller has left does not run on, or that the caller knows of it."""
        if job.cancel_requests and all(not call.cancels for call in calls):
            yield f"outcome: {job.id} was canceled despite cancel_on_exit=False"
        # Closing the client cancels, and interrupts the responses to other cancels, which are retried.
        is_closed = any(group.event == "close" for group in self._program.groups)
        if job.intact_cancels > 1 and not is_closed:
            yield f"outcome: {job.id} was canceled {job.intact_cancels} times"
        if job.input["seconds"] < ENDLESS:
            return
        left = [call for call in calls if call.has_ended and not isinstance(call.error, (ReplicateError, type(None)))]
        for call in left:
            notes = " ".join(notes_of(call.error))
            if call.event == "raise" or not job.was_requested or len(calls) > 1 or is_closed:
                continue  # a generator that is closed does not see the exception of the loop
            if job.id not in notes:
                yield f"lost: {call.error!r} of call {call.number} does not name {job.id}: {notes!r}"
        if job.canceled_at is not None or any(self._names(call, job) for call in calls):
            return
        if any(not call.cancels for call in calls):
            self.figures["left running"] += 1  # as the caller wants; its id never arrived, or is in the note
        elif job.failed_cancel_requests or self._world.was_down:
            self.figures["could not be canceled"] += 1
        elif not job.was_requested and (self._world.has_twins or len(calls) > 1):
            self.figures["undecided"] += 1  # it could be somebody else's
        else:
            self.figures["abandoned"] += 1
            yield f"abandoned: {job.id} runs on; {[(call.number, call.event, call.error) for call in calls]}"

    def _names(self, call: Call, job: SoakJob) -> bool:
        """Whether an error names a prediction that is still running, and does not claim to have canceled it."""
        if not isinstance(call.error, ReplicateError):
            return False
        if call.error.prediction is None and call.kind == "wait":
            return not isinstance(call.error, WaitTimeoutError)  # the caller has the id
        if call.error.prediction is None:
            return call.error.maybe_created_after is not None
        return call.error.prediction.id == job.id and not (isinstance(call.error, WaitTimeoutError) and call.cancels)

    def _check_files(self) -> Iterator[str]:
        uploads = sum(call.kind == "upload" for call in self._program.calls)
        if len(self._world.uploads) > uploads:
            self.figures["twice"] += 1
            yield f"twice: {uploads} uploads created {len(self._world.uploads)} files"
        if self._folder == Path("."):
            return
        contents = {content for job in self._world.jobs.values() for content in job.files.values()}
        for path in self._folder.iterdir():
            if path.read_bytes() not in contents:
                yield f"partial: {path.name} is incomplete"


def notes_of(error: BaseException | None) -> Iterator[str]:
    """Yield the notes of an error and of those before it: a task can be canceled again while it cleans up."""
    while error is not None:
        yield from getattr(error, "__notes__", [])
        error = error.__context__
