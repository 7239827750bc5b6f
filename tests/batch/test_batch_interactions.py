"""Options of `map` and what other parties do, together: each alone is tested elsewhere."""

from __future__ import annotations

import json
import os
import signal
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

import fake_platform
from batch_runs import file_url, is_create, rows, run
from fake_platform import FILES_URL, MODEL, FakePlatform, Fault, Plan, json_response, platform_fixture
from replicate_ext import BatchStoppedError, Item
from replicate_ext._files.disk import WRITE_BUFFER_SIZE

platform = platform_fixture()


def refuse(platform: FakePlatform, text: str) -> None:
    """Respond with 422 to creates with a text."""

    def respond(request: httpx.Request) -> Fault:
        if is_create(request) and json.loads(request.content)["input"]["text"] == text:
            return json_response({"detail": "not this one", "status": 422}, 422)
        return None

    platform.refuse = respond


def texts(text: str) -> list[dict[str, str]]:
    return [{"text": character} for character in text]


@pytest.mark.parametrize("replacement", ["z", "x"])
def test_duplicates_of_a_row_that_is_replaced_keep_their_own_result(
    platform: FakePlatform, tmp_path: Path, replacement: str
) -> None:
    platform.plan = lambda input: Plan(output=input["text"])
    refuse(platform, "y")
    client = platform.client()
    run(client.map(MODEL, texts("xyyy"), tmp_path, dedupe=True))
    batch = client.map(MODEL, texts(f"x{replacement}yy"), tmp_path, dedupe=True)
    assert [item.output for item in batch.results()] == ["x", replacement, None, None]
    assert [item.status for item in batch.resume().results()][2:] == ["refused", "refused"]
    platform.refuse = lambda request: None
    assert [item.output for item in batch.retry().results()] == ["x", replacement, "y", "y"]
    assert len(platform.bought) == len({"x", replacement, "y"})


def test_an_error_that_is_not_valid_unicode_fails_its_row_only(platform: FakePlatform, tmp_path: Path) -> None:
    def measure(item: Item) -> None:
        if item.index == 1:
            raise ValueError("half of an emoji: \ud83d")

    batch = platform.client().map(MODEL, rows(3), tmp_path, then=measure)
    failed, *_ = [item for item in batch.results() if item.error]
    assert (failed.index, failed.error) == (1, "then raised ValueError: half of an emoji: \\ud83d")
    assert (batch.report().done, batch.report().failed) == (2, 1)


def test_a_key_that_is_not_valid_unicode_is_named(platform: FakePlatform, tmp_path: Path) -> None:
    batch = platform.client().map(MODEL, [{"id": "\ud83d", "text": "a"}], tmp_path, key="id")
    with pytest.raises(ValueError, match="row 0: the key 'id' has a lone surrogate at index 0"):
        run(batch)


def test_a_failure_of_then_stops_a_batch_that_raises_before_the_caller_reaches_its_row(
    platform: FakePlatform, tmp_path: Path
) -> None:
    def measure(item: Item) -> None:
        if item.index == 3:
            raise ValueError("no picture")

    platform.plan = lambda input: Plan(100.0 if input["text"] == "row 1" else 1.0)
    batch = platform.client().map(MODEL, rows(50), tmp_path, then=measure, on_error="raise", concurrency=3)
    with pytest.raises(BatchStoppedError, match="row 3 failed: then raised ValueError: no picture"):
        list(batch.results())
    assert len(platform.bought) < 10


def test_an_export_hides_the_inputs_that_the_schema_calls_secret(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = deepcopy(fake_platform.SCHEMA)
    secret = {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True}
    schema["components"]["schemas"]["Input"]["properties"]["huggingface"] = secret
    monkeypatch.setattr(fake_platform, "SCHEMA", schema)
    given = [{"text": "a", "huggingface": "sesame"}, {"text": "b", "huggingface": ["sesame"]}, {"text": "c"}]
    batch = platform.client().map(MODEL, given, tmp_path / "batch")
    list(batch)
    lines = batch.export(tmp_path / "rows.jsonl").read_text().splitlines()
    inputs = [json.loads(line)["input"] for line in lines]
    assert inputs == [{"text": "a", "huggingface": "…"}, {"text": "b", "huggingface": "…"}, {"text": "c"}]
    assert "sesame" not in batch.export(tmp_path / "rows.csv").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("size", [10, WRITE_BUFFER_SIZE + 1])
def test_an_output_may_have_more_files_than_a_process_may_open(
    platform: FakePlatform, tmp_path: Path, size: int
) -> None:
    import resource

    urls = [f"{FILES_URL}p{0:025}/{number}.png" for number in range(60)]
    platform.plan = lambda input: Plan(output=urls)
    platform.files.update((url, url[-10:].encode().ljust(size)) for url in urls)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 50, hard))
    try:
        [item] = platform.client().map(MODEL, rows(1), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert item.error is None
    assert [path.read_bytes() for path in item.paths] == [platform.files[url] for url in urls]


@pytest.mark.parametrize("output", ["http://[::1", ["https://[x]/a.png"], {"text": "https://\u2100.com/a"}])
def test_a_text_that_only_begins_like_a_url_is_no_file(platform: FakePlatform, tmp_path: Path, output: Any) -> None:
    platform.plan = lambda input: Plan(output=output)
    items, error = run(platform.client().map(MODEL, rows(3), tmp_path))
    assert error is None
    assert [(item.output, item.paths, item.error) for item in items] == [(output, [], None)] * 3


def test_names_that_differ_in_case_only_are_different_files(platform: FakePlatform, tmp_path: Path) -> None:
    def files(input: Any) -> Plan:
        return Plan(output={"image": file_url(platform, "1.png"), "Image": file_url(platform, "2.png")})

    platform.plan = files
    [item] = platform.client().map(MODEL, rows(1), tmp_path)
    assert [path.read_text()[-5:] for path in item.paths] == ["1.png", "2.png"]
    assert len({path.name.casefold() for path in item.paths}) == 2  # macOS and Windows take them for one


def test_an_output_may_be_nested_as_deeply_as_json_can_be_read(platform: FakePlatform, tmp_path: Path) -> None:
    output: Any = []
    for _ in range(700):
        output = [output]
    platform.plan = lambda input: Plan(output=output)
    items, error = run(platform.client().map(MODEL, rows(2), tmp_path))
    assert (len(items), error) == (2, None)


def test_a_row_that_is_nested_too_deeply_is_invalid(platform: FakePlatform, tmp_path: Path) -> None:
    value: list[Any] = []
    for _ in range(3000):
        value = [value]
    [_, item] = platform.client().map(MODEL, [*rows(1), {"text": value}], tmp_path).results()
    assert item.status == "invalid"
    assert "nested more than 100 levels deep" in str(item.error)


def test_ctrl_c_stops_a_batch_in_the_loop_over_another_one(platform: FakePlatform, tmp_path: Path) -> None:
    client = platform.client()
    inner = client.map(MODEL, rows(40), tmp_path / "inner", concurrency=2)

    def loop() -> None:
        for _ in client.map(MODEL, rows(2), tmp_path / "outer"):
            for item in inner:
                if item.index == 0:
                    signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert inner.report().creates < 40
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_ctrl_c_leaves_the_loops_over_all_batches(platform: FakePlatform, tmp_path: Path) -> None:
    client = platform.client()
    outer: Any = iter(client.map(MODEL, rows(40), tmp_path / "outer"))
    inner: Any = iter(client.map(MODEL, rows(40), tmp_path / "inner"))
    next(outer), next(inner)
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    outer.close()
    inner.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
