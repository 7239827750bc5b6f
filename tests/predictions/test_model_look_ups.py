"""The look-up of a model before its first run: what may go wrong with it neither fails nor delays a run."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_input_checks import VERSION, Platform, make_harness, use, version

from conftest import FakeClock, Harness, ScriptedServer, json_response, prediction
from replicate_ext import InvalidInputError, WaitTimeoutError
from replicate_ext._predictions.disk_cache import MAX_FILE_SIZE, DiskCache, default_folder
from replicate_ext._sansio.model_ref import ModelRef

PAINTER = ModelRef("acme", "painter")


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def harness(platform: Platform, clock: FakeClock) -> Harness:
    return make_harness(platform, clock, is_async=False)


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let all clients keep schemas in a folder; by default those with a transport of the caller's keep none."""
    monkeypatch.setattr(
        "replicate_ext._predictions.known_models.KnownModels._open_disk", lambda *_: DiskCache(tmp_path)
    )
    return tmp_path


def known_models(harness: Harness) -> Any:
    return harness.client._predictions.known_models


RELEASES: list[object] = [
    "x",
    [],
    {"model": 3, "version": 4},
    {"model": "acme", "version": "b"},
    {"model": "acme/painter", "version": "latest"},
    {"model": "acme/painter:x", "version": VERSION},
    None,
]


@pytest.mark.parametrize("release", RELEASES, ids=repr)
def test_deployment_with_an_unexpected_release_runs_unchecked(
    harness: Harness, platform: Platform, release: object
) -> None:
    platform.before = lambda request: json_response({"current_release": release}) if request.method == "GET" else None
    for _ in range(2):
        assert use(harness, "run", "deployments/acme/prod", {"promt": "x"}) == "done"
    assert len(platform.look_ups) == 1


@pytest.mark.parametrize("id", ["5c7d5dc6", VERSION])
@pytest.mark.parametrize("body", [{}, {"id": 3, "openapi_schema": []}, version()], ids=["empty", "odd", "version"])
def test_version_is_looked_up_once_whatever_the_api_sends(
    harness: Harness, platform: Platform, id: str, body: dict[str, Any]
) -> None:
    platform.before = lambda request: json_response(body) if request.method == "GET" else None
    for _ in range(3):
        use(harness, "run", f"acme/painter:{id}", {"prompt": "x"})
    assert len(platform.look_ups) == 1


