"""The rate limiter, without a clock: the time is an argument."""

from replicate_ext._sansio import retry


def test_creates_and_other_requests_have_separate_rate_limits() -> None:
    limiter = retry.Limiter()
    limiter.hold(("POST", "/predictions"), 10)
    limiter.hold(("POST", "/predictions"), 7)
    assert limiter.pause(("POST", "/models/a/b/predictions"), 4) == 6
    assert limiter.pause(("POST", "/predictions"), 11) == 0
    assert limiter.pause(("GET", "/predictions/x"), 4) == 0
    assert limiter.pause(("POST", "/predictions/x/cancel"), 4) == 0
