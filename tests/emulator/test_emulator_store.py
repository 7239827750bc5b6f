"""`--state FILE`: the state survives a restart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from replicate_ext import ModelError, Replicate
from replicate_ext.emulator import Catalog, Emulator
from replicate_ext.emulator.builtin_models import create_poet, train_poet


@contextmanager
def open_emulator(state: Path, **options: Any) -> Iterator[tuple[Emulator, Replicate]]:
    with Emulator(state=state, **options) as api, Replicate(api.token, base_url=api.url) as client:
        yield api, client


def create_model(client: Replicate, name: str) -> None:
    client.models.create(owner="acme", name=name, visibility="private", hardware="cpu")


def train(client: Replicate, destination: str, words: str, base: str = "acme/poet", version: str | None = None) -> str:
    """Train a model, and return the id of the new version."""
    owner, name = base.split("/")
    version = version or client.models.get(owner, name).latest_version.id
    training = client.trainings.create(owner, name, version, destination=destination, input={"words": words})
    return str(client.wait(training).output.version).partition(":")[2]


def test_state_survives_a_restart_and_a_crash(tmp_path) -> None:
    path, copy = tmp_path / "state.db", tmp_path / "crashed.db"
    with Emulator(state=path) as api, Replicate(api.token, base_url=api.url) as client:
        _, port = api._address
        [picture] = client.run("acme/painter", {"prompt": "x", "width": 16, "height": 16})
        content = picture.read()
        file = client.files.create(content=b"hello", filename="a.txt")
        deleted = client.files.create(content=b"deleted")
        client.files.delete(deleted.id)
        client.models.create(owner="acme", name="mine", visibility="private", hardware="cpu", description="Mine")
        poet = client.models.get("acme", "poet").latest_version.id
        training = client.trainings.create("acme", "poet", poet, destination="acme/mine", input={"words": "gull"})
        ref = client.wait(training).output.version
        settings = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
        client.deployments.create(name="app", model="acme/mine", version=ref.partition(":")[2], **settings)
        canceled = client.models.predictions.create("acme", "sleeper", input={"seconds": 60})
        client.predictions.cancel(canceled.id)
        slow = client.models.predictions.create("acme", "sleeper", input={"seconds": 60})
        secret = client.webhooks.default.secret.get().key
        before = {job.id: job for job in client.predictions.list()}
        shutil.copy(path, copy)  # what a crash at this moment would leave
    for stored in (path, copy):
        with Emulator(port, state=stored) as api, Replicate(api.token, base_url=api.url) as client:
            after = {job.id: job for job in client.predictions.list()}
            assert after.keys() == before.keys()
            assert after[slow.id].status == ("canceled" if stored == path else "failed")
            assert all(after[id].output == job.output for id, job in before.items())
            assert after[canceled.id] == before[canceled.id]
            assert httpx.get(picture.url).content == content
            assert [listed.id for listed in client.files.list()] == [file.id]
            assert client.models.get("acme", "mine").description == "Mine"
            assert client.deployments.get("acme", "app").current_release.version == ref.partition(":")[2]
            assert client.trainings.get(training.id).output.version == ref
            assert client.webhooks.default.secret.get().key == secret
            assert "gull" in "".join(client.run(ref, {"prompt": "tea", "seconds": 0}))
            if stored == copy:
                assert after[slow.id].error == "Prediction interrupted; please retry (code: PA)"


def test_version_from_the_file_is_deleted_with_its_predictions(tmp_path) -> None:
    path = tmp_path / "state.db"
    with Emulator(state=path) as api, Replicate(api.token, base_url=api.url) as client:
        client.models.create(owner="acme", name="mine", visibility="private", hardware="cpu")
        poet = client.models.get("acme", "poet").latest_version.id
        training = client.trainings.create("acme", "poet", poet, destination="acme/mine", input={"words": "gull"})
        ref = client.wait(training).output.version
        client.run(ref, {"prompt": "tea", "seconds": 0})
    with Emulator(state=path) as api, Replicate(api.token, base_url=api.url) as client:
        client.models.versions.delete("acme", "mine", ref.partition(":")[2])
        assert list(client.predictions.list()) == []
        client.models.delete("acme", "mine")


def test_new_version_after_a_restart_gets_an_id_of_its_own(tmp_path) -> None:
    with open_emulator(tmp_path / "state.db") as (_, client):
        create_model(client, "mine")
        first, second = train(client, "acme/mine", "gull"), train(client, "acme/mine", "tern")
        client.models.versions.delete("acme", "mine", first)
    with open_emulator(tmp_path / "state.db") as (_, client):
        third = train(client, "acme/mine", "auk")
        assert len({first, second, third}) == 3
        listed = [version.id for version in client.models.versions.list("acme", "mine")]
        assert listed == [third, second]
        for id, word in ((second, "tern"), (third, "auk")):
            assert word in "".join(client.run(f"acme/mine:{id}", {"prompt": "tea", "seconds": 0}))


def test_version_trained_from_a_trained_version_runs_after_a_restart(tmp_path) -> None:
    with open_emulator(tmp_path / "state.db") as (_, client):
        create_model(client, "a")  # the base comes later, by its name and by its creation
        create_model(client, "b")
        base = train(client, "acme/b", "gull")
        id = train(client, "acme/a", "tern", "acme/b", base)
    with open_emulator(tmp_path / "state.db") as (_, client):
        assert "tern" in "".join(client.run(f"acme/a:{id}", {"prompt": "tea", "seconds": 0}))


def test_version_whose_base_is_gone_is_kept_and_explains_why_it_cannot_run(tmp_path) -> None:
    catalog = Catalog()
    catalog.model("me/base", train=train_poet)(create_poet("sea"))
    with open_emulator(tmp_path / "state.db", models=catalog) as (_, client):
        create_model(client, "mine")
        ref = f"acme/mine:{train(client, 'acme/mine', 'gull', 'me/base')}"
        before = client.models.get("acme", "mine").latest_version
    with open_emulator(tmp_path / "state.db") as (_, client):
        assert client.models.get("acme", "mine").latest_version == before
        with pytest.raises(ModelError, match="acme/mine was trained from me/base: start the emulator with the file"):
            client.run(ref, {"prompt": "tea"})
    with open_emulator(tmp_path / "state.db", models=catalog) as (_, client):
        assert "gull" in "".join(client.run(ref, {"prompt": "tea", "seconds": 0}))


def test_lists_keep_their_order_after_a_restart(tmp_path) -> None:
    def names() -> list[list[str]]:
        state = api._running_service.state
        return [list(table) for table in (state.models, state.jobs, state.uploads, state.deployments)]

    with open_emulator(tmp_path / "state.db") as (api, client):
        version = client.models.get("acme", "poet").latest_version.id
        for name in ("one", "two", "three", "four", "five"):
            client.run("acme/hello", {"text": name})
            client.files.create(content=b"x", filename=name)
            create_model(client, name)
            client.deployments.create(
                name=name, model="acme/poet", version=version, hardware="cpu", min_instances=0, max_instances=1
            )
        client.deployments.update("acme", "one", max_instances=2)
        before = names()
    with open_emulator(tmp_path / "state.db") as (api, client):
        assert names() == before


def test_a_run_writes_as_much_as_the_runs_before_it(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    dumps = json.dumps

    def count(value: Any, **options: Any) -> str:
        if "default" in options:  # the store's records; responses are written without it
            written.append(value)
        return dumps(value, **options)

    monkeypatch.setattr(json, "dumps", count)
    with open_emulator(tmp_path / "state.db") as (_, client):
        for number in range(20):
            written.clear()
            client.run("acme/hello", {"text": str(number)})
            client.account.get()  # by now the server has saved the run
            assert 1 <= len(written) <= 4  # the prediction and its model, after the create and after the end


def test_running_state_is_what_is_loaded(tmp_path) -> None:
    path, copy = tmp_path / "state.db", tmp_path / "copy.db"
    with open_emulator(path) as (api, client):
        create_model(client, "mine")
        client.models.update("acme", "mine", description="Mine", readme="# Mine")
        version = client.models.get("acme", "poet").latest_version.id
        settings = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
        client.deployments.create(name="app", model="acme/poet", version=version, **settings)
        client.deployments.update("acme", "app", max_instances=2)
        client.run("deployments/acme/app", {"prompt": "tea", "seconds": 0})
        client.run("acme/painter", {"prompt": "x", "width": 16, "height": 16})
        client.files.create(content=b"x")
        api.clock.advance(3601)
        client.files.create(content=b"y", metadata={"a": 1})
        client.run("acme/painter", {"prompt": "y", "width": 16, "height": 16})
        state = api._running_service.state
        before = {name: dump_table(getattr(state, name)) for name in TABLES}
        shutil.copy(path, copy)
    with open_emulator(copy) as (api, _):
        state = api._running_service.state
        assert {name: dump_table(getattr(state, name)) for name in TABLES} == before


TABLES = ("models", "deployments", "jobs", "uploads", "outputs")


def dump_table(table: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of each object but paths, which are new after a restart."""
    return {key: {name: value for name, value in vars(item).items() if name != "path"} for key, item in table.items()}
