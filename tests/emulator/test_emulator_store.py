"""`--state FILE`: the state survives a restart."""

from __future__ import annotations

import shutil

import httpx

from replicate_ext import Replicate
from replicate_ext.emulator import Emulator


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
