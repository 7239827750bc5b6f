"""Page through predictions

GET /predictions
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.page_of_predictions import PageOfPredictions
    from ...models.predictions_list_source import PredictionsListSource

_RESULT = types.Nested("page_of_predictions", "PageOfPredictions")


def request(
    *,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: PredictionsListSource | Literal["web"] | None = None,
) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request(
        "GET",
        "/predictions",
        params=types.given(
            created_after=("created_after", types.TIME, created_after),
            created_before=("created_before", types.TIME, created_before),
            source=("source", types.OneOf("predictions_list_source", "PredictionsListSource"), source),
        ),
    )


def build(
    *,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: PredictionsListSource | Literal["web"] | None = None,
) -> types.Request:
    """Page through predictions

    Returns one page of the account's predictions, 100 at a time, newest first, whether made through the API
    or on the web.

    Args:
        created_after: Leave out predictions made before this moment, in ISO 8601.
        created_before: Leave out predictions made at or after this moment, in ISO 8601.
        source: `web` gives those made on the web alone, of the past 14 days; without it both kinds are
            returned.
    """
    return request(created_after=created_after, created_before=created_before, source=source)


def parse(response: httpx.Response) -> PageOfPredictions:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("PageOfPredictions", types.read(_RESULT, response))


def sync_detailed(
    *,
    client: Sender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: PredictionsListSource | Literal["web"] | None = None,
) -> types.Response[PageOfPredictions]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(
        client.send(request(created_after=created_after, created_before=created_before, source=source)), parse
    )


def sync(
    *,
    client: Sender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: PredictionsListSource | Literal["web"] | None = None,
) -> PageOfPredictions:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(
        client=client, created_after=created_after, created_before=created_before, source=source
    ).result()


async def asyncio_detailed(
    *,
    client: AsyncSender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: PredictionsListSource | Literal["web"] | None = None,
) -> types.Response[PageOfPredictions]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(
        await client.asend(request(created_after=created_after, created_before=created_before, source=source)), parse
    )


async def asyncio(
    *,
    client: AsyncSender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: PredictionsListSource | Literal["web"] | None = None,
) -> PageOfPredictions:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(
        client=client, created_after=created_after, created_before=created_before, source=source
    )
    return answer.result()
