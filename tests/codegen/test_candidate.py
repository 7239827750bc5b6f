"""Generated code is checked where the current packages cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from codegen import candidate, generate, smoke_test
from openapi_documents import DOCUMENT, copy_repository, json_content
from replicate_ext._operations import Namespace
from replicate_ext.emulator import Emulator, spec

FILES = {
    "generated/replicate_api/__init__.py": "",
    "generated/replicate_api/py.typed": "",
    "generated/replicate_api/models/__init__.py": "from .problem import Problem as Problem\n",
    "replicate_ext/__init__.py": "",
    "replicate_ext/_generated/__init__.py": "",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("candidate"))


@pytest.fixture
def small_packages(tmp_path: Path) -> Path:
    """Packages that use nothing, so that checking their types is fast."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def broken(repository: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The repository with one file that is edited, or deleted."""
    name, *edit = request.param
    path = repository / name
    content = path.read_text(encoding="utf-8")
    edited = content.replace(*edit) if edit else None
    assert edited != content
    path.write_text(edited, encoding="utf-8") if edited else path.unlink()
    yield repository
    path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        # The current package has it, but must not stand in for it.
        ([generate.PACKAGE / "models/problem.py"], "No module named 'replicate_api.models.problem'"),
        ([generate.PACKAGE / "api/search/search.py", "import models, types", "import nothing"], "nothing"),
        ([generate.NAMESPACES / "resources.py", "import iterate_items", "import nothing"], "nothing"),
        (
            [generate.NAMESPACES / "resources.py", "def get(self) ->", "def _get(self) ->"],
            "has no method for account.get",
        ),
        (["replicate_ext/emulator/operations/account.py"], "account"),
    ],
    indirect=["broken"],
)
def test_the_packages_are_used(broken: Path, message: str) -> None:
    with pytest.raises(candidate.CandidateError, match=f"^codegen.smoke_test: .*{message}"):
        candidate.smoke_test(broken)


def test_methods_are_found_by_the_words_of_their_operation_id() -> None:
    class Votes(Namespace[Any]):
        def class_(self) -> None:
            """Vote for a class."""

        def __call__(self) -> None:
            """Vote."""

    assert list(smoke_test.find_methods(Votes(None), Votes, ("votes",))) == [("votes", "class"), ("votes",)]


def test_a_module_that_only_the_current_package_has_is_a_type_error(small_packages: Path) -> None:
    with pytest.raises(candidate.CandidateError, match=r'module named "replicate_api.models.problem"'):
        candidate.type_check(small_packages)
    (small_packages / "generated/replicate_api/models/problem.py").write_text("class Problem: ...\n")
    candidate.type_check(small_packages)


def test_both_packages_are_type_checked_and_errors_are_limited(small_packages: Path) -> None:
    for folder, count in ((generate.PACKAGE, 1), (generate.NAMESPACES, 10)):
        (small_packages / folder / "wrong.py").write_text("x: int = 'text'\n" * count)
    (small_packages / generate.PACKAGE / "models/__init__.py").write_text("")
    with pytest.raises(candidate.CandidateError, match=r"^mypy: .*wrong\.py:1: error: Incompatible types") as caught:
        candidate.type_check(small_packages)
    first, *_, last = str(caught.value).splitlines()
    assert first.startswith(f"mypy: {generate.NAMESPACES.as_posix()}")
    assert last == "and 6 more"
    (small_packages / generate.NAMESPACES / "wrong.py").unlink()
    with pytest.raises(candidate.CandidateError, match=f"^mypy: {generate.PACKAGE.as_posix()}/wrong.py:1: error"):
        candidate.type_check(small_packages)


@pytest.mark.parametrize(
    ("tour", "is_error"),
    [("raise SystemExit('it fails')", True), ("from replicate_api import removed", False)],
    ids=["fails", "does not fit the contract"],
)
def test_the_tour_must_pass_if_its_types_fit(
    small_packages: Path, tour: str, is_error: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small_packages / "examples_of_test" / "small_tour.py"
    path.parent.mkdir()
    path.write_text(tour)
    monkeypatch.setattr(candidate, "TOUR", path)
    if is_error:
        with pytest.raises(candidate.CandidateError, match=r"^small_tour: it fails"):
            candidate.try_tour(small_packages)
    else:
        candidate.try_tour(small_packages)


def test_a_program_that_hangs_is_an_error(small_packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate, "MAX_SECONDS", 0.01)
    with pytest.raises(candidate.CandidateError, match=r"codegen\.smoke_test did not end within 0\.01 seconds"):
        candidate.smoke_test(small_packages)


def test_an_installed_copy_of_our_package_is_an_error(small_packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate.sysconfig, "get_path", lambda name: str(small_packages / "generated"))
    with pytest.raises(
        candidate.CandidateError, match=r"replicate_api is installed in .*; install it in editable mode"
    ):
        candidate.smoke_test(small_packages)


def test_modules_from_elsewhere_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"replicate_ext.* was imported from "):
        smoke_test.check_origin(tmp_path)


@pytest.fixture
def emulator_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that starts an emulator of our document with more paths."""

    def start(paths: dict[str, Any]) -> Emulator:
        monkeypatch.setattr(spec, "document", lambda: {**DOCUMENT, "paths": {**DOCUMENT["paths"], **paths}})
        monkeypatch.setattr(spec, "operations", spec.operations.__wrapped__)
        return Emulator()

    return start


def test_the_emulator_starts_with_operations_that_it_does_not_know(emulator_of: Any) -> None:
    def new(operation_id: str) -> dict[str, Any]:
        body = json_content({"type": "object", "required": ["x"]})
        return {"operationId": operation_id, "requestBody": body, "responses": {}}

    paths: dict[str, Any] = {
        "/votes/{vote-id}.json": {"get": new("votes.get"), "head": new("votes.head"), "parameters": []},
        "/files/recent": {"get": new("files.recent.list"), "put": new("files.recent.set"), "summary": "Recent"},
        "x-notes": "an extension",
    }
    with emulator_of(paths) as api, httpx.Client(headers={"Authorization": f"Bearer {api.token}"}) as http:
        smoke_test.request_every_operation(api)
        for method, path, name in [("PUT", "/files/recent", "files.recent.set"), ("GET", "/votes/a.json", "votes.get")]:
            response = http.request(method, api.url + path)
            assert (response.status_code, response.headers["content-type"]) == (501, "application/problem+json")
            assert response.json()["detail"] == f"The emulator does not implement {name}."
        assert http.get(f"{api.url}/account").status_code == 200


def test_an_operation_that_the_emulator_cannot_route_is_an_error(emulator_of: Any) -> None:
    same_path = {"get": {"operationId": "files.find", "responses": {}}}  # as /files/{file_id}
    with (
        emulator_of({"/files/{id}": same_path}) as api,
        pytest.raises(AssertionError, match=r"the emulator does not route GET /files/\{id\}"),
    ):
        smoke_test.request_every_operation(api)
