"""The emulator's page for people."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from replicate_ext.emulator import Emulator, site

ATTACK = "<script>document.title = 'attacked'</script>"


@pytest.fixture
def browser(api: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url.removesuffix("/v1"), follow_redirects=True) as browser:
        yield browser


def test_an_empty_page_says_how_to_begin(api, browser) -> None:
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


def test_what_models_and_clients_say_is_never_run(client, browser) -> None:
    client.run("acme/hello", {"text": ATTACK})
    for path in ("/", "/_/requests", f"/p/{next(client.predictions.list()).id}"):
        page = browser.get(path)
        assert "attacked" in page.text
        assert ATTACK not in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]


def test_outputs_that_are_pages_are_shown_in_a_sandbox(api, client, tmp_path) -> None:
    page = tmp_path / "page.html"
    page.write_text(ATTACK)

    @api.model("me/page")
    def make() -> Path:
        return page

    made = client.run("me/page")
    response = httpx.get(made.url)
    assert response.headers["content-security-policy"] == "sandbox"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_model_is_run_with_a_form(client, browser, tmp_path) -> None:
    assert "acme/filter" in browser.get("/_/models").text
    form = browser.get("/acme/filter").text
    assert '<input type="file" name="image">' in form
    assert "<option>grayscale</option>" in form
    [picture] = client.run("acme/painter", {"prompt": "x", "width": 32, "height": 32})
    answer = browser.post("/acme/filter", data={"effect": "mirror"}, files={"image": ("a.png", picture.read())})
    assert answer.url.path.startswith("/p/")
    job = client.wait(answer.url.path.removeprefix("/p/"))
    assert job.output.endswith(".png")
    numbers = browser.post("/acme/sleeper", data={"seconds": "0.01", "steps": "1"})
    assert client.wait(numbers.url.path.removeprefix("/p/")).output == "Slept for 0.01 seconds."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": "x", "width": "5"}, "Must be greater than or equal to 16"),
        ({}, "prompt is required"),
        ({"prompt": "x", "width": "wide"}, "Expecting value"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_says_so(browser, fields, words) -> None:
    page = browser.post("/acme/painter", data=fields)
    assert page.status_code == 422
    assert words in page.text


def test_other_sites_cannot_send_the_form(browser) -> None:
    answer = browser.post("/acme/hello", data={"text": "x"}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


def test_the_journal_and_what_is_not_there(client, browser) -> None:
    client.account.get()
    page = browser.get("/_/requests").text
    assert "account.get" in page
    for path in ("/p/nothing", "/me/nothing", "/nothing"):
        assert browser.get(path).status_code == 404
    assert browser.post("/me/nothing").status_code == 404
    assert "data-live" in browser.get("/_/live.js").text
    assert browser.get("/_/style.css").headers["content-type"].startswith("text/css")


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_real_browser_sees_it_change(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    render, rendered = site._Site.predictions, []

    async def predictions(self: site._Site, request: Request) -> Response:
        rendered.append(request)
        if len(rendered) == 3:  # something happens after the page was loaded
            model = self._service.state.models["acme/hello"]
            execution = self._service.runner.start(model, model.versions[-1], {"text": ATTACK}, "http://x", None)
            await execution.finished()
        return await render(self, request)

    monkeypatch.setattr(site._Site, "predictions", predictions)
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    with Emulator() as api:
        address = api.url.removesuffix("/v1")
        seen = subprocess.run(
            [str(CHROMIUM), *options, "--virtual-time-budget=5000", "--dump-dom", address],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
    assert len(rendered) > 3
    assert "Hello, &lt;script&gt;" in seen
    assert "<title>Replicate emulator</title>" in seen
