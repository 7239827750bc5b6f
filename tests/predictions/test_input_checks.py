"""An input is checked by the model's schema before a run, a submit or a stream pays for it."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import FakeClock, Harness, ScriptedServer, json_response, prediction
from replicate_ext import FileInput, InvalidInputError
from replicate_ext._predictions.disk_cache import DiskCache

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
INPUT = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "x-order": 0},
        "steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 20, "x-order": 1},
        "image": {"type": "string", "format": "uri", "x-order": 2},
    },
}
SCHEMA = {"components": {"schemas": {"Input": INPUT, "Output": {"type": "string"}}}}


def version(schema: dict[str, Any] = SCHEMA, id: str = VERSION) -> dict[str, Any]:
    return {"id": id, "openapi_schema": schema}


def schema_with(name: str) -> dict[str, Any]:
    """Return the schema with one more input."""
    schema = copy.deepcopy(SCHEMA)
    schema["components"]["schemas"]["Input"]["properties"][name] = {"type": "string", "x-order": 9}  # type: ignore[index]
    return schema


class Platform:
    """Responds like the API, for one model, and one deployment of it."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.created: list[Any] = []
        self.is_official = True
        self.schema = SCHEMA
        self.before: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
        self.clock: FakeClock | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = f"{request.method} {request.url.path.removeprefix('/v1')}"
        self.requests.append(path)
        if self.clock:
            self.clock.time += 0.01
        if (response := self.before(request)) is not None:
            return response
        match path:
            case "GET /models/acme/painter":
                model = {"owner": "acme", "name": "painter", "is_official": self.is_official}
                return json_response(model | {"latest_version": version(self.schema)})
            case "GET /deployments/acme/prod":
                return json_response({"current_release": {"model": "acme/painter", "version": VERSION}})
            case _ if path == f"GET /models/acme/painter/versions/{VERSION}":
                return json_response(version(self.schema))
            case _ if path.endswith("/predictions") and request.method == "POST":
                self.created.append(json.loads(request.content)["input"])
                return json_response(prediction(output="done", version=VERSION), 201)
        return json_response({"detail": "not found"}, 404)

    @property
    def look_ups(self) -> list[str]:
        return [request for request in self.requests if request.startswith("GET")]


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture(params=["sync", "async"])
def harness(request: pytest.FixtureRequest, platform: Platform, clock: FakeClock) -> Harness:
    return make_harness(platform, clock, is_async=request.param == "async")


def make_harness(platform: Platform, clock: FakeClock, *, is_async: bool) -> Harness:
    transport, platform.clock = httpx.MockTransport(platform), clock
    return Harness(ScriptedServer(), clock, is_async=is_async, checks_inputs=True, transport=transport)


def use(harness: Harness, verb: str, ref: str, input: dict[str, Any], **options: Any) -> object:
    if verb == "stream":
        return harness.collect(harness.client.stream(ref, input, **options))
    return harness.call(getattr(harness.client, verb)(ref, input, **options))


REFS = ["acme/painter", f"acme/painter:{VERSION}", "deployments/acme/prod"]


@pytest.mark.parametrize("verb", ["run", "submit", "stream"])
@pytest.mark.parametrize("is_official", [True, False])
@pytest.mark.parametrize("ref", REFS)
def test_misspelt_input_is_refused_before_anything_is_created(
    harness: Harness, platform: Platform, ref: str, is_official: bool, verb: str
) -> None:
    platform.is_official = is_official
    with pytest.raises(InvalidInputError, match="prompt") as caught:
        use(harness, verb, ref, {"promt": "x", "prompt": "y", "steps": 99})
    assert {problem.name for problem in caught.value.problems} == {"promt", "steps"}
    assert platform.created == []
    assert len(platform.look_ups) == (2 if ref.startswith("deployments") else 1)


