"""List the account's predictions.

They are listed newest first, 100 on a page, whether made through the API or on the web.

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
    """Return the request; the arguments are those of `build`."""
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
    """Return the request of `predictions.list`.

    Args:
        created_after: Leave out predictions created before this time.
        created_before: Leave out predictions created at or after this time.
        source: `web` for only those made on the web, of the past 14 days; by default all are listed.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(created_after=created_after, created_before=created_before, source=source)


def parse(response: httpx.Response) -> models.PageOfPredictions:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.PageOfPredictions", types.load_response(_RESULT, response))


def sync_detailed(
    *,
    client: Sender,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    source: models.PredictionsListSource | Literal["web"] | None = None,
) -> types.Response[models.PageOfPredictions]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
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
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
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
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
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
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (
        await asyncio_detailed(client=client, created_after=created_after, created_before=created_before, source=source)
    ).result()
