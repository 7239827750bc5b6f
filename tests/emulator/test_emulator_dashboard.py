"""The dashboard in a browser."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from replicate_ext.emulator import Emulator, dashboard
from screenshots.chromium import OPTIONS, VIRTUAL_TIME, find_chromium

SCRIPT = "<script>document.title = 'injected'</script>"


@pytest.fixture
def browser(api: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url.removesuffix("/v1"), follow_redirects=True) as browser:
        yield browser


def test_empty_page_shows_how_to_connect_a_client(api, browser) -> None:
    page = browser.get("/")
    assert f"REPLICATE_BASE_URL={api.url}" in page.text
    assert api.token in page.text


def test_predictions_show_status_input_logs_and_output(client, browser) -> None:
    [picture] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 32, "height": 32, "seed": 7})
    list(client.stream("acme/poet", {"prompt": "the sea", "seconds": 0}))
    with pytest.raises(Exception, match="out of memory"):
        client.run("acme/broken", {"message": "out of memory"})
    page = browser.get("/").text
    assert f'<img src="{picture.url}"' in page
    assert "Using seed: 7" in page
    assert "the sea" in page
    assert re.findall(r'class="status (\w+)"', page) == ["failed", "succeeded", "succeeded"]
    assert '<p class="error">out of memory</p>' in page


def test_text_from_models_and_clients_is_escaped(client, browser) -> None:
    client.run("acme/hello", {"text": SCRIPT})
    for path in ("/", "/_/requests", f"/p/{next(client.predictions.list()).id}"):
        page = browser.get(path)
        assert "injected" in page.text
        assert SCRIPT not in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]


def test_html_output_is_served_in_a_sandbox(api, client, tmp_path) -> None:
    page = tmp_path / "page.html"
    page.write_text(SCRIPT)

    @api.model("me/page")
    def create_page() -> Path:
        return page

    output = client.run("me/page")
    response = httpx.get(output.url)
    assert response.headers["content-security-policy"] == "sandbox"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_model_is_run_with_a_form(client, browser, tmp_path) -> None:
    assert "acme/filter" in browser.get("/_/models").text
    form = browser.get("/acme/filter").text
    assert '<input type="file" name="image">' in form
    assert "<option>grayscale</option>" in form
    [picture] = client.run("acme/painter", {"prompt": "x", "width": 32, "height": 32})
    response = browser.post("/acme/filter", data={"effect": "mirror"}, files={"image": ("a.png", picture.read())})
    assert response.url.path.startswith("/p/")
    job = client.wait(response.url.path.removeprefix("/p/"))
    assert job.output.endswith(".png")
    response = browser.post("/acme/sleeper", data={"seconds": "0.01", "steps": "1"})
    assert client.wait(response.url.path.removeprefix("/p/")).output == "Slept for 0.01 seconds."


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": "x", "width": "5"}, "Must be greater than or equal to 16"),
        ({}, "prompt is required"),
        ({"prompt": "x", "width": "wide"}, "Expecting value"),
    ],
)
def test_invalid_form_shows_the_error(browser, fields, message) -> None:
    page = browser.post("/acme/painter", data=fields)
    assert page.status_code == 422
    assert message in page.text


def test_form_from_another_site_is_rejected(browser) -> None:
    response = browser.post("/acme/hello", data={"text": "x"}, headers={"origin": "https://evil.example"})
    assert response.status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", "localhost.evil", ""])
@pytest.mark.parametrize("path", ["/", "/_/requests", "/_/models", "/acme/hello", "/_/live.js"])
def test_pages_are_not_served_under_a_foreign_host_name(browser, host, path) -> None:
    response = browser.get(path, headers={"host": host})
    assert response.status_code == 421
    assert "r8_" not in response.text
    assert browser.post("/acme/hello", data={"text": "x"}, headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8787", "LOCALHOST", "[::1]:80", "192.168.1.5", "{name}:80"])
def test_pages_are_served_under_addresses_and_names_of_this_machine(browser, host) -> None:
    host = host.format(name=socket.gethostname())
    assert browser.get("/", headers={"host": host}).status_code == 200


def test_running_prediction_can_be_canceled(api, client, browser) -> None:
    job = client.models.predictions.create("acme", "sleeper", input={"seconds": 60})
    path = f"/p/{job.id}/cancel"
    assert f'<form method="post" action="{path}">' in browser.get("/").text
    assert browser.post(path, headers={"origin": "https://evil.example"}).status_code == 403
    page = browser.post(path)
    assert page.url.path == f"/p/{job.id}"
    assert client.predictions.get(job.id).status == "canceled"
    assert "cancel</button>" not in page.text
    assert browser.post("/p/nothing/cancel").status_code == 404


def test_durations_of_predictions_and_requests_are_shown(api, client, browser) -> None:
    running = client.models.predictions.create("acme", "sleeper", input={"seconds": 60})
    api.clock.advance(7)
    [shown] = re.findall(r'<span class="time">([\d.]+) s</span>', browser.get(f"/p/{running.id}").text)
    assert 7 <= float(shown) < 60
    client.predictions.cancel(running.id)
    api.clock.advance(1000)
    [shown] = re.findall(r'<span class="time">([\d.]+) s</span>', browser.get(f"/p/{running.id}").text)
    assert 7 <= float(shown) < 60
    assert all(request.seconds >= 0 for request in api.requests)
    rows = re.findall(r'<td class="number">(\d+) ms</td>', browser.get("/_/requests").text)
    assert len(rows) == len(api.requests) == 2


def test_cells_of_the_request_table_do_not_break_words(client, browser) -> None:
    client.account.get()
    page = browser.get("/_/requests").text
    assert "<th>status</th>" in page
    assert '<td class="path">/v1/account</td>' in page
    style = browser.get("/_/style.css").text
    assert "white-space: nowrap" in re.findall(r"^td, th \{(.*?)\}", style, re.MULTILINE)[0]
    breaking = re.findall(r"^(.*?) \{[^}]*overflow-wrap: anywhere", style, re.MULTILINE)
    assert not {"td", "th", "td, th"} & set(breaking)


def test_journal_is_shown_and_unknown_pages_are_not_found(client, browser) -> None:
    client.account.get()
    page = browser.get("/_/requests").text
    assert "account.get" in page
    for path in ("/p/nothing", "/me/nothing", "/nothing"):
        assert browser.get(path).status_code == 404
    assert browser.post("/me/nothing").status_code == 404
    assert "data-live" in browser.get("/_/live.js").text
    assert browser.get("/_/style.css").headers["content-type"].startswith("text/css")


CHROMIUM = find_chromium()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_browser_shows_a_prediction_that_ran_after_the_page_loaded(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    render, rendered = dashboard._Dashboard.predictions, []

    async def predictions(self: dashboard._Dashboard, request: Request) -> Response:
        rendered.append(request)
        if len(rendered) == 3:  # a prediction runs after the page was loaded
            model = self._service.state.models["acme/hello"]
            execution = self._service.runner.start(model, model.versions[-1], {"text": SCRIPT}, "http://x", None)
            await execution.wait_until_finished()
        return await render(self, request)

    monkeypatch.setattr(dashboard._Dashboard, "predictions", predictions)
    with Emulator() as api:
        url = api.url.removesuffix("/v1")
        command = [str(CHROMIUM), *OPTIONS, VIRTUAL_TIME, f"--user-data-dir={tmp_path}", "--dump-dom", url]
        html = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert len(rendered) > 3
    assert "Hello, &lt;script&gt;" in html
    assert "<title>Replicate emulator</title>" in html