def test_short_timeout_of_one_run_leaves_the_next_one_checked(
    harness: Harness, platform: Platform, clock: FakeClock
) -> None:
    def expire(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("")

    platform.before = expire
    with pytest.raises(WaitTimeoutError):
        use(harness, "run", "acme/painter", {"prompt": "x"}, timeout=0.5)
    platform.before = lambda request: None
    with pytest.raises(InvalidInputError):
        use(harness, "run", "acme/painter", {"promt": "x"})
    assert platform.created == []


def test_run_with_a_known_schema_does_not_wait_for_a_look_up(
    harness: Harness, platform: Platform, clock: FakeClock
) -> None:
    use(harness, "run", "acme/painter", {"prompt": "x"})
    known_models(harness)._looking_up[PAINTER] = "a call that fetches it again"
    started = clock.time
    use(harness, "run", "acme/painter", {"prompt": "x"})
    assert clock.time - started < 0.1
    assert len(platform.look_ups) == 1


def test_look_up_of_an_abandoned_call_is_taken_over(harness: Harness, platform: Platform, clock: FakeClock) -> None:
    known_models(harness)._looking_up[PAINTER] = "a call in a stopped event loop"
    started = clock.time
    with pytest.raises(InvalidInputError):
        use(harness, "run", "acme/painter", {"promt": "x"})
    assert clock.time - started < 6
    assert len(platform.look_ups) == 1


def test_own_timeout_ends_the_wait_for_the_look_up_of_another_call(
    harness: Harness, platform: Platform, clock: FakeClock
) -> None:
    known_models(harness)._looking_up[PAINTER] = "a call that hangs"
    started = clock.time
    with pytest.raises(WaitTimeoutError):
        use(harness, "run", "acme/painter", {"prompt": "x"}, timeout=1)
    assert clock.time - started < 1.1
    assert platform.requests == []


def test_canceled_look_up_is_continued_by_the_call_that_waits_for_it(platform: Platform) -> None:
    class HangsOnce(httpx.AsyncBaseTransport):
        has_hung = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if not self.has_hung:
                self.has_hung = True
                await asyncio.Event().wait()
            return platform(request)

    options: dict[str, Any] = {"is_async": True, "checks_inputs": True, "transport": HangsOnce()}
    client = Harness(ScriptedServer(), FakeClock(), **options).client

    async def main() -> object:
        tasks = [asyncio.ensure_future(client.run("acme/painter", {"prompt": "x"})) for _ in range(2)]
        for _ in range(20):
            await asyncio.sleep(0)
        tasks[0].cancel()
        return await tasks[1]

    assert asyncio.run(main()) == "done"
    assert platform.look_ups == ["GET /models/acme/painter"]


def test_concurrent_runs_fetch_the_version_of_a_community_model_once_a_minute(
    platform: Platform, clock: FakeClock
) -> None:
    class YieldsFirst(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0)
            return platform(request)

    platform.is_official, platform.clock = False, clock
    options: dict[str, Any] = {"is_async": True, "checks_inputs": True, "transport": YieldsFirst()}
    client = Harness(ScriptedServer(), clock, **options).client

    async def main() -> None:
        for _ in range(2):
            await asyncio.gather(*[client.run("acme/painter", {"prompt": "x"}) for _ in range(20)])
            clock.time += 61

    asyncio.run(main())
    assert len(platform.created) == 40
    assert len(platform.look_ups) == 2


def test_long_rate_limit_of_the_look_up_does_not_delay_the_run(
    harness: Harness, platform: Platform, clock: FakeClock
) -> None:
    limited = httpx.Response(429, json={"retry_after": 3000}, headers={"retry-after": "3000"})
    platform.before = lambda request: limited if request.method == "GET" else None
    started = clock.time
    assert use(harness, "run", "acme/painter", {"prompt": "x"}) == "done"
    assert clock.time - started < 1


# On disk


@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize("is_known", [True, False], ids=["run before", "on disk only"])
def test_expired_model_is_not_read_from_disk(
    harness: Harness, platform: Platform, clock: FakeClock, is_known: bool
) -> None:
    use(harness, "run", "acme/painter", {"prompt": "x"})
    if not is_known:
        harness = make_harness(platform, clock, is_async=False)
    known_models(harness).expire("acme/painter")
    use(harness, "run", "acme/painter", {"prompt": "x"})
    assert len(platform.look_ups) == 2


def test_odd_values_on_disk_do_not_fail_a_run_that_polls(on_disk: Path, platform: Platform, clock: FakeClock) -> None:
    use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x"})
    [name] = (on_disk / "names").iterdir()
    name.write_text(json.dumps({"version": VERSION, "is_official": "no", "example_duration": "long"}))
    polls = iter(["starting", "processing", "processing"])

    def run_for_a_while(request: httpx.Request) -> httpx.Response | None:
        if "/predictions" not in request.url.path:
            return None
        fields = {"status": status} if (status := next(polls, None)) else {"output": "done"}
        return json_response(prediction(version=VERSION, **fields))

    platform.before = run_for_a_while
    assert use(make_harness(platform, clock, is_async=False), "run", "acme/painter", {"prompt": "x"}) == "done"


def test_what_is_no_file_of_the_cache_is_not_read(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.write("names", "a", 1)
    assert cache.read("names", "a")[0] == 1
    os.truncate(tmp_path / "names" / "a.json", MAX_FILE_SIZE + 1)
    os.mkfifo(tmp_path / "names" / "b.json")  # reading it would block
    os.symlink("/dev/zero", tmp_path / "names" / "c.json")  # reading it would not end
    assert [cache.read("names", name)[0] for name in "abc"] == [None] * 3


def test_other_users_cannot_list_the_names_of_private_models(tmp_path: Path) -> None:
    DiskCache(tmp_path).write("names", "acme/private", 1)
    assert (tmp_path / "names").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("base_url", "is_kept"),
    [
        ("https://api.replicate.com/v1", True),
        ("https://localhost.example.com/v1", True),
        ("https://127.example.com", True),
        ("http://LOCALHOST:8080", False),
        ("http://api.localhost", False),
        ("http://127.0.0.1:3/v1", False),
        ("http://0.0.0.0:8080", False),
        ("http://[::1]:8080", False),
    ],
)
def test_nothing_is_kept_of_servers_on_this_machine(base_url: str, is_kept: bool) -> None:
    assert (default_folder(base_url) is not None) is is_kept


def test_failed_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("replicate_ext._files.disk.AtomicFile.write", fail)
    DiskCache(tmp_path).write("names", "acme/painter", {"version": "v"})
    assert list((tmp_path / "names").iterdir()) == []
