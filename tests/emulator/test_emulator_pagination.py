"""Lists in pages."""

from __future__ import annotations

import httpx

from replicate_ext import Replicate
from replicate_ext.emulator import Emulator


def test_pages_link_to_the_next_and_the_previous_page() -> None:
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        created = [
            client.models.predictions.create("acme", "hello", input={"text": str(number)}).id for number in range(205)
        ]
        http = httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"})
        with http:
            first = http.get("predictions").json()
            second = http.get(first["next"]).json()
            third = http.get(second["next"]).json()
            assert [len(page["results"]) for page in (first, second, third)] == [100, 100, 5]
            assert (first["previous"], third["next"]) == (None, None)
            assert http.get(third["previous"]).json()["results"] == second["results"]
            assert http.get(second["previous"]).json()["results"] == first["results"]
            assert http.get("predictions?cursor=!").status_code == 404
        assert [prediction.id for prediction in client.predictions.list()] == created[::-1]
        middle = client.predictions.get(created[100])
        after = list(client.predictions.list(created_after=middle.created_at))
        before = list(client.predictions.list(created_before=middle.created_at))
        assert [prediction.id for prediction in after] == created[:99:-1]
        assert [prediction.id for prediction in before] == created[99::-1]
        assert list(client.predictions.list(source="web")) == []
