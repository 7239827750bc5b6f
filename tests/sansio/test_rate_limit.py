"""The rate limiter, without a clock: the time is an argument."""

from replicate_ext._sansio import retry
from replicate_ext._sansio.rate_limit import RateLimiter


def test_creates_and_other_requests_have_separate_rate_limits() -> None:
    limiter = RateLimiter()
    limiter.block_until(False, 10)
    limiter.block_until(False, 7)
    assert limiter.seconds_to_wait(False, 4) == 6
    assert limiter.seconds_to_wait(False, 11) == 0
    assert limiter.seconds_to_wait(True, 4) == 0
    assert retry.is_idempotent("GET", "/predictions/x")
    assert retry.is_idempotent("POST", "/predictions/x/cancel")
    assert not retry.is_idempotent("POST", "/models/a/b/predictions")