@pytest.mark.parametrize("ref", REFS)
def test_schema_is_fetched_once_for_many_runs(harness: Harness, platform: Platform, ref: str) -> None:
    for _ in range(3):
        assert use(harness, "run", ref, {"prompt": "x", "steps": "3"}) == "done"
    assert platform.created == [{"prompt": "x", "steps": 3}] * 3
    assert len(platform.look_ups) == (2 if ref.startswith("deployments") else 1)


@pytest.mark.parametrize(
    ("name", "hint"), [("promt", "did you mean 'prompt'"), ("zzz", "its inputs are prompt, steps, image")]
)
def test_error_names_the_model_and_the_closest_input(
    harness: Harness, platform: Platform, name: str, hint: str
) -> None:
    with pytest.raises(ValueError, match=f"input.{name}: acme/painter has no such input; {hint}"):
        use(harness, "run", "acme/painter", {"prompt": "x", name: 1})


def test_error_names_the_type_of_a_file_that_is_none_of_the_models(harness: Harness, platform: Platform) -> None:
    with pytest.raises(InvalidInputError, match=r"input\.steps: must be an integer, not a bytes"):
        use(harness, "run", "acme/painter", {"prompt": "x", "steps": b"x"})


def test_community_model_is_run_by_its_version_without_an_attempt_as_an_official_one(
    harness: Harness, platform: Platform
) -> None:
    platform.is_official = False
    use(harness, "run", "acme/painter", {"prompt": "x"})
    assert platform.requests == ["GET /models/acme/painter", "POST /predictions"]


def test_concurrent_runs_fetch_the_schema_once(platform: Platform, clock: FakeClock) -> None:
    harness = make_harness(platform, clock, is_async=True)

    async def main() -> list[object]:
        return await asyncio.gather(*[harness.client.run("acme/painter", {"prompt": "x"}) for _ in range(20)])

    assert asyncio.run(main()) == ["done"] * 20
    assert platform.look_ups == ["GET /models/acme/painter"]


