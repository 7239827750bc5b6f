"""What is known about a failure by its causes."""

from itertools import islice

from replicate_ext._sansio.connection_error import _causes, diagnose


def test_causes_that_lead_back_to_the_error_end() -> None:
    error, wrapper = UnicodeError("the file"), ConnectionError("made of it by aiohttp, and replaced by the first")
    error.__context__, wrapper.__cause__ = wrapper, error
    assert list(islice(_causes(error), 5)) == [error, wrapper]
    group = ExceptionGroup("of all addresses", [error])
    wrapper.__cause__ = group
    assert list(islice(_causes(group), 5)) == [group, error, wrapper]
    assert diagnose(group, has_connected=False) is None
