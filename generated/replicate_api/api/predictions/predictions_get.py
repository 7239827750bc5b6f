"""Get a prediction.

Poll until its status is `succeeded`, `failed`, `canceled` or `aborted`. Input, output, logs and output files of
predictions made through the API are erased one hour after they end, and `output` is null then: save what you need.
Output files are on replicate.delivery and its subdomains.

GET /predictions/{prediction_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("prediction", "Prediction")


def request(prediction_id: str | models.Prediction) -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "GET",
        types.format_path(
            "/predictions/{prediction_id}", prediction_id=(types.KeyOf(("id",), "Prediction"), prediction_id)
        ),
    )


def build(prediction_id: str | models.Prediction) -> types.Request:
    """Return the request of `predictions.get`.

    Args:
        prediction_id: Id of the prediction. A `Prediction` works too.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(prediction_id)


def parse(response: httpx.Response) -> models.Prediction:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Prediction", types.load_response(_RESULT, response))


def sync_detailed(prediction_id: str | models.Prediction, *, client: Sender) -> types.Response[models.Prediction]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(prediction_id), lambda response: types.to_response(response, parse))


def sync(prediction_id: str | models.Prediction, *, client: Sender) -> models.Prediction:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(prediction_id, client=client).result()


async def asyncio_detailed(
    prediction_id: str | models.Prediction, *, client: AsyncSender
) -> types.Response[models.Prediction]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(prediction_id), lambda response: types.to_response(response, parse))


async def asyncio(prediction_id: str | models.Prediction, *, client: AsyncSender) -> models.Prediction:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(prediction_id, client=client)).result()
