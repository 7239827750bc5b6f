"""Costs that need no clock: modules imported, requests sent, memory blocks kept. See docs/performance.md."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from conftest import BASE_URL, Harness, json_response, prediction
from replicate_api._runtime.records import _attributes as loaded_attributes
from replicate_api.models import PageOfModels, Prediction
from replicate_ext.emulator import Emulator

PRINT_LOADED = """
import sys
before = set(sys.modules)
{code}
print(*(set(sys.modules) - before))
"""


def loaded_modules(code: str, *arguments: str) -> set[str]:
    """Return the modules that a program imports."""
    command = [sys.executable, "-c", PRINT_LOADED.format(code=code), *arguments]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_import_loads_few_modules() -> None:
    ours = {name for name in loaded_modules("import replicate_ext") if name.startswith("replicate")}
    assert ours == {"replicate_ext", "replicate_ext._version"}
    assert len(loaded_modules("import replicate_ext")) <= 40


def test_the_first_call_loads_only_the_modules_of_its_operation(api: Emulator) -> None:
    code = "from replicate_ext import Replicate; Replicate(sys.argv[1], base_url=sys.argv[2]).account.get().type"
    modules = loaded_modules(code, api.token, api.url)
    assert {name for name in modules if name.startswith("replicate_api.api.")} == {
        "replicate_api.api.account",
        "replicate_api.api.account.account_get",
    }
    assert {name for name in modules if name.startswith("replicate_api.models.")} == {
        "replicate_api.models.account",
        "replicate_api.models.account_type",
    }
    lazy = {"aiohttp", "asyncio", "concurrent.futures", "difflib", "html", "importlib.metadata", "uuid"}
    modules -= loaded_modules("import httpx")
    assert not modules & {
        *lazy,
        "dateutil",
        "numpy",
        "PIL",
        "replicate_ext.webhooks",
        "replicate_ext._backends.asyncio",
    }


def test_the_sync_client_loads_no_async_modules() -> None:
    modules = loaded_modules("import replicate_ext; replicate_ext.run, replicate_ext.predictions, replicate_ext.models")
    assert "replicate_ext._default_client" in modules
    assert not modules & {"asyncio", "aiohttp", "replicate_ext._backends.asyncio"}


@pytest.mark.parametrize("client", ["Replicate", "AsyncReplicate"])
def test_a_client_loads_nothing_of_batches_but_the_signature_of_map(client: str) -> None:
    modules = loaded_modules(f"from replicate_ext import {client}; {client}('r8_x').map")
    assert {name for name in modules if name.startswith("replicate_ext._batch")} == {
        "replicate_ext._batch",
        "replicate_ext._batch.map",
    }
    assert not modules & {"sqlite3", "csv"}


DONE = json_response(prediction(output="x"), 201)


@pytest.mark.parametrize(
    ("ref", "arguments", "answers", "requests"),
    [
        ("acme/hello", {}, [DONE], 1),
        ("acme/hello:" + "a" * 64, {}, [DONE], 1),
        ("deployments/acme/hello", {}, [DONE], 1),
        (
            "acme/hello",
            {"wait": False},
            [json_response(prediction("starting"), 201), json_response(prediction(output="x"))],
            2,
        ),
        (
            "acme/hello",
            {"wait": False},
            [
                json_response(prediction("starting", urls={"stream": "https://stream.example/x"}), 201),
                json_response({}),  # the stream
                json_response(prediction(output="x")),
            ],
            3,
        ),
        ("acme/hello", {"input": {"file": b"small"}}, [DONE], 1),
        (
            "acme/hello",
            {"input": {"file": bytes(300_000)}},
            [json_response({"id": "f", "urls": {"get": f"{BASE_URL}/files/f"}}, 201), DONE],
            2,
        ),
    ],
)
def test_what_a_run_asks_for(harness: Harness, ref: str, arguments: dict, answers: list, requests: int) -> None:
    harness.server.respond_with(*answers)
    assert harness.call(harness.client.run(ref, **arguments)) == "x"
    assert len(harness.server.requests) == requests


def memory_blocks(make: Callable[[], object], count: int = 200) -> float:
    """Return how many memory blocks each result of a function keeps."""
    first = [make() for _ in range(count)]  # fills the caches
    gc.collect()
    before = sys.getallocatedblocks()
    more = [make() for _ in range(count)]
    return (sys.getallocatedblocks() - before) / (len(first + more) / 2)


def test_memory_blocks_of_a_parsed_prediction() -> None:
    body = json.dumps(prediction(output=["a", "b"], metrics={"predict_time": 1.5}))
    plain = memory_blocks(lambda: json.loads(body))

    def parse_and_read() -> Prediction:
        job = Prediction.from_dict(json.loads(body))
        for name in Prediction.fields:
            getattr(job, name)
        return job

    assert memory_blocks(lambda: Prediction.from_dict(json.loads(body))) <= plain + 5
    assert memory_blocks(parse_and_read) <= plain + 25


def count_calls(function: Callable[[], object]) -> int:
    """Return how many functions a function calls, built-in ones included."""
    events: list[str] = []
    sys.setprofile(lambda frame, event, argument: events.append(event))
    try:
        function()
    finally:
        sys.setprofile(None)
    return sum(event in ("call", "c_call") for event in events) - 2  # the function, and `setprofile`


def test_calls_for_a_prediction_of_which_a_field_is_read() -> None:
    """Fields that are strings, numbers or null are converted without a call."""
    nulls = dict.fromkeys(("output", "logs", "error", "completed_at", "started_at", "metrics", "source", "deadline"))
    body = prediction("starting", **nulls)
    assert Prediction.from_dict(body).id  # fills the caches
    parsing = count_calls(lambda: Prediction.from_dict(body))
    assert parsing <= 2
    converted = {"created_at": 2, "status": 3, "urls": 3}
    assert count_calls(lambda: Prediction.from_dict(body).id) - parsing <= sum(converted.values()) + 5


def test_nested_models_that_are_not_read_stay_json() -> None:
    version = {"id": "v", "openapi_schema": {"components": {str(number): {} for number in range(500)}}}
    page = {"next": None, "results": [{"name": "m", "latest_version": version, "default_example": prediction()}]}
    parsed = PageOfModels.from_dict(page)
    assert [model.name for model in parsed.results] == ["m"]
    [model] = parsed.results
    assert model.latest_version._source is version
    assert not loaded_attributes(model.latest_version)
    assert not loaded_attributes(model.default_example)