def test_threads_fetch_the_schema_once(platform: Platform) -> None:
    clock = FakeClock()
    clock.sleep = time.sleep  # type: ignore[method-assign]  # else the waiting threads advance it without end
    harness = make_harness(platform, clock, is_async=False)
    platform.before = lambda request: time.sleep(0.02)  # type: ignore[func-returns-value]
    threads = [threading.Thread(target=harness.client.run, args=["acme/painter", {"prompt": "x"}]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert platform.look_ups == ["GET /models/acme/painter"]


def test_bare_version_id_is_checked_once_its_schema_is_known(harness: Harness, platform: Platform) -> None:
    use(harness, "run", VERSION, {"promt": "x"})
    assert platform.created == [{"promt": "x"}]
    use(harness, "run", f"acme/painter:{VERSION}", {"prompt": "x"})
    with pytest.raises(InvalidInputError):
        use(harness, "run", VERSION, {"promt": "x"})
    assert len(platform.created) == 2


def test_check_can_be_turned_off(harness: Harness, platform: Platform) -> None:
    assert use(harness, "run", "acme/painter", {"promt": "x"}, check=False) == "done"
    assert platform.requests == ["POST /models/acme/painter/predictions"]


def test_files_are_not_uploaded_for_an_input_that_is_refused(harness: Harness, platform: Platform) -> None:
    with pytest.raises(InvalidInputError):
        use(harness, "run", "acme/painter", {"image": FileInput(b"x", inline=False), "prompt": "x", "size": 1})
    assert platform.requests == ["GET /models/acme/painter"]


def test_input_of_a_newer_version_is_not_refused_by_what_is_remembered(harness: Harness, platform: Platform) -> None:
    use(harness, "run", "acme/painter", {"prompt": "x"})
    platform.schema = schema_with("seed")
    assert use(harness, "run", "acme/painter", {"prompt": "x", "seed": "y"}) == "done"
    assert platform.look_ups == ["GET /models/acme/painter"] * 2
    with pytest.raises(InvalidInputError):  # fetched again, too: a name is never refused by an old schema
        use(harness, "run", "acme/painter", {"prompt": "x", "sede": "y"})


@pytest.mark.parametrize("failure", ["500", "404", "unreadable", "no schema", "timeout"])
def test_run_goes_on_unchecked_if_the_schema_cannot_be_had(
    harness: Harness, platform: Platform, clock: FakeClock, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(request: httpx.Request) -> httpx.Response | None:
        if request.method != "GET":
            return None
        if failure == "timeout":
            clock.time += min(4, request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("")
        if failure == "no schema":
            return json_response({"is_official": True, "latest_version": {"id": VERSION}})
        return json_response({}, int(failure)) if failure.isdigit() else httpx.Response(200, text="<html>")

    platform.before = fail
    started = clock.time
    with caplog.at_level(logging.WARNING, "replicate_ext"):
        for _ in range(2):
            assert use(harness, "run", "acme/painter", {"promt": "x"}) == "done"
    assert platform.created == [{"promt": "x"}] * 2
    assert clock.time - started < 6  # 5 s, and at least a second for the last request
    warnings = [record.getMessage() for record in caplog.records if "not checked" in record.getMessage()]
    assert len(warnings) == (failure != "no schema")


def test_schema_that_could_not_be_had_is_asked_for_again_after_a_minute(
    harness: Harness, platform: Platform, clock: FakeClock
) -> None:
    platform.before = lambda request: json_response({}, 404) if request.method == "GET" else None
    use(harness, "run", "acme/painter", {"promt": "x"})
    platform.before = lambda request: None
    use(harness, "run", "acme/painter", {"promt": "x"})
    clock.time += 61
    with pytest.raises(InvalidInputError):
        use(harness, "run", "acme/painter", {"promt": "x"})


# On disk


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let all clients keep schemas in a folder; by default those with a transport of the caller's keep none."""
    monkeypatch.setattr(
        "replicate_ext._predictions.known_models.KnownModels._open_disk", lambda *_: DiskCache(tmp_path / "cache")
    )
    return tmp_path / "cache"


@pytest.mark.parametrize("ref", REFS)
@pytest.mark.usefixtures("on_disk")
def test_new_process_needs_no_look_up(platform: Platform, clock: FakeClock, ref: str) -> None:
    for _ in range(2):
        harness = make_harness(platform, clock, is_async=False)
        use(harness, "run", ref, {"prompt": "x"})
        looked_up = len(platform.look_ups)
    assert looked_up == (2 if ref.startswith("deployments") else 1)


@pytest.mark.usefixtures("on_disk")
def test_bare_version_id_is_checked_by_the_schema_on_disk(platform: Platform, clock: FakeClock) -> None:
    use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x"})
    with pytest.raises(InvalidInputError):
        use(make_harness(platform, clock, is_async=True), "run", VERSION, {"promt": "x"})


@pytest.mark.usefixtures("on_disk")
def test_input_is_not_refused_by_a_name_on_disk(platform: Platform, clock: FakeClock) -> None:
    use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x"})
    platform.schema = schema_with("seed")
    use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x", "seed": "y"})
    assert len(platform.created) == 2


def test_name_on_disk_expires_after_an_hour(on_disk: Path, platform: Platform, clock: FakeClock) -> None:
    use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x"})
    [name] = (on_disk / "names").iterdir()
    for age, look_ups in [(3500, 1), (3700, 2), (-100, 3)]:  # the last one: the clock was set back
        os.utime(name, (time.time() - age,) * 2)
        use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x"})
        assert len(platform.look_ups) == look_ups


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"version": 3}', '{"version": "../../secret"}'])
def test_damaged_name_on_disk_is_fetched_again(
    on_disk: Path, platform: Platform, clock: FakeClock, content: str
) -> None:
    use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x"})
    [name] = (on_disk / "names").iterdir()
    name.write_text(content)
    with pytest.raises(InvalidInputError):
        use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"promt": "x"})


def test_folder_that_cannot_be_used_is_no_obstacle(on_disk: Path, platform: Platform, clock: FakeClock) -> None:
    on_disk.write_text("a file")
    assert use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x"}) == "done"
