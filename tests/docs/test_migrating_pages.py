"""The tables of docs/migrating: they have every call of the other client, and name what exists here."""

from __future__ import annotations

import inspect
import operator
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from replicate_ext import FileOutput, Replicate

FOLDER = Path(__file__).parents[2] / "docs/migrating"
PEERS = ("replicate-1", "replicate-2", "javascript")

CALLS = {
    "replicate-1": """
Client run async_run stream async_stream paginate async_paginate poll_interval ModelVersionIdentifier.parse
accounts.current collections.get collections.list hardware.list
deployments.create deployments.delete deployments.get deployments.list deployments.update deployment.predictions.create
files.create files.get files.list files.delete models.create models.delete models.get models.list models.search
model.reload model.versions.list predictions.cancel predictions.create predictions.get predictions.list
prediction.cancel prediction.output_iterator prediction.progress prediction.reload prediction.stream prediction.wait
trainings.cancel trainings.create trainings.get trainings.list training.cancel training.reload
version.predict webhooks.default.secret Webhooks.validate
output.read output.aread output.url use_file_output file_encoding_strategy wait webhook webhook_events_filter
webhook_completed api_token base_url timeout headers transport
""",
    "replicate-2": """
Replicate use streaming use_async hint function function.create run.logs run.output function.openapi_schema
get_path_url run stream wait prefer cancel_after use_file_output file_encoding_strategy webhook webhook_events_filter
client.with_options client.copy client.close client.predictions.wait files.create search hardware.list
page.has_next_page page.next_page_info page.get_next_page page.results model.to_dict model.to_json model_fields_set
model_extra with_raw_response with_streaming_response client.get extra_headers extra_query extra_body timeout
bearer_token base_url max_retries default_headers default_query http_client DefaultHttpxClient DefaultAioHttpClient
REPLICATE_LOG REPLICATE_POLL_INTERVAL __version__ output.url output.read
""",
    "javascript": """
Replicate auth userAgent baseUrl fetch fileEncodingStrategy useFileOutput run stream wait paginate request signal
progress interval mode timeout stop validateWebhook parseProgressFromLogs toString event.retry EventSource
accounts.current collections.list collections.get hardware.list webhooks.default.secret.get
deployments.create deployments.delete deployments.get deployments.list deployments.update
deployments.predictions.create files.create files.get files.list files.delete
models.create models.get models.list models.search models.versions.list models.versions.get
predictions.cancel predictions.create predictions.get predictions.list
trainings.cancel trainings.create trainings.get trainings.list output.url output.blob
""",
}
"""What the clients offer, by their sources: replicate 1.0.7, replicate 2.0.0b4, index.d.ts of replicate 1.4.0."""

NAMESPACES = "account|collections|deployments|files|hardware|models|predictions|trainings|webhooks"
METHODS = "output|paginate|request|run|save|search|stream|submit|use|wait|with_options"
CALL = re.compile(
    rf"(?<![\w.])(?:client\.|replicate\.)?((?:(?:{NAMESPACES})(?:\.\w+)+|{METHODS}))\(((?:[^()]|\([^()]*\))*)\)"
)


class Row(NamedTuple):
    """A row of a table: the code of the other client, and ours."""

    theirs: str
    ours: str


def rows(page: str) -> Iterator[Row]:
    """Yield the rows of a page's tables of two columns."""
    for line in (FOLDER / f"{page}.md").read_text(encoding="utf-8").splitlines():
        cells = re.split(r"(?<!\\) \| ", line.strip("| "))
        if line.startswith("| ") and len(cells) == 2:
            yield Row(*cells)


@pytest.mark.parametrize("page", PEERS)
def test_the_tables_have_every_call_of_the_other_client(page: str) -> None:
    text = "\n".join(_complete(row.theirs) for row in rows(page))
    assert [name for name in CALLS[page].split() if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def _complete(text: str) -> str:
    """Write `files.get(id)`, `.list()` as `files.get(id)`, `files.list()`."""
    prefix = re.search(r"`((?:\w+\.)+)\w+\(", text)
    return text.replace("`.", f"`{prefix[1]}") if prefix else text


@pytest.mark.parametrize("page", PEERS)
def test_the_tables_name_methods_and_arguments_that_exist(page: str) -> None:
    with Replicate("r8_test") as client:
        for row in rows(page):
            for name, arguments in CALL.findall(_complete(row.ours)):
                method = operator.attrgetter(name)(client)
                keywords = re.findall(r"(\w+)=", re.sub(r'"[^"]*"', "", arguments))
                assert {*keywords} <= inspect.signature(method).parameters.keys(), row


def test_a_file_has_the_members_that_the_tables_name() -> None:
    for row in (row for page in PEERS for row in rows(page)):
        for name in re.findall(r"`(?:await )?output\.(\w+)", row.ours):
            assert hasattr(FileOutput, name) or name == "aiter_bytes", row
