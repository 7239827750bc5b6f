"""Rate limits: reported in headers, enforced on request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from emulator_fixtures import create_prediction, module_fixtures, wait_until

from replicate_ext import RateLimitError, Replicate
from replicate_ext.emulator import Emulator

api, http, client = module_fixtures()


def test_responses_have_rate_limit_headers(http) -> None:
    first, second = (http.get("account") for _ in range(2))
    assert int(first.headers["ratelimit-remaining"]) >= int(second.headers["ratelimit-remaining"])
    assert int(second.headers["ratelimit-reset"]) >= 1
    assert "ratelimit-remaining" not in http.get("files").headers


def test_a_held_create_reports_the_limit_of_the_moment_when_it_arrived(
    api, http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api._running_service.create_limit, "rate", 1e-6)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(create_prediction, http, "acme/sleeper", seconds=60)
        wait_until(lambda: any(job.input == {"seconds": 60} for job in api._running_service.state.jobs.values()))
        later = create_prediction(http, "acme/hello", text="x")
        api.clock.advance(61)
    first, second = (int(response.headers["ratelimit-remaining"]) for response in (held.result(), later))
    assert second == first - 1


def test_error_responses_have_rate_limit_headers_too_but_not_without_a_valid_token(http) -> None:
    before = int(http.get("account").headers["ratelimit-remaining"])
    missing = http.get("predictions/unknown")
    assert (missing.status_code, int(missing.headers["ratelimit-remaining"])) == (404, pytest.approx(before - 1, abs=1))
    invalid = http.post("models/acme/hello/predictions", json={"input": {}})
    assert (invalid.status_code, "ratelimit-remaining" in invalid.headers) == (422, True)
    unauthenticated = http.get("account", headers={"authorization": "Bearer wrong"})
    assert unauthenticated.status_code == 401
    assert "ratelimit-remaining" not in unauthenticated.headers


def test_enforce_rate_limits_rejects_requests_with_retry_after() -> None:
    with Emulator(enforce_rate_limits=True) as api, Replicate(api.token, base_url=api.url, max_retries=0) as client:
        bucket = api._running_service.create_limit
        bucket._tokens, bucket.rate = 1.5, 0.1
        client.run("acme/hello", {"text": "Ada"})
        with pytest.raises(RateLimitError) as caught:
            client.run("acme/hello", {"text": "Ada"})
        assert caught.value.retry_after == pytest.approx(5, abs=1)
        assert caught.value.headers["retry-after"] == str(int(caught.value.retry_after))
        assert caught.value.headers["ratelimit-remaining"] == "0"
        assert int(caught.value.headers["ratelimit-reset"]) > 5000
