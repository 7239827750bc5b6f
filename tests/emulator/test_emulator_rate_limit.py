"""Rate limits: reported in headers, enforced on request."""

from __future__ import annotations

import pytest
from emulator_fixtures import module_fixtures

from replicate_ext import RateLimitError, Replicate
from replicate_ext.emulator import Emulator

api, http, client = module_fixtures()


def test_responses_have_rate_limit_headers(http) -> None:
    first, second = (http.get("account") for _ in range(2))
    assert int(first.headers["ratelimit-remaining"]) >= int(second.headers["ratelimit-remaining"])
    assert int(second.headers["ratelimit-reset"]) >= 1
    assert "ratelimit-remaining" not in http.get("files").headers


def test_enforce_rate_limits_rejects_requests_with_retry_after() -> None:
    with Emulator(enforce_rate_limits=True) as api, Replicate(api.token, base_url=api.url, max_retries=0) as client:
        bucket = api._running_service.create_limit
        bucket._tokens, bucket.rate = 1.5, 0.1
        client.run("acme/hello", {"text": "Ada"})
        with pytest.raises(RateLimitError) as caught:
            client.run("acme/hello", {"text": "Ada"})
        assert caught.value.retry_after == pytest.approx(5, abs=1)
        assert caught.value.headers["retry-after"] == str(int(caught.value.retry_after))
