"""Run the examples of README and docs against the emulator, and the webhook recipes with the real frameworks."""

from __future__ import annotations

import gc
import json
import logging
import re
import shlex
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import replicate_ext
from replicate_ext import Replicate, webhooks
from replicate_ext._cli.main import main as replicate_ext_command
from replicate_ext.emulator import Emulator
from replicate_ext.emulator.builtin_models import builtin_catalog

ROOT = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "docs/webhooks.md",
    "docs/migrating.md",
    "docs/emulator.md",
    "docs/typed-models.md",
    "docs/batch.md",
    "docs/command-line.md",
]
DEFAULT_CLIENTS = "replicate_ext._default_client"
DEFAULT_NAMES = ["_default_client", *replicate_ext._EXPORTS[DEFAULT_CLIENTS].split()]
"""The attributes of the package that come from there, the module included."""

REPOSITORY = "https://github.com/replicate-ext/replicate-ext/blob/main/"  # the README is also the page on PyPI
ALL_PAGES = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))


def blocks(page: str, kind: str) -> list[str]:
    """Return the code blocks of a page that begin with ```<kind>."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Emulator]:
    """Run an emulator, configured in the environment, in a temporary working directory."""
    known = set(builtin_catalog.models)
    with Emulator() as api:
        monkeypatch.setenv("REPLICATE_API_TOKEN", api.token)
        monkeypatch.setenv("REPLICATE_BASE_URL", api.url)
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, DEFAULT_CLIENTS, raising=False)  # which have read another environment
        for name in DEFAULT_NAMES:
            monkeypatch.delitem(vars(replicate_ext), name, raising=False)
        yield api
    sys.modules.pop("models", None)  # which an example has written
    with warnings.catch_warnings(action="ignore"):  # examples need not close what they open
        for namespace in NAMESPACES:
            namespace.clear()
        sys.modules.pop(DEFAULT_CLIENTS, None)
        for name in DEFAULT_NAMES:
            vars(replicate_ext).pop(name, None)
        for _ in range(3):  # what has a finalizer is freed by a later collection
            gc.collect()
    logging.getLogger("replicate_ext").setLevel(logging.NOTSET)
    for name in builtin_catalog.models.keys() - known:
        del builtin_catalog.models[name]


NAMESPACES: list[dict[str, Any]] = []


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run_one_after_another(api: Emulator, page: str) -> None:
    namespace: dict[str, Any] = {"__name__": "example"}
    NAMESPACES.append(namespace)
    codes = blocks(page, r"(?:python|sh(?=\nreplicate-ext ))")
    for number, code in enumerate(codes, 1):
        if code.startswith("replicate-ext "):
            for line in code.splitlines():
                assert replicate_ext_command(shlex.split(line, comments=True)[1:]) == 0
            continue
        try:
            exec(compile(code, f"{page}, example {number}", "exec"), namespace)
        except Exception as error:
            raise AssertionError(f"{page}, example {number}: {error!r}\n{code}") from error
    assert codes


def test_the_tests_of_the_page_on_testing_pass(tmp_path: Path) -> None:
    path = tmp_path / "test_page.py"
    path.write_text("\n\n".join(blocks("docs/testing.md", "python")), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(path)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert process.returncode == 0, process.stdout
    assert "9 passed" in process.stdout


@pytest.mark.parametrize("page", ALL_PAGES)
def test_the_links_of_a_page_resolve(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("https://") and not link.startswith(REPOSITORY):
            continue
        file, _, anchor = link.partition("#")
        folder = ROOT if file.startswith(REPOSITORY) else (ROOT / page).parent
        target = folder / file.removeprefix(REPOSITORY) if file else ROOT / page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in map(_anchor, headings), link


def test_the_facts_about_the_api_have_sources() -> None:
    text = re.sub(r"`[^`]*`", "", (ROOT / "docs/api-facts.md").read_text(encoding="utf-8"))
    defined = re.findall(r"^\[([^]]+)\]: https://", text, re.MULTILINE)
    assert set(re.findall(r"\[([^]]+)\](?![(:])", text)) == set(defined)


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


BODY = json.dumps({"id": "x0fmfzfcf5rma0cq65c825tcbm", "status": "succeeded", "output": "Hello"}).encode()


def deliveries() -> dict[str, tuple[dict[str, str], int]]:
    """Return the headers of several deliveries, each with the expected status of the response."""
    with Replicate() as client:
        secret = client.webhooks.default.secret.get().key
    good = webhooks.sign(BODY, str(secret))
    return {
        "good": (good, 200),
        "duplicate": (good, 200),
        "forged": (good | {"webhook-signature": "v1,AAAA"}, 400),
        "stale": (webhooks.sign(BODY, str(secret), timestamp=1), 400),
        "unsigned": ({}, 400),
    }


def recipe(name: str) -> dict[str, Any]:
    [code] = blocks("docs/webhooks.md", f"python {name}")
    module = types.ModuleType(f"recipe_{name}")
    sys.modules[module.__name__] = module
    NAMESPACES.append(vars(module))
    exec(compile(code, name, "exec"), vars(module))
    return vars(module)


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient")
def test_the_recipe_for_fastapi(api: Emulator) -> None:
    from fastapi.testclient import TestClient

    made = recipe("fastapi")
    with TestClient(made["app"]) as browser:
        for headers, status in deliveries().values():
            assert browser.post("/replicate", content=BODY, headers=headers).status_code == status
    assert made["finished"] == {"x0fmfzfcf5rma0cq65c825tcbm": "Hello"}
    assert sum(entry.path.endswith("/secret") for entry in api.requests) == 2  # one by this test, one by the recipe


def test_the_recipe_for_flask(api: Emulator) -> None:
    made = recipe("flask")
    browser = made["app"].test_client()
    for headers, status in deliveries().values():
        assert browser.post("/replicate", data=BODY, headers=headers).status_code == status
    assert made["finished"] == {"x0fmfzfcf5rma0cq65c825tcbm": "Hello"}


def test_the_recipe_for_django(api: Emulator) -> None:
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(ROOT_URLCONF="recipe_django", ALLOWED_HOSTS=["*"], SECRET_KEY="x", DEBUG=True)
        django.setup()
    made = recipe("django")
    from django.test import Client

    browser = Client()
    for headers, status in deliveries().values():
        response = browser.post("/replicate", data=BODY, content_type="application/json", headers=headers)
        assert response.status_code == status
    assert made["finished"] == {"x0fmfzfcf5rma0cq65c825tcbm": "Hello"}
