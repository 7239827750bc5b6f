"""List public models.

They are sorted by the date of their newest version, newest first, unless you choose otherwise, with 25 on a page. Only
models with at least one version and one example are listed.

GET /models
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("page_of_models", "PageOfModels")


def request(
    *,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "GET",
        "/models",
        params=types.dump_params(
            sort_by=("sort_by", types.EnumOf("models_list_sort_by", "ModelsListSortBy"), sort_by),
            sort_direction=(
                "sort_direction",
                types.EnumOf("models_list_sort_direction", "ModelsListSortDirection"),
                sort_direction,
            ),
        ),
    )


def build(
    *,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> types.Request:
    """Return the request of `models.list`.

    Args:
        sort_by: The date to sort by: `latest_version_created_at`, that of the latest version (the default), or
            `model_created_at`, that of the model.
        sort_direction: `desc` for the newest first (the default), `asc` for the oldest first.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(sort_by=sort_by, sort_direction=sort_direction)


def parse(response: httpx.Response) -> models.PageOfModels:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.PageOfModels", types.load_response(_RESULT, response))


def sync_detailed(
    *,
    client: Sender,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> types.Response[models.PageOfModels]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(
        request(sort_by=sort_by, sort_direction=sort_direction), lambda response: types.to_response(response, parse)
    )


def sync(
    *,
    client: Sender,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> models.PageOfModels:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client, sort_by=sort_by, sort_direction=sort_direction).result()


async def asyncio_detailed(
    *,
    client: AsyncSender,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> types.Response[models.PageOfModels]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(
        request(sort_by=sort_by, sort_direction=sort_direction), lambda response: types.to_response(response, parse)
    )


async def asyncio(
    *,
    client: AsyncSender,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> models.PageOfModels:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client, sort_by=sort_by, sort_direction=sort_direction)).result()
