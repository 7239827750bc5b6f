"""What `--json` prints: objects of the API fit the OpenAPI document, and batches the schemas that are here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from api_schemas import check, check_response
from cli_process import CommandLine

from command_line_docs import JSON_RESULTS
from replicate_ext import Replicate
from replicate_ext.emulator import Emulator

NUMBER, COUNT, TEXT = {"type": "number"}, {"type": "integer", "minimum": 0}, {"type": "string"}
OPTIONAL_NUMBER, TIME = {"type": ["number", "null"]}, {"type": ["string", "null"], "format": "date-time"}
COUNTS = {"type": "object", "additionalProperties": COUNT}


def exactly(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of these properties, and no others."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


STATUS = exactly(
    **dict.fromkeys(["rows", "done", "failed", "uncertain", "finished", "in_flight", "saving", "creates"], COUNT),
    cost=OPTIONAL_NUMBER,
    rate=NUMBER,
    eta=OPTIONAL_NUMBER,
    failures=COUNTS,
    note=TEXT,
)
"""Of `map status`."""

REPORT = exactly(
    folders={"type": "array", "items": TEXT, "minItems": 1},
    **dict.fromkeys(["rows", "done", "failed", "uncertain", "creates", "in_flight", "uncertain_creates"], COUNT),
    **dict.fromkeys(["retries", "estimated_creates", "files", "bytes"], COUNT),
    **dict.fromkeys(["unfinished", "ended", "errors"], COUNTS),
    predict_seconds=NUMBER,
    cost=OPTIONAL_NUMBER,
    is_cost_exact={"type": "boolean"},
    seconds=OPTIONAL_NUMBER,
    uncertain_rows={"type": "array", "items": COUNT},
    first_created_at=TIME,
    last_ended_at=TIME,
)
"""Of `map run`, `map resume`, `map retry`, `map report` and `map cancel`."""


def echo(text: str) -> str:
    """Return the text."""
    return text


def train(text: str) -> Callable[..., str]:
    """Return the same model."""
    return echo


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator() as api:
        api.model("acme/base", train=train)(echo)
        yield api


@pytest.fixture
def print_json(api: Emulator) -> Callable[..., Any]:
    """Return a function that runs a command line with --json, and returns what it has printed."""
    cli = CommandLine(api)

    def print_json(*arguments: object) -> Any:
        code, out, err = cli.call(*arguments, "--json")
        assert (code, out.count("\n")) == (0, 1), err
        return json.loads(out)

    return print_json


@pytest.fixture(scope="module")
def ids(api: Emulator) -> dict[str, str]:
    """Return the ids that commands name."""
    with Replicate(api.token, base_url=api.url) as client:
        version = client.models.get("acme/base").latest_version
        assert version is not None
        target = {"destination": "acme/base", "input": {"text": "a"}}
        return {
            "prediction": client.wait(client.submit("acme/hello", {"text": "a"})).id,
            "file": client.files.create(content=b"a").id,
            "training": client.wait(client.trainings.create("acme", "base", version.id, **target)).id,
        }


@pytest.mark.parametrize(
    ("command", "path", "fields"),
    [
        ("account", "/account", {"type", "username"}),
        ("whoami", "/account", {"type", "username", "token_source"}),
        ("hardware", "/hardware", {"sku", "name"}),
        ("collections", "/collections", {"slug", "name"}),
        ("collections pictures", "/collections/{collection_slug}", {"slug", "models"}),
        ("models show acme/poet", "/models/{model_owner}/{model_name}", {"owner", "name", "latest_version"}),
        ("models versions acme/poet", "/models/{model_owner}/{model_name}/versions", {"id", "openapi_schema"}),
        ("deployments list", "/deployments", {"owner", "name", "current_release"}),
        (
            "deployments show acme/front-desk",
            "/deployments/{deployment_owner}/{deployment_name}",
            {"owner", "name", "current_release"},
        ),
        ("files list", "/files", {"id", "urls"}),
        ("files get {file}", "/files/{file_id}", {"id", "urls"}),
        ("trainings list", "/trainings", {"id", "status", "urls"}),
        ("trainings show {training}", "/trainings/{training_id}", {"id", "status", "urls", "input", "output"}),
        ("predictions list", "/predictions", {"id", "status", "urls"}),
        ("predictions show {prediction}", "/predictions/{prediction_id}", {"id", "status", "urls"}),
    ],
)
def test_objects_are_as_the_api_describes_them(
    print_json: Callable[..., Any], ids: dict[str, str], command: str, path: str, fields: set[str]
) -> None:
    value = print_json(*command.format(**ids).split())
    check_response(value, path)
    items = value if isinstance(value, list) else [value]
    assert items
    assert all(fields <= item.keys() for item in items)  # the document requires few of them


def test_the_models_that_a_search_finds_are_as_the_api_describes_them(print_json: Callable[..., Any]) -> None:
    found = print_json("models", "search", "poem")
    assert found
    for model in found:
        check(model, "model")
        assert {"owner", "name", "run_count"} <= model.keys()


def test_a_batch_is_as_its_schemas_say(
    print_json: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text('{"text": "Ada"}\n{"text": "Eve"}\n')
    printed = [print_json("map", "acme/hello", "rows.jsonl", "-o", "batch")]
    printed += [print_json("map", name, "batch") for name in ("resume", "retry", "report", "cancel")]
    for report in printed:
        jsonschema.validate(report, REPORT)
        assert (report["rows"], report["done"], report["creates"]) == (2, 2, 2)
    status = print_json("map", "status", "batch")
    jsonschema.validate(status, STATUS)
    assert JSON_RESULTS["map status"] == f"`{{{', '.join(STATUS['properties'])}}}`"
    assert (status["rows"], status["finished"]) == (2, 2)
