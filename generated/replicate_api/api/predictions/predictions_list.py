"""Page through predictions

GET /predictions
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("page_of_predictions", "PageOfPredictions")


def request(
    *,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: models.PredictionsListSource | Literal["web"] | None = None,
) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request(
        "GET",
        "/predictions",
        params=types.dump_params(
            created_after=("created_after", types.DATETIME, created_after),
            created_before=("created_before", types.DATETIME, created_before),
            source=("source", types.EnumOf("predictions_list_source", "PredictionsListSource"), source),
        ),
    )


def build(
    *,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: models.PredictionsListSource | Literal["web"] | None = None,
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


def parse(response: httpx.Response) -> models.PageOfPredictions:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.PageOfPredictions", types.load_response(_RESULT, response))


def sync_detailed(
    *,
    client: Sender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: models.PredictionsListSource | Literal["web"] | None = None,
) -> types.Response[models.PageOfPredictions]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(
        request(created_after=created_after, created_before=created_before, source=source),
        lambda response: types.to_response(response, parse),
    )


def sync(
    *,
    client: Sender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: models.PredictionsListSource | Literal["web"] | None = None,
) -> models.PageOfPredictions:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(
        client=client, created_after=created_after, created_before=created_before, source=source
    ).result()


async def asyncio_detailed(
    *,
    client: AsyncSender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: models.PredictionsListSource | Literal["web"] | None = None,
) -> types.Response[models.PageOfPredictions]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(
        request(created_after=created_after, created_before=created_before, source=source),
        lambda response: types.to_response(response, parse),
    )


async def asyncio(
    *,
    client: AsyncSender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: models.PredictionsListSource | Literal["web"] | None = None,
) -> models.PageOfPredictions:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (
        await asyncio_detailed(client=client, created_after=created_after, created_before=created_before, source=source)
    ).result()
